/*
 * mlp.h: a multi-layer perceptron in double, written to be read: the oracle of the engine's tests.
 *
 * Parameters lie as in struct model. Nothing here is shared with worker/engine but that layout.
 */
#ifndef RATCHET_TESTS_REFERENCE_MLP_H
#define RATCHET_TESTS_REFERENCE_MLP_H

#include "worker/engine/model.h"

struct reference_batch {
    uint32_t n;
    const double *inputs;  /* [n, features] */
    const uint8_t *labels; /* [n] */
    /* [hidden units of the model, n]: what each value behind its activation is multiplied by (0 or
     * 1 / (1 - rate)). NULL: no dropout */
    const double *masks;
};

/* logits: [n, classes] */
void reference_logits(const struct model *model, const double *parameters,
                      const struct reference_batch *batch, double *logits);

/* Mean cross-entropy in nats. */
double reference_loss(const struct model *model, const double *parameters,
                      const struct reference_batch *batch);

/* The loss's derivative by every parameter; returns the loss. */
double reference_gradient(const struct model *model, const double *parameters,
                          const struct reference_batch *batch, double *gradient);

struct reference_step {
    double lr, beta1, beta2, eps, momentum, weight_decay, l2;
    uint64_t t; /* number of this step, from 1 */
};

/* Loshchilov and Hutter 2019, algorithm 2, in the form of torch.optim.AdamW. */
void reference_adamw(const struct reference_step *step, uint64_t count, const double *gradient,
                     double *parameters, double *m, double *v);
/* torch.optim.SGD with momentum, and decoupled weight decay. */
void reference_sgd(const struct reference_step *step, uint64_t count, const double *gradient,
                   double *parameters, double *velocity);

#endif
