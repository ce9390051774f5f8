/*
 * op_gru.c: a gated recurrent layer over the positions of a sequence, in one direction or in both;
 * all its states are its value. No dropout and no activation of the model's: the gates are its own.
 *
 * Shapes, with C channels, H units, T positions and n samples; each position of a value is a matrix
 * of rows T * stride apart, so no product needs a copy:
 *   forward   input [3H, n] = W_ih X_t + b_ih,  recurrent [3H, n] = W_hh H_(t-1) + b_hh, then the
 *             gates (kernels.h); before the first step the state is 0
 *   backward  dH_(t-1) = direct part + W_hh^T dR_t,  dX_t = W_ih^T dI_t,
 *             dW_ih = sum of dI_t X_t^T,  dW_hh = sum of dR_t H_(t-1)^T
 * What is kept, and turned into deltas in place, is [T][4H] rows: r, z, n, g. dI is r, z, n; dR is
 * r, z, g.
 */
#include "worker/engine/ops/ops.h"

#include <string.h>

/* One of an op's directions. Steps are counted in the order that it takes them in, positions from
 * the first. */
struct direction {
    const struct pass *pass;
    const struct op *op;
    bool is_reverse;
    uint32_t units, channels, positions, n;
    size_t stride, row; /* floats between the rows of one position; of a value */
    uint64_t weight_ih; /* offsets of the four tensors in the flat array */
    uint64_t weight_hh, bias_ih, bias_hh;
    const float *input; /* values [channels][positions] */
    float *states;      /* values [units][positions] */
    float *kept;        /* [positions][4 * units] */
    const float *delta; /* by the states */
    float *input_delta; /* NULL: not wanted */
    enum delta_use use; /* of it */
};

static uint32_t units_of(const struct op *op)
{
    return op->bidirectional ? op->out.channels / 2 : op->out.channels;
}

static uint32_t directions_of(const struct op *op)
{
    return op->bidirectional ? 2 : 1;
}

static uint64_t kept_rows(const struct model *model, const struct op *op)
{
    (void)model;
    return (uint64_t)4 * op->out.channels * shape_positions(op->out);
}

/* Forward: the two products, and zeros. Backward: the delta by a state, and ones. */
static uint64_t scratch(const struct model *model, const struct op *op, uint32_t samples_max)
{
    (void)model;
    return ((uint64_t)6 * units_of(op) + 1) * workspace_row(samples_max);
}

static struct direction open_direction(const struct pass *pass, const struct op *op,
                                       uint32_t number)
{
    const uint32_t units = units_of(op), positions = shape_positions(op->in);
    const struct tensor *tensors = &pass->model->plan->tensors[op->tensor + 4 * number];
    const struct activations input = pass_value(pass, op->input);
    const struct activations states = pass_value(pass, op->output);
    const size_t row = positions * input.stride, states_at = number * units * row;
    const struct activations delta = pass_delta(pass, op->output);
    return (struct direction){
        .pass = pass,
        .op = op,
        .is_reverse = number == 1,
        .units = units,
        .channels = op->in.channels,
        .positions = positions,
        .n = input.n,
        .stride = input.stride,
        .row = row,
        .weight_ih = tensors[0].offset,
        .weight_hh = tensors[1].offset,
        .bias_ih = tensors[2].offset,
        .bias_hh = tensors[3].offset,
        .input = input.values,
        .states = states.values + states_at,
        .kept = pass_kept(pass, op) + 4 * states_at,
        .delta = delta.values + states_at,
        .input_delta = pass_delta(pass, op->input).values,
        .use =
            number == 1 ? DELTA_ADD : pass->model->program->ops[op - pass->model->plan->ops].input,
    };
}

static uint32_t position_of(const struct direction *way, uint32_t step)
{
    return way->is_reverse ? way->positions - 1 - step : step;
}

/* Where a position's numbers begin. */
static size_t place_of(const struct direction *way, uint32_t step)
{
    return position_of(way, step) * way->stride;
}

static float *kept_of(const struct direction *way, uint32_t step)
{
    return way->kept + (size_t)4 * way->units * place_of(way, step);
}

/* ------------------------------------------------------------------------------------- forward */

/* [3H, n] = W b + bias */
static void multiply(const struct direction *way, const struct product *part)
{
    struct product product = *part;
    product.m = 3 * way->units;
    product.n = way->n;
    product.a_row = part->k;
    product.a_column = 1;
    product.b_row = way->row;
    product.c_row = way->stride;
    way->pass->product(&product);
}

/* Before the first step the state is 0, so the product is its bias. */
static void multiply_nothing(const struct direction *way, float *recurrent)
{
    const float *bias = way->pass->parameters + way->bias_hh;
    for (uint32_t u = 0; u < 3 * way->units; u++)
        for (uint32_t s = 0; s < way->n; s++)
            recurrent[u * way->stride + s] = bias[u];
}

static void step_forward(const struct direction *way, uint32_t step)
{
    const float *parameters = way->pass->parameters;
    const size_t gates = (size_t)3 * way->units * way->stride;
    float *input = way->pass->workspace->scratch, *recurrent = input + gates;
    float *zeros = recurrent + gates;
    const float *before = step == 0 ? zeros : way->states + place_of(way, step - 1);
    multiply(way, &(struct product){.k = way->channels,
                                    .a = parameters + way->weight_ih,
                                    .b = way->input + place_of(way, step),
                                    .bias = parameters + way->bias_ih,
                                    .c = input});
    if (step > 0)
        multiply(way, &(struct product){.k = way->units,
                                        .a = parameters + way->weight_hh,
                                        .b = before,
                                        .bias = parameters + way->bias_hh,
                                        .c = recurrent});
    else
        multiply_nothing(way, recurrent);
    if (step == 0)
        memset(zeros, 0, way->stride * sizeof *zeros);
    way->pass->kernels->gru_forward(&(struct gru_step){
        .units = way->units,
        .n = way->n,
        .stride = way->stride,
        .input = input,
        .recurrent = recurrent,
        .before = before,
        .before_row = step == 0 ? 0 : way->row,
        .state = way->states + place_of(way, step),
        .state_row = way->row,
        .kept = kept_of(way, step),
    });
}

static void forward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    for (uint32_t number = 0; number < directions_of(op); number++) {
        const struct direction way = open_direction(pass, op, number);
        for (uint32_t i = 0; i < way.positions; i++)
            step_forward(&way, i);
    }
}

/* ------------------------------------------------------------------------------------ backward */

/* c [m, n], chained on, += W^T b over some of the gates' rows. */
static void multiply_back(const struct direction *way, const struct product *part)
{
    struct product product = *part;
    product.n = way->n;
    product.a_row = 1;
    product.a_column = part->m;
    product.b_row = way->stride;
    way->pass->product(&product);
}

/* The delta by the state before this step, but for its direct part, which is there. */
static void state_back(const struct direction *way, const float *gates, float *delta)
{
    const float *weights = way->pass->parameters + way->weight_hh;
    const uint32_t units = way->units;
    const size_t gate = units * way->stride;
    struct product product = {.m = units,
                              .k = 2 * units,
                              .a = weights,
                              .b = gates,
                              .c = delta,
                              .c_row = way->stride,
                              .start = PRODUCT_CONTINUES};
    multiply_back(way, &product);
    product.k = units;
    product.a = weights + (size_t)2 * units * units;
    product.b = gates + 3 * gate;
    multiply_back(way, &product);
}

static void input_back(const struct direction *way, uint32_t step)
{
    multiply_back(way, &(struct product){.m = way->channels,
                                         .k = 3 * way->units,
                                         .a = way->pass->parameters + way->weight_ih,
                                         .b = kept_of(way, step),
                                         .c = way->input_delta + place_of(way, step),
                                         .c_row = way->row,
                                         .start = way->use == DELTA_ADD ? PRODUCT_CONTINUES
                                                                        : PRODUCT_STARTS});
}

/* Turns what is kept of a step into its deltas, and `delta` into that of the state before. */
static void step_back(const struct direction *way, uint32_t step, float *delta)
{
    bool is_first = step == 0;
    const float *zeros = way->pass->workspace->scratch + way->units * way->stride;
    way->pass->kernels->gru_backward(&(struct gru_step_back){
        .units = way->units,
        .n = way->n,
        .stride = way->stride,
        .kept = kept_of(way, step),
        .delta = delta,
        .before = is_first ? zeros : way->states + place_of(way, step - 1),
        .before_row = is_first ? 0 : way->row,
        .delta_before = is_first ? NULL : way->delta + place_of(way, step - 1),
        .delta_before_row = way->row,
    });
    if (!is_first)
        state_back(way, kept_of(way, step), delta);
    if (way->use != DELTA_UNWANTED)
        input_back(way, step);
}

/* Sums over positions and samples of some gates' deltas times some rows. */
static void sum_over_steps(const struct direction *way, const struct lane_product *part)
{
    struct lane_product product = *part;
    product.n = way->n;
    product.left_row = way->stride;
    product.left_run = (size_t)4 * way->units * way->stride;
    way->pass->kernels->lane_product(&product);
}

/* dW_hh: the delta at each position but the first step's, with the state of the step before. */
static void recurrent_gradient(const struct direction *way)
{
    const uint32_t units = way->units;
    const size_t gate = units * way->stride;
    float *gradient = way->pass->workspace->gradient + way->weight_hh;
    const float *deltas = way->kept + (way->is_reverse ? 0 : 4 * gate);
    struct lane_product product = {.left_rows = 2 * units,
                                   .right_rows = units,
                                   .runs = way->positions - 1,
                                   .left = deltas,
                                   .right = way->states + (way->is_reverse ? way->stride : 0),
                                   .right_row = way->row,
                                   .right_run = way->stride,
                                   .sums = gradient,
                                   .sums_row = units};
    sum_over_steps(way, &product);
    product.left_rows = units;
    product.left = deltas + 3 * gate;
    product.sums = gradient + (size_t)2 * units * units;
    sum_over_steps(way, &product);
}

/* By products with ones, which are exact. */
static void bias_gradients(const struct direction *way)
{
    const uint32_t units = way->units;
    float *gradient = way->pass->workspace->gradient, *ones = way->pass->workspace->scratch;
    for (uint32_t s = 0; s < way->n; s++)
        ones[s] = 1;
    struct lane_product product = {.left_rows = 3 * units,
                                   .right_rows = 1,
                                   .runs = way->positions,
                                   .left = way->kept,
                                   .right = ones,
                                   .sums = gradient + way->bias_ih,
                                   .sums_row = 1};
    sum_over_steps(way, &product);
    memcpy(gradient + way->bias_hh, gradient + way->bias_ih, 2 * units * sizeof *gradient);
    product.left_rows = units;
    product.left = way->kept + 3 * units * way->stride;
    product.sums = gradient + way->bias_hh + 2 * units;
    sum_over_steps(way, &product);
}

static void direction_back(const struct direction *way)
{
    float *delta = way->pass->workspace->scratch, *zeros = delta + way->units * way->stride;
    const float *last = way->delta + place_of(way, way->positions - 1);
    memset(zeros, 0, way->stride * sizeof *zeros);
    for (uint32_t u = 0; u < way->units; u++)
        memcpy(delta + u * way->stride, last + u * way->row, way->stride * sizeof *delta);
    for (uint32_t step = way->positions; step-- > 0;)
        step_back(way, step, delta);
    sum_over_steps(way,
                   &(struct lane_product){.left_rows = 3 * way->units,
                                          .right_rows = way->channels,
                                          .runs = way->positions,
                                          .left = way->kept,
                                          .right = way->input,
                                          .right_row = way->row,
                                          .right_run = way->stride,
                                          .sums = way->pass->workspace->gradient + way->weight_ih,
                                          .sums_row = way->channels});
    recurrent_gradient(way);
    bias_gradients(way);
}

static void backward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    for (uint32_t number = 0; number < directions_of(op); number++) {
        struct direction way = open_direction(pass, op, number);
        if (pass->model->program->ops[step->first].input == DELTA_UNWANTED)
            way.use = DELTA_UNWANTED; /* in both directions */
        direction_back(&way);
    }
}

static double flops(const struct op *op, enum delta_use input)
{
    const double units = units_of(op), positions = shape_positions(op->in);
    double read = 2.0 * 3 * units * op->in.channels * positions;
    double recurrent = 2.0 * 3 * units * units * (positions - 1);
    return directions_of(op) * (read * (input == DELTA_UNWANTED ? 2 : 3) + recurrent * 3);
}

const struct op_row op_gru = {
    .name = "gru",
    .kept_rows = kept_rows,
    .scratch = scratch,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
