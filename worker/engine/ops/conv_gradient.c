/*
 * conv_gradient.c: the gradient of a convolution's weights and biases: sums over samples and
 * positions.
 *
 * With enough input channels to fill a vector, these are the columns of products: each position of
 * the input is transposed once, and each tap goes on with its chains from what the position before
 * left. With few channels the samples are lanes, and a tap's sums run along a line of outputs.
 */
#include "worker/engine/ops/conv.h"

#include <string.h>

/* Inputs of at most so many channels: in lanes over the samples. From here on the other way is
 * faster. Both numbers are a part of the class `portable`. */
enum { CHANNELS_IN_LANES_MAX = 8, SAMPLES_AT_ONCE = 64 };

struct conv_axis conv_across(const struct op *op)
{
    return (struct conv_axis){op->in.width, op->out.width, op->kernel, op->stride, op->padding};
}

struct conv_axis conv_down(const struct op *op)
{
    if (op->in.height == 1)
        return (struct conv_axis){1, 1, 1, 1, 0};
    return (struct conv_axis){op->in.height, op->out.height, op->kernel, op->stride, op->padding};
}

static uint32_t taps_of(const struct op *op)
{
    return conv_down(op).kernel * op->kernel;
}

uint32_t conv_row(const struct op *op)
{
    return op->in.channels * taps_of(op);
}

uint64_t conv_biases(const struct op *op)
{
    return op->parameters + (uint64_t)conv_row(op) * op->out.channels;
}

/* ------------------------------------------------------------------------------------- biases */

/* Each position's samples, then the positions in ascending order. */
static void sum_biases(const struct pass *pass, const struct op *op,
                       const struct activations *delta)
{
    float *sums = pass->workspace->scratch, *bias = pass->workspace->gradient + conv_biases(op);
    const uint32_t positions = shape_positions(op->out);
    pass->kernels->sum_samples(delta, sums);
    for (uint32_t o = 0; o < op->out.channels; o++) {
        float sum = sums[o * positions];
        for (uint32_t p = 1; p < positions; p++)
            sum += sums[o * positions + p];
        bias[o] = sum;
    }
}

/* ------------------------------------------------------------------------ with many input channels
 */

/* Of the output that reads input `in` with `tap`, or UINT32_MAX when there is none. */
static uint32_t output_of(const struct conv_axis *axis, uint32_t in, uint32_t tap)
{
    uint32_t place = in + axis->padding - tap; /* below 0 wraps to far above */
    if (in + axis->padding < tap || place % axis->stride != 0 || place / axis->stride >= axis->out)
        return UINT32_MAX;
    return place / axis->stride;
}

/* An input position's part in all taps' sums [tap][out][in]. */
static void add_position(const struct pass *pass, const struct op *op,
                         const struct activations *delta, uint32_t y, uint32_t x,
                         struct product *product)
{
    const struct conv_axis down = conv_down(op), across = conv_across(op);
    float *sums = product->c;
    for (uint32_t ky = 0; ky < down.kernel; ky++) {
        uint32_t oy = output_of(&down, y, ky);
        for (uint32_t kx = 0; kx < across.kernel; kx++) {
            uint32_t ox = output_of(&across, x, kx);
            if (oy == UINT32_MAX || ox == UINT32_MAX)
                continue;
            product->a = delta->values + (oy * across.out + ox) * delta->stride;
            product->c =
                sums + (size_t)(ky * across.kernel + kx) * op->out.channels * op->in.channels;
            pass->product(product);
        }
    }
    product->c = sums;
}

static void sum_by_products(const struct pass *pass, const struct op *op,
                            const struct activations *delta)
{
    const struct activations input = pass_value(pass, op->input);
    const uint32_t in = op->in.channels, taps = taps_of(op);
    const size_t count = (size_t)conv_row(op) * op->out.channels, row = workspace_row(in);
    const size_t positions = shape_positions(op->in);
    float *gradient = pass->workspace->gradient + op->parameters;
    float *transposed = pass->workspace->scratch;
    float *sums = taps == 1 ? gradient : transposed + input.stride * row;
    struct product product = {
        .m = op->out.channels,
        .n = in,
        .k = delta->n,
        .a_row = shape_positions(op->out) * delta->stride,
        .a_column = 1,
        .b = transposed,
        .b_row = row,
        .c = sums,
        .c_row = in,
        .start = PRODUCT_CONTINUES,
    };
    memset(sums, 0, count * sizeof *sums);
    for (uint32_t p = 0; p < positions; p++) {
        const struct activations channels = {in, input.n, positions * input.stride,
                                             input.values + p * input.stride};
        pass->kernels->transpose(&channels, transposed, row);
        add_position(pass, op, delta, p / op->in.width, p % op->in.width, &product);
    }
    for (size_t i = 0; taps > 1 && i < count / taps; i++)
        for (uint32_t tap = 0; tap < taps; tap++)
            gradient[i * taps + tap] = sums[tap * (count / taps) + i];
}

/* ------------------------------------------------------------------------- with few input channels
 */

/* An input with its padding around it: channels of lines of columns of samples. */
struct image {
    const float *at;
    size_t channel, line, column; /* floats from one to the next */
};

static uint64_t padded_floats(const struct op *op)
{
    const uint64_t line = op->in.width + 2 * (uint64_t)op->padding;
    return op->in.channels * (op->in.height + 2 * (uint64_t)conv_down(op).padding) * line *
           SAMPLES_AT_ONCE;
}

/* `count` samples from `first` on; a copy where there is padding. */
static struct image image_of(const struct op *op, const struct activations *input, uint32_t first,
                             uint32_t count, float *copy)
{
    const size_t lines = op->in.height, columns = op->in.width;
    if (op->padding == 0)
        return (struct image){input->values + first, lines * columns * input->stride,
                              columns * input->stride, input->stride};
    const uint32_t down = conv_down(op).padding, across = op->padding;
    const size_t line = (columns + 2 * across) * SAMPLES_AT_ONCE;
    const size_t channel = (lines + 2 * down) * line;
    memset(copy, 0, op->in.channels * channel * sizeof *copy);
    for (size_t c = 0; c < op->in.channels; c++)
        for (size_t y = 0; y < lines; y++)
            for (size_t x = 0; x < columns; x++)
                memcpy(copy + c * channel + (y + down) * line + (x + across) * SAMPLES_AT_ONCE,
                       input->values + ((c * lines + y) * columns + x) * input->stride + first,
                       count * sizeof *copy);
    return (struct image){copy, channel, line, SAMPLES_AT_ONCE};
}

/* Of so many outputs at once: as many as one block of the kernel has, so that what is read of them
 * stays in the nearest cache over all taps. */
enum { OUTPUTS_AT_ONCE = 4 };

/* One line of some outputs' part in their weights' sums: `gradient` is the first one's. */
static void add_line(const struct pass *pass, const struct op *op, struct lane_product *product,
                     const struct image *image, float *gradient)
{
    const uint32_t down = conv_down(op).kernel;
    for (uint32_t line = 0; line < op->in.channels * down; line++) {
        product->right = image->at + line / down * image->channel + line % down * image->line;
        pass->kernels->lane_product(product);
        for (uint32_t o = 0; o < product->left_rows; o++)
            for (uint32_t kx = 0; kx < op->kernel; kx++)
                gradient[o * conv_row(op) + line * op->kernel + kx] +=
                    product->sums[o * op->kernel + kx];
    }
}

/* Some samples' part in all weights' sums. */
static void add_samples(const struct pass *pass, const struct op *op,
                        const struct activations *delta, const struct image *image, float *gradient)
{
    const size_t row = shape_positions(op->out) * delta->stride;
    struct lane_product product = {
        .right_rows = op->kernel,
        .n = delta->n,
        .runs = op->out.width,
        .left_row = row,
        .left_run = delta->stride,
        .right_row = image->column,
        .right_run = op->stride * image->column,
        .sums = pass->workspace->scratch,
        .sums_row = op->kernel,
    };
    for (uint32_t y = 0; y < op->out.height; y++) {
        struct image lines = *image;
        lines.at += y * conv_down(op).stride * image->line;
        for (uint32_t o = 0; o < op->out.channels; o += product.left_rows) {
            uint32_t left = op->out.channels - o;
            product.left_rows = left < OUTPUTS_AT_ONCE ? left : OUTPUTS_AT_ONCE;
            product.left = delta->values + o * row + y * op->out.width * delta->stride;
            add_line(pass, op, &product, &lines, gradient + (size_t)o * conv_row(op));
        }
    }
}

static void sum_in_lanes(const struct pass *pass, const struct op *op,
                         const struct activations *delta)
{
    const struct activations input = pass_value(pass, op->input);
    const size_t count = (size_t)conv_row(op) * op->out.channels;
    float *gradient = pass->workspace->gradient + op->parameters;
    float *copy = pass->workspace->scratch + workspace_row(OUTPUTS_AT_ONCE * op->kernel);
    memset(gradient, 0, count * sizeof *gradient);
    for (uint32_t first = 0; first < input.n; first += SAMPLES_AT_ONCE) {
        struct activations part = *delta;
        part.values += first;
        part.n = input.n - first < SAMPLES_AT_ONCE ? input.n - first : SAMPLES_AT_ONCE;
        struct image image = image_of(op, &input, first, part.n, copy);
        add_samples(pass, op, &part, &image, gradient);
    }
}

/* ---------------------------------------------------------------------------------------- both */

static bool is_in_lanes(const struct op *op)
{
    return op->in.channels <= CHANNELS_IN_LANES_MAX;
}

void conv_gradient(const struct pass *pass, const struct op *op, const struct activations *delta)
{
    sum_biases(pass, op, delta);
    if (is_in_lanes(op))
        sum_in_lanes(pass, op, delta);
    else
        sum_by_products(pass, op, delta);
}

uint64_t conv_gradient_floats(const struct op *op, uint32_t samples_max)
{
    uint64_t biases = shape_features(op->out);
    uint64_t weights = is_in_lanes(op)
                           ? workspace_row(OUTPUTS_AT_ONCE * op->kernel) + padded_floats(op)
                           : workspace_row(samples_max) * workspace_row(op->in.channels) +
                                 (uint64_t)conv_row(op) * op->out.channels;
    return biases > weights ? biases : weights;
}
