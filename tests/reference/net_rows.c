/* net_rows.c: an image's rows as the steps of a sequence. */
#include "tests/reference/net_ops.h"

void net_rows_as_steps(const struct net_op *net)
{
    const struct value_shape in = net->op->in;
    for (uint32_t c = 0; c < in.channels; c++)
        for (uint32_t y = 0; y < in.height; y++)
            for (uint32_t x = 0; x < in.width; x++)
                net->output[(c * in.width + x) * in.height + y] =
                    net->input[(c * in.height + y) * in.width + x];
}
