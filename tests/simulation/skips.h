/*
 * skips.h: jobs that the user gives up, in the run and in its reference.
 *
 * Which jobs those are the run's faults decide, and whether a skip survived the crash behind it. So
 * a seed with skips is held the other way round: first the run, then the reference, one worker
 * without faults, which is given those skips that the run's ledger has, each as soon as there is
 * such a job. The two must be the same.
 */
#ifndef RATCHET_TESTS_SIMULATION_SKIPS_H
#define RATCHET_TESTS_SIMULATION_SKIPS_H

#include "tests/simulation/simulation.h"

/* The user gives up some job, if there is one that may be: 1 then, else 0. */
uint32_t skips_strike(struct simulation *simulation);
/* In a reference: the skips of the run whose job is there by now. */
void skips_repeat(struct simulation *simulation);
/* A job that was given up, and whose turn it is, is not committed yet. */
bool skips_wait(const struct simulation *simulation);

#endif
