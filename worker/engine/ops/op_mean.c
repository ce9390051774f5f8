/*
 * op_mean.c: the mean over all positions of each channel: their sum in ascending position, times
 * (float)(1 / positions), one rounding each.
 */
#include "worker/engine/ops/ops.h"

static float share_of(const struct op *op)
{
    return (float)(1.0 / shape_positions(op->in));
}

static void forward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const uint32_t positions = shape_positions(op->in);
    const float share = share_of(op);
    struct activations from = pass_value(pass, op->input), to = pass_value(pass, op->output);
    for (uint32_t c = 0; c < to.units; c++) {
        float *sum = to.values + c * to.stride;
        const struct activations first = {1, to.n, to.stride,
                                          from.values + (size_t)c * positions * from.stride};
        const struct activations total = {1, to.n, to.stride, sum};
        copy_values(&first, &total);
        for (uint32_t p = 1; p < positions; p++) {
            const struct activations next = {1, to.n, to.stride, first.values + p * from.stride};
            add_values(&next, &total);
        }
        pass->kernels->scale(share, to.stride, sum);
    }
}

/* Each position's delta is the mean's, times the same number. */
static void backward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const uint32_t positions = shape_positions(op->in);
    const enum delta_use use = pass->model->program->ops[step->first].input;
    struct activations delta = pass_delta(pass, op->output), before = pass_delta(pass, op->input);
    for (uint32_t c = 0; use != DELTA_UNWANTED && c < delta.units; c++) {
        const struct activations part = {1, delta.n, delta.stride, delta.values + c * delta.stride};
        pass->kernels->scale(share_of(op), delta.stride, part.values);
        for (uint32_t p = 0; p < positions; p++) {
            const struct activations to = {1, delta.n, delta.stride,
                                           before.values +
                                               ((size_t)c * positions + p) * before.stride};
            pass_on(&part, &to, use);
        }
    }
}

const struct op_row op_mean = {
    .name = "mean",
    .forward = forward,
    .backward = backward,
};
