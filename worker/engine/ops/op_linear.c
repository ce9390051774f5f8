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

/* Whether it reads the mini-batch as the bytes that it is stored as. */
static bool reads_bytes(const struct pass *pass, const struct op *op)
{
    return op->input == 0 && byte_layer_is_open(pass);
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

static void multiply_forward(const struct pass *pass, const struct op *op,
                             const struct activations *z, enum product_end end)
{
    const struct activations input = pass_value(pass, op->input);
    pass->product(&(struct product){
        .m = z->units,
        .n = z->n,
        .k = input.units,
        .a = weights_of(pass, op),
        .a_row = input.units,
        .a_column = 1,
        .b = input.values,
        .b_layout = input_layout(pass, op),
        .b_row = input.stride,
        .bias = pass->parameters + biases_at(op),
        .c = z->values,
        .c_row = z->stride,
        .end = end,
        .activation = pass->model->activation,
    });
}

void linear_forward(const struct pass *pass, const struct op *op)
{
    const struct activations z = pass_value(pass, op->output);
    const bool is_fused = op->activates && activation_is_simple(pass);
    const enum product_end end = is_fused ? PRODUCT_ACTIVATES : PRODUCT_ENDS;
    if (reads_bytes(pass, op)) {
        const struct byte_weights weights = {.first = weights_of(pass, op),
                                             .row = inputs_of(op),
                                             .biases = pass->parameters + biases_at(op)};
        byte_layer_forward(pass, &weights, &z, end);
    } else {
        multiply_forward(pass, op, &z, end);
    }
    if (op->activates && !is_fused)
        activation_forward(pass, number_of(pass, op), &z, pass_kept(pass, op));
}

static void forward(const struct pass *pass, const struct program_step *step)
{
    linear_forward(pass, pass_op(pass, step));
}

/* ------------------------------------------------------------------------------------ backward */

/* What dW is multiplied from, beside the delta: [n][in], sample by sample. */
struct sample_rows {
    const float *values;
    size_t row;
    enum matrix_layout layout;
};

/* As a product meets it best. */
static void transpose_to_panels(const struct pass *pass, const struct activations *values,
                                float *to)
{
    uint32_t units;
    for (uint32_t first = 0; first < values->units; first += units) {
        units = panel_columns(values->units - first);
        const struct activations panel = {units, values->n, values->stride,
                                          values->values + first * values->stride};
        pass->kernels->transpose(&panel, to + (size_t)first * values->n, workspace_row(units));
    }
}

static struct sample_rows open_sample_rows(const struct pass *pass, const struct op *op)
{
    struct workspace *workspace = pass->workspace;
    if (op->input == 0)
        return (struct sample_rows){workspace->batch.by_sample, workspace->batch.sample_row,
                                    workspace->batch.layout};
    struct sample_rows rows = {.values = workspace->scratch};
    const struct activations values = pass_value(pass, op->input);
    if (pass->product == pass->kernels->product) {
        rows.layout = MATRIX_PANELS;
        transpose_to_panels(pass, &values, workspace->scratch);
    } else {
        rows.row = workspace_row(values.units);
        pass->kernels->transpose(&values, workspace->scratch, rows.row);
    }
    return rows;
}

/* dW of the units first .. end - 1. */
struct unit_range {
    uint32_t first, end;
};

static void multiply_gradient(const struct pass *pass, const struct op *op,
                              const struct activations *delta, const struct sample_rows *rows,
                              struct unit_range units)
{
    float *gradient =
        pass->workspace->gradient + op->parameters + (size_t)units.first * inputs_of(op);
    if (reads_bytes(pass, op)) {
        const struct activations part = {units.end - units.first, delta->n, delta->stride,
                                         delta->values + units.first * delta->stride};
        byte_layer_backward(pass, &part,
                            &(struct byte_gradient){.first = gradient, .row = inputs_of(op)});
        return;
    }
    pass->product(&(struct product){
        .m = units.end - units.first,
        .n = inputs_of(op),
        .k = delta->n,
        .a = delta->values + units.first * delta->stride,
        .a_row = delta->stride,
        .a_column = 1,
        .b = rows->values,
        .b_layout = rows->layout,
        .b_row = rows->row,
        .c = gradient,
        .c_row = inputs_of(op),
    });
}

/* dW, for which there are two ways, and db. */
void linear_gradient(const struct pass *pass, const struct op *op, const struct activations *delta)
{
    struct workspace *workspace = pass->workspace;
    pass->kernels->sum_samples(delta, workspace->gradient + biases_at(op));
    if (op->input != 0 && !is_transposed(op)) {
        struct activations values = pass_value(pass, op->input);
        pass->kernels->sum_products(delta, &values, workspace->gradient + op->parameters,
                                    values.units);
        return;
    }
    const struct sample_rows rows = open_sample_rows(pass, op);
    multiply_gradient(pass, op, delta, &rows, (struct unit_range){0, delta->units});
}

/* A large layer's gradient goes by in stretches that are still in the cache when they are used. */
enum { STRETCH_UNITS = 24 };

static uint32_t stretch_units(const struct pass *pass, const struct op *op)
{
    return reads_bytes(pass, op) ? byte_layer_units(pass) : STRETCH_UNITS;
}

static const uint64_t stretched_parameters_min = (uint64_t)1 << 16;

static bool reports(const struct pass *pass, const struct op *op)
{
    return op->parameter_count >= stretched_parameters_min &&
           (op->input == 0 || is_transposed(op)) && pass->product == pass->kernels->product;
}

/* As linear_gradient, from the last unit to the first. */
static void gradient_in_stretches(const struct pass *pass, const struct op *op,
                                  const struct activations *delta)
{
    const uint64_t biases = biases_at(op);
    const struct sample_rows rows = open_sample_rows(pass, op);
    pass->kernels->sum_samples(delta, pass->workspace->gradient + biases);
    pass->update->done(pass->update->context, biases, biases + delta->units);
    const uint32_t most = stretch_units(pass, op);
    struct unit_range units = {delta->units, delta->units};
    while (units.end > 0) {
        units.first = units.end > most ? units.end - most : 0;
        multiply_gradient(pass, op, delta, &rows, units);
        pass->update->done(pass->update->context,
                           op->parameters + (uint64_t)units.first * inputs_of(op),
                           op->parameters + (uint64_t)units.end * inputs_of(op));
        units.end = units.first;
    }
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

/* The delta of what the layer read. */
static void hand_back(const struct pass *pass, const struct program_step *step,
                      const struct activations *delta)
{
    const struct op *op = pass_op(pass, step);
    const struct program *program = pass->model->program;
    const enum delta_use use = program->ops[step->first].input;
    struct activations before = pass_delta(pass, op->input);
    if (use == DELTA_SET && program->values[op->input].delta_by_z && activation_is_simple(pass)) {
        multiply_back(pass, op, delta, &before, PRODUCT_DERIVES);
        return;
    }
    if (use == DELTA_ADD) {
        struct activations part = before;
        part.values = pass->workspace->scratch;
        linear_back(pass, op, delta, &part);
        add_values(&part, &before);
    } else if (use == DELTA_SET) {
        linear_back(pass, op, delta, &before);
    }
    pass_hand_over(pass, op->input);
}

static void backward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const struct program *program = pass->model->program;
    struct activations delta = pass_delta(pass, op->output);
    if (op->activates && !program->values[op->output].delta_by_z) {
        struct activations values = pass_value(pass, op->output);
        activation_backward(pass, step->first, &values, pass_kept(pass, op), &delta);
    }
    /* Before the gradient: once that is there, the weights may change. */
    if (!pass_ends_at(pass, op->input))
        hand_back(pass, step, &delta);
    if (reports(pass, op))
        gradient_in_stretches(pass, op, &delta);
    else
        linear_gradient(pass, op, &delta);
}

static double flops(const struct op *op, enum delta_use input)
{
    double product = 2.0 * inputs_of(op) * op->out.channels;
    return product * (input == DELTA_UNWANTED ? 2 : 3);
}

const struct op_row op_linear = {
    .name = "linear",
    .kept_rows = kept_rows,
    .scratch = scratch,
    .forward = forward,
    .backward = backward,
    .hands_over = true,
    .reports = reports,
    .flops = flops,
};
