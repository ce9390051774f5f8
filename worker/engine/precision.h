/*
 * precision.h: what the bf16 precisions change in a training.
 *
 * All of them round both operands of each matrix product to bfloat16 (the upper half of a float:
 * eight significant bits), to nearest even, and add up in float: Micikevicius et al. 2018 with
 * bfloat16, so without loss scaling. Everything else is float: activations, losses, gradients and
 * the optimiser's moments.
 *
 * BF16_MIXED keeps float parameters. With BF16_NEAREST and BF16_STOCHASTIC they are bfloat16 from
 * the first step on (still in arrays and checkpoints of float, exactly): rounded behind each
 * update. To nearest, an update of less than half a step of the grid is lost, for ever if all are
 * as small; stochastically it has its chance, so that the sum of many is right on average (Gupta et
 * al. 2015). Moments stay float, so that what is lost is lost by the parameters alone: a second
 * moment with beta2 = 0.999 could not even shrink in bfloat16.
 */
#ifndef RATCHET_WORKER_ENGINE_PRECISION_H
#define RATCHET_WORKER_ENGINE_PRECISION_H

#include "worker/engine/kernels.h"
#include "worker/engine/update.h"

/* The kernels of a precision, for an engine on these: lane_product and sum_products are its own.
 * `product` is not, and the pass's is not `product` then: so ops that have ways of their own where
 * it is (chains in registers, gradients in stretches) leave them. */
struct kernels precision_kernels(const struct kernels *kernels, enum precision precision);

/* Whether parameters are bfloat16. */
bool precision_is_stored(enum precision precision);

/* Parameters as they may be at the start of a step. Changes nothing that is bfloat16 already. */
void precision_begin(const struct kernels *kernels, enum precision precision, size_t count,
                     float *parameters);

/* A member's rounding in one step. */
struct stored_rounding {
    const struct kernels *kernels;
    enum precision precision;
    const struct random *key;
    uint64_t step;
};

/* One network's numbers in an update; arrays of all parameters. */
struct updated {
    const float *g;
    float *w, *m, *v;
};

/* The optimiser's step of parameters [first, end), then the rounding; how many updates were lost.
 */
uint64_t precision_update(const struct stored_rounding *rounding, const struct update *update,
                          const struct updated *numbers, uint64_t first, uint64_t end);

/* Rounds all parameters once more in that step, behind a limit on their length. */
void precision_settle(const struct stored_rounding *rounding, size_t count, float *parameters);

#endif
