/*
 * train_progress.h: a training between two steps, as bytes: the sum of losses, the lost updates,
 * then the network as a checkpoint with all its moments, whatever of them the experiment keeps from
 * parent to child.
 *
 * The rest of a training (hits, dropout key, order of mini-batches) follows from the job, whose
 * operator is applied anew wherever it goes on.
 */
#ifndef RATCHET_WORKER_EVALUATORS_TRAIN_PROGRESS_H
#define RATCHET_WORKER_EVALUATORS_TRAIN_PROGRESS_H

#include "worker/engine/engine.h"

size_t train_progress_bytes(const struct cohort_member *member);
/* Writes exactly that many. */
void train_progress_write(const struct cohort_member *member, uint8_t *bytes);
/* Puts the member where the bytes say; on failure it is as before. -1 with the reason. */
int train_progress_read(const uint8_t *bytes, size_t count, struct cohort_member *member,
                        struct error *error) __attribute__((warn_unused_result));

#endif
