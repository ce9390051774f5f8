/* trial.c: see trial.h. */
#include "tests/simulation/trial.h"

#include "common/operator_catalog.h"
#include "tests/simulation/dice.h"
#include "worker/core/worker_core.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char TRIAL_NUMERIC[] = "portable";

static void fill_line(const void *context, uint32_t line, struct line_config *config)
{
    const struct trial *trial = context;
    assert(line < trial->config.line_count);
    *config = trial->lines[line];
}

static void fill_first_line(const void *context, uint32_t line, struct line_config *config)
{
    const struct trial *trial = context;
    assert(line < trial->config.line_count);
    *config = trial->first_lines[line];
}

/* ------------------------------------------------------------------------------------- the search
 */

/* A value inside the row's range, mostly near its lower end: trials are small. */
static double draw_param(struct dice *dice, const struct param *param)
{
    if (dice_chance(dice, 0.3))
        return param->fallback;
    if (param->kind == PARAM_CHOICE) {
        uint32_t words = 1;
        for (const char *c = param->choices; *c != '\0'; c++)
            words += *c == '|';
        return dice_below(dice, words);
    }
    double reach = param->kind == PARAM_WHOLE ? 12 : 1;
    double most = fmin(param->most, param->least + reach);
    double value = param->least + dice_unit(dice) * (most - param->least);
    return param->kind == PARAM_WHOLE ? round(value) : value;
}

static void draw_operator(struct dice *dice, struct operator_choice *choice)
{
    static const char *const names[] = {"none", "noise", "crossover"};
    static const uint32_t shares[] = {1, 6, 2};
    uint32_t mark = dice_below(dice, 9), i = 0;
    while (mark >= shares[i])
        mark -= shares[i++];
    const struct operator_info *info = operator_find(names[i]);
    assert(info != NULL && (info->evaluators & FOR_NULL) != 0);
    *choice = (struct operator_choice){.parents = info->parents, .weight = 0.1 + dice_unit(dice)};
    snprintf(choice->call.name, sizeof choice->call.name, "%s", info->name);
    choice->call.param_count = info->param_count;
    for (uint32_t p = 0; p < info->param_count; p++)
        choice->call.params[p] = draw_param(dice, &info->params[p]);
}

static void draw_search(struct dice *dice, struct search_config *search)
{
    uint32_t known = 0;
    while (strategy_at(known) != NULL)
        known++;
    do {
        const struct strategy *strategy = strategy_at(dice_below(dice, known));
        search->strategy = strategy;
        for (uint32_t p = 0; p < strategy->param_count; p++)
            search->params[p] = draw_param(dice, &strategy->params[p]);
        search->operator_count = 1 + dice_below(dice, 3);
        for (uint32_t i = 0; i < search->operator_count; i++)
            draw_operator(dice, &search->operators[i]);
    } while (search->strategy->check(search) != NULL);
}

/* -------------------------------------------------------------------------------------- the trial
 */

static void draw_spec(struct trial *trial, struct dice *dice)
{
    uint32_t dim = 4 + dice_below(dice, 13), heal_tenths = dice_below(dice, 10);
    snprintf(trial->spec, sizeof trial->spec,
             "evaluator = null\ndim = %u\nheal = 0.%u\nwork_ms = 0\n", dim, heal_tenths);
    trial->spec_digest = digest_of(trial->spec, strlen(trial->spec));
    struct error error;
    int wrong = null_spec_parse(trial->spec, &trial->null, &error);
    if (wrong != 0)
        fprintf(stderr, "the simulator's spec is refused: %s\n", error.text);
    assert(wrong == 0);
}

static void draw_data(struct trial *trial, struct dice *dice)
{
    if (dice_chance(dice, 0.25))
        return;
    trial->data_bytes = (uint32_t)dice_magnitude(dice, (struct span){1, TRIAL_DATA_BYTES_MAX});
    for (uint32_t i = 0; i < trial->data_bytes; i++)
        trial->data[i] = (uint8_t)dice_below(dice, 256);
    trial->data_digest = digest_of(trial->data, trial->data_bytes);
}

/* What the lines of a trial have in common: they are alike, as in a sweep. */
static struct line_config draw_model(struct dice *dice, const struct trial *trial,
                                     struct span lookahead)
{
    struct line_config line = {
        .spec = trial->spec_digest,
        .data = trial->data_digest,
        .lookahead = (uint32_t)dice_between(dice, lookahead),
        .stop_fitness = NAN,
    };
    line.search.seed = dice_u64(dice);
    draw_search(dice, &line.search);
    return line;
}

static void draw_limits(struct dice *dice, struct line_config *line)
{
    if (dice_chance(dice, 0.15))
        line->stop_fitness = -dice_unit(dice) * 0.3;
    if (dice_chance(dice, 0.15))
        line->stop_stagnation = 3 + dice_below(dice, 30);
}

static void draw_lines(struct trial *trial, struct dice *dice)
{
    /* Most trials are small; a few are large enough for what is done in portions per step. */
    bool large = dice_chance(dice, 0.03);
    struct span lookahead = large ? (struct span){50, 300} : (struct span){1, 12};
    struct span jobs = large ? (struct span){100, 400} : (struct span){5, 60};
    struct line_config model = draw_model(dice, trial, lookahead);
    for (uint32_t i = 0; i < trial->config.line_count; i++) {
        struct line_config *line = &trial->lines[i];
        *line = model;
        line->search.line = i;
        line->jobs = dice_between(dice, jobs);
        line->lookahead = 1 + dice_below(dice, model.lookahead);
        /* The full budget has no further limits: a line then never ends where it ended before. */
        struct line_config *limited = trial->extended ? &trial->first_lines[i] : line;
        trial->first_lines[i] = *line;
        draw_limits(dice, limited);
        if (trial->extended)
            limited->jobs = 1 + dice_below(dice, (uint32_t)line->jobs - 1);
    }
}

static void stretch(struct core_config *config, uint64_t pace)
{
    config->heartbeat_ms *= (uint32_t)pace;
    config->suspect_ms *= (uint32_t)pace;
    config->lost_ms *= (uint32_t)pace;
    config->confirm_ms *= (uint32_t)pace;
    config->reattach_ms *= (uint32_t)pace;
}

static void draw_config(struct core_config *config, struct dice *dice)
{
    config->mode = dice_chance(dice, 0.75) ? COMMIT_ORDERED : COMMIT_ARRIVAL;
    config->final_evaluation = dice_chance(dice, 0.5);
    config->opinion_promising = dice_chance(dice, 0.5);
    config->poison_fails = dice_chance(dice, 0.5);
    static const double audits[] = {0, 0, 0, 0.1, 0.5, 1};
    config->audit = audits[dice_below(dice, sizeof audits / sizeof audits[0])];
    if (config->mode == COMMIT_ORDERED)
        snprintf(config->numeric, sizeof config->numeric, "%s", TRIAL_NUMERIC);
    config->line_count = 1 + dice_below(dice, TRIAL_LINES_MAX);
    config->open_lines = 1 + dice_below(dice, config->line_count);
    config->sessions_max = dice_chance(dice, 0.1) ? ROLES_MAX / 2 : 2 * ROLES_MAX;
}

/* Jobs of equal numbers may be trained together, of all lines if they are open at once. */
static void share_streams(struct trial *trial, struct dice *dice)
{
    if (dice_chance(dice, 0.75))
        trial->config.open_lines = trial->config.line_count;
    for (uint32_t i = 0; i < trial->config.line_count; i++)
        trial->lines[i].search.stream = trial->first_lines[i].search.stream = STREAM_SHARED;
}

void trial_draw(struct trial *trial, uint64_t seed, const struct fault_plan *plan)
{
    *trial = (struct trial){.config = core_config_default()};
    struct dice dice = dice_open(seed, DICE_TRIAL);
    draw_spec(trial, &dice);
    draw_data(trial, &dice);
    trial->pace = dice_chance(&dice, 0.25) ? 1 : dice_magnitude(&dice, (struct span){1, 256});
    trial->job_ms = trial->pace * dice_magnitude(&dice, (struct span){2, 2000});
    trial->poison_per_million = (uint32_t)plan->strength[FAULT_POISON];
    trial->divergent_per_million = (uint32_t)plan->strength[FAULT_DIVERGENCE];
    /* A line that was stopped stays so under any budget: the two would have to be told apart. */
    trial->extended = dice_chance(&dice, fault_chance(plan, FAULT_BUDGET_RAISE)) &&
                      plan->strength[FAULT_STOP] == 0;

    struct core_config *config = &trial->config;
    uint64_t words[2] = {seed, dice_u64(&dice)};
    memcpy(config->run.bytes, words, sizeof config->run.bytes);
    snprintf(config->experiment, sizeof config->experiment, "trial-%" PRIu64, seed);
    config->experiment_digest = digest_of(&seed, sizeof seed);
    draw_config(config, &dice);
    stretch(config, trial->pace);
    if (plan->strength[FAULT_LIAR] > 0 || plan->strength[FAULT_FORGER] > 0)
        config->audit = 1; /* nothing less finds them all */
    draw_lines(trial, &dice);
    if (dice_chance(&dice, 0.5))
        share_streams(trial, &dice);
}

uint32_t trial_jobs_max(const struct trial *trial)
{
    uint64_t jobs = 0;
    for (uint32_t i = 0; i < trial->config.line_count; i++)
        if (trial->lines[i].jobs > jobs)
            jobs = trial->lines[i].jobs;
    return (uint32_t)jobs;
}

void trial_suit_crowd(struct trial *trial, uint32_t workers, uint32_t jobs)
{
    struct core_config *config = &trial->config;
    struct line_config *line = &trial->lines[0];
    struct core_config usual = core_config_default();
    config->mode = COMMIT_ORDERED;
    snprintf(config->numeric, sizeof config->numeric, "%s", TRIAL_NUMERIC);
    config->line_count = config->open_lines = 1;
    config->sessions_max = workers < 4 ? 8 : 2 * workers; /* who died is there until it is lost */
    if (config->sessions_max > SESSIONS_MAX)
        config->sessions_max = SESSIONS_MAX;
    config->heartbeat_ms = usual.heartbeat_ms;
    config->suspect_ms = usual.suspect_ms;
    config->lost_ms = usual.lost_ms;
    config->confirm_ms = usual.confirm_ms;
    config->reattach_ms = usual.reattach_ms;
    trial->crowd = true;
    trial->pace = 1;
    trial->job_ms = 10000;
    trial->extended = false;
    line->jobs = jobs;
    line->lookahead = 2 * workers < LOOKAHEAD_MAX ? 2 * workers : LOOKAHEAD_MAX;
    line->stop_fitness = NAN;
    line->stop_stagnation = 0;
}

struct core_config trial_core_config(const struct trial *trial, enum trial_stage stage,
                                     uint64_t epoch)
{
    struct core_config config = trial->config;
    config.epoch = epoch;
    config.line = stage == STAGE_FIRST ? fill_first_line : fill_line;
    config.line_context = trial;
    return config;
}

void trial_describe(const struct trial *trial, char *text, size_t size)
{
    const struct core_config *config = &trial->config;
    const struct line_config *line = &trial->lines[0];
    snprintf(text, size,
             "%s, %s, %u lines (%u open%s), %" PRIu64 " jobs, lookahead %u, %" PRIu64
             " ms a job, pace %" PRIu64 "%s%s%s, audit %g",
             line->search.strategy->name, config->mode == COMMIT_ORDERED ? "ordered" : "arrival",
             config->line_count, config->open_lines,
             line->search.stream == STREAM_SHARED ? ", shared streams" : "", line->jobs,
             line->lookahead, trial->job_ms, trial->pace, config->final_evaluation ? ", final" : "",
             config->opinion_promising ? ", promising" : "",
             config->poison_fails ? ", poison fails" : "", config->audit);
}

bool trial_is_poison(const struct trial *trial, const struct job *job)
{
    if (trial->poison_per_million == 0 || job->kind != JOB_MUTATE)
        return false;
    struct digest description = job_digest(job);
    uint32_t draw;
    memcpy(&draw, description.bytes + 8, sizeof draw);
    return draw % 1000000 < trial->poison_per_million;
}

bool trial_let_diverge(const struct trial *trial, const struct job *job, struct result *result)
{
    if (trial->divergent_per_million == 0 || job->kind != JOB_MUTATE ||
        trial_is_poison(trial, job) || result->outcome != OUTCOME_OK)
        return false;
    struct digest description = job_digest(job);
    uint32_t draw;
    memcpy(&draw, description.bytes + 12, sizeof draw);
    if (draw % 1000000 >= trial->divergent_per_million)
        return false;
    result->outcome = OUTCOME_DIVERGED;
    result->fitness = (double)NAN;
    if (result->metric_count > 0)
        result->metrics[0].value = draw % 2 == 0 ? (double)NAN : -(double)INFINITY;
    if (draw % 3 == 0) { /* some workers throw such a child away, some do not */
        result->child_bytes = 0;
        result->child = (struct digest){{0}};
    }
    return true;
}

/* --------------------------------------------------------------------------------------- the cast
 */

/* Two honest workers are there before the first forger comes, and for as long as the run lasts. */
static void cast_forgers(struct cast *cast, struct dice *dice, const struct fault_plan *plan)
{
    enum { HONEST = 2 };
    static const uint64_t LATE_MS = 3000;
    if (cast->seats <= HONEST) {
        for (uint32_t i = cast->seats; i <= HONEST; i++)
            cast->roles[i] = cast->roles[0];
        cast->seats = cast->role_count = HONEST + 1;
    }
    for (uint32_t i = 0; i < cast->seats; i++) {
        struct role *role = &cast->roles[i];
        role->linger_ms = UINT64_MAX;
        role->forges = i >= HONEST && dice_chance(dice, fault_chance(plan, FAULT_FORGER));
        role->arrives_ms = i < HONEST ? 0 : role->arrives_ms + LATE_MS;
    }
}

/* Most of the workers put jobs together. */
static void cast_cohorts(struct cast *cast, uint64_t seed)
{
    struct dice dice = dice_open(seed + (UINT64_C(1) << 63), DICE_TRIAL);
    const struct span sizes = {1, WORKER_COHORT_MAX};
    for (uint32_t i = 0; i < cast->role_count; i++) {
        struct role *role = &cast->roles[i];
        bool alone = dice_chance(&dice, 0.25);
        role->cohort_max = alone ? 1 : (uint32_t)dice_between(&dice, sizes);
        role->cohort_best = (uint32_t)dice_between(&dice, sizes);
    }
}

void cast_draw(struct cast *cast, uint64_t seed, const struct fault_plan *plan)
{
    /* Another stream than the trial's, so that both can grow on their own. */
    struct dice dice = dice_open(~seed, DICE_TRIAL);
    *cast = (struct cast){.seats = 1 + dice_below(&dice, ROLES_MAX)};
    cast->role_count = cast->seats;
    bool equal_machines = dice_chance(&dice, 0.3), many_slots = dice_chance(&dice, 0.05);
    for (uint32_t i = 0; i < cast->seats; i++) {
        struct role *role = &cast->roles[i];
        role->slots = 1 + dice_below(&dice, 4);
        role->jobs_per_slot = 1 + dice_below(&dice, 3);
        role->slowness = (uint32_t)dice_magnitude(&dice, (struct span){1, 100});
        role->host = dice_below(&dice, cast->seats);
        role->spool_ms = (uint32_t)dice_magnitude(&dice, (struct span){1, 10000});
        role->linger_ms = UINT64_MAX;
        role->stays = dice_chance(&dice, 0.15);
        if (equal_machines)
            role->slowness = 1;
        if (many_slots)
            role->slots = 1 + dice_below(&dice, NODE_SLOTS_MAX);
        if (dice_chance(&dice, 0.2))
            role->linger_ms = dice_magnitude(&dice, (struct span){3000, 100000});
        if (i > 0 && dice_chance(&dice, 0.3))
            role->arrives_ms = dice_magnitude(&dice, (struct span){100, 100000});
        /* The first seat is what heals a cluster, so it is always one of us. */
        if (i > 0 && dice_chance(&dice, fault_chance(plan, FAULT_FOREIGN)))
            role->foreign = 1 + dice_below(&dice, FOREIGN_LAST);
        if (i > 0 && dice_chance(&dice, fault_chance(plan, FAULT_WRONG_OPINION)))
            role->mistaken = true;
        if (i > 0 && dice_chance(&dice, 0.5))
            role->errs_per_million = (uint32_t)plan->strength[FAULT_LIAR];
    }
    if (plan->strength[FAULT_FORGER] > 0)
        cast_forgers(cast, &dice, plan);
    cast_cohorts(cast, seed);
}

const struct role *cast_role(const struct cast *cast, uint32_t seat)
{
    assert(seat < cast->seats);
    return &cast->roles[seat % cast->role_count];
}

void cast_make_crowd(struct cast *cast, uint32_t workers)
{
    cast->seats = workers;
    for (uint32_t i = 0; i < cast->role_count; i++) {
        struct role *role = &cast->roles[i];
        role->slots = role->jobs_per_slot = role->cohort_max = 1;
        role->slowness = 1 + i % 2;
        role->arrives_ms = 1000 * i;
        role->linger_ms = UINT64_MAX;
        role->stays = false;
    }
}

struct cast cast_of_one(void)
{
    return (struct cast){
        .seats = 1,
        .role_count = 1,
        .roles = {{.slots = 1,
                   .jobs_per_slot = 1,
                   .cohort_max = 1,
                   .cohort_best = 1,
                   .slowness = 1,
                   .spool_ms = 1000000,
                   .linger_ms = UINT64_MAX}},
    };
}
