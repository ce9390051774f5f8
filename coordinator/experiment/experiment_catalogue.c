/*
 * experiment_catalogue.c: the strategy and the operators of an experiment; see experiment_reader.h.
 *
 * What keys they take is known only once their names are: the tables are those of the strategy
 * (coordinator/search) and of the operator catalogue (common/operator_catalog.h).
 */
#include "coordinator/experiment/experiment_reader.h"

#include <stdio.h>
#include <string.h>

const struct param experiment_weight = {
    .name = "weight",
    .kind = PARAM_REAL,
    .least = 1e-6,
    .most = 1e6,
    .fallback = 1,
    .help = "how often the operator is chosen, relative to the others",
};

/* "unknown operator 'nois'; did you mean 'noise'? available: none, noise". */
static int refuse_name(const struct reader *reader, const struct entry *entry, const char *what,
                       const struct words *words)
{
    char text[WORDS_REFUSAL_BYTES_MAX], quoted[NAME_BYTES_MAX];
    words_refusal(words, entry->text, "available", text);
    param_quote(entry->text, quoted, sizeof quoted);
    return entries_fail(reader->entries, entry, ENTRY_TEXT_PART, reader->error, "unknown %s '%s'%s",
                        what, quoted, text);
}

static int read_param(const struct reader *reader, const struct entry *entry,
                      const struct param *param, double *value)
{
    char range[SETTING_RANGE_BYTES_MAX];
    struct error reason;
    param_range(param, range, sizeof range);
    if (require_value(reader, entry, range) != 0)
        return -1;
    if (param_parse(param, entry->text, value, &reason) == 0)
        return 0;
    return entries_fail(reader->entries, entry, ENTRY_TEXT_PART, reader->error, "%s", reason.text);
}

/* --------------------------------------------------------------------------------- the strategy */

static void strategy_words(struct words *words)
{
    for (uint32_t i = 0; strategy_at(i) != NULL; i++)
        words_add(words, strategy_at(i)->name);
}

int resolve_strategy(struct reader *reader)
{
    const struct entry *entry = entries_find(reader->entries, "strategy.name");
    if (entry == NULL)
        return 0;
    struct words words = {0};
    char known[WORDS_LIST_BYTES_MAX];
    strategy_words(&words);
    words_list(&words, known);
    if (require_value(reader, entry, known) != 0)
        return -1;
    struct search_config *search = &reader->experiment->search;
    search->strategy = strategy_find(entry->text);
    if (search->strategy == NULL)
        return refuse_name(reader, entry, "strategy", &words);
    for (uint32_t i = 0; i < search->strategy->param_count; i++)
        search->params[i] = search->strategy->params[i].fallback;
    return 0;
}

static void strategy_keys(const struct strategy *strategy, struct words *words)
{
    words_add(words, "name");
    for (uint32_t i = 0; strategy != NULL && i < strategy->param_count; i++)
        words_add(words, strategy->params[i].name);
}

int read_strategy(const struct reader *reader, const struct entry *entry)
{
    const char *key = entry->path + strlen("strategy");
    key += *key == '.';
    struct search_config *search = &reader->experiment->search;
    const struct strategy *strategy = search->strategy;
    struct words words = {0};
    strategy_keys(strategy, &words);
    if (key[0] == '\0')
        return require_map(reader, entry, &words);
    if (strcmp(key, "name") == 0)
        return 0;
    int index = strategy == NULL ? -1 : param_find(strategy->params, strategy->param_count, key);
    if (index < 0)
        return refuse_key(reader, entry, key, &words);
    return read_param(reader, entry, &strategy->params[index], &search->params[index]);
}

/* -------------------------------------------------------------------------------- the operators */

static bool is_available(const struct reader *reader, const struct operator_info *info)
{
    uint32_t evaluator = UINT32_C(1) << (uint32_t)reader->experiment->settings.evaluator;
    return info->parents > 0 && (info->evaluators & evaluator) != 0;
}

static void operator_words(const struct reader *reader, struct words *words)
{
    for (uint32_t i = 0; operator_at(i) != NULL; i++)
        if (is_available(reader, operator_at(i)))
            words_add(words, operator_at(i)->name);
}

/*
 * Splits "operators.3.scale" into 3 and "scale", "operators.3" into 3 and "". False for other
 * paths, also for those with a number that a list of this length cannot have.
 */
static bool split_operator(const char *path, uint32_t *index, const char **key)
{
    static const char prefix[] = "operators.";
    if (strncmp(path, prefix, sizeof prefix - 1) != 0)
        return false;
    const char *digits = path + sizeof prefix - 1;
    size_t length = strspn(digits, "0123456789");
    if (length == 0 || length > 2 || (length > 1 && digits[0] == '0'))
        return false;
    if (digits[length] != '\0' && digits[length] != '.')
        return false;
    *index = 0;
    for (size_t i = 0; i < length; i++)
        *index = *index * 10 + (uint32_t)(digits[i] - '0');
    *key = digits + length + (digits[length] == '.');
    return *index < OPERATORS_MAX;
}

static int resolve_operator(struct reader *reader, const struct entry *entry, uint32_t index)
{
    struct words words = {0};
    char known[WORDS_LIST_BYTES_MAX];
    operator_words(reader, &words);
    words_list(&words, known);
    if (require_value(reader, entry, known) != 0)
        return -1;
    const struct operator_info *info = operator_find(entry->text);
    if (info == NULL)
        return refuse_name(reader, entry, "operator", &words);
    if (!is_available(reader, info))
        return entries_fail(reader->entries, entry, ENTRY_TEXT_PART, reader->error,
                            "'%s' %s; available: %s", info->name,
                            info->parents == 0 ? "makes founders and cannot be listed"
                                               : "is not for this evaluator",
                            known);
    struct operator_choice *choice = &reader->experiment->search.operators[index];
    *choice = (struct operator_choice){.parents = info->parents, .weight = 1};
    strcpy(choice->call.name, info->name);
    choice->call.param_count = info->param_count;
    for (uint32_t i = 0; i < info->param_count; i++)
        choice->call.params[i] = info->params[i].fallback;
    reader->operators[index] = info;
    return 0;
}

int resolve_operators(struct reader *reader)
{
    for (uint32_t i = 0; i < reader->entries->count; i++) {
        const struct entry *entry = &reader->entries->items[i];
        uint32_t index;
        const char *key;
        if (!split_operator(entry->path, &index, &key))
            continue;
        if (index >= reader->operator_count)
            reader->operator_count = index + 1;
        if (strcmp(key, "name") == 0 && resolve_operator(reader, entry, index) != 0)
            return -1;
    }
    return 0;
}

static void operator_keys(const struct operator_info *info, struct words *words)
{
    words_add(words, "name");
    words_add(words, experiment_weight.name);
    for (uint32_t i = 0; info != NULL && i < info->param_count; i++)
        words_add(words, info->params[i].name);
}

static int read_operator(const struct reader *reader, const struct entry *entry)
{
    uint32_t index;
    const char *key;
    if (!split_operator(entry->path, &index, &key))
        return entries_fail(reader->entries, entry, ENTRY_KEY_PART, reader->error,
                            "at most %d operators, numbered from 0", OPERATORS_MAX);
    const struct operator_info *info = reader->operators[index];
    struct operator_choice *choice = &reader->experiment->search.operators[index];
    struct words words = {0};
    operator_keys(info, &words);
    if (key[0] == '\0')
        return require_map(reader, entry, &words);
    if (strcmp(key, "name") == 0)
        return 0;
    if (strcmp(key, experiment_weight.name) == 0)
        return read_param(reader, entry, &experiment_weight, &choice->weight);
    int param = info == NULL ? -1 : param_find(info->params, info->param_count, key);
    if (param < 0)
        return refuse_key(reader, entry, key, &words);
    return read_param(reader, entry, &info->params[param], &choice->call.params[param]);
}

int read_operators(const struct reader *reader, const struct entry *entry)
{
    if (strcmp(entry->path, "operators") != 0)
        return read_operator(reader, entry);
    if (entry->kind == ENTRY_LIST)
        return 0;
    return entries_fail(reader->entries, entry, ENTRY_TEXT_PART, reader->error,
                        "expected a list such as [{name: none}]");
}

/* -------------------------------------------------------------------------------------- missing */

int require_names(const struct reader *reader)
{
    struct words strategies = {0}, operators = {0};
    char known[WORDS_LIST_BYTES_MAX], available[WORDS_LIST_BYTES_MAX], key[64];
    strategy_words(&strategies);
    words_list(&strategies, known);
    operator_words(reader, &operators);
    words_list(&operators, available);
    if (reader->experiment->search.strategy == NULL)
        return refuse_missing(reader, "strategy.name", "available", known);
    for (uint32_t i = 0; i < reader->operator_count; i++) {
        snprintf(key, sizeof key, "operators.%u.name", i);
        if (reader->operators[i] == NULL)
            return refuse_missing(reader, key, "available", available);
    }
    if (reader->operator_count == 0 && !reader->experiment->search.strategy->founders_only)
        return refuse_missing(reader, "operators", "available", available);
    return 0;
}
