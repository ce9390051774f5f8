/*
 * op_linear.c: a linear layer on all features, and the activation behind it.
 *
 * Shapes, with n samples:
 *   forward   Z [out, n] = W [out, in] A [in, n] + b,  A' = drop(f(Z))
 *   backward  dA [in, n] = W^T dZ,  dW [out, in] = dZ A^T,  db [out] = dZ 1
 */
#include "worker/engine/ops/ops.h"

/* Layers that read at most so many values (not samples): their dW is summed in lanes over the
 * samples. A part of the class `portable`. From here on a transpose and the product are faster. */
enum { NARROW_INPUTS_MAX = 24 };

static uint32_t inputs_of(const struct op *op)
{
    return shape_features(op->in);
}

static const float *weights_of(const struct pass *pass, const struct op *op)
{
    return pass->parameters + op->parameters;
}

/* Where the biases are, behind the weights. */
static uint64_t biases_at(const struct op *op)
{
    return op->parameters + (uint64_t)inputs_of(op) * op->out.channels;
}

static uint32_t number_of(const struct pass *pass, const struct op *op)
{
    return (uint32_t)(op - pass->model->plan->ops);
}

/* The mini-batch may lie in panels, all other values are rows. */
static enum matrix_layout input_layout(const struct pass *pass, const struct op *op)
{
    return op->input == 0 ? pass->workspace->batch.layout : MATRIX_ROWS;
}

static bool is_transposed(const struct op *op)
{
    return op->input != 0 && inputs_of(op) > NARROW_INPUTS_MAX;
}

static uint64_t kept_rows(const struct model *model, const struct op *op)
{
    return op->activates && activation_keeps(model) ? op->out.channels : 0;
}

/* The values that it reads, sample by sample, or one that is added to a delta. */
static uint64_t scratch(const struct model *model, const struct op *op, uint32_t samples_max)
{
    (void)model;
    uint64_t transposed = is_transposed(op) ? samples_max * workspace_row(inputs_of(op)) : 0;
    uint64_t added = op->input != 0 ? inputs_of(op) * workspace_row(samples_max) : 0;
    return transposed > added ? transposed : added;
}

/* ------------------------------------------------------------------------------------- forward */

void linear_forward(const struct pass *pass, const struct op *op)
{
    struct activations z = pass_value(pass, op->output), input = pass_value(pass, op->input);
    bool is_fused = op->activates && activation_is_simple(pass);
    pass->product(&(struct product){
        .m = z.units,
        .n = z.n,
        .k = input.units,
        .a = weights_of(pass, op),
        .a_row = input.units,
        .a_column = 1,
        .b = input.values,
        .b_layout = input_layout(pass, op),
        .b_row = input.stride,
        .bias = pass->parameters + biases_at(op),
        .c = z.values,
        .c_row = z.stride,
        .end = is_fused ? PRODUCT_ACTIVATES : PRODUCT_ENDS,
        .activation = pass->model->activation,
    });
    if (op->activates && !is_fused)
        activation_forward(pass, number_of(pass, op), &z, pass_kept(pass, op));
}

static void forward(const struct pass *pass, const struct program_step *step)
{
    linear_forward(pass, pass_op(pass, step));
}

/* ------------------------------------------------------------------------------------ backward */

/* dW, for which there are two ways, and db. */
void linear_gradient(const struct pass *pass, const struct op *op, const struct activations *delta)
{
    struct workspace *workspace = pass->workspace;
    struct activations values = pass_value(pass, op->input);
    float *gradient = workspace->gradient + op->parameters;
    const float *input = workspace->batch.by_sample;
    size_t row = workspace->batch.sample_row;
    pass->kernels->sum_samples(delta, workspace->gradient + biases_at(op));
    if (op->input != 0 && !is_transposed(op)) {
        pass->kernels->sum_products(delta, &values, gradient, values.units);
        return;
    }
    if (is_transposed(op)) {
        row = workspace_row(values.units);
        input = workspace->scratch;
        pass->kernels->transpose(&values, workspace->scratch, row);
    }
    pass->product(&(struct product){
        .m = delta->units,
        .n = values.units,
        .k = delta->n,
        .a = delta->values,
        .a_row = delta->stride,
        .a_column = 1,
        .b = input,
        .b_layout = input_layout(pass, op),
        .b_row = row,
        .c = gradient,
        .c_row = values.units,
    });
}

/* By the input; or by the z behind it where `end` says so, for relu and without dropout. */
static void multiply_back(const struct pass *pass, const struct op *op,
                          const struct activations *delta, const struct activations *before,
                          enum product_end end)
{
    pass->product(&(struct product){
        .m = before->units,
        .n = delta->n,
        .k = delta->units,
        .a = weights_of(pass, op),
        .a_row = 1,
        .a_column = before->units,
        .b = delta->values,
        .b_row = delta->stride,
        .c = before->values,
        .c_row = before->stride,
        .end = end,
        .activation = pass->model->activation,
        .from = pass_value(pass, op->input).values,
    });
}

void linear_back(const struct pass *pass, const struct op *op, const struct activations *delta,
                 const struct activations *before)
{
    multiply_back(pass, op, delta, before, PRODUCT_ENDS);
}

static void backward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const struct program *program = pass->model->program;
    struct activations delta = pass_delta(pass, op->output), before = pass_delta(pass, op->input);
    if (op->activates && !program->values[op->output].delta_by_z) {
        struct activations values = pass_value(pass, op->output);
        activation_backward(pass, step->first, &values, pass_kept(pass, op), &delta);
    }
    linear_gradient(pass, op, &delta);
    if (program->ops[step->first].input == DELTA_ADD) {
        struct activations part = before;
        part.values = pass->workspace->scratch;
        linear_back(pass, op, &delta, &part);
        add_values(&part, &before);
    } else if (program->ops[step->first].input == DELTA_SET) {
        if (program->values[op->input].delta_by_z && activation_is_simple(pass)) {
            multiply_back(pass, op, &delta, &before, PRODUCT_DERIVES);
            return;
        }
        linear_back(pass, op, &delta, &before);
    }
    pass_hand_over(pass, op->input);
}

static double flops(const struct op *op)
{
    double product = 2.0 * inputs_of(op) * op->out.channels;
    return product * (op->input == 0 ? 2 : 3);
}

const struct op_row op_linear = {
    .name = "linear",
    .kept_rows = kept_rows,
    .scratch = scratch,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
