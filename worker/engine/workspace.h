/*
 * workspace.h: what an engine computes in: one mini-batch, one network's activations, deltas and
 * gradient. Taken once, at the engine's creation.
 *
 * Everything per unit is feature-major: [unit][sample] with rows of `stride` floats.
 */
#ifndef RATCHET_WORKER_ENGINE_WORKSPACE_H
#define RATCHET_WORKER_ENGINE_WORKSPACE_H

#include "worker/engine/kernels.h"

struct workspace {
    uint32_t samples_max;
    struct batch batch; /* by_sample, by_feature; stride is that of the batch in use */
    uint32_t *index;    /* [samples_max] samples of the batch in use */
    uint8_t *labels;    /* [samples_max] */
    float *losses;      /* [samples_max] */
    uint32_t n;         /* samples of the batch in use */

    float *values;     /* [units][stride]: what each layer hands on; the last has the logits */
    float *kept;       /* [hidden units][stride]: what the activation's derivative is made from,
                          where that is not `values`; NULL when no network of the model needs it */
    float *delta[2];   /* [width_max][stride]: loss by z of one layer, of the layer before it */
    float *transposed; /* [samples_max][row]: values of one layer, sample-major */
    float *gradient;   /* [parameters] */
    void *memory;      /* all of the above */
};

/* 0 or -1: no memory. */
int workspace_init(struct workspace *workspace, const struct model *model, uint32_t samples_max)
    __attribute__((warn_unused_result));
void workspace_fini(struct workspace *workspace);

/* The row length for n values. */
size_t workspace_row(uint32_t n);

#endif
