/*
 * liar.c: ratchet-worker with a null evaluator that lies: every fitness is a little too good, by
 * an amount that depends on the job alone, so it says the same when it is asked again.
 *
 * The program is the worker's own, linked so that calls of null_evaluate() come here. For
 * audit.test.
 */
#include "worker/evaluators/null.h"

#include <math.h>

/* Names that the linker makes of --wrap=null_evaluate: the function itself, and what is called in
 * its place. */
size_t __real_null_evaluate(const struct null_spec *spec, const struct job *job,
                            const struct bytes parents[JOB_PARENTS_MAX], uint8_t *child,
                            struct result *result);
size_t __wrap_null_evaluate(const struct null_spec *spec, const struct job *job,
                            const struct bytes parents[JOB_PARENTS_MAX], uint8_t *child,
                            struct result *result);

size_t __wrap_null_evaluate(const struct null_spec *spec, const struct job *job,
                            const struct bytes parents[JOB_PARENTS_MAX], uint8_t *child,
                            struct result *result)
{
    size_t bytes = __real_null_evaluate(spec, job, parents, child, result);
    if (result->outcome == OUTCOME_OK)
        result->fitness += ldexp(1 + (double)(job->key.job % 7), -20);
    return bytes;
}
