/*
 * figure_fixture.h: reports made by hand, with plausible numbers of any size, for tests of figures.
 */
#ifndef TESTS_UNIT_COORDINATOR_REPORT_FIGURE_FIXTURE_H
#define TESTS_UNIT_COORDINATOR_REPORT_FIGURE_FIXTURE_H

#include "coordinator/report/report.h"

struct report_size {
    const char *model; /* "mlp:18x18"; NULL: the null evaluator, whose fitness is negative */
    size_t jobs, generations;
    uint32_t lines;
    uint32_t operators; /* beside "init" */
    uint32_t classes;   /* of the confusion matrix; 0: none */
};

extern const struct report_size report_usual_size;

/* Always the same for the same size. */
struct report *report_make(const struct report_size *size);
void report_unmake(struct report **report);
/* Damages every n-th unit of each of `layers` layers of `width` units, in parts that change. */
struct damage_pattern {
    uint32_t layers, width, every;
};
void report_damage(struct report *report, struct damage_pattern pattern);

/* Fail with both when they do not hold. */
void assert_has(const char *text, const char *words);
void assert_has_not(const char *text, const char *words);

#endif
