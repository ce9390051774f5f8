/*
 * data_order.h: the order in which an epoch takes its samples.
 *
 * Epoch e's order is a function of (seed, stream, e, number of samples) alone, so a training can
 * start in the middle of any epoch. Block e of the sequence random_open(seed, e >> 32, stream,
 * RANDOM_DATA_ORDER) gives, in its first two words, the key of the epoch's own sequence, whose
 * context is the same; with it Fisher and Yates shuffle 0 .. count - 1 from the end (Durstenfeld
 * 1964): place i changes with place random_below(i + 1), for i from count - 1 down to 1.
 *
 * The epochs of one stream thus have keys of their own, and no part of this knows a job: jobs that
 * share a stream share the order.
 *
 * A training in sequential order has none of this: each epoch takes the slice as it is, so that its
 * mini-batches are always the same.
 */
#ifndef RATCHET_WORKER_ENGINE_DATA_ORDER_H
#define RATCHET_WORKER_ENGINE_DATA_ORDER_H

#include "worker/engine/engine.h"

/* Which permutation: epoch is below 2^56. */
struct epoch_order {
    struct data_order order;
    uint64_t epoch;
    uint32_t count;
};

/* permutation: [count] */
void data_order_shuffle(const struct epoch_order *epoch, uint32_t *permutation);

/* The permutation in use, kept as long as it is asked for again. All zero: empty. */
struct order_cache {
    struct epoch_order current; /* count 0: none */
    uint32_t *permutation;      /* [room] */
    uint32_t room;
};

/* Room for epochs of `count` samples. 0 or -1: no memory, nothing changed. */
int order_cache_reserve(struct order_cache *cache, uint32_t count)
    __attribute__((warn_unused_result));
/* The permutation; holds until the next call. There must be room. */
const uint32_t *order_cache_get(struct order_cache *cache, const struct epoch_order *epoch);
/* The places of an epoch's samples in the slice, or NULL: in the slice's own order. As above. */
const uint32_t *data_order_places(enum sample_order order, struct order_cache *cache,
                                  const struct epoch_order *epoch);
void order_cache_fini(struct order_cache *cache);

#endif
