/*
 * train_study.h: what the published study of persistent stochastic ablation costs on this engine,
 * priced topology by topology from what is measured here.
 *
 * The study: 98 topologies x 6 modes x 10 trials x 100 loops. A loop restores the parent from its
 * checkpoint, damages it, trains one epoch of 50,000 samples in mini-batches of 256, the last of
 * which has 80, with an optimiser of its own, evaluates on 10,000 samples, and writes the
 * checkpoint of what is promoted: priced here as if each loop's were. One mode of the six trains
 * with dropout. A share in the cost of a loop has every part that a job of a worker has; what the
 * cluster adds (messages, digests, the ledger) is another benchmark's.
 */
#ifndef RATCHET_TESTS_BENCH_TRAIN_STUDY_H
#define RATCHET_TESTS_BENCH_TRAIN_STUDY_H

#include "tests/bench/train_subject.h"

enum { STUDY_PSA98 = 98 };
extern const char *const study_psa98[STUDY_PSA98];

struct study {
    struct train_setting setting; /* but for the model */
    const char *const *models;
    uint32_t model_count;
    double seconds; /* for each model */
    bool json;
};

/* Prints a line for each model as soon as it is known, then the total. */
int study_run(const struct study *study, struct error *error) __attribute__((warn_unused_result));

#endif
