/* net_conv.c: convolution and max-pooling in double, one sum or maximum after another. */
#include "tests/reference/net_ops.h"

/* Feature (c, y, x) of a value. */
static size_t feature(struct value_shape shape, size_t c, size_t y, size_t x)
{
    return (c * shape.height + y) * shape.width + x;
}

static uint32_t kernel_down(const struct op *op)
{
    return op->in.height == 1 ? 1 : op->kernel;
}

/* The sum over the taps of output (o, y, x). */
static double convolve(const struct net_op *net, uint32_t o, uint32_t y, uint32_t x)
{
    const struct op *op = net->op;
    const int64_t high = kernel_down(op), wide = op->kernel;
    const int64_t top = op->in.height == 1 ? 0 : (int64_t)y * op->stride - op->padding;
    const int64_t left = (int64_t)x * op->stride - op->padding;
    double sum = 0;
    for (uint32_t c = 0; c < op->in.channels; c++)
        for (int64_t i = 0; i < high; i++)
            for (int64_t j = 0; j < wide; j++) {
                if (top + i < 0 || top + i >= op->in.height || left + j < 0 ||
                    left + j >= op->in.width)
                    continue;
                double weight = net->parameters[((o * op->in.channels + c) * high + i) * wide + j];
                sum +=
                    weight * net->input[feature(op->in, c, (size_t)(top + i), (size_t)(left + j))];
            }
    return sum;
}

void net_conv(const struct net_op *net)
{
    const struct op *op = net->op;
    const size_t row = (size_t)op->in.channels * kernel_down(op) * op->kernel;
    const double *bias = net->parameters + row * op->out.channels;
    for (uint32_t o = 0; o < op->out.channels; o++)
        for (uint32_t y = 0; y < op->out.height; y++)
            for (uint32_t x = 0; x < op->out.width; x++)
                net->output[feature(op->out, o, y, x)] = bias[o] + convolve(net, o, y, x);
}

void net_max_pool(const struct net_op *net)
{
    const struct op *op = net->op;
    for (uint32_t c = 0; c < op->out.channels; c++)
        for (uint32_t y = 0; y < op->out.height; y++)
            for (uint32_t x = 0; x < op->out.width; x++) {
                size_t top = y * kernel_down(op), left = x * op->kernel;
                double greatest = net->input[feature(op->in, c, top, left)];
                for (uint32_t i = 0; i < kernel_down(op); i++)
                    for (uint32_t j = 0; j < op->kernel; j++) {
                        double value = net->input[feature(op->in, c, top + i, left + j)];
                        greatest = value > greatest ? value : greatest;
                    }
                net->output[feature(op->out, c, y, x)] = greatest;
            }
}
