/*
 * conv.h: what the files of a convolution share: its geometry, and how its weights' gradient is
 * summed.
 */
#ifndef RATCHET_WORKER_ENGINE_OPS_CONV_H
#define RATCHET_WORKER_ENGINE_OPS_CONV_H

#include "worker/engine/ops/ops.h"

/* Along one axis output o reads with tap t the input o * stride + t - padding, or 0 beyond it. */
struct conv_axis {
    uint32_t in, out, kernel, stride, padding;
};

/* A sequence has one tap down. */
struct conv_axis conv_down(const struct op *op);
struct conv_axis conv_across(const struct op *op);

/* Weights of one output: channels * taps. */
uint32_t conv_row(const struct op *op);
/* Where the biases are in the flat array, behind the weights. */
uint64_t conv_biases(const struct op *op);

/* dW and db from the delta by z; the order of the sums is in README.md. */
void conv_gradient(const struct pass *pass, const struct op *op, const struct activations *delta);
/* Of scratch memory that it needs. */
uint64_t conv_gradient_floats(const struct op *op, uint32_t samples_max);

#endif
