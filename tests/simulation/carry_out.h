/*
 * carry_out.h: a job carried out once more, outside of any worker, with bytes from the archive.
 */
#ifndef RATCHET_TESTS_SIMULATION_CARRY_OUT_H
#define RATCHET_TESTS_SIMULATION_CARRY_OUT_H

#include "tests/simulation/archive.h"
#include "tests/simulation/trial.h"

enum { CHILD_BYTES_MAX = 4096 };

/*
 * Fills *result with what the ledger must say of the job, its child's digest included; the child's
 * bytes go to `child`. False when a parent was never made.
 */
bool carry_out(const struct trial *trial, const struct archive *archive, const struct job *job,
               struct result *result, uint8_t child[CHILD_BYTES_MAX])
    __attribute__((warn_unused_result));

#endif
