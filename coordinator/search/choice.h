/*
 * choice.h: which operator the next job uses. Shared by the strategies.
 *
 * Weighted: each operator is drawn with probability weight / sum of weights; one operator is the
 * fixed case.
 */
#ifndef RATCHET_COORDINATOR_SEARCH_CHOICE_H
#define RATCHET_COORDINATOR_SEARCH_CHOICE_H

#include "coordinator/search/strategy.h"

/* Index into config->operators for `job`; a pure function of (seed, line, job). */
uint32_t choice_weighted(const struct search_config *config, uint64_t job);

/* Most parents that any operator of the experiment takes. */
uint32_t choice_parents_max(const struct search_config *config);

/* The data stream of a job: the same for equal job numbers of a line, different for siblings. */
uint64_t choice_stream(const struct search_config *config, uint64_t job);

#endif
