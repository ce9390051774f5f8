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

#include <stdbool.h>
#include <stddef.h>

struct bytes {
    const uint8_t *data;
    size_t count;
};

/* How far a job was carried out. Going on from there gives the same result, bit for bit. */
struct job_progress {
    uint64_t steps;       /* carried out; more than 0 */
    struct bytes content; /* of the evaluator's own form; may be empty */
};

struct evaluator_environment {
    void *context;
    /* A blob of the cache. The bytes hold until release. 0 or -1. */
    int (*load)(void *context, const struct digest *digest, struct bytes *bytes,
                struct error *error);
    void (*release)(void *context, struct bytes *bytes);
    /* Puts a child into the cache; its digest comes back. 0 or -1 (cache full, disk full). */
    int (*store)(void *context, struct bytes bytes, struct digest *digest, struct error *error);
    /* Called exactly once for each job of the cohort that is not handed over, with index into
     * jobs[]. */
    void (*finish)(void *context, uint32_t index, const struct result *result);

    /*
     * For jobs that can be cut in two; stopping.h uses them. NULL, all three: none is.
     * Asked every few milliseconds between two steps; cheap.
     */
    bool (*is_stopping)(void *context);
    /* Instead of finish(). 0, or -1: it cannot be kept, the job is to be finished after all. */
    int (*hand_over)(void *context, uint32_t index, const struct job_progress *progress,
                     struct error *error);
    /* Where somebody else left off with this very job; holds until it is finished or handed over.
     * False: nowhere. */
    bool (*resume)(void *context, uint32_t index, struct job_progress *progress);
    uint32_t spare_ms; /* a job with less than this left is finished, asked to stop or not */
};

struct evaluator {
    const char *name;
    /* NULL with the reason when the spec is not for this evaluator or does not make sense. */
    void *(*open)(const char *spec, struct error *error);
    void (*close)(void **state);
    /* Result fields `lease` and `job` are filled by the caller; the rest by the evaluator. A
     * progress that it cannot use, it says so on stderr and starts from the beginning. */
    void (*run)(void *state, const struct evaluator_environment *environment,
                const struct job *jobs, uint32_t count); /* at most COHORT_MAX */
    /* How many jobs of one stream are best run together; 0: not known before one has run. NULL:
     * each is as well off alone. */
    uint32_t (*cohort)(const void *state);
};

const struct evaluator *evaluator_find(const char *name);

#endif
