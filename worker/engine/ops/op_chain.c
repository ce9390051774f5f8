/*
 * op_chain.c: consecutive hidden layers with as many inputs as units, at most four: through
 * registers (kernels.h), without a change to any bit.
 *
 * With dropout, with products that are not ours, or on a CPU with too few registers, the layers go
 * one by one as op_linear.c does them.
 */
#include "worker/engine/ops/ops.h"

/* What it reads has to be a layer's, and nobody else's: then the delta is handed over by z. */
bool op_chain_links(const struct program *program, const struct op *op)
{
    return op->kind == OP_LINEAR && op->activates && op->input != 0 &&
           program->values[op->input].delta_by_z && shape_features(op->in) == op->out.channels &&
           op->out.channels <= CHAIN_WIDTH_MAX;
}

static bool goes_through_registers(const struct pass *pass)
{
    return !pass_drops(pass) && pass->product == pass->kernels->product;
}

/* What the nearest cache holds need not be computed once more. Layers of one unit are faster
 * where they need not be stored. */
enum { NEAR_BYTES = 24 << 10 };

static bool keeps_all(const struct pass *pass, const struct activations *input, uint32_t layers)
{
    if (input->units > pass->kernels->chain_backward_width)
        return true; /* back layer by layer, they are all needed */
    return input->units > 1 && layers * input->units * input->stride * sizeof(float) <= NEAR_BYTES;
}

static struct chain open_chain(const struct pass *pass, const struct program_step *step)
{
    const struct op *first = &pass->model->plan->ops[step->first];
    struct activations input = pass_value(pass, first->input);
    return (struct chain){
        .layers = step->end - step->first,
        .keeps_all = keeps_all(pass, &input, step->end - step->first),
        .width = input.units,
        .n = input.n,
        .stride = input.stride,
        .activation = pass->model->activation,
        .parameters = pass->parameters + first->parameters,
        .values = input.values,
        .kept = pass->model->activation == ACTIVATION_GELU
                    ? pass_kept(pass, first) - (size_t)input.units * input.stride
                    : NULL,
    };
}

static void forward(const struct pass *pass, const struct program_step *step)
{
    if (goes_through_registers(pass)) {
        struct chain chain = open_chain(pass, step);
        pass->kernels->chain_forward(&chain);
        return;
    }
    for (uint32_t i = step->first; i < step->end; i++)
        linear_forward(pass, &pass->model->plan->ops[i]);
}

/* Two deltas, for the layers between. */
static uint64_t scratch(const struct model *model, const struct op *op, uint32_t samples_max)
{
    (void)model;
    return (uint64_t)2 * op->out.channels * workspace_row(samples_max);
}

/* Where the delta of what an op of the chain reads goes: between its layers these take turns in two
 * places. */
static struct activations delta_before(const struct pass *pass, const struct program_step *step,
                                       uint32_t number)
{
    const uint32_t input = pass->model->plan->ops[number].input;
    struct activations before = pass_delta(pass, input);
    if (number > step->first || pass_ends_at(pass, input))
        before.values =
            pass->workspace->scratch + (size_t)(number % 2) * before.units * before.stride;
    return before;
}

/* One by one. */
static void back_by_layers(const struct pass *pass, const struct program_step *step,
                           struct activations delta)
{
    const struct plan *plan = pass->model->plan;
    for (uint32_t i = step->end; i-- > step->first;) {
        const struct op *op = &plan->ops[i];
        struct activations before = delta_before(pass, step, i);
        linear_gradient(pass, op, &delta);
        linear_back(pass, op, &delta, &before);
        if (i > step->first) {
            struct activations values = pass_value(pass, op->input);
            activation_backward(pass, i - 1, &values, pass_kept(pass, &plan->ops[i - 1]), &before);
        }
        delta = before;
    }
}

static void backward(const struct pass *pass, const struct program_step *step)
{
    const struct program *program = pass->model->program;
    const struct op *first = &pass->model->plan->ops[step->first];
    const struct op *last = &pass->model->plan->ops[step->end - 1];
    struct activations delta = pass_delta(pass, last->output);
    if (!program->values[last->output].delta_by_z) {
        struct activations values = pass_value(pass, last->output);
        activation_backward(pass, step->end - 1, &values, pass_kept(pass, last), &delta);
    }
    if (!goes_through_registers(pass) || delta.units > pass->kernels->chain_backward_width) {
        back_by_layers(pass, step, delta);
        pass_hand_over(pass, first->input);
        return;
    }
    struct chain_backward way = {
        .chain = open_chain(pass, step),
        .delta = delta.values,
        .delta_before = delta_before(pass, step, step->first).values,
        .gradient = pass->workspace->gradient + first->parameters,
    };
    pass->kernels->chain_backward(&way); /* hands over by z itself */
}

static double no_flops(const struct op *op, enum delta_use input)
{
    (void)input;
    (void)op;
    return 0;
}

const struct op_row op_chain = {
    .name = "chain",
    .kept_rows = NULL,
    .scratch = scratch,
    .forward = forward,
    .backward = backward,
    .flops = no_flops, /* its layers count their own */
};
