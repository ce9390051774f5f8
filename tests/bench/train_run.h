/*
 * train_run.h: what bench-train was asked for, and the three things that it can do with it.
 *
 * Each prints a line for each model as soon as it is known: a row of a table or a JSON object. -1
 * with the reason: not a model, no such numerics here.
 */
#ifndef RATCHET_TESTS_BENCH_TRAIN_RUN_H
#define RATCHET_TESTS_BENCH_TRAIN_RUN_H

#include "tests/bench/train_subject.h"

#include <stdbool.h>

struct train_run {
    struct train_setting setting; /* but for the model */
    const char *const *models;
    uint32_t model_count;
    uint32_t cohort; /* 0: the fastest of train_cohorts */
    uint32_t slots;
    double seconds; /* for each model */
    bool json;
    bool openblas; /* also with products by OpenBLAS, and its sgemm */
};

/* Microseconds per step, and the share of the ceiling. */
int rows_run(const struct train_run *run, struct error *error) __attribute__((warn_unused_result));

/*
 * What the published study of persistent stochastic ablation costs on this engine, priced topology
 * by topology from what is measured here.
 *
 * The study: 98 topologies x 6 modes x 10 trials x 100 loops. A loop restores the parent from its
 * checkpoint, damages it, trains one epoch of 50,000 samples in mini-batches of 256, the last of
 * which has 80, with an optimiser of its own, evaluates on 10,000 samples, and writes the
 * checkpoint of what is promoted: priced here as if each loop's were. One mode of the six trains
 * with dropout. What the cluster adds (messages, digests, the ledger) is another benchmark's.
 */
int study_run(const struct train_run *run, struct error *error) __attribute__((warn_unused_result));
enum { STUDY_PSA98 = 98 };
extern const char *const study_psa98[STUDY_PSA98]; /* its topologies */

/*
 * How much several processes that train at once do more than one alone. A worker has a process for
 * each slot, so the same is done here, each on a core of its own. Rates are by the wall's clock:
 * what the slots take from each other (memory, caches, the clock) is what is looked for. -1 also
 * when there are fewer cores than slots.
 */
int slots_run(const struct train_run *run, struct error *error) __attribute__((warn_unused_result));
enum { SLOTS_MAX = 64 };

/* As many networks as the cohort asked for, or the greatest to be tried, has; then its size. */
int train_run_open(const struct train_run *run, uint32_t model, struct train_subject *subject,
                   struct error *error) __attribute__((warn_unused_result));
uint32_t train_run_cohort(const struct train_run *run, struct train_subject *subject);

#endif
