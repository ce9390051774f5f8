/*
 * net.h: any plan in double, forward only, one sample at a time: the oracle of the engine's ops.
 *
 * It walks the ops of a plan (common/plan.h) through a table by kind, one small file for each. Its
 * gradients are central finite differences of its loss, so there is no second way back that could
 * share a mistake with the engine's. Nothing here is shared with worker/engine but the plan.
 */
#ifndef RATCHET_TESTS_REFERENCE_NET_H
#define RATCHET_TESTS_REFERENCE_NET_H

#include "worker/engine/model.h"

struct net_batch {
    uint32_t n;
    const double *inputs;  /* [n, features] */
    const uint8_t *labels; /* [n] */
    /* By number of the op, [features of its value, n]: what each value behind the op's activation
     * is multiplied by (0 or 1 / (1 - rate)). NULL, all or one: no dropout */
    double *const *masks;
};

/* logits: [n, classes] */
void net_logits(const struct model *model, const double *parameters, const struct net_batch *batch,
                double *logits);

/* Mean cross-entropy in nats. */
double net_loss(const struct model *model, const double *parameters, const struct net_batch *batch);

#endif
