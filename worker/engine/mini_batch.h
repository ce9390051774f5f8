/*
 * mini_batch.h: which samples a mini-batch is of, and what the networks see of them.
 */
#ifndef RATCHET_WORKER_ENGINE_MINI_BATCH_H
#define RATCHET_WORKER_ENGINE_MINI_BATCH_H

#include "worker/engine/pass.h"

/* Evaluation's mini-batch. Each sample's numbers are its own: its size is no part of a result. */
enum { EVALUATION_BATCH = 256 };

/* Members of the slice, by place. */
struct batch_places {
    const uint32_t *permutation; /* NULL: in the slice's own order */
    uint32_t first, n;
};

/* Samples and labels in the workspace. */
void mini_batch_choose(struct workspace *workspace, const struct samples *samples,
                       const struct sample_slice *slice, const struct batch_places *places);
/* Behind it: the inputs of the pass. */
void mini_batch_gather(const struct pass *pass, const struct samples *samples);
/* The evaluation's batch from place `first` of the slice on, both of it; how many samples. */
uint32_t mini_batch_evaluation(const struct pass *pass, const struct samples *samples,
                               const struct sample_slice *slice, uint32_t first);

#endif
