/* op_activation.c: the model's activation by itself, without dropout: what follows on a sum. */
#include "worker/engine/ops/ops.h"

#include <string.h>

static uint64_t kept_rows(const struct model *model, const struct op *op)
{
    return activation_keeps(model) ? shape_features(op->in) : 0;
}

/* Without dropout, whatever the member has. */
static struct pass without_dropout(const struct pass *pass)
{
    struct pass plain = *pass;
    plain.dropout.rate = 0;
    return plain;
}

static void forward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const struct pass plain = without_dropout(pass);
    struct activations from = pass_value(pass, op->input), to = pass_value(pass, op->output);
    copy_values(&from, &to);
    activation_forward(&plain, step->first, &to, pass_kept(pass, op));
}

static void backward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const struct pass plain = without_dropout(pass);
    struct activations values = pass_value(pass, op->output);
    struct activations delta = pass_delta(pass, op->output), before = pass_delta(pass, op->input);
    activation_backward(&plain, step->first, &values, pass_kept(pass, op), &delta);
    pass_on(&delta, &before, pass->model->program->ops[step->first].input);
}

const struct op_row op_activation = {
    .name = "activation",
    .kept_rows = kept_rows,
    .forward = forward,
    .backward = backward,
};
