/*
 * model.h: a model as an experiment's individuals share it: what is computed (common/plan.h), how
 * fresh numbers are drawn, how the CPU goes about it (program.h), how checkpoints begin.
 *
 * A model is compiled once per experiment from a text (common/model_text.h) and the data set's
 * sizes. All individuals of one model have their parameters in one flat array of float, at the
 * plan's offsets; so mutation, optimiser and checkpoint treat every model alike.
 */
#ifndef RATCHET_WORKER_ENGINE_MODEL_H
#define RATCHET_WORKER_ENGINE_MODEL_H

#include "common/error.h"
#include "common/philox.h"
#include "common/plan.h"

#include <stddef.h>
#include <stdint.h>

enum activation {
    ACTIVATION_RELU = 1, /* derivative 0 at 0, as in PyTorch */
    ACTIVATION_TANH = 2,
    ACTIVATION_SIGMOID = 3,
    ACTIVATION_GELU = 4, /* exact: x * Phi(x), Hendrycks and Gimpel 2016 */
};

enum initialisation {
    /* as the layers of torch.nn draw theirs */
    INITIALISATION_PYTORCH = 1,
    /* weights normal with deviation sqrt(2/fan), biases 0: He, Zhang, Ren, Sun 2015, eq. 10 */
    INITIALISATION_HE = 2,
};

enum { MODEL_CLASSES_MAX = PLAN_CLASSES_MAX };

struct program;

struct model {
    struct plan *plan;
    enum activation activation;
    enum initialisation initialisation;
    struct program *program;
    /* The plan's, at hand. */
    uint32_t inputs, classes;
    uint32_t layer_count; /* unit layers; the last one is that of the logits */
    const struct unit_layer *layers;
    uint64_t parameter_count;
    uint64_t unit_count;
    /* What checkpoints start with, by enum optimizer_state (network.h). */
    struct checkpoint_header {
        uint8_t *bytes;
        size_t count;
    } checkpoint_headers[3];
};

struct model_options {
    struct model_text text;
    enum activation activation;
    enum initialisation initialisation;
    uint32_t inputs, classes;
};

/* NULL with the reason: no memory, or what plan_create refuses. */
struct model *model_create(const struct model_options *options, struct error *error);
void model_destroy(struct model **model);

/*
 * Fresh parameters. Each value is a function of (random's key, its offset in the flat array) alone,
 * so one unit can be drawn anew without the others: see model_draw_unit.
 */
void model_draw(const struct model *model, const struct random *random, float *parameters);
/* Fresh incoming numbers of one unit, as model_draw would give them for this `random`. */
void model_draw_unit(const struct model *model, const struct random *random, uint32_t layer,
                     uint32_t unit, float *parameters);

#endif
