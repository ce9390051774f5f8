/*
 * first_layer.h: the first layer of several members of a cohort, as one product.
 *
 * All members read the same mini-batch, and a narrow layer by itself does not fill a tile of the
 * product. So their rows are put under one another: one product for all values, one for all
 * gradients. Each row is what it would be alone, to the bit.
 */
#ifndef RATCHET_WORKER_ENGINE_FIRST_LAYER_H
#define RATCHET_WORKER_ENGINE_FIRST_LAYER_H

#include "worker/engine/pass.h"

struct first_layer {
    uint32_t members_max; /* 0: this model's first layer goes member by member */
    uint32_t in, out;
    uint64_t parameter_count; /* of the layer: the first of a network's flat array */
    float *values;            /* [members_max * out][stride] */
    float *deltas;            /* as values: by z */
    float *biases;            /* [members_max * out] */
    float *gradient;          /* [members_max][parameter_count] */
    const float **rows;       /* [members_max * out] of the members' weights */
    float **gradient_rows;    /* [members_max * out] of gradient */
    void *memory;             /* all of the above */
};

/* 0 or -1: no memory. */
int first_layer_init(struct first_layer *first, const struct model *model, uint32_t samples_max)
    __attribute__((warn_unused_result));
void first_layer_fini(struct first_layer *first);

/* Says which network a member is; then first_layer_forward computes z of members 0 .. count - 1.
 * The pass is any member's: of it only the mini-batch and the kernels count, here and at the end.
 */
void first_layer_place(struct first_layer *first, uint32_t member, const float *parameters);
void first_layer_forward(const struct first_layer *first, const struct pass *pass, uint32_t count);

/* One member's values, activation and all, into its pass, and its delta out of it. */
void first_layer_enter(const struct first_layer *first, const struct pass *pass, uint32_t member);
void first_layer_leave(const struct first_layer *first, const struct pass *pass, uint32_t member);

/* The gradients of members 0 .. count - 1. */
void first_layer_backward(const struct first_layer *first, const struct pass *pass, uint32_t count);

#endif
