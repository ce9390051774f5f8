/*
 * byte_layer.h: a first linear layer that reads bytes as they are stored.
 *
 * What the network sees of a byte x is scale * (x + origin), with origin = shift / scale. Instead
 * of that for every value, the layer's weights are multiplied by `scale`, x is taken as it is, and
 * what the origin adds to a unit is one number for all samples. So a zero stays a zero, and where
 * there are many of them the products may leave them out. README.md has the operations in order,
 * and why both ways give equal bits: it is a matter of speed only which one is taken.
 *
 * For fp32 in the class portable and models of which linear layers alone read the sample; others
 * see the numbers that `gather` makes.
 */
#ifndef RATCHET_WORKER_ENGINE_BYTE_LAYER_H
#define RATCHET_WORKER_ENGINE_BYTE_LAYER_H

#include "worker/engine/kernels.h"

#include <stdbool.h>

struct pass;
struct plan;

enum byte_way {
    BYTE_WAY_NONE = 0,   /* not at all: the samples are no such bytes */
    BYTE_WAY_DENSE = 1,  /* all values, as floats in the workspace's batch */
    BYTE_WAY_SPARSE = 2, /* those that are not zero */
};

struct byte_layer {
    bool is_possible;     /* with this model and these settings */
    enum byte_way wanted; /* a test's: BYTE_WAY_NONE leaves the choice to the density */
    enum byte_way way;    /* of the samples in use */
    float scale, origin;  /* likewise */
    struct byte_matrix by_sample, by_feature; /* the mini-batch in use, when it is sparse */
    float *factors; /* what the bytes are multiplied by: weights or deltas, times scale */
    float *rows;    /* sixteen of them before they are transposed */
    float *product; /* a sparse product's, before it is transposed */
    float *last;    /* [SPARSE_UNITS_MAX] what is added to its units */
    void *memory;   /* all of the above */
};

/* Whether linear layers alone read the sample. */
bool byte_layer_suits(const struct plan *plan);

/* For such a model. 0 or -1: no memory. */
int byte_layer_init(struct byte_layer *layer, uint32_t inputs, uint32_t samples_max)
    __attribute__((warn_unused_result));
void byte_layer_fini(struct byte_layer *layer);

/* Which samples the next mini-batches are of, and how many units one product has. */
struct byte_slice {
    const struct samples *samples;
    const struct sample_slice *slice;
    uint32_t units;
};

/* Chooses how those are read: looks at a few of them. */
void byte_layer_open(struct byte_layer *layer, const struct pass *pass,
                     const struct byte_slice *of);

/* The mini-batch of this source; false: it is not to be read as bytes. */
bool byte_layer_gather(struct byte_layer *layer, const struct pass *pass,
                       const struct batch_source *source);

/* Whether the pass's mini-batch is in the layer. */
bool byte_layer_is_open(const struct pass *pass);

/* Where the rows of some units are: row u at rows[u], or u * row behind `first`. */
struct byte_weights {
    const float *first;
    size_t row;
    const float *const *rows; /* NULL: as above */
    const float *biases;
};
struct byte_gradient {
    float *first;
    size_t row;
    float *const *rows; /* NULL: as above */
};

/* z of the units, or their activations; `end` is none that derives. */
void byte_layer_forward(const struct pass *pass, const struct byte_weights *weights,
                        const struct activations *z, enum product_end end);
/* The gradient by their weights: that by their biases is the caller's. */
void byte_layer_backward(const struct pass *pass, const struct activations *delta,
                         const struct byte_gradient *gradient);
/* How many units one call does best. */
uint32_t byte_layer_units(const struct pass *pass);

#endif
