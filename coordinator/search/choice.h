/*
 * choice.h: which operator the next job uses, and which one makes the first. Shared by the
 * strategies.
 *
 * Weighted: each operator is drawn with probability weight / sum of weights; one operator is the
 * fixed case.
 */
#ifndef RATCHET_COORDINATOR_SEARCH_CHOICE_H
#define RATCHET_COORDINATOR_SEARCH_CHOICE_H

#include "coordinator/search/strategy.h"

/* Index into config->operators for `job`; a pure function of (seed, line, job). */
uint32_t choice_weighted(const struct search_config *config, uint64_t job);

/*
 * What makes the individuals without parents: for whoever fills in config->founder. A line with one
 * operator is an experiment about that operator: when the catalogue names a founder for it, that
 * one, with the same parameters (a line of `decay` decays from the first network on). Otherwise
 * `init`, without parameters. Weights and parents of the config are not looked at.
 */
struct operator_call choice_founder(const struct search_config *config);

/* Most parents that any operator of the experiment takes. */
uint32_t choice_parents_max(const struct search_config *config);

/* The data stream of a job, different for siblings: one for each number of a line, or, where lines
 * share streams, one for each number. */
uint64_t choice_stream(const struct search_config *config, uint64_t job);

#endif
