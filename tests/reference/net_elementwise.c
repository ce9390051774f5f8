/* net_elementwise.c: the activations, and the sum that ends a residual. */
#include "tests/reference/net_ops.h"

#include <math.h>
#include <stdlib.h>

double net_activation(enum activation activation, double z)
{
    switch (activation) {
    case ACTIVATION_RELU:
        return z > 0 ? z : 0;
    case ACTIVATION_TANH:
        return tanh(z);
    case ACTIVATION_SIGMOID:
        return 1.0 / (1.0 + exp(-z));
    case ACTIVATION_GELU:
        return z * 0.5 * (1.0 + erf(z / sqrt(2.0)));
    }
    abort();
}

void net_activate(const struct net_op *net)
{
    for (uint32_t i = 0; i < shape_features(net->op->in); i++)
        net->output[i] = net_activation(net->activation, net->input[i]);
}

void net_add(const struct net_op *net)
{
    for (uint32_t i = 0; i < shape_features(net->op->in); i++)
        net->output[i] = net->input[i] + net->other[i];
}
