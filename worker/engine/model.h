/*
 * model.h: a network's shape and where its numbers lie.
 *
 * A model is compiled once per experiment from a topology (common/topology.h) and the data set's
 * sizes. All individuals of one model have their parameters in one flat array of float, at the
 * offsets given here; so mutation, optimiser and checkpoint treat every model alike.
 *
 * Units are counted per layer: unit u of layer l is row u of its weight. The last layer's units are
 * the logits; all others are hidden.
 */
#ifndef RATCHET_WORKER_ENGINE_MODEL_H
#define RATCHET_WORKER_ENGINE_MODEL_H

#include "common/error.h"
#include "common/philox.h"
#include "common/topology.h"

#include <stddef.h>
#include <stdint.h>

enum activation {
    ACTIVATION_RELU = 1, /* derivative 0 at 0, as in PyTorch */
    ACTIVATION_TANH = 2,
    ACTIVATION_SIGMOID = 3,
    ACTIVATION_GELU = 4, /* exact: x * Phi(x), Hendrycks and Gimpel 2016 */
};

enum initialisation {
    /* weight and bias uniform in +-1/sqrt(in): torch.nn.Linear's default */
    INITIALISATION_PYTORCH = 1,
    /* weight normal with deviation sqrt(2/in), bias 0: He, Zhang, Ren, Sun 2015, eq. 10 */
    INITIALISATION_HE = 2,
};

enum { MODEL_CLASSES_MAX = 256 };

/* A linear layer: z = W a + b, followed by the activation unless it is the last. */
struct model_layer {
    uint32_t in, out;
    uint64_t weight;     /* offset in floats of W: [out, in] row-major */
    uint64_t bias;       /* offset in floats of b: [out]; follows W at once */
    uint64_t first_unit; /* number of unit 0 of this layer among all units of the model */
};

struct model {
    struct topology topology;
    enum activation activation;
    enum initialisation initialisation;
    uint32_t inputs, classes;
    uint32_t layer_count; /* hidden layers + 1 */
    struct model_layer *layers;
    uint64_t parameter_count;
    uint64_t unit_count; /* hidden and output units */
    uint32_t width_max;  /* widest layer, the input not counted */
    /* What checkpoints start with, by enum optimizer_state (network.h). */
    struct checkpoint_header {
        uint8_t *bytes;
        size_t count;
    } checkpoint_headers[3];
};

struct model_options {
    struct topology topology;
    enum activation activation;
    enum initialisation initialisation;
    uint32_t inputs, classes;
};

/* NULL with the reason: no memory, sizes out of range, more than 2^31 parameters. */
struct model *model_create(const struct model_options *options, struct error *error);
void model_destroy(struct model **model);

/*
 * Fresh parameters. Each value is a function of (random's key, its offset in the flat array) alone,
 * so one unit can be drawn anew without the others: see model_draw_unit.
 */
void model_draw(const struct model *model, const struct random *random, float *parameters);
/* A fresh incoming row and bias of one unit, as model_draw would give them for this `random`. */
void model_draw_unit(const struct model *model, const struct random *random, uint32_t layer,
                     uint32_t unit, float *parameters);

#endif
