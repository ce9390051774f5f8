/*
 * experiment_read.c: entries into an experiment, with every check that there is.
 *
 * First the names are resolved (strategy, operators), because they decide which other keys there
 * are. Then each entry is taken in the order of the file, so that the first mistake in the file is
 * the one reported. Then what is missing is named, then what does not fit together.
 */
#include "coordinator/experiment/experiment_reader.h"

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
    }
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
    if (require_value(reader, entry, range) != 0)
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
        if (setting->required && setting->form != SETTING_CATALOGUE && !reader->given[i])
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
    return 0;
}

/* The evaluator decides which operators there are, so it is read ahead of its turn. */
static int resolve_evaluator(struct reader *reader)
{
    const struct entry *entry = entries_find(reader->entries, "evaluator");
    return entry == NULL ? 0 : read_setting(reader, entry);
}

int experiment_read(struct experiment *experiment, const struct entries *entries,
                    struct error *error)
{
    struct reader reader = {.entries = entries, .error = error, .experiment = experiment};
    settings_set_defaults(&experiment->settings);
    experiment->search = (struct search_config){0};
    if (resolve_evaluator(&reader) != 0 || resolve_strategy(&reader) != 0 ||
        resolve_operators(&reader) != 0)
        return -1;
    for (uint32_t i = 0; i < entries->count; i++)
        if (read_entry(&reader, &entries->items[i]) != 0)
            return -1;
    experiment->search.seed = experiment->settings.seed;
    experiment->search.operator_count = reader.operator_count;
    if (require_settings(&reader) != 0 || require_names(&reader) != 0)
        return -1;
    return check_together(&reader);
}
