/*
 * workspace.h: what an engine computes in: one mini-batch, one network's values, deltas and
 * gradient. Taken once, at the engine's creation. What lies where is program.h's.
 *
 * Everything per feature is feature-major: [feature][sample] with rows of `stride` floats.
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

    float *values;   /* [program->value_rows][stride] */
    float *kept;     /* [program->kept_rows][stride] */
    float *deltas;   /* [program->delta_rows][stride] */
    float *scratch;  /* program_scratch() floats */
    float *gradient; /* [parameters] */
    void *memory;    /* all of the above */
};

/* 0 or -1: no memory. */
int workspace_init(struct workspace *workspace, const struct model *model, uint32_t samples_max)
    __attribute__((warn_unused_result));
void workspace_fini(struct workspace *workspace);

/* The row length for n values. */
size_t workspace_row(uint32_t n);

#endif
