/* stopping.c: see stopping.h. */
#include "worker/evaluators/stopping.h"

#include "common/os_clock.h"

#include <stdio.h>

bool job_should_stop(const struct evaluator_environment *environment, const struct job_pace *pace)
{
    if (environment->is_stopping == NULL || pace->left == 0 || pace->done == 0 ||
        !environment->is_stopping(environment->context))
        return false;
    double spent_ms = (double)(clock_monotonic_ms() - pace->started_ms);
    return spent_ms / (double)pace->done * (double)pace->left >= (double)environment->spare_ms;
}

bool job_hand_over(const struct evaluator_environment *environment, uint32_t index,
                   const struct job_progress *progress)
{
    struct error error;
    if (environment->hand_over(environment->context, index, progress, &error) == 0)
        return true;
    fprintf(stderr, "the job cannot be handed over and goes on: %s\n", error.text);
    return false;
}

bool job_resume(const struct evaluator_environment *environment, uint32_t index,
                struct job_progress *progress)
{
    return environment->resume != NULL &&
           environment->resume(environment->context, index, progress);
}
