/*
 * net_trial.h: one model with fresh parameters on one mini-batch, in the engine's float and in the
 * reference's double.
 */
#ifndef RATCHET_TESTS_UNIT_WORKER_ENGINE_NET_TRIAL_H
#define RATCHET_TESTS_UNIT_WORKER_ENGINE_NET_TRIAL_H

#include "tests/reference/net.h"
#include "tests/unit/worker/engine/fixture.h"

struct net_case {
    const char *model; /* a text of common/model_text.h */
    uint32_t inputs, classes, batch;
    enum activation activation;
    double dropout;
};

struct net_trial {
    const struct net_case *its_case;
    struct model *model;
    struct fixture_data data;
    double *parameters;
    struct net_batch batch; /* the first of a training, in the order that the engine takes it in */
};

struct net_trial net_trial_open(const struct net_case *its_case);
void net_trial_close(struct net_trial *trial);

/* The engine's logits, without dropout: [n, classes] in the order of the trial's batch. */
void net_trial_logits(const struct net_trial *trial, const struct kernels *kernels, float *logits);

/* The engine's gradient [parameters]: the velocity after one step of SGD. Returns its loss. */
double net_trial_gradient(const struct net_trial *trial, const struct kernels *kernels,
                          float *gradient);

#endif
