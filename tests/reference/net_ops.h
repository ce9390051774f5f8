/*
 * net_ops.h: what one op makes of one sample, by kind; inside tests/reference only.
 *
 * Input and output are [channels, height, width] in the plan's order. `parameters` are the op's
 * own, its tensors one behind the other.
 */
#ifndef RATCHET_TESTS_REFERENCE_NET_OPS_H
#define RATCHET_TESTS_REFERENCE_NET_OPS_H

#include "worker/engine/model.h"

struct net_op {
    const struct op *op;
    enum activation activation;
    const double *parameters;
    const double *input, *other; /* `other`: the second summand of OP_ADD */
    double *output;
};

/* The model's activation of one value. */
double net_activation(enum activation activation, double z);

void net_linear(const struct net_op *net);
void net_conv(const struct net_op *net);
void net_max_pool(const struct net_op *net);
void net_mean(const struct net_op *net);
void net_patch(const struct net_op *net);
void net_positions(const struct net_op *net);
void net_norm(const struct net_op *net);
void net_attention(const struct net_op *net);
void net_rows_as_steps(const struct net_op *net);
void net_gru(const struct net_op *net);
void net_activate(const struct net_op *net);
void net_add(const struct net_op *net);

#endif
