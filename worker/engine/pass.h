/*
 * pass.h: one network over one mini-batch: forward, and backward to the gradient.
 *
 * The order of everything in here is part of the class `portable`; README.md tells it.
 */
#ifndef RATCHET_WORKER_ENGINE_PASS_H
#define RATCHET_WORKER_ENGINE_PASS_H

#include "worker/engine/kernels.h"
#include "worker/engine/workspace.h"

/* What computes; the same for all networks of an engine. */
struct pass {
    const struct model *model;
    const struct kernels *kernels;
    void (*product)(const struct product *product); /* kernels' or OpenBLAS */
    struct workspace *workspace;                    /* its batch is prepared */
};

/* Dropout of one network in one step; rate 0: none. */
struct pass_dropout {
    double rate;
    const struct random *key;
    uint64_t step;
};

/* Fills the workspace's values; the last layer's are the logits. `dropout` NULL: none. */
void pass_forward(const struct pass *pass, const float *parameters,
                  const struct pass_dropout *dropout);

/* The layer's part of workspace->values. */
struct activations pass_values(const struct pass *pass, uint32_t layer);

/*
 * After pass_forward and with the loss's delta in workspace->delta[0]: fills
 * workspace->gradient from the last layer to the first. `done` is called with a stretch [first,
 * end) of the flat array that is complete and whose parameters are not read again in this step;
 * the stretches follow one another from the end of the array to its start.
 */
struct pass_update {
    void *context;
    void (*done)(void *context, uint64_t first, uint64_t end);
};
void pass_backward(const struct pass *pass, const float *parameters,
                   const struct pass_dropout *dropout, const struct pass_update *update);

#endif
