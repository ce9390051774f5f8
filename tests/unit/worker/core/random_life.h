/*
 * random_life.h: the life of one worker under a careless coordinator and failing slots.
 *
 * Events come at random, many of them doubled, late or senseless; the model checks every step. One
 * seed repeats one life.
 */
#ifndef RATCHET_TESTS_RANDOM_LIFE_H
#define RATCHET_TESTS_RANDOM_LIFE_H

#include "worker_model.h"

/* What happened, so that a test can see that its lives were not idle. */
struct random_life {
    uint64_t runs, results, verdicts, deaths, kills, sweeps;
    uint64_t company; /* jobs that went with others */
};

/* Lives through `steps` events, then lets everything go and checks that nothing is left. */
struct random_life random_life_run(uint64_t seed, uint32_t steps, uint64_t (*allocations)(void));

#endif
