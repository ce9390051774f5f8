/*
 * seed.h: all that one seed means: its trial, its reference run, and its run under faults.
 */
#ifndef RATCHET_TESTS_SIMULATION_SEED_H
#define RATCHET_TESTS_SIMULATION_SEED_H

#include "tests/simulation/simulation.h"

struct seed_setup {
    uint64_t seed;
    struct fault_choice faults;
    enum { SEED_QUIET, SEED_VERBOSE } voice;
    uint32_t crowd, crowd_jobs; /* so many workers and jobs, whatever the seed says; 0: as it says
                                 */
};

/* What the seed means: its faults, its trial and its cast. */
void seed_draw(const struct seed_setup *setup, struct fault_plan *plan, struct trial *trial,
               struct cast *cast);

/* Of a failed reference run the failure's text says so. Time, commits and jobs are those of both
 * runs. */
struct simulation_result seed_run(const struct seed_setup *setup);

#endif
