/* net_positions.c: what moves or mixes positions without weights between them: patches, learned
 * vectors of positions, the mean over all of them. */
#include "tests/reference/net_ops.h"

/* Of channel c at (y, x). */
static uint32_t feature(struct value_shape shape, uint32_t c, uint32_t y, uint32_t x)
{
    return (c * shape.height + y) * shape.width + x;
}

/* Channel c at (dy, dx) of a patch is channel (c * edge + dy) * edge + dx of its position, as
 * torch.nn.Unfold has it; in a sequence c * edge + dx. */
void net_patch(const struct net_op *net)
{
    const struct value_shape in = net->op->in, out = net->op->out;
    const uint32_t edge = net->op->kernel, rows = in.height == 1 ? 1 : edge;
    for (uint32_t c = 0; c < in.channels; c++)
        for (uint32_t dy = 0; dy < rows; dy++)
            for (uint32_t dx = 0; dx < edge; dx++)
                for (uint32_t y = 0; y < out.height; y++)
                    for (uint32_t x = 0; x < out.width; x++)
                        net->output[feature(out, (c * rows + dy) * edge + dx, y, x)] =
                            net->input[feature(in, c, y * rows + dy, x * edge + dx)];
}

void net_positions(const struct net_op *net)
{
    for (uint32_t i = 0; i < shape_features(net->op->in); i++)
        net->output[i] = net->input[i] + net->parameters[i];
}

void net_mean(const struct net_op *net)
{
    const uint32_t positions = shape_positions(net->op->in);
    for (uint32_t c = 0; c < net->op->in.channels; c++) {
        double sum = 0;
        for (uint32_t p = 0; p < positions; p++)
            sum += net->input[c * positions + p];
        net->output[c] = sum / positions;
    }
}
