/* op_add.c: the sum that ends a residual: input + other, one rounding each. */
#include "worker/engine/ops/ops.h"

static void forward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    struct activations input = pass_value(pass, op->input), other = pass_value(pass, op->other);
    struct activations sum = pass_value(pass, op->output);
    copy_values(&input, &sum);
    add_values(&other, &sum);
}

static void backward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const struct program_op *own = &pass->model->program->ops[step->first];
    struct activations delta = pass_delta(pass, op->output);
    struct activations input = pass_delta(pass, op->input), other = pass_delta(pass, op->other);
    pass_on(&delta, &input, own->input);
    pass_on(&delta, &other, own->other);
}

const struct op_row op_add = {
    .name = "add",
    .forward = forward,
    .backward = backward,
};
