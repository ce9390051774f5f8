/*
 * evaluator.h: what carries a job out inside a slot process.
 *
 * An evaluator is opened on a spec (the text of the experiment's evaluator settings, `key = value`
 * lines) and then runs cohorts: jobs of one spec, topology and data stream. One job is a cohort of
 * one. It reads and writes checkpoints through its environment, which knows the cache; it opens no
 * socket, and its result is a pure function of (spec, job, parents' and data set's bytes), whatever
 * the cohort.
 *
 * What was loaded may be held until close: the environment's context outlives the state.
 */
#ifndef RATCHET_WORKER_EVALUATORS_EVALUATOR_H
#define RATCHET_WORKER_EVALUATORS_EVALUATOR_H

#include "common/error.h"
#include "proto/job.h"

#include <stddef.h>

struct bytes {
    const uint8_t *data;
    size_t count;
};

struct evaluator_environment {
    void *context;
    /* A blob of the cache. The bytes hold until release. 0 or -1. */
    int (*load)(void *context, const struct digest *digest, struct bytes *bytes,
                struct error *error);
    void (*release)(void *context, struct bytes *bytes);
    /* Puts a child into the cache; its digest comes back. 0 or -1 (cache full, disk full). */
    int (*store)(void *context, struct bytes bytes, struct digest *digest, struct error *error);
    /* Called exactly once for each job of the cohort, with index into jobs[]. */
    void (*finish)(void *context, uint32_t index, const struct result *result);
};

struct evaluator {
    const char *name;
    /* NULL with the reason when the spec is not for this evaluator or does not make sense. */
    void *(*open)(const char *spec, struct error *error);
    void (*close)(void **state);
    /* Result fields `lease` and `job` are filled by the caller; the rest by the evaluator. */
    void (*run)(void *state, const struct evaluator_environment *environment,
                const struct job *jobs, uint32_t count); /* at most COHORT_MAX */
};

const struct evaluator *evaluator_find(const char *name);

#endif
