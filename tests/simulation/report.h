/*
 * report.h: what ratchet-sim says: of a seed that failed, and of all seeds together.
 */
#ifndef RATCHET_TESTS_SIMULATION_REPORT_H
#define RATCHET_TESTS_SIMULATION_REPORT_H

#include "tests/simulation/options.h"
#include "tests/simulation/seed.h"

enum { LISTED_MAX = 1000 };

struct totals {
    struct simulation_result sum;
    uint64_t seeds;
    uint64_t failed[FAILURE_LIVENESS + 1];
    uint64_t failed_seeds[LISTED_MAX]; /* the first ones */
    uint32_t listed;
    double seconds;
};

void totals_add(struct totals *totals, uint64_t seed, const struct simulation_result *result);

/* The command that runs this seed again, message by message. */
void report_replay(const struct options *options, uint64_t seed, char *text, size_t size);
void report_failure(const struct options *options, uint64_t seed, const struct failure *failure);
/* What the seed means, before it runs. */
void report_seed(const struct seed_setup *setup);
void report_totals(const struct options *options, const struct totals *totals);

#endif
