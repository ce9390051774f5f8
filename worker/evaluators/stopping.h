/*
 * stopping.h: whether a job should stop here, and how its end is told if it does: what evaluators
 * share that can be cut in two.
 */
#ifndef RATCHET_WORKER_EVALUATORS_STOPPING_H
#define RATCHET_WORKER_EVALUATORS_STOPPING_H

#include "worker/evaluators/evaluator.h"

/* How far a job has come. */
struct job_pace {
    uint64_t started_ms; /* on the monotonic clock: when this slot began to carry it out */
    uint64_t done, left; /* steps: since then; until it is finished */
};

/* Asked between two steps. Near its end a job is better finished than carried elsewhere. */
bool job_should_stop(const struct evaluator_environment *environment, const struct job_pace *pace);

/*
 * Ends the job with its progress. False when that cannot be kept, with the reason on stderr: the
 * job is to be finished here.
 */
bool job_hand_over(const struct evaluator_environment *environment, uint32_t index,
                   const struct job_progress *progress);

/* Where to go on: true when somebody has carried the job out up to there. */
bool job_resume(const struct evaluator_environment *environment, uint32_t index,
                struct job_progress *progress);

#endif
