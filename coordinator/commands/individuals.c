/* individuals.c: `ratchet individuals`, `show` and `lineage`: what came out of a run, and from
 * what. */
#include "common/fixed_map.h"
#include "common/operator_catalog.h"
#include "coordinator/commands/command.h"
#include "coordinator/commands/reader.h"
#include "coordinator/commands/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *operator_of(const struct commit_record *record)
{
    return record->job.kind == JOB_EVALUATE ? "evaluate" : record->job.call.name;
}

static uint32_t parents_of(const struct commit_record *record)
{
    return record->job.parent_count;
}

static struct json_node *parents_node(const struct commit_record *record)
{
    struct json_node *list = json_node_array();
    for (uint32_t i = 0; i < parents_of(record); i++) {
        char id[ID_BYTES_MAX];
        format_id(record->parent_ids[i], id);
        json_append_node(list, json_node_text(id));
    }
    return list;
}

/* "0/3 0/5" */
static void format_parents(const struct commit_record *record, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < parents_of(record) && used < size; i++) {
        char id[ID_BYTES_MAX];
        format_id(record->parent_ids[i], id);
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "", id);
    }
}

static struct json_node *summary_node(const struct commit_record *record)
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

static void print_json(struct json_node *root)
{
    char *text = json_print(root, JSON_INDENTED);
    printf("%s\n", text);
    free(text);
    json_node_free(&root);
}

/* -------------------------------------------------------------------------------- individuals */

struct record_list {
    struct commit_record *items;
    size_t count, capacity;
};

static int add_record(struct record_list *list, const struct commit_record *record,
                      struct error *error)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 256 : 2 * list->capacity;
        struct commit_record *items = realloc(list->items, capacity * sizeof *items);
        if (items == NULL)
            return error_set(error, -1, "no memory for so many individuals; try --top");
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *record;
    return 0;
}

/* Best first; equals in the order of their commits. */
static int compare_fitness(const void *a, const void *b)
{
    const struct commit_record *one = a, *other = b;
    if (fitness_better(one->fitness, other->fitness))
        return -1;
    if (fitness_better(other->fitness, one->fitness))
        return 1;
    return (one->sequence > other->sequence) - (one->sequence < other->sequence);
}

/* With a limit, the list is cut back to the best whenever it has grown to twice that. */
static void keep_best(struct record_list *list, uint64_t most)
{
    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, compare_fitness);
    if (list->count > most)
        list->count = (size_t)most;
}

static int collect(struct reader *reader, const struct arguments *arguments, uint64_t most,
                   struct record_list *list, struct error *error)
{
    struct commit_record record;
    int rc;
    if (reader_rewind(reader, error) != 0)
        return -1;
    while ((rc = reader_next_commit(reader, &record, error)) > 0) {
        bool wanted = record.admitted || arguments->given[OPTION_ALL];
        if (wanted && add_record(list, &record, error) != 0)
            return -1;
        if (list->count / 2 >= most && list->count >= 1024)
            keep_best(list, most);
    }
    keep_best(list, most);
    return rc;
}

static void show_individuals(const struct record_list *list)
{
    static const char *const titles[] = {"id",      ">fitness", "",     ">depth", "operator",
                                         "parents", "worker",   "host", NULL};
    struct table *table = table_create(titles);
    for (size_t i = 0; i < list->count; i++) {
        const struct commit_record *record = &list->items[i];
        char id[ID_BYTES_MAX], parents[2 * ID_BYTES_MAX];
        format_id(record->job.key, id);
        format_parents(record, parents, sizeof parents);
        table_add(table, "%s", id);
        table_add(table, "%.9g", record->fitness);
        table_add(table, "%s", record->champion ? "champion" : record->admitted ? "" : "rejected");
        table_add(table, "%" PRIu32, record->depth);
        table_add(table, "%s", operator_of(record));
        table_add(table, "%s", parents);
        table_add(table, "%s", record->worker);
        table_add(table, "%s", record->host);
    }
    table_print(table);
    table_destroy(&table);
}

int command_individuals(const struct arguments *arguments)
{
    struct error error;
    struct reader reader;
    struct record_list list = {0};
    uint64_t most = UINT64_MAX;
    if (parse_count(arguments, OPTION_TOP, UINT32_MAX, &most, &error) != 0)
        return complain(EXIT_USAGE, "individuals: %s", error.text);
    if (reader_open(&reader, arguments->positional[0], &error) != 0)
        return complain(EXIT_FAILED, "%s", error.text);
    int code = EXIT_DONE;
    if (collect(&reader, arguments, most, &list, &error) != 0) {
        code = complain(EXIT_FAILED, "%s", error.text);
    } else if (arguments->given[OPTION_JSON]) {
        struct json_node *root = json_node_array();
        for (size_t i = 0; i < list.count; i++)
            json_append_node(root, summary_node(&list.items[i]));
        print_json(root);
    } else {
        show_individuals(&list);
    }
    free(list.items);
    reader_close(&reader);
    return code;
}

/* --------------------------------------------------------------------------------------- show */

static void slices_text(uint32_t slices, char *text, size_t size)
{
    static const char *const names[] = {"train", "select", "confirm", "test"};
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < sizeof names / sizeof *names && used < size; i++) {
        if ((slices >> i & 1) != 0)
            used +=
                (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "", names[i]);
    }
}

/* Names as the catalogue has them: {"scale": 0.1}. */
static struct json_node *params_node(const struct operator_call *call)
{
    struct json_node *node = json_node_object();
    const struct operator_info *info = operator_find(call->name);
    for (uint32_t i = 0; info != NULL && i < call->param_count && i < info->param_count; i++)
        json_set_f64(node, info->params[i].name, call->params[i]);
    return node;
}

static struct json_node *record_node(const struct commit_record *record)
{
    struct json_node *node = summary_node(record);
    char hex[DIGEST_HEX_BYTES], slices[64];
    slices_text(record->job.slices, slices, sizeof slices);
    json_set_node(node, "params", params_node(&record->job.call));
    json_set_text(node, "outcome", outcome_name(record->outcome));
    json_set_node(node, "metrics", metrics_node(record));
    json_set_text(node, "slices", slices);
    json_set_u64(node, "seed", record->job.seed);
    json_set_u64(node, "stream", record->job.stream);
    json_set_u64(node, "checkpoint_bytes", record->child_bytes);
    json_set_u64(node, "steps", record->steps);
    digest_to_hex(&record->description, hex);
    json_set_text(node, "description_digest", hex);
    digest_to_hex(&record->job.spec, hex);
    json_set_text(node, "spec_digest", hex);
    digest_to_hex(&record->chain, hex);
    json_set_text(node, "chain", hex);
    json_set_u64(node, "sequence", record->sequence);
    json_set_u64(node, "attempts", record->attempts);
    json_set_u64(node, "compute_ms", record->compute_ms);
    json_set_u64(node, "waited_ms", record->waited_ms);
    json_set_text(node, "worker", record->worker);
    json_set_text(node, "host", record->host);
    json_set_text(node, "numeric", record->numeric);
    return node;
}

static void show_digest_line(const char *label, const struct digest *digest)
{
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(digest, hex);
    printf("%-14s %s\n", label, digest_is_zero(digest) ? "-" : hex);
}

static void show_record(const struct commit_record *record)
{
    char id[ID_BYTES_MAX], parents[2 * ID_BYTES_MAX], slices[64];
    format_id(record->job.key, id);
    format_parents(record, parents, sizeof parents);
    slices_text(record->job.slices, slices, sizeof slices);
    printf("%-14s %s%s\n", "id", id, record->champion ? ", champion when it was committed" : "");
    printf("%-14s %s", "operator", operator_of(record));
    for (uint32_t i = 0; i < record->job.call.param_count; i++)
        printf(" %.9g", record->job.call.params[i]);
    printf("\n%-14s %s\n", "parents", parents[0] != '\0' ? parents : "-");
    printf("%-14s %" PRIu32 "\n", "depth", record->depth);
    printf("%-14s %s, %s\n", "outcome", outcome_name(record->outcome),
           record->admitted ? "admitted" : "not admitted");
    printf("%-14s %.17g\n", "fitness", record->fitness);
    for (uint32_t i = 0; i < record->metric_count; i++) {
        const char *name = metric_name(record->metrics[i].id);
        if (name != NULL)
            printf("%-14s %.17g\n", name, record->metrics[i].value);
    }
    show_digest_line("checkpoint", &record->child);
    printf("%-14s %" PRIu64 "\n", "bytes", record->child_bytes);
    printf("%-14s %" PRIu64 "\n", "steps", record->steps);
    printf("%-14s seed %" PRIu64 ", stream %" PRIu64 ", evaluated on %s\n", "job", record->job.seed,
           record->job.stream, slices);
    show_digest_line("description", &record->description);
    show_digest_line("chain", &record->chain);
    printf("%-14s %s\n", "numeric", record->numeric);
    printf("%-14s %s on %s, %" PRIu32 " attempt%s, computed %" PRIu32 " ms, committed %" PRIu64
           " ms after its creation as number %" PRIu64 "\n",
           "worker", record->worker, record->host, record->attempts,
           record->attempts == 1 ? "" : "s", record->compute_ms, record->waited_ms,
           record->sequence);
}

int command_show(const struct arguments *arguments)
{
    struct error error;
    struct reader reader;
    struct commit_record record;
    if (reader_open(&reader, arguments->positional[0], &error) != 0)
        return complain(EXIT_FAILED, "%s", error.text);
    int code = EXIT_DONE;
    if (reader_find(&reader, arguments->positional[1], &record, &error) != 0)
        code = complain(EXIT_FAILED, "%s", error.text);
    else if (arguments->given[OPTION_JSON])
        print_json(record_node(&record));
    else
        show_record(&record);
    reader_close(&reader);
    return code;
}

/* ------------------------------------------------------------------------------------ lineage */

enum { ANCESTORS_MAX = 1 << 17 };

static struct map_key key_of(struct job_key key)
{
    return (struct map_key){.low = key.job, .high = key.line};
}

/* Adds the individual unless it is there already. */
static int add_ancestor(struct record_list *list, struct fixed_map *seen,
                        const struct commit_record *record, struct error *error)
{
    if (fixed_map_find(seen, key_of(record->job.key)) != FIXED_MAP_NONE)
        return 0;
    if (list->count == ANCESTORS_MAX)
        return error_set(error, -1, "more than %d ancestors", ANCESTORS_MAX);
    fixed_map_insert(seen, key_of(record->job.key), (uint32_t)list->count);
    return add_record(list, record, error);
}

/* Breadth first: the list is its own queue. An ancestor by two ways is listed once. */
static int collect_ancestors(struct reader *reader, const struct commit_record *start,
                             struct record_list *list, struct error *error)
{
    struct fixed_map *seen = fixed_map_create(ANCESTORS_MAX);
    if (seen == NULL)
        return error_set(error, -1, "no memory for the lineage");
    int rc = add_ancestor(list, seen, start, error);
    for (size_t i = 0; rc == 0 && i < list->count; i++) {
        const struct commit_record child = list->items[i];
        for (uint32_t p = 0; rc == 0 && p < parents_of(&child); p++) {
            struct commit_record parent;
            int found = reader_get(reader, child.parent_ids[p], &parent, error);
            rc = found > 0 ? add_ancestor(list, seen, &parent, error) : found;
        }
    }
    fixed_map_destroy(&seen);
    return rc;
}

static void show_dot(const struct record_list *list)
{
    printf("digraph lineage {\n    rankdir = BT;\n    node [shape = box];\n");
    for (size_t i = 0; i < list->count; i++) {
        const struct commit_record *record = &list->items[i];
        char id[ID_BYTES_MAX];
        format_id(record->job.key, id);
        printf("    \"%s\" [label = \"%s\\n%s\\n%.6g\"];\n", id, id, operator_of(record),
               record->fitness);
        for (uint32_t p = 0; p < parents_of(record); p++) {
            char parent[ID_BYTES_MAX];
            format_id(record->parent_ids[p], parent);
            printf("    \"%s\" -> \"%s\"%s;\n", id, parent, p > 0 ? " [style = dashed]" : "");
        }
    }
    printf("}\n");
}

int command_lineage(const struct arguments *arguments)
{
    struct error error;
    struct reader reader;
    struct commit_record record;
    struct record_list list = {0};
    if (reader_open(&reader, arguments->positional[0], &error) != 0)
        return complain(EXIT_FAILED, "%s", error.text);
    int code = EXIT_DONE;
    if (reader_find(&reader, arguments->positional[1], &record, &error) != 0 ||
        collect_ancestors(&reader, &record, &list, &error) != 0) {
        code = complain(EXIT_FAILED, "%s", error.text);
    } else if (arguments->given[OPTION_JSON]) {
        struct json_node *root = json_node_array();
        for (size_t i = 0; i < list.count; i++)
            json_append_node(root, summary_node(&list.items[i]));
        print_json(root);
    } else if (arguments->given[OPTION_DOT]) {
        show_dot(&list);
    } else {
        show_individuals(&list);
    }
    free(list.items);
    reader_close(&reader);
    return code;
}
