/*
 * memory_cache.h: an evaluator's environment in memory, for tests.
 *
 * Blobs of any size; it can be told to be full; it counts what was loaded and not released, and
 * keeps every result with its detail.
 */
#ifndef RATCHET_TESTS_UNIT_WORKER_EVALUATORS_MEMORY_CACHE_H
#define RATCHET_TESTS_UNIT_WORKER_EVALUATORS_MEMORY_CACHE_H

#include "worker/evaluators/evaluator.h"

#include <stdbool.h>

enum { MEMORY_BLOBS_MAX = 256 };

struct memory_cache {
    uint32_t count;
    struct memory_blob {
        struct digest digest;
        uint8_t *bytes; /* owned */
        size_t size;
    } blobs[MEMORY_BLOBS_MAX];
    bool full;
    int32_t loaded; /* not yet released */
    struct result results[COHORT_MAX];
    uint8_t details[COHORT_MAX][DETAIL_BYTES_MAX];
    uint32_t times[COHORT_MAX]; /* finish was called for it */
};

/*
 * A job that is cut: `looks` is how often it may look up before it is to stop, and `handed` what it
 * gave then, from which the next run goes on.
 */
struct memory_cut {
    struct memory_cache *cache;
    uint32_t looks;
    uint32_t hand_overs;
    bool full; /* nothing can be handed over */
    struct job_progress handed;
    uint8_t *bytes; /* owned: its content */
};

struct memory_cache *memory_cache_create(void);
void memory_cache_destroy(struct memory_cache **cache);
struct digest memory_cache_add(struct memory_cache *cache, const void *bytes, size_t size);
/* NULL when it is not there. */
const struct memory_blob *memory_cache_find(const struct memory_cache *cache,
                                            const struct digest *digest);
struct evaluator_environment memory_cache_environment(struct memory_cache *cache);
/* The same for jobs that may be cut; with no time to spare for any. */
struct evaluator_environment memory_cut_environment(struct memory_cut *cut);
void memory_cut_fini(struct memory_cut *cut);
/* Forgets the results of the last run, not the blobs. */
void memory_cache_forget_results(struct memory_cache *cache);

#endif
