/*
 * job_state.h: a job that is partly carried out, as bytes that continue anywhere.
 *
 * What is inside is the evaluator's. The frame around it names the description of the job, so that
 * the state of one job can never go on as another, and ends with a digest of everything before, so
 * that damage is seen whatever it hit:
 *
 *   "ratchet state 1\n" | description, 32 bytes | steps, u64 little-endian | content | digest
 *
 * Pure: no file, no clock, no allocation.
 */
#ifndef RATCHET_WORKER_EVALUATORS_JOB_STATE_H
#define RATCHET_WORKER_EVALUATORS_JOB_STATE_H

#include "worker/evaluators/evaluator.h"

/* Bytes of the whole. */
size_t job_state_bytes(const struct job_progress *progress);
/* Writes exactly that many. `job`: of the description. */
void job_state_write(const struct job_progress *progress, const struct digest *job, uint8_t *bytes);
/*
 * The inside of a state of this very job; its content points into `whole`. -1 with the reason: no
 * state, damaged, of another job.
 */
int job_state_read(struct bytes whole, const struct digest *job, struct job_progress *progress,
                   struct error *error) __attribute__((warn_unused_result));

#endif
