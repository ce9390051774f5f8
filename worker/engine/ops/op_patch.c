/*
 * op_patch.c: kernel x kernel neighbouring positions become the channels of one; in a sequence
 * kernel of them. Rows change places, nothing is computed.
 *
 * Channel c at (dy, dx) of a patch is its channel (c * kernel + dy) * kernel + dx, as torch.nn
 * .Unfold has it; in a sequence c * kernel + dx.
 */
#include "worker/engine/ops/ops.h"

/* The row that a patch's row is of. */
static uint32_t origin(const struct op *op, uint32_t row)
{
    const struct value_shape in = op->in, out = op->out;
    const uint32_t edge = op->kernel, high = in.height == 1 ? 1 : edge;
    const uint32_t x = row % out.width, y = row / out.width % out.height;
    const uint32_t channel = row / (out.width * out.height);
    const uint32_t dx = channel % edge, dy = channel / edge % high, c = channel / (edge * high);
    return (c * in.height + y * high + dy) * in.width + x * edge + dx;
}

static struct activations row_of(const struct activations *values, uint32_t row)
{
    return (struct activations){1, values->n, values->stride,
                                values->values + row * values->stride};
}

static void forward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    struct activations from = pass_value(pass, op->input), to = pass_value(pass, op->output);
    for (uint32_t row = 0; row < to.units; row++) {
        const struct activations source = row_of(&from, origin(op, row)), target = row_of(&to, row);
        copy_values(&source, &target);
    }
}

static void backward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const enum delta_use use = pass->model->program->ops[step->first].input;
    struct activations delta = pass_delta(pass, op->output), before = pass_delta(pass, op->input);
    for (uint32_t row = 0; use != DELTA_UNWANTED && row < delta.units; row++) {
        const struct activations source = row_of(&delta, row);
        const struct activations target = row_of(&before, origin(op, row));
        pass_on(&source, &target, use);
    }
}

const struct op_row op_patch = {
    .name = "patch",
    .forward = forward,
    .backward = backward,
};
