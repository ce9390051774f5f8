/* report_lookup.c: see report_lookup.h. */
#include "coordinator/report/report_lookup.h"

#include "coordinator/reading/settings_text.h"

#include <math.h>
#include <string.h>

const struct confusion_matrix *report_matrix(const struct report *report, enum slice slice)
{
    const struct detail *details[] = {report->final_detail, report->detail};
    for (size_t i = 0; i < sizeof details / sizeof details[0]; i++)
        for (uint32_t k = 0; details[i] != NULL && k < details[i]->matrix_count; k++)
            if (details[i]->matrices[k].slice == slice && details[i]->matrices[k].classes > 0)
                return &details[i]->matrices[k];
    return NULL;
}

const struct confusion_matrix *report_best_matrix(const struct report *report)
{
    static const enum slice order[] = {SLICE_TEST, SLICE_CONFIRM, SLICE_SELECT, SLICE_TRAIN};
    const struct confusion_matrix *matrix = NULL;
    for (size_t i = 0; matrix == NULL && i < sizeof order / sizeof order[0]; i++)
        matrix = report_matrix(report, order[i]);
    return matrix;
}

struct fitness_meaning report_fitness_meaning(const struct report *report)
{
    struct fitness_meaning meaning = {.kind = FITNESS_IS_FREE, .slice = SLICE_SELECT};
    char evaluator[32], fitness[32], select[32];
    const char *canonical = report->canonical != NULL ? report->canonical : "";
    if (!settings_find(canonical, "evaluator", evaluator, sizeof evaluator) ||
        strcmp(evaluator, "train") != 0 ||
        !settings_find(canonical, "train.fitness", fitness, sizeof fitness))
        return meaning;
    meaning.kind = strcmp(fitness, "accuracy") == 0 ? FITNESS_IS_ACCURACY : FITNESS_IS_LOSS;
    settings_find(canonical, "data.select", select, sizeof select);
    if (strcmp(select, "0") == 0)
        meaning.slice = SLICE_TRAIN;
    return meaning;
}

struct interval interval_of_share(uint64_t part, uint64_t whole)
{
    const double z = 1.959963984540054; /* 97.5 % of a normal distribution lie below */
    if (whole == 0)
        return (struct interval){0, 1};
    double n = (double)whole, share = (double)part / n;
    double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    return (struct interval){part == 0 ? 0 : middle - half, part == whole ? 1 : middle + half};
}
