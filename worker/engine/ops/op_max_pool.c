/*
 * op_max_pool.c: the greatest of each window of positions, sample by sample; the delta goes to the
 * first of equal ones, as in PyTorch. Positions beyond the last whole window are nobody's.
 */
#include "worker/engine/ops/ops.h"

#include <string.h>

/* Down and across; a sequence is pooled across only. */
static struct pool_window window_of(const struct op *op, size_t stride)
{
    return (struct pool_window){
        .rows = op->in.height == 1 ? 1 : op->kernel,
        .columns = op->kernel,
        .n = (uint32_t)stride,
        .row = op->in.width * stride,
        .column = stride,
    };
}

/* Where the window of an output begins among the rows of the input. */
static size_t first_row(const struct op *op, uint32_t feature)
{
    const uint32_t positions = shape_positions(op->out);
    const uint32_t channel = feature / positions, place = feature % positions;
    const uint32_t y = place / op->out.width, x = place % op->out.width;
    return ((size_t)channel * op->in.height + y * op->kernel) * op->in.width + x * op->kernel;
}

static void forward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const struct activations from = pass_value(pass, op->input);
    const struct activations to = pass_value(pass, op->output);
    const struct pool_window window = window_of(op, from.stride);
    for (uint32_t u = 0; u < to.units; u++)
        pass->kernels->pool(&window, from.values + first_row(op, u) * from.stride,
                            to.values + u * to.stride);
}

/* Deltas of positions that are in no window. */
static void clear(const struct activations *delta)
{
    memset(delta->values, 0, delta->units * delta->stride * sizeof *delta->values);
}

static bool is_covered(const struct op *op)
{
    return op->in.width % op->kernel == 0 &&
           (op->in.height == 1 || op->in.height % op->kernel == 0);
}

/* Whether the value's maker wants the delta by z, and that is no more than relu's derivative: this
 * can be had once per window. */
static bool derives_relu(const struct pass *pass, uint32_t value)
{
    return pass->model->program->values[value].delta_by_z &&
           pass->model->activation == ACTIVATION_RELU && !pass_drops(pass);
}

static void backward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const enum delta_use use = pass->model->program->ops[step->first].input;
    const struct activations from = pass_value(pass, op->input);
    const struct activations to = pass_value(pass, op->output);
    const struct activations delta = pass_delta(pass, op->output);
    const struct activations before = pass_delta(pass, op->input);
    const struct pool_window window = window_of(op, from.stride);
    if (use == DELTA_UNWANTED)
        return;
    if (use == DELTA_SET && !is_covered(op))
        clear(&before);
    const bool derives = derives_relu(pass, op->input);
    const enum pool_use pool_use = use == DELTA_ADD ? POOL_ADDS
                                   : derives        ? POOL_DERIVES
                                                    : POOL_SETS;
    for (uint32_t u = 0; u < to.units; u++) {
        const size_t first = first_row(op, u) * from.stride, own = u * to.stride;
        const struct pool_back back = {from.values + first, to.values + own, delta.values + own,
                                       before.values + first, pool_use};
        pass->kernels->unpool(&window, &back);
    }
    if (!derives)
        pass_hand_over(pass, op->input);
}

const struct op_row op_max_pool = {
    .name = "max_pool",
    .forward = forward,
    .backward = backward,
    .hands_over = true,
};
