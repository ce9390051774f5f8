/* op_positions.c: a learned vector added at each position: x + p, one rounding each. */
#include "worker/engine/ops/ops.h"

static void forward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const float *learned = pass->parameters + op->parameters;
    struct activations from = pass_value(pass, op->input), to = pass_value(pass, op->output);
    for (uint32_t u = 0; u < to.units; u++) {
        const float *row = from.values + u * from.stride;
        float *sum = to.values + u * to.stride;
        for (size_t s = 0; s < to.stride; s++)
            sum[s] = row[s] + learned[u];
    }
}

static void backward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    struct activations delta = pass_delta(pass, op->output), before = pass_delta(pass, op->input);
    pass->kernels->sum_samples(&delta, pass->workspace->gradient + op->parameters);
    pass_on(&delta, &before, pass->model->program->ops[step->first].input);
}

const struct op_row op_positions = {
    .name = "positions",
    .forward = forward,
    .backward = backward,
};
