/*
 * report_lookup.h: what figures and page both ask of a report, so that they answer alike.
 *
 * Neither draws nor writes.
 */
#ifndef RATCHET_COORDINATOR_REPORT_REPORT_LOOKUP_H
#define RATCHET_COORDINATOR_REPORT_REPORT_LOOKUP_H

#include "coordinator/report/report.h"

/* The champion's confusion matrix on that slice, that of its last evaluation before that of the job
 * which made it; NULL: there is none. */
const struct confusion_matrix *report_matrix(const struct report *report, enum slice slice);
/* The one that says most of what the champion is worth, or NULL. */
const struct confusion_matrix *report_best_matrix(const struct report *report);

/* What larger-is-better stands for in this experiment. */
enum fitness_kind {
    FITNESS_IS_FREE = 0, /* the evaluator's own number */
    FITNESS_IS_LOSS,     /* minus the loss on a slice */
    FITNESS_IS_ACCURACY, /* on a slice */
};
struct fitness_meaning {
    enum fitness_kind kind;
    /* Without samples to select by, those of training stand in for them. */
    enum slice slice;
};
struct fitness_meaning report_fitness_meaning(const struct report *report);

/* The 95 % interval of a share of which `part` of `whole` were seen: Wilson's score interval
 * (Wilson 1927). 0 .. 1 where nothing was seen. */
struct interval {
    double low, high;
};
struct interval interval_of_share(uint64_t part, uint64_t whole);

#endif
