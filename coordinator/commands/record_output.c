/* record_output.c: see record_output.h. */
#include "coordinator/commands/record_output.h"

#include <stdio.h>
#include <stdlib.h>

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

struct json_node *metrics_node(const struct commit_record *record)
{
    struct json_node *node = json_node_object();
    for (uint32_t i = 0; i < record->metric_count; i++) {
        const char *name = metric_name(record->metrics[i].id);
        if (name != NULL)
            json_set_f64(node, name, record->metrics[i].value);
    }
    return node;
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
