/*
 * op_conv.c: a convolution over positions (as torch.nn.Conv1d and Conv2d: a cross-correlation), and
 * the activation behind it.
 *
 * A position's channels are rows of a matrix whose columns are the samples, so the products are
 * those of a linear layer, position by position, on rows that lie apart. A tap beyond the edge
 * reads a row of zeros. With n samples, taps of one position in the order channel, y, x:
 *   forward   Z [out, n] = W [out, in * taps] A [in * taps, n] + b,  A' = drop(f(Z))
 *   backward  dA [in, n] = W^T dZ over the taps that read the position,
 *             dW [out, in * taps] = dZ A^T, db [out] = dZ 1, over all positions
 * A convolution of kernel 1 is one product over all positions at once. What sums dW is
 * conv_gradient.c.
 */
#include "worker/engine/ops/conv.h"

#include <assert.h>
#include <string.h>

static uint32_t number_of(const struct pass *pass, const struct op *op)
{
    return (uint32_t)(op - pass->model->plan->ops);
}

static uint64_t kept_rows(const struct model *model, const struct op *op)
{
    return op->activates && activation_keeps(model) ? shape_features(op->out) : 0;
}

/* Kernel 1 at every position: nothing but a product over samples and positions. */
static bool is_pointwise(const struct op *op)
{
    return op->kernel == 1 && op->stride == 1 && op->padding == 0;
}

/* ------------------------------------------------------------------------ products of rows apart
 */

/* The k rows that a product reads, and what it needs for them. */
struct rows {
    const float **at;   /* [k] */
    const float *zeros; /* a row of them */
    float *gathered;    /* [k][stride] */
};

static uint64_t rows_floats(uint64_t count, uint32_t samples_max)
{
    const size_t stride = workspace_row(samples_max);
    return workspace_row((uint32_t)(count * sizeof(float *) / sizeof(float))) + stride +
           count * stride;
}

static struct rows rows_in(float *memory, uint64_t count, size_t stride)
{
    float *zeros = memory + workspace_row((uint32_t)(count * sizeof(float *) / sizeof(float)));
    memset(zeros, 0, stride * sizeof *zeros);
    return (struct rows){(void *)memory, zeros, zeros + stride};
}

/* product->b is left open. A library's product wants the rows in one piece. */
static void product_of_rows(const struct pass *pass, const struct rows *rows,
                            struct product *product)
{
    if (pass->product == pass->kernels->product) {
        pass->kernels->product_of_rows(product, rows->at);
        return;
    }
    for (uint32_t k = 0; k < product->k; k++)
        memcpy(rows->gathered + k * product->n, rows->at[k], product->n * sizeof(float));
    product->b = rows->gathered;
    product->b_row = product->n;
    pass->product(product);
}

/* Relu without dropout is done by the products on the way out. */
static bool is_only_relu(const struct pass *pass)
{
    return pass->model->activation == ACTIVATION_RELU && !pass_drops(pass);
}

/* ------------------------------------------------------------------------------------- forward */

/* Where the taps of an output's position find their rows: [in][kernel y][kernel x]. */
static void find_taps(const struct op *op, const struct activations *input, uint32_t y, uint32_t x,
                      const struct rows *rows)
{
    const struct conv_axis down = conv_down(op), across = conv_across(op);
    const size_t line = op->in.width * input->stride;
    const float **at = rows->at;
    for (uint32_t c = 0; c < op->in.channels; c++) {
        const float *channel = input->values + c * op->in.height * line;
        for (uint32_t ky = 0; ky < down.kernel; ky++) {
            uint32_t iy = y * down.stride + ky - down.padding;
            for (uint32_t kx = 0; kx < across.kernel; kx++) {
                uint32_t ix = x * across.stride + kx - across.padding;
                bool is_inside = iy < down.in && ix < across.in; /* below 0 wraps to far above */
                *at++ = is_inside ? channel + iy * line + ix * input->stride : rows->zeros;
            }
        }
    }
}

static enum product_end end_of(const struct pass *pass, const struct op *op)
{
    return op->activates && is_only_relu(pass) ? PRODUCT_ACTIVATES : PRODUCT_ENDS;
}

static void forward_by_position(const struct pass *pass, const struct op *op,
                                const struct activations *z)
{
    const struct activations input = pass_value(pass, op->input);
    const uint32_t k = conv_row(op);
    const struct rows rows = rows_in(pass->workspace->scratch, k, z->stride);
    struct product product = {
        .m = op->out.channels,
        .n = (uint32_t)z->stride,
        .k = k,
        .a = pass->parameters + op->parameters,
        .a_row = k,
        .a_column = 1,
        .bias = pass->parameters + conv_biases(op),
        .c = z->values,
        .c_row = shape_positions(op->out) * z->stride,
        .end = end_of(pass, op),
        .activation = ACTIVATION_RELU,
    };
    for (uint32_t y = 0; y < op->out.height; y++) {
        for (uint32_t x = 0; x < op->out.width; x++) {
            find_taps(op, &input, y, x, &rows);
            product_of_rows(pass, &rows, &product);
            product.c += z->stride;
        }
    }
}

static void forward_at_once(const struct pass *pass, const struct op *op,
                            const struct activations *z)
{
    const size_t row = shape_positions(op->in) * z->stride;
    pass->product(&(struct product){
        .m = op->out.channels,
        .n = (uint32_t)row,
        .k = op->in.channels,
        .a = pass->parameters + op->parameters,
        .a_row = op->in.channels,
        .a_column = 1,
        .b = pass_value(pass, op->input).values,
        .b_row = row,
        .bias = pass->parameters + conv_biases(op),
        .c = z->values,
        .c_row = row,
        .end = end_of(pass, op),
        .activation = ACTIVATION_RELU,
    });
}

static void forward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const struct activations z = pass_value(pass, op->output);
    if (is_pointwise(op))
        forward_at_once(pass, op, &z);
    else
        forward_by_position(pass, op, &z);
    if (op->activates && !is_only_relu(pass))
        activation_forward(pass, number_of(pass, op), &z, pass_kept(pass, op));
}

/* -------------------------------------------------------------------------------- the input's
 * delta
 */

/*
 * Of the taps along an axis only every stride-th reads a given input; which these are depends on
 * the input's place modulo the stride. So the weights are laid out once for each such class: of a
 * class [tap y][tap x][out][in], a product's transposed matrix.
 */
struct class
{
    uint32_t first_y, first_x; /* taps */
    uint32_t taps_y, taps_x;
    const float *weights;
};

static uint32_t taps_from(uint32_t first, const struct conv_axis *axis)
{
    return first < axis->kernel ? (axis->kernel - first - 1) / axis->stride + 1 : 0;
}

static uint32_t class_rows(const struct op *op, const struct class *class)
{
    return class->taps_y * class->taps_x * op->out.channels;
}

static float *lay_out_class(const struct op *op, const float *weights, const struct class *class,
                            float *to)
{
    const struct conv_axis down = conv_down(op), across = conv_across(op);
    const uint32_t taps = down.kernel * across.kernel;
    for (uint32_t y = 0; y < class->taps_y; y++) {
        for (uint32_t x = 0; x < class->taps_x; x++) {
            uint32_t tap = (class->first_y + y * down.stride) * across.kernel + class->first_x +
                           x * across.stride;
            for (uint32_t o = 0; o < op->out.channels; o++)
                for (uint32_t c = 0; c < op->in.channels; c++)
                    *to++ = weights[(o * op->in.channels + c) * taps + tap];
        }
    }
    return to;
}

/* Where the deltas lie that the taps of a class brought an input's position to: [y][x][out]. */
static void find_readers(const struct op *op, const struct class *class,
                         const struct activations *delta, uint32_t y, uint32_t x,
                         const struct rows *rows)
{
    const struct conv_axis down = conv_down(op), across = conv_across(op);
    const size_t channel = shape_positions(op->out) * delta->stride;
    const float **at = rows->at;
    for (uint32_t i = 0; i < class->taps_y; i++) {
        /* Below 0 wraps to far above. */
        uint32_t oy = (y + down.padding - class->first_y - i * down.stride) / down.stride;
        bool is_row = y + down.padding >= class->first_y + i * down.stride && oy < down.out;
        for (uint32_t j = 0; j < class->taps_x; j++) {
            uint32_t back = class->first_x + j * across.stride;
            uint32_t ox = (x + across.padding - back) / across.stride;
            bool is_inside = is_row && x + across.padding >= back && ox < across.out;
            const float *from =
                delta->values + (is_inside ? (oy * across.out + ox) * delta->stride : 0);
            for (uint32_t o = 0; o < op->out.channels; o++)
                *at++ = is_inside ? from + o * channel : rows->zeros;
        }
    }
}

/* All inputs of a class: `back` is a product but for its rows and its c, the delta's first. */
static void back_of_class(const struct pass *pass, const struct op *op, const struct class *class,
                          const struct activations *delta, const struct rows *rows,
                          struct product *back)
{
    const struct conv_axis down = conv_down(op), across = conv_across(op);
    float *before = back->c;
    const float *from = back->from;
    back->a = class->weights;
    back->k = class_rows(op, class);
    for (uint32_t y = 0; y < down.in; y++) {
        if ((y + down.padding) % down.stride != class->first_y)
            continue;
        for (uint32_t x = 0; x < across.in; x++) {
            if ((x + across.padding) % across.stride != class->first_x)
                continue;
            find_readers(op, class, delta, y, x, rows);
            const size_t place = (y * across.in + x) * delta->stride;
            back->c = before + place;
            back->from = from != NULL ? from + place : NULL;
            product_of_rows(pass, rows, back);
        }
    }
    back->c = before;
    back->from = from;
}

/* As many as a class may have at most. */
static uint64_t readers_max(const struct op *op)
{
    const struct conv_axis down = conv_down(op), across = conv_across(op);
    return (uint64_t)taps_from(0, &down) * taps_from(0, &across) * op->out.channels;
}

static void back_by_position(const struct pass *pass, const struct op *op,
                             const struct activations *delta, struct product *back)
{
    const struct conv_axis down = conv_down(op), across = conv_across(op);
    const float *weights = pass->parameters + op->parameters;
    float *laid_out = pass->workspace->scratch;
    const struct rows rows = rows_in(laid_out + workspace_row(conv_row(op) * op->out.channels),
                                     readers_max(op), delta->stride);
    back->n = (uint32_t)delta->stride;
    back->a_column = op->in.channels;
    for (uint32_t y = 0; y < down.stride; y++) {
        for (uint32_t x = 0; x < across.stride; x++) {
            struct class class = {y, x, taps_from(y, &down), taps_from(x, &across), laid_out};
            lay_out_class(op, weights, &class, laid_out);
            back_of_class(pass, op, &class, delta, &rows, back);
        }
    }
}

static void back_at_once(const struct pass *pass, const struct op *op,
                         const struct activations *delta, struct product *back)
{
    const size_t row = shape_positions(op->in) * delta->stride;
    back->n = (uint32_t)row;
    back->k = op->out.channels;
    back->a = pass->parameters + op->parameters;
    back->a_column = op->in.channels;
    back->b = delta->values;
    back->b_row = row;
    pass->product(back);
}

static void back(const struct pass *pass, const struct op *op, const struct activations *delta,
                 enum delta_use use)
{
    const struct activations before = pass_delta(pass, op->input);
    const bool derives = pass->model->program->values[op->input].delta_by_z && is_only_relu(pass);
    struct product back = {
        .m = op->in.channels,
        .a_row = 1,
        .c = before.values,
        .c_row = shape_positions(op->in) * before.stride,
        .start = use == DELTA_ADD ? PRODUCT_CONTINUES : PRODUCT_STARTS,
        .end = derives ? PRODUCT_DERIVES : PRODUCT_ENDS,
        .activation = ACTIVATION_RELU,
        .from = derives ? pass_value(pass, op->input).values : NULL,
    };
    if (is_pointwise(op))
        back_at_once(pass, op, delta, &back);
    else
        back_by_position(pass, op, delta, &back);
    if (!derives)
        pass_hand_over(pass, op->input);
}

static void backward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const struct program *program = pass->model->program;
    const struct activations delta = pass_delta(pass, op->output);
    const enum delta_use use = program->ops[step->first].input;
    if (op->activates && !program->values[op->output].delta_by_z) {
        struct activations values = pass_value(pass, op->output);
        activation_backward(pass, step->first, &values, pass_kept(pass, op), &delta);
    }
    conv_gradient(pass, op, &delta);
    if (use == DELTA_UNWANTED)
        return;
    back(pass, op, &delta, use);
}

/* ------------------------------------------------------------------------------------ accounting
 */

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t scratch(const struct model *model, const struct op *op, uint32_t samples_max)
{
    (void)model;
    uint64_t gradient = conv_gradient_floats(op, samples_max);
    if (is_pointwise(op))
        return gradient;
    uint64_t forward = rows_floats(conv_row(op), samples_max);
    uint64_t back =
        workspace_row(conv_row(op) * op->out.channels) + rows_floats(readers_max(op), samples_max);
    return greater(gradient, greater(forward, back));
}

/* Pairs of an output and a tap that is not beyond the edge. */
static double pairs(const struct conv_axis *axis)
{
    double count = 0;
    for (uint32_t o = 0; o < axis->out; o++)
        for (uint32_t tap = 0; tap < axis->kernel; tap++)
            count += o * axis->stride + tap - axis->padding < axis->in;
    return count;
}

static double flops(const struct op *op, enum delta_use input)
{
    const struct conv_axis down = conv_down(op), across = conv_across(op);
    double product = 2.0 * op->in.channels * op->out.channels * pairs(&down) * pairs(&across);
    return product * (input == DELTA_UNWANTED ? 2 : 3);
}

const struct op_row op_conv = {
    .name = "conv",
    .kept_rows = kept_rows,
    .scratch = scratch,
    .forward = forward,
    .backward = backward,
    .hands_over = true,
    .flops = flops,
};
