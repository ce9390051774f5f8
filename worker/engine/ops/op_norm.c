/* op_norm.c: layer norm over the channels at each position: kernels_positions.h has the formulas.
 */
#include "worker/engine/ops/ops.h"

/* As torch.nn.LayerNorm. */
static const float eps = 1e-5F;

/* Mean and root of each position. */
static uint64_t kept_rows(const struct model *model, const struct op *op)
{
    (void)model;
    return (uint64_t)2 * shape_positions(op->in);
}

static uint64_t scratch(const struct model *model, const struct op *op, uint32_t samples_max)
{
    (void)model;
    (void)samples_max;
    return (uint64_t)4 * op->in.channels * KERNEL_LANES;
}

static struct layer_norm open_norm(const struct pass *pass, const struct op *op)
{
    struct activations input = pass_value(pass, op->input), output = pass_value(pass, op->output);
    const uint32_t positions = shape_positions(op->in);
    return (struct layer_norm){
        .channels = op->in.channels,
        .positions = positions,
        .n = input.n,
        .stride = input.stride,
        .eps = eps,
        .gain = pass->parameters + op->parameters,
        .bias = pass->parameters + op->parameters + op->in.channels,
        .input = input.values,
        .output = output.values,
        .means = pass_kept(pass, op),
        .roots = pass_kept(pass, op) + positions * input.stride,
        .scratch = pass->workspace->scratch,
    };
}

static void forward(const struct pass *pass, const struct program_step *step)
{
    const struct layer_norm norm = open_norm(pass, pass_op(pass, step));
    pass->kernels->layer_norm(&norm);
}

static void backward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const enum delta_use use = pass->model->program->ops[step->first].input;
    float *gradient = pass->workspace->gradient + op->parameters;
    pass->kernels->layer_norm_back(&(struct layer_norm_backward){
        .norm = open_norm(pass, op),
        .delta = pass_delta(pass, op->output).values,
        .before = use == DELTA_UNWANTED ? NULL : pass_delta(pass, op->input).values,
        .adds = use == DELTA_ADD,
        .gain_gradient = gradient,
        .bias_gradient = gradient + op->in.channels,
    });
}

const struct op_row op_norm = {
    .name = "norm",
    .kept_rows = kept_rows,
    .scratch = scratch,
    .forward = forward,
    .backward = backward,
};
