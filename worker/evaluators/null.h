/*
 * null.h: the null evaluator: a search landscape without any training.
 *
 * It exists to exercise the cluster: jobs cost nothing (or `work_ms` of sleep), yet their results
 * depend on every input as a real job's do, so that a lost seed, a swapped parent or a stale
 * checkpoint changes the run's digest. A checkpoint is a safetensors file with one tensor "genome"
 * of `dim` float32 values; the fitness is minus the mean squared distance from a target that is
 * drawn from the experiment's seed, computed in IEEE double in a fixed order.
 *
 * Operators: init draws a genome, none copies it, noise(scale) adds uniform noise, crossover(rate)
 * mixes two parents. Every non-evaluating job then takes one step of pull towards the target
 * ("training") by the fraction `heal`.
 */
#ifndef RATCHET_WORKER_EVALUATORS_NULL_H
#define RATCHET_WORKER_EVALUATORS_NULL_H

#include "worker/evaluators/evaluator.h"

struct null_spec {
    uint32_t dim;               /* genome length, 1 .. 1048576 */
    uint32_t work_ms;           /* sleep per job; never part of a result. Can be cut in two: a step
                                   of such a job is a millisecond of it */
    uint32_t crash_per_million; /* of attempts that die; drawn outside the job, for fault tests */
    double heal;                /* 0 .. 1 */
};

/* 0, or -1 with line and reason: unknown key, wrong type, out of range. */
int null_spec_parse(const char *spec, struct null_spec *parsed, struct error *error);

/* Largest child in bytes. */
size_t null_child_bytes_max(const struct null_spec *spec);

/*
 * The whole of a job as a pure function: no clock, no allocation. Writes the child (none for
 * JOB_EVALUATE) and fills *result but for lease, job, child digest, compute_ms and detail.
 * `parents` are the bytes of job->parents. A parent that is not a null checkpoint of this dim gives
 * OUTCOME_FAILED with the reason. Returns the child's size.
 */
size_t null_evaluate(const struct null_spec *spec, const struct job *job,
                     const struct bytes parents[JOB_PARENTS_MAX], uint8_t *child,
                     struct result *result);

/* The evaluator of that name, around the function above; what evaluator_find("null") gives. */
extern const struct evaluator null_evaluator;

#endif
