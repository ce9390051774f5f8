/* individuals.c: `ratchet individuals` and `lineage`: what came out of a run, and from what. */
#include "common/fixed_map.h"
#include "coordinator/commands/clean_text.h"
#include "coordinator/commands/command.h"
#include "coordinator/commands/detail_output.h"
#include "coordinator/commands/record_output.h"
#include "coordinator/commands/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAMAGE_CELL_BYTES = 24, DAMAGE_ROWS_MAX = 10000 };

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

/* The units that were ever hit in the lineage of each: "9", ">=1024", "" when nothing is said. */
struct damage_column {
    bool shown;
    char (*cells)[DAMAGE_CELL_BYTES];
};

static void format_damage(struct reader *reader, struct job_key key, struct detail *detail,
                          char cell[DAMAGE_CELL_BYTES])
{
    cell[0] = '\0';
    if (reader_detail(reader, key, detail, NULL) == 1)
        snprintf(cell, DAMAGE_CELL_BYTES, "%s%" PRIu64,
                 detail->damage.complete ? "" : ">=", damage_units(&detail->damage));
}

/* An evaluator without damage has no such column, and a long list goes without. */
static void read_damage(struct reader *reader, const struct record_list *list,
                        struct damage_column *column)
{
    *column = (struct damage_column){0};
    struct detail *detail = malloc(sizeof *detail);
    if (list->count <= DAMAGE_ROWS_MAX)
        column->cells = calloc(list->count + 1, sizeof *column->cells);
    for (size_t i = 0; detail != NULL && column->cells != NULL && i < list->count; i++) {
        format_damage(reader, list->items[i].job.key, detail, column->cells[i]);
        column->shown |= column->cells[i][0] != '\0';
    }
    free(detail);
}

static void add_row(struct table *table, const struct commit_record *record, const char *damage)
{
    char id[ID_BYTES_MAX], parents[2 * ID_BYTES_MAX];
    format_id(record->job.key, id);
    format_parents(record, parents, sizeof parents);
    table_add(table, "%s", id);
    table_add(table, "%.9g", record->fitness);
    table_add(table, "%s", record->champion ? "champion" : record->admitted ? "" : "rejected");
    table_add(table, "%" PRIu32, record->depth);
    table_add(table, "%s", operator_of(record));
    table_add(table, "%s", parents);
    if (damage != NULL)
        table_add(table, "%s", damage);
    table_add(table, "%s", record->worker);
    table_add(table, "%s", record->host);
}

static void show_individuals(struct reader *reader, const struct record_list *list)
{
    static const char *const plain[] = {"id",      ">fitness", "",     ">depth", "operator",
                                        "parents", "worker",   "host", NULL};
    static const char *const damaged[] = {"id",      ">fitness", "",       ">depth", "operator",
                                          "parents", ">damaged", "worker", "host",   NULL};
    struct damage_column column;
    read_damage(reader, list, &column);
    struct table *table = table_create(column.shown ? damaged : plain);
    for (size_t i = 0; i < list->count; i++)
        add_row(table, &list->items[i], column.shown ? column.cells[i] : NULL);
    table_print(table);
    table_destroy(&table);
    free(column.cells);
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
        show_individuals(&reader, &list);
    }
    free(list.items);
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
        for (uint32_t p = 0; rc == 0 && p < child.job.parent_count; p++) {
            struct commit_record parent;
            int found = reader_get(reader, child.parent_ids[p], &parent, error);
            rc = found > 0 ? add_ancestor(list, seen, &parent, error) : found;
        }
    }
    fixed_map_destroy(&seen);
    return rc;
}

/* What would end the label, or begin an escape of it, becomes '?' as well. */
static void format_label(const struct commit_record *record, char label[OPERATOR_NAME_BYTES_MAX])
{
    clean_text(operator_of(record), label, OPERATOR_NAME_BYTES_MAX);
    for (char *c = label; (c = strpbrk(c, "\"\\")) != NULL;)
        *c = '?';
}

static void show_dot(const struct record_list *list)
{
    printf("digraph lineage {\n    rankdir = BT;\n    node [shape = box];\n");
    for (size_t i = 0; i < list->count; i++) {
        const struct commit_record *record = &list->items[i];
        char id[ID_BYTES_MAX], operator[OPERATOR_NAME_BYTES_MAX];
        format_id(record->job.key, id);
        format_label(record, operator);
        printf("    \"%s\" [label = \"%s\\n%s\\n%.6g\"];\n", id, id, operator, record->fitness);
        for (uint32_t p = 0; p < record->job.parent_count; p++) {
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
        show_individuals(&reader, &list);
    }
    free(list.items);
    reader_close(&reader);
    return code;
}
