/*
 * train_slots.h: how much several processes that train at once do more than one alone.
 *
 * A worker has a process for each slot, so the same is done here: each slot is a process of its own
 * on a core of its own. Rates are by the wall's clock: what the slots take from each other (memory,
 * caches, the clock) is what is looked for.
 */
#ifndef RATCHET_TESTS_BENCH_TRAIN_SLOTS_H
#define RATCHET_TESTS_BENCH_TRAIN_SLOTS_H

#include "tests/bench/train_subject.h"

enum { SLOTS_MAX = 64 };

struct slots {
    struct train_subject *subject; /* each slot has a copy of it */
    uint32_t slots, cohort;
    double seconds;
    /* out: per step and network, medians; and the rate of all together over the rate of one */
    double us_alone, us_together, ratio;
};

/* -1 with the reason: fewer cores than slots, no process, a slot that ended. */
int slots_measure(struct slots *slots, struct error *error) __attribute__((warn_unused_result));

#endif
