/*
 * experiment_read.c: entries into an experiment, with every check that there is.
 *
 * First the names are resolved (strategy, operators), because they decide which other keys there
 * are. Then each entry is taken in the order of the file, so that the first mistake in the file is
 * the one reported. Then what is missing is named, then what does not fit together.
 */
#include "coordinator/experiment/experiment_reader.h"

#include "coordinator/search/choice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------------- refusals */

int require_value(const struct reader *reader, const struct entry *entry, const char *range)
{
    if (entry->kind == ENTRY_VALUE)
        return 0;
    return entries_fail(reader->entries, entry, ENTRY_TEXT_PART, reader->error,
                        "expected %s, got a %s", range,
                        entry->kind == ENTRY_MAP ? "mapping" : "list");
}

int require_map(const struct reader *reader, const struct entry *entry, const struct words *words)
{
    if (entry->kind == ENTRY_MAP)
        return 0;
    char known[WORDS_LIST_BYTES_MAX];
    words_list(words, known);
    return entries_fail(reader->entries, entry, ENTRY_TEXT_PART, reader->error,
                        "expected a mapping of %s", known);
}

int refuse_key(const struct reader *reader, const struct entry *entry, const char *key,
               const struct words *words)
{
    char text[WORDS_REFUSAL_BYTES_MAX], word[ENTRY_PATH_BYTES_MAX];
    /* A path from --set may go on below the unknown key. */
    snprintf(word, sizeof word, "%.*s", (int)strcspn(key, "."), key);
    words_refusal(words, word, "known", text);
    return entries_fail(reader->entries, entry, ENTRY_KEY_PART, reader->error, "unknown key%s",
                        text);
}

int refuse_missing(const struct reader *reader, const char *key, const char *label,
                   const char *allowed)
{
    return entries_fail(reader->entries, NULL, ENTRY_KEY_PART, reader->error,
                        "%s: missing, and has no default; %s: %s", key, label, allowed);
}

/* --------------------------------------------------------------------------------- the settings */

/* Length of "search." for a path in the mapping "search"; 0 when there is no such mapping. */
static size_t group_length(const char *path)
{
    size_t length = strcspn(path, ".");
    const struct setting *setting;
    for (uint32_t i = 0; (setting = setting_at(i)) != NULL; i++)
        if (strncmp(setting->param.name, path, length) == 0 && setting->param.name[length] == '.')
            return length + 1;
    return 0;
}

/* The keys in the mapping that the first `length` bytes of `path` name; 0: those of the file. */
static void setting_keys(const char *path, size_t length, struct words *words)
{
    const struct setting *setting;
    for (uint32_t i = 0; (setting = setting_at(i)) != NULL; i++) {
        char key[WORD_BYTES_MAX];
        const char *name = setting->param.name;
        if (length > 0 && (strncmp(name, path, length - 1) != 0 || name[length - 1] != '.'))
            continue;
        snprintf(key, sizeof key, "%.*s", (int)strcspn(name + length, "."), name + length);
        words_add(words, key);
        if (length > 0 && setting->form == SETTING_MODEL)
            words_add(words, "layers"); /* the same in another form: experiment_layers.c */
    }
}

/* The words of a row's choices that are in the bit set: "fashion-mnist or idx". */
static void list_choices(const char *key, uint32_t set, char *text, size_t size)
{
    const struct param *param = &setting_at((uint32_t)setting_find(key))->param;
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < 32 && set >> i != 0; i++) {
        char word[SETTING_TEXT_BYTES_MAX];
        if ((set >> i & 1) == 0)
            continue;
        param_format(param, i, word, sizeof word);
        int written = snprintf(text + used, size - used, "%s%s", used == 0 ? "" : " or ", word);
        used += (size_t)written < size - used ? (size_t)written : size - used - 1;
    }
}

/* "is for evaluator train, and this one is null". */
static int refuse_idle(const struct reader *reader, const struct entry *entry, const char *decider,
                       uint32_t set)
{
    char wanted[96], chosen[SETTING_TEXT_BYTES_MAX];
    list_choices(decider, set, wanted, sizeof wanted);
    setting_format(setting_at((uint32_t)setting_find(decider)), &reader->experiment->settings,
                   chosen);
    return entries_fail(reader->entries, entry, ENTRY_KEY_PART, reader->error,
                        "is for %s %s, and this one is %s", decider, wanted, chosen);
}

bool is_given(const struct reader *reader, const char *key)
{
    return reader->given[setting_find(key)];
}

/* A setting that this experiment has no use for is a mistake: it would do nothing. */
static int require_use(const struct reader *reader, const struct entry *entry,
                       const struct setting *setting)
{
    const struct settings *settings = &reader->experiment->settings;
    if (!is_given(reader, "evaluator"))
        return 0; /* which is said in its place */
    if (!setting_has(setting->evaluators, settings->evaluator))
        return refuse_idle(reader, entry, "evaluator", setting->evaluators);
    if (is_given(reader, "data.set") && !setting_has(setting->data_sets, settings->data_set))
        return refuse_idle(reader, entry, "data.set", setting->data_sets);
    if (!setting_has(setting->optimizers, settings->train_optimizer))
        return refuse_idle(reader, entry, "train.optimizer", setting->optimizers);
    if (!setting_has(setting->schedules, settings->train_schedule))
        return refuse_idle(reader, entry, "train.schedule", setting->schedules);
    return 0;
}

static int read_setting(struct reader *reader, const struct entry *entry)
{
    int index = setting_find(entry->path);
    if (index < 0) {
        struct words words = {0};
        size_t length = group_length(entry->path);
        setting_keys(entry->path, length, &words);
        if (length == strlen(entry->path) + 1)
            return require_map(reader, entry, &words);
        return refuse_key(reader, entry, entry->path + length, &words);
    }
    const struct setting *setting = setting_at((uint32_t)index);
    char range[SETTING_RANGE_BYTES_MAX];
    struct error reason;
    setting_range(setting, range);
    if (require_use(reader, entry, setting) != 0 || require_value(reader, entry, range) != 0)
        return -1;
    if (setting_parse(setting, entry->text, &reader->experiment->settings, &reason) != 0)
        return entries_fail(reader->entries, entry, ENTRY_TEXT_PART, reader->error, "%s",
                            reason.text);
    reader->given[index] = true;
    return 0;
}

/* "search" and "search.lines" are under "search". */
static bool is_under(const char *path, const char *group)
{
    size_t length = strlen(group);
    return strncmp(path, group, length) == 0 && (path[length] == '\0' || path[length] == '.');
}

static int read_entry(struct reader *reader, const struct entry *entry)
{
    if (is_under(entry->path, "strategy"))
        return read_strategy(reader, entry);
    if (is_under(entry->path, "operators"))
        return read_operators(reader, entry);
    return read_setting(reader, entry);
}

/* --------------------------------------------------------------------- missing, and not fitting */

static int require_settings(const struct reader *reader)
{
    const struct setting *setting;
    for (uint32_t i = 0; (setting = setting_at(i)) != NULL; i++) {
        char range[SETTING_RANGE_BYTES_MAX];
        setting_range(setting, range);
        if (setting->required && setting->form != SETTING_CATALOGUE && !reader->given[i] &&
            setting_applies(setting, &reader->experiment->settings))
            return refuse_missing(reader, setting->param.name, "allowed", range);
    }
    return 0;
}

static int refuse_product(const struct reader *reader, const char *what, uint64_t each,
                          uint64_t most)
{
    uint64_t lines = experiment_open_lines(reader->experiment);
    return entries_fail(reader->entries, NULL, ENTRY_KEY_PART, reader->error,
                        "%s x open lines = %" PRIu64 " x %" PRIu64 " = %" PRIu64
                        ": at most %" PRIu64 " are allowed",
                        what, each, lines, each * lines, most);
}

/* Each class computes what only the evaluator `train` has, and in some precisions. */
static int check_numeric(const struct reader *reader)
{
    const struct settings *settings = &reader->experiment->settings;
    const bool is_fp32 = settings->train_precision == PRECISION_CHOICE_FP32;
    const struct entry *entry = entries_find(reader->entries, "numeric");
    if (settings->numeric == NUMERIC_CHOICE_PORTABLE)
        return 0;
    if (settings->evaluator != EVALUATOR_TRAIN)
        return entries_fail(reader->entries, entry, ENTRY_TEXT_PART, reader->error,
                            "%s is for evaluator train", entry->text);
    if (settings->numeric == NUMERIC_CHOICE_NATIVE && !is_fp32)
        return entries_fail(reader->entries, entry, ENTRY_TEXT_PART, reader->error,
                            "native computes in fp32 only, and train.precision is another");
    if (settings->numeric != NUMERIC_CHOICE_NATIVE && is_fp32)
        return entries_fail(reader->entries, entry, ENTRY_TEXT_PART, reader->error,
                            "%s multiplies bfloat16 only: it needs a train.precision of bf16",
                            entry->text);
    return 0;
}

static int check_together(const struct reader *reader)
{
    const struct experiment *experiment = reader->experiment;
    const struct strategy *strategy = experiment->search.strategy;
    const char *complaint = strategy->check(&experiment->search);
    if (complaint != NULL)
        return entries_fail(reader->entries, entries_find(reader->entries, "strategy.name"),
                            ENTRY_TEXT_PART, reader->error, "%s", complaint);
    uint64_t lines = experiment_open_lines(experiment);
    uint64_t lookahead = (uint64_t)experiment->settings.lookahead;
    if (lookahead * lines > IN_FLIGHT_MAX)
        return refuse_product(reader, "search.lookahead", lookahead, IN_FLIGHT_MAX);
    uint64_t kept = strategy->population_max(&experiment->search);
    if (kept * lines > KEPT_MAX)
        return refuse_product(reader, "the strategy's population", kept, KEPT_MAX);
    if (check_numeric(reader) != 0)
        return -1;
    if (is_given(reader, "train.epochs") && experiment->settings.train_steps > 0)
        return entries_fail(reader->entries, entries_find(reader->entries, "train.epochs"),
                            ENTRY_KEY_PART, reader->error,
                            "would do nothing, because train.steps is %.0f: leave out "
                            "train.epochs, or train.steps for passes over the data",
                            experiment->settings.train_steps);
    return check_data(reader) != 0 || check_controls(reader) != 0 ? -1 : 0;
}

/* They decide which operators and which other settings there are: read ahead of their turn. */
static int resolve_deciders(struct reader *reader)
{
    static const char *const keys[] = {"evaluator", "data.set", "train.optimizer",
                                       "train.schedule"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct entry *entry = entries_find(reader->entries, keys[i]);
        if (entry != NULL && read_setting(reader, entry) != 0)
            return -1;
    }
    return 0;
}

int experiment_read(struct experiment *experiment, const struct entries *entries,
                    struct error *error)
{
    struct reader reader = {.entries = entries, .error = error, .experiment = experiment};
    settings_set_defaults(&experiment->settings);
    experiment->search = (struct search_config){0};
    if (resolve_deciders(&reader) != 0 || resolve_strategy(&reader) != 0 ||
        resolve_operators(&reader) != 0)
        return -1;
    for (uint32_t i = 0; i < entries->count; i++)
        if (read_entry(&reader, &entries->items[i]) != 0)
            return -1;
    experiment->search.seed = experiment->settings.seed;
    experiment->search.operator_count = reader.operator_count;
    experiment->search.founder = choice_founder(&experiment->search);
    if (require_settings(&reader) != 0 || require_names(&reader) != 0)
        return -1;
    return check_together(&reader);
}
