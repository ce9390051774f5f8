/* detail_output.c: see detail_output.h. */
#include "coordinator/commands/detail_output.h"

#include "coordinator/reading/model_layers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LINES_SHOWN_MAX = 20, LABEL_COLUMNS = 14 };

static const char *const part_names[] = {"incoming", "bias", "outgoing", "reinitialised"};
enum { PARTS = sizeof part_names / sizeof part_names[0] };

/* -------------------------------------------------------------------------------------- damage */

void format_damage_run(const struct plan *plan, const struct damage_run *run,
                       char text[DAMAGE_RUN_BYTES_MAX])
{
    const char *units = model_layer_units(plan, run->layer, run->count);
    int used = snprintf(text, DAMAGE_RUN_BYTES_MAX, "layer %" PRIu32 " %s %" PRIu32, run->layer,
                        units, run->unit);
    if (run->count != 1)
        used += snprintf(text + used, DAMAGE_RUN_BYTES_MAX - (size_t)used, "-%" PRIu64,
                         (uint64_t)run->unit + run->count - 1);
    const char *separator = ": ";
    for (uint32_t i = 0; i < PARTS; i++) {
        if ((run->parts >> i & 1) == 0)
            continue;
        used += snprintf(text + used, DAMAGE_RUN_BYTES_MAX - (size_t)used, "%s%s", separator,
                         part_names[i]);
        separator = ", ";
    }
}

uint64_t damage_units(const struct damage_list *list)
{
    uint64_t units = 0;
    for (uint32_t i = 0; i < list->count; i++)
        units += list->runs[i].count;
    return units;
}

static void show_runs(const char *label, const struct plan *plan, const struct damage_list *list)
{
    uint32_t shown = list->count < LINES_SHOWN_MAX ? list->count : LINES_SHOWN_MAX;
    for (uint32_t i = 0; i < shown; i++) {
        char text[DAMAGE_RUN_BYTES_MAX];
        format_damage_run(plan, &list->runs[i], text);
        printf("%-*s %s\n", LABEL_COLUMNS, i == 0 ? label : "", text);
    }
    if (shown < list->count)
        printf("%-*s ... and %" PRIu32 " lines more (--json has them all)\n", LABEL_COLUMNS, "",
               list->count - shown);
    if (!list->complete)
        printf("%-*s ... and more than a result can carry: the checkpoint has it all\n",
               LABEL_COLUMNS, "");
}

/* "9 units hit so far: 5 in layer 0, 4 in layer 1", over the whole lineage. */
static void show_counts(const struct damage_list *list)
{
    printf("%-*s %s%" PRIu64 " unit%s hit over the whole lineage", LABEL_COLUMNS, "damage",
           list->complete ? "" : "at least ", damage_units(list),
           damage_units(list) == 1 ? "" : "s");
    uint32_t layers = 0;
    for (uint32_t i = 0; i < list->count; layers++) {
        uint32_t layer = list->runs[i].layer;
        uint64_t units = 0;
        for (; i < list->count && list->runs[i].layer == layer; i++)
            units += list->runs[i].count;
        if (layers < LINES_SHOWN_MAX)
            printf("%s%" PRIu64 " in layer %" PRIu32, layers == 0 ? ": " : ", ", units, layer);
        else if (layers == LINES_SHOWN_MAX)
            printf(", ...");
    }
    printf("\n");
}

static struct json_node *damage_node(const struct damage_list *list)
{
    struct json_node *node = json_node_object(), *runs = json_node_array();
    json_set_bool(node, "complete", list->complete);
    json_set_u64(node, "units", damage_units(list));
    for (uint32_t i = 0; i < list->count; i++) {
        struct json_node *run = json_node_object(), *parts = json_node_array();
        json_set_u64(run, "layer", list->runs[i].layer);
        json_set_u64(run, "unit", list->runs[i].unit);
        json_set_u64(run, "count", list->runs[i].count);
        for (uint32_t part = 0; part < PARTS; part++)
            if ((list->runs[i].parts >> part & 1) != 0)
                json_append_node(parts, json_node_text(part_names[part]));
        json_set_node(run, "parts", parts);
        json_append_node(runs, run);
    }
    json_set_node(node, "runs", runs);
    return node;
}

/* ----------------------------------------------------------------------------------- confusion */

static int widest(const struct confusion_matrix *matrix)
{
    char text[16];
    int width = 2;
    for (uint32_t i = 0; i < matrix->classes * matrix->classes; i++) {
        int digits = snprintf(text, sizeof text, "%" PRIu32, matrix->counts[i]);
        width = digits > width ? digits : width;
    }
    return width;
}

/* A row of a class: how its samples were answered, and the share that was right. */
static void show_class(const struct confusion_matrix *matrix, uint32_t class, int width)
{
    const uint32_t *row = &matrix->counts[class * matrix->classes];
    uint64_t total = 0;
    printf("%*" PRIu32 " ", LABEL_COLUMNS, class);
    for (uint32_t answer = 0; answer < matrix->classes; answer++) {
        total += row[answer];
        if (row[answer] == 0)
            printf(" %*s", width, ".");
        else
            printf(" %*" PRIu32, width, row[answer]);
    }
    if (total > 0)
        printf("  %5.1f %%", 100 * (double)row[class] / (double)total);
    printf("\n");
}

static void show_matrix(const struct confusion_matrix *matrix)
{
    int width = widest(matrix);
    char label[32];
    printf("%-*s on %s: a row for each class, a column for each answer\n", LABEL_COLUMNS,
           "confusion", slice_name(matrix->slice));
    snprintf(label, sizeof label, "class");
    printf("%*s ", LABEL_COLUMNS, label);
    for (uint32_t answer = 0; answer < matrix->classes; answer++)
        printf(" %*" PRIu32, width, answer);
    printf("    right\n");
    for (uint32_t class = 0; class < matrix->classes; class ++)
        show_class(matrix, class, width);
}

static struct json_node *matrix_node(const struct confusion_matrix *matrix)
{
    struct json_node *node = json_node_object(), *rows = json_node_array();
    json_set_text(node, "slice", slice_name(matrix->slice));
    json_set_u64(node, "classes", matrix->classes);
    for (uint32_t class = 0; class < matrix->classes; class ++) {
        struct json_node *row = json_node_array();
        for (uint32_t answer = 0; answer < matrix->classes; answer++)
            json_append_node(row, json_node_u64(matrix->counts[class * matrix->classes + answer]));
        json_append_node(rows, row);
    }
    json_set_node(node, "counts", rows);
    return node;
}

/* --------------------------------------------------------------------------------------- detail */

void show_detail(const struct detail *detail, const char *canonical)
{
    struct plan *plan =
        model_layers_plan(canonical, detail->matrix_count > 0 ? detail->matrices[0].classes : 0);
    show_runs("hit", plan, &detail->hits);
    show_counts(&detail->damage);
    show_runs("", plan, &detail->damage);
    plan_destroy(&plan);
    for (uint32_t i = 0; i < detail->matrix_count; i++)
        show_matrix(&detail->matrices[i]);
}

struct json_node *detail_node(const struct detail *detail)
{
    struct json_node *node = json_node_object(), *confusion = json_node_array();
    json_set_node(node, "hits", damage_node(&detail->hits));
    json_set_node(node, "damage", damage_node(&detail->damage));
    for (uint32_t i = 0; i < detail->matrix_count; i++)
        json_append_node(confusion, matrix_node(&detail->matrices[i]));
    json_set_node(node, "confusion", confusion);
    return node;
}
