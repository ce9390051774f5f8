/* record_output.c: see record_output.h. */
#include "coordinator/commands/record_output.h"

#include "common/param.h"

#include <stdio.h>
#include <stdlib.h>

void format_number(double value, char text[NUMBER_BYTES_MAX])
{
    static const struct param real = {.kind = PARAM_REAL};
    if (value != value)
        snprintf(text, NUMBER_BYTES_MAX, "nan");
    else
        param_format(&real, value, text, NUMBER_BYTES_MAX);
}

const char *operator_of(const struct commit_record *record)
{
    return record->job.kind == JOB_EVALUATE ? "evaluate" : record->job.call.name;
}

static struct json_node *parents_node(const struct commit_record *record)
{
    struct json_node *list = json_node_array();
    for (uint32_t i = 0; i < record->job.parent_count; i++) {
        char id[ID_BYTES_MAX];
        format_id(record->parent_ids[i], id);
        json_append_node(list, json_node_text(id));
    }
    return list;
}

void format_parents(const struct commit_record *record, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < record->job.parent_count && used < size; i++) {
        char id[ID_BYTES_MAX];
        format_id(record->parent_ids[i], id);
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "", id);
    }
}

static const double *find_metric(const struct commit_record *record, uint32_t id)
{
    for (uint32_t i = 0; record != NULL && i < record->metric_count; i++)
        if (record->metrics[i].id == id)
            return &record->metrics[i].value;
    return NULL;
}

void format_scores(const struct commit_record *champion, const struct commit_record *final,
                   enum score score, char text[SCORES_BYTES_MAX])
{
    static const struct {
        const char *slice;
        uint32_t ids[2]; /* by enum score */
    } rows[] = {{"train", {METRIC_TRAIN_LOSS, METRIC_TRAIN_ACCURACY}},
                {"select", {METRIC_SELECT_LOSS, METRIC_SELECT_ACCURACY}},
                {"confirm", {METRIC_CONFIRM_LOSS, METRIC_CONFIRM_ACCURACY}},
                {"test", {METRIC_TEST_LOSS, METRIC_TEST_ACCURACY}}};
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const double *value = find_metric(final, rows[i].ids[score]);
        if (value == NULL)
            value = find_metric(champion, rows[i].ids[score]);
        if (value == NULL)
            continue;
        bool percent = score == SCORE_ACCURACY;
        used += (size_t)snprintf(text + used, SCORES_BYTES_MAX - used,
                                 percent ? "%s%s %.2f %%" : "%s%s %.5f", used > 0 ? "   " : "",
                                 rows[i].slice, percent ? 100 * *value : *value);
        if (used >= SCORES_BYTES_MAX) /* a loss beyond all measure */
            return;
    }
}

struct json_node *summary_node(const struct commit_record *record)
{
    struct json_node *node = json_node_object();
    char id[ID_BYTES_MAX], hex[DIGEST_HEX_BYTES];
    format_id(record->job.key, id);
    digest_to_hex(&record->child, hex);
    json_set_text(node, "id", id);
    json_set_f64(node, "fitness", record->fitness);
    json_set_bool(node, "admitted", record->admitted);
    json_set_bool(node, "champion", record->champion);
    json_set_u64(node, "depth", record->depth);
    json_set_text(node, "operator", operator_of(record));
    json_set_node(node, "parents", parents_node(record));
    json_set_text(node, "checkpoint", digest_is_zero(&record->child) ? NULL : hex);
    return node;
}

void print_json(struct json_node *root)
{
    char *text = json_print(root, JSON_INDENTED);
    printf("%s\n", text);
    free(text);
    json_node_free(&root);
}
