/*
 * norm.h: limits on the length of a gradient and of a network's parameters.
 *
 * The length is the L2 norm over the whole array: the root of kernels.h's sum_squares, in double.
 * Nothing changes where the limit is kept; where the length is NaN nothing does either.
 */
#ifndef RATCHET_WORKER_ENGINE_NORM_H
#define RATCHET_WORKER_ENGINE_NORM_H

#include "worker/engine/kernels.h"

/* gradient <- gradient * limit / (length + 1e-6) where that factor is below 1:
 * torch.nn.utils.clip_grad_norm_; Pascanu, Mikolov, Bengio 2013, alg. 1. */
void norm_clip(const struct kernels *kernels, double limit, size_t count, float *gradient);

/* parameters <- parameters * limit / length where length is above limit: the projection onto the
 * ball of that radius. */
void norm_clamp(const struct kernels *kernels, double limit, size_t count, float *parameters);

#endif
