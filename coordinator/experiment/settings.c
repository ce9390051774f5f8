/*
 * settings.c: the table; see settings.h. The rows of evaluator `train` are in settings_train.c and
 * settings_controls.c, how values are read and written is in settings_value.c.
 *
 * The rows stand in the order in which a newcomer should meet them: it is the order of lists and
 * help.
 */
#include "coordinator/experiment/settings.h"

#include "common/operator_catalog.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define AT(field) offsetof(struct settings, field)

/* Rows in front of those of evaluator `train`. */
static const struct setting first_rows[] = {
    {.param = {.name = "name", .help = "what the run is called: letters, digits, - and _"},
     .form = SETTING_NAME,
     .scope = SETTING_PLACE,
     .offset = AT(name),
     .required = true},
    {.param = {.name = "seed", .fallback = 1, .help = "where all random numbers come from"},
     .form = SETTING_COUNT64,
     .scope = SETTING_SEARCH,
     .offset = AT(seed)},
    {.param = {.name = "numeric",
               .kind = PARAM_CHOICE,
               .choices = "portable|native|avx512_bf16|amx_bf16",
               .help = "what decides a result's bits; portable: the same on any CPU"},
     .form = SETTING_PARAM,
     .scope = SETTING_SEARCH | SETTING_SPEC,
     .offset = AT(numeric)},
    {.param = {.name = "evaluator",
               .kind = PARAM_CHOICE,
               .choices = "null|train",
               .help = "what carries jobs out; null: a landscape without training"},
     .form = SETTING_PARAM,
     .scope = SETTING_SEARCH | SETTING_SPEC,
     .offset = AT(evaluator),
     .required = true},

    /*
     * The last two never change a result, yet they are SEARCH like the others: the spec has them,
     * each job carries the spec's digest, and a rule "part of the spec, but not of its digest"
     * would cost more than it saves in an evaluator that only tests use.
     */
    {.param = {.name = "null.dim",
               .kind = PARAM_WHOLE,
               .least = 1,
               .most = 1048576,
               .fallback = 16,
               .help = "length of a genome"},
     .form = SETTING_PARAM,
     .scope = SETTING_SEARCH | SETTING_SPEC,
     .offset = AT(null_dim),
     .evaluators = FOR_NULL},
    {.param = {.name = "null.heal",
               .kind = PARAM_REAL,
               .least = 0,
               .most = 1,
               .fallback = 0.1,
               .help = "how far a job's training pulls its genome to the target"},
     .form = SETTING_PARAM,
     .scope = SETTING_SEARCH | SETTING_SPEC,
     .offset = AT(null_heal),
     .evaluators = FOR_NULL},
    {.param = {.name = "null.work_ms",
               .kind = PARAM_WHOLE,
               .least = 0,
               .most = 3600000,
               .fallback = 0,
               .help = "how long a job pretends to work, in milliseconds"},
     .form = SETTING_PARAM,
     .scope = SETTING_SEARCH | SETTING_SPEC,
     .offset = AT(null_work_ms),
     .evaluators = FOR_NULL},
    {.param = {.name = "null.crash_per_million",
               .kind = PARAM_WHOLE,
               .least = 0,
               .most = 1000000,
               .fallback = 0,
               .help = "attempts in a million that kill their slot, for tests"},
     .form = SETTING_PARAM,
     .scope = SETTING_SEARCH | SETTING_SPEC,
     .offset = AT(null_crash_per_million),
     .evaluators = FOR_NULL},
};

/* Rows behind them. */
static const struct setting last_rows[] = {
    {.param = {.name = "operators", .help = "what mutates: a list of {name, weight, parameters}"},
     .form = SETTING_CATALOGUE,
     .scope = SETTING_SEARCH,
     .required = true},
    {.param = {.name = "strategy.name", .help = "who chooses parents and keeps children"},
     .form = SETTING_CATALOGUE,
     .scope = SETTING_SEARCH,
     .required = true},

    {.param = {.name = "search.commit",
               .kind = PARAM_CHOICE,
               .choices = "ordered|arrival",
               .help = "ordered: the same result on any machines; arrival: never waits"},
     .form = SETTING_PARAM,
     .scope = SETTING_SEARCH,
     .offset = AT(commit)},
    {.param = {.name = "search.lookahead",
               .kind = PARAM_WHOLE,
               .least = 1,
               .most = LOOKAHEAD_MAX,
               .fallback = 8,
               .help = "jobs of one line in flight"},
     .form = SETTING_PARAM,
     .scope = SETTING_SEARCH,
     .offset = AT(lookahead)},
    {.param = {.name = "search.lines",
               .kind = PARAM_WHOLE,
               .least = 1,
               .most = LINES_MAX,
               .fallback = 1,
               .help = "searches that share nothing"},
     .form = SETTING_PARAM,
     .scope = SETTING_SEARCH,
     .offset = AT(lines)},
    {.param = {.name = "search.open_lines",
               .kind = PARAM_WHOLE,
               .least = 1,
               .most = LINES_MAX,
               .fallback = 16,
               .help = "lines that run at the same time"},
     .form = SETTING_PARAM,
     .scope = SETTING_SEARCH,
     .offset = AT(open_lines)},
    {.param = {.name = "search.stream",
               .kind = PARAM_CHOICE,
               .choices = "line|shared",
               .help =
                   "mini-batch orders: of each line's own, or the same for equal job numbers of "
                   "all lines, which workers then train together"},
     .form = SETTING_PARAM,
     .scope = SETTING_SEARCH,
     .offset = AT(stream),
     .default_unwritten = true},

    {.param = {.name = "budget.jobs",
               .kind = PARAM_WHOLE,
               .least = 1,
               .most = 1e12,
               .help = "jobs to create in each line"},
     .form = SETTING_PARAM,
     .scope = SETTING_LIMIT,
     .offset = AT(jobs),
     .required = true},
    {.param = {.name = "stop.fitness",
               .kind = PARAM_REAL,
               .least = -1e9,
               .most = 1e9,
               .fallback = NAN,
               .help = "a line ends once its champion is this good"},
     .form = SETTING_PARAM,
     .scope = SETTING_LIMIT,
     .offset = AT(stop_fitness)},
    {.param = {.name = "stop.stagnation",
               .kind = PARAM_WHOLE,
               .least = 0,
               .most = 1e12,
               .fallback = 0,
               .help = "a line ends after so many commits without a new champion; 0: never"},
     .form = SETTING_PARAM,
     .scope = SETTING_LIMIT,
     .offset = AT(stop_stagnation)},
    {.param = {.name = "stop.hours",
               .kind = PARAM_REAL,
               .least = 1e-4,
               .most = 87600,
               .fallback = NAN,
               .help = "the run ends after so many hours"},
     .form = SETTING_PARAM,
     .scope = SETTING_LIMIT,
     .offset = AT(stop_hours)},
    {.param = {.name = "final_evaluation",
               .kind = PARAM_CHOICE,
               .choices = "false|true",
               .fallback = 1,
               .help = "the last job of a line evaluates its champion on the test slice"},
     .form = SETTING_PARAM,
     .scope = SETTING_SEARCH,
     .offset = AT(final_evaluation)},

    {.param = {.name = "opinions.promising",
               .kind = PARAM_CHOICE,
               .choices = "false|true",
               .fallback = 1,
               .help = "a would-be champion is evaluated again, elsewhere if possible"},
     .form = SETTING_PARAM,
     .scope = SETTING_PLACE,
     .offset = AT(promising)},
    {.param = {.name = "opinions.audit",
               .kind = PARAM_REAL,
               .least = 0,
               .most = 1,
               .help = "share of the jobs that another worker carries out again before they count"},
     .form = SETTING_PARAM,
     .scope = SETTING_PLACE,
     .offset = AT(audit)},
    {.param = {.name = "poison",
               .kind = PARAM_CHOICE,
               .choices = "stop|fail",
               .help = "a job that kills its slots stops its line, or counts as failed"},
     .form = SETTING_PARAM,
     .scope = SETTING_PLACE,
     .offset = AT(poison)},
    {.param = {.name = "storage.keep",
               .kind = PARAM_CHOICE,
               .choices = "live|all",
               .help = "which checkpoints stay: the population and some ancestors, or all"},
     .form = SETTING_PARAM,
     .scope = SETTING_PLACE,
     .offset = AT(keep)},
    {.param = {.name = "storage.disk_max", .help = "bytes of checkpoints to keep; 0: no limit"},
     .form = SETTING_BYTES,
     .scope = SETTING_PLACE,
     .offset = AT(disk_max)},
};

enum {
    FIRST_ROWS = sizeof first_rows / sizeof first_rows[0],
    LAST_ROWS = sizeof last_rows / sizeof last_rows[0],
};

static const struct {
    const struct setting *rows;
    uint32_t count;
} parts[] = {
    {first_rows, FIRST_ROWS},
    {settings_train_rows, SETTINGS_TRAIN_ROWS},
    {settings_controls_rows, SETTINGS_CONTROLS_ROWS},
    {last_rows, LAST_ROWS},
};

_Static_assert(FIRST_ROWS + SETTINGS_TRAIN_ROWS + SETTINGS_CONTROLS_ROWS + LAST_ROWS <=
                   SETTINGS_MAX,
               "SETTINGS_MAX is too small");

const struct setting *setting_at(uint32_t index)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (index < parts[i].count)
            return &parts[i].rows[index];
        index -= parts[i].count;
    }
    return NULL;
}

int setting_find(const char *key)
{
    const struct setting *setting;
    for (uint32_t i = 0; (setting = setting_at(i)) != NULL; i++)
        if (strcmp(setting->param.name, key) == 0)
            return (int)i;
    return -1;
}

bool setting_has(uint32_t set, double choice)
{
    return set == 0 || (set >> (uint32_t)choice & 1) != 0;
}

bool setting_applies(const struct setting *setting, const struct settings *settings)
{
    return setting_has(setting->evaluators, settings->evaluator) &&
           setting_has(setting->data_sets, settings->data_set) &&
           setting_has(setting->optimizers, settings->train_optimizer) &&
           setting_has(setting->schedules, settings->train_schedule) &&
           !(setting->without_steps && settings->train_steps > 0);
}

bool setting_is_written(const struct setting *setting, const struct settings *settings)
{
    if (!setting_applies(setting, settings))
        return false;
    if (!setting->default_unwritten)
        return true;
    assert(setting->form == SETTING_PARAM);
    double value;
    memcpy(&value, (const char *)settings + setting->offset, sizeof value);
    return value != setting->param.fallback;
}
