/* figure_fixture.c: see figure_fixture.h. */
#include "figure_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct report_size report_usual_size = {
    .model = "mlp:18x18",
    .jobs = 400,
    .generations = 40,
    .lines = 3,
    .operators = 4,
    .classes = 10,
};

/* Shares in [0, 1), the same ones in every run. */
static double draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 40) / (double)(1 << 24);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (memory == NULL)
        abort();
    return memory;
}

static void make_operators(struct report *report, uint32_t count)
{
    static const char *const known[] = {"psa.output", "psa.hidden", "noise scale=0.1", "none"};
    for (uint32_t row = 0; row < count; row++) {
        struct report_operator *entry = &report->operators[row];
        if (row < 4)
            snprintf(entry->label, sizeof entry->label, "%s", known[row]);
        else
            snprintf(entry->label, sizeof entry->label, "operator%u share=0.%u", row, row);
    }
    snprintf(report->operators[count].label, sizeof report->operators[count].label, "init");
    report->operator_count = count + 1;
}

static void make_points(struct report *report, const struct report_size *size)
{
    uint64_t state = 7;
    double *best = allocate(size->lines, sizeof *best), spent = 0;
    report->points = allocate(size->jobs, sizeof *report->points);
    report->point_count = size->jobs;
    report->jobs = size->jobs;
    for (size_t i = 0; i < size->jobs; i++) {
        struct report_point *point = &report->points[i];
        double progress = 1 - exp(-5 * (double)(i + 1) / (double)size->jobs);
        bool founder = i < size->lines;
        point->sequence = point->commit = i + 1;
        point->line = (uint32_t)(i % size->lines);
        point->operator_row = founder || size->operators == 0
                                  ? size->operators
                                  : (uint32_t)(draw(&state) * size->operators);
        double value = progress * (0.6 + 0.3 * draw(&state)) - 0.1 * draw(&state);
        point->fitness = size->model != NULL ? 0.1 + 0.8 * value : 5 - 5 / (value + 0.11);
        point->champion = founder || point->fitness > best[point->line];
        if (point->champion)
            best[point->line] = point->fitness;
        point->admitted = point->champion || draw(&state) < 0.1;
        point->best = best[point->line];
        spent += 1 + draw(&state);
        point->compute_s = spent;
        struct report_operator *entry = &report->operators[point->operator_row];
        entry->tried++;
        entry->compared += !founder;
        entry->improved += !founder && draw(&state) < 0.1 * (point->operator_row % 5);
        entry->compute_s += spent / (double)(i + 1);
    }
    report->compute_s = spent;
    free(best);
}

static void make_lines(struct report *report, const struct report_size *size)
{
    report->lines = allocate(size->lines, sizeof *report->lines);
    report->line_count = report->lines_total = size->lines;
    for (uint32_t line = 0; line < size->lines; line++) {
        report->lines[line].line = line;
        report->lines[line].has_champion = true;
    }
    report->has_champion = size->jobs > 0;
}

static void make_lineage(struct report *report, const struct report_size *size)
{
    report->lineage = allocate(size->generations, sizeof *report->lineage);
    report->lineage_count = size->generations;
    for (size_t i = 0; i < size->generations; i++) {
        struct commit_record *record = &report->lineage[i];
        size_t depth = size->generations - 1 - i;
        record->depth = (uint32_t)depth;
        record->sequence = depth * 2 + 1;
        record->operator_index = depth == 0 ? UINT32_MAX : (uint32_t)(depth % size->operators);
        record->fitness = 0.9 - 0.8 * exp(-0.1 * (double)depth);
    }
}

static void make_matrix(struct report *report, uint32_t classes)
{
    struct confusion_matrix *matrix = &report->detail->matrices[0];
    matrix->slice = SLICE_SELECT;
    matrix->classes = classes;
    report->detail->matrix_count = classes > 0;
    for (uint32_t true_class = 0; true_class < classes; true_class++)
        for (uint32_t answer = 0; answer < classes; answer++)
            matrix->counts[true_class * classes + answer] =
                true_class == answer ? 400 : (true_class * 7 + answer * 3) % 20;
}

struct report *report_make(const struct report_size *size)
{
    struct report *report = allocate(1, sizeof *report);
    report->canonical = allocate(256, 1);
    snprintf(report->canonical, 256,
             size->model == NULL ? "evaluator = null\n"
                                 : "data.select = 5000\nevaluator = train\nmodel.spec = %s\n"
                                   "train.fitness = accuracy\n",
             size->model);
    make_operators(report, size->operators);
    make_points(report, size);
    make_lines(report, size);
    make_lineage(report, size);
    report->has_detail = size->model != NULL;
    if (report->has_detail) {
        report->detail = allocate(1, sizeof *report->detail);
        report->detail->damage.complete = true;
        make_matrix(report, size->classes);
    }
    return report;
}

void report_damage(struct report *report, struct damage_pattern pattern)
{
    static const uint32_t parts[] = {3, 7, 11, 15, 1, 4};
    struct damage_list *list = &report->detail->damage;
    for (uint32_t layer = 0; layer < pattern.layers; layer++)
        for (uint32_t unit = layer % pattern.every; unit < pattern.width; unit += pattern.every) {
            if (list->count == DAMAGE_RUNS_MAX) {
                list->complete = false;
                return;
            }
            list->runs[list->count++] = (struct damage_run){
                .layer = layer, .unit = unit, .count = 1, .parts = parts[(layer + unit) % 6]};
        }
}

void report_unmake(struct report **report)
{
    free((*report)->canonical);
    free((*report)->points);
    free((*report)->lines);
    free((*report)->lineage);
    free((*report)->detail);
    free((*report)->final_detail);
    free(*report);
    *report = NULL;
}

void assert_has(const char *text, const char *words)
{
    if (strstr(text, words) == NULL)
        fail_msg("\"%s\" is not in: %.2000s", words, text);
}

void assert_has_not(const char *text, const char *words)
{
    if (strstr(text, words) != NULL)
        fail_msg("\"%s\" is in it", words);
}
