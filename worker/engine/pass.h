/*
 * pass.h: one network over one mini-batch: forward, and backward to the gradient.
 *
 * The order of everything in here is part of the class `portable`; README.md tells it.
 */
#ifndef RATCHET_WORKER_ENGINE_PASS_H
#define RATCHET_WORKER_ENGINE_PASS_H

#include "worker/engine/byte_layer.h"
#include "worker/engine/kernels.h"
#include "worker/engine/workspace.h"

/* Dropout of one network in one step; rate 0: none. */
struct pass_dropout {
    double rate;
    const struct random *key;
    uint64_t step;
};

/*
 * Who is told that a stretch [first, end) of workspace->gradient is complete, and that its
 * parameters are not read again in this step.
 */
struct pass_update {
    void *context;
    void (*done)(void *context, uint64_t first, uint64_t end);
};

/* What computes, and on what. */
struct pass {
    const struct model *model;
    const struct kernels *kernels;
    void (*product)(const struct product *product); /* kernels' or OpenBLAS */
    struct workspace *workspace;                    /* its batch is prepared */
    struct byte_layer *bytes;                       /* or that is in here; NULL: never */
    const float *parameters;
    struct pass_dropout dropout;
    uint32_t first_step; /* of the program: those before it are somebody else's. Usually 0 */
    /* Not 0: the first step begins with this op of it, and nobody wants the delta of what that
     * reads (dead_layers.h). */
    uint32_t first_op;
    const struct pass_update *update; /* on the way back */
};

/* Fills the workspace's values; the last one's are the logits. */
void pass_forward(const struct pass *pass);

/* After pass_forward. */
struct activations pass_logits(const struct pass *pass);
/* Where the loss's derivative by the logits has to be before pass_backward. */
float *pass_logits_delta(const struct pass *pass);

/* Fills workspace->gradient from the last op to the first. The stretches that `update` is told of
 * follow one another from the end of the array to the first step's start. */
void pass_backward(const struct pass *pass, const struct pass_update *update);

#endif
