/*
 * checker_commit.h: what a single commit must satisfy.
 */
#ifndef RATCHET_TESTS_SIMULATION_CHECKER_COMMIT_H
#define RATCHET_TESTS_SIMULATION_CHECKER_COMMIT_H

#include "tests/simulation/checker.h"

/* What is wrong with the record in itself, or NULL. `chain` is its line's before this commit. */
const char *commit_fault(const struct checker *checker, const struct commit_record *record,
                         const struct digest *chain);
/* How it differs from the reference's, or NULL. The text holds until the next call. */
const char *commit_difference(const struct checker *checker, const struct commit_record *record);

#endif
