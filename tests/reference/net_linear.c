/* net_linear.c: z = W x + b on all features. */
#include "tests/reference/net_ops.h"

void net_linear(const struct net_op *net)
{
    const uint32_t in = shape_features(net->op->in), out = net->op->out.channels;
    const double *bias = net->parameters + (uint64_t)out * in;
    for (uint32_t u = 0; u < out; u++) {
        net->output[u] = bias[u];
        for (uint32_t i = 0; i < in; i++)
            net->output[u] += net->parameters[(uint64_t)u * in + i] * net->input[i];
    }
}
