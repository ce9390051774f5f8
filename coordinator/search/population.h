/*
 * population.h: a fixed number of individuals, found by name and ranked by fitness.
 *
 * Slots fill once and are then replaced in place, so a uniform draw is an index. The worst
 * individual is the root of a heap and a name is looked up in a map: every operation is O(log n).
 * It lives inside a strategy's state and allocates nothing.
 */
#ifndef RATCHET_COORDINATOR_SEARCH_POPULATION_H
#define RATCHET_COORDINATOR_SEARCH_POPULATION_H

#include "common/fixed_map.h"
#include "coordinator/search/strategy.h"

struct population {
    uint32_t capacity, count;
    struct individual *individuals; /* [capacity], dense */
    uint32_t *heap;                 /* slots, worst first */
    uint32_t *place;                /* of each slot in the heap */
    struct fixed_map *by_job;
};

/* Bytes of memory behind a population; aligned for any type. */
size_t population_bytes(uint32_t capacity);
void population_init(struct population *population, uint32_t capacity, void *memory);

/* Into a free slot: count < capacity. */
void population_add(struct population *population, const struct individual *individual);
/* Puts `individual` where `slot` was; returns who was there. */
struct individual population_replace(struct population *population, uint32_t slot,
                                     const struct individual *individual);

#define POPULATION_NONE UINT32_MAX
/* The slot of the individual that `job` made, or POPULATION_NONE. */
uint32_t population_find(const struct population *population, uint64_t job);
/* Least fit; among equals the one with the lowest job number. count > 0. */
uint32_t population_worst(const struct population *population);

#endif
