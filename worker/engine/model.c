/*
 * model.c: where a network's numbers lie; see model.h. How fresh ones are drawn is in model_draw.c.
 */
#include "worker/engine/model.h"

#include "worker/engine/checkpoint.h"

#include <assert.h>
#include <stdlib.h>

enum { INPUTS_MAX = 1048576 };

static int check_sizes(const struct model_options *options, struct error *error)
{
    if (options->inputs == 0 || options->inputs > INPUTS_MAX)
        return error_set(error, -1, "model: %u inputs, allowed are 1 to %d", options->inputs,
                         INPUTS_MAX);
    if (options->classes == 0 || options->classes > MODEL_CLASSES_MAX)
        return error_set(error, -1, "model: %u classes, allowed are 1 to %d", options->classes,
                         MODEL_CLASSES_MAX);
    return 0;
}

/* Appends a layer behind the last one. Widths are below 2^21 and layers below 2^12: no sum here
 * overflows. */
static void add_layer(struct model *model, uint32_t out)
{
    uint32_t number = model->layer_count++;
    struct model_layer *layer = &model->layers[number];
    layer->in = number == 0 ? model->inputs : model->layers[number - 1].out;
    layer->out = out;
    layer->weight = model->parameter_count;
    layer->bias = layer->weight + (uint64_t)layer->in * out;
    layer->first_unit = model->unit_count;
    model->parameter_count = layer->bias + out;
    model->unit_count += out;
    if (out > model->width_max)
        model->width_max = out;
}

static void add_layers(struct model *model)
{
    const struct topology *topology = &model->topology;
    for (uint32_t i = 0; i < topology->group_count; i++)
        for (uint32_t j = 0; j < topology->groups[i].depth; j++)
            add_layer(model, topology->groups[i].width);
    assert(model->layer_count == topology->depth);
    add_layer(model, model->classes);
}

static int fill(struct model *model, struct error *error)
{
    model->layers = calloc((size_t)model->topology.depth + 1, sizeof *model->layers);
    if (model->layers == NULL)
        return error_set(error, -1, "model: no memory for %u layers", model->topology.depth + 1);
    add_layers(model);
    if (model->parameter_count > TOPOLOGY_PARAMETERS_MAX)
        return error_set(error, -1, "model: %llu parameters, at most %llu are possible",
                         (unsigned long long)model->parameter_count,
                         (unsigned long long)TOPOLOGY_PARAMETERS_MAX);
    return checkpoint_headers_create(model, error);
}

struct model *model_create(const struct model_options *options, struct error *error)
{
    assert(options->topology.depth > 0 && options->topology.depth <= TOPOLOGY_DEPTH_MAX);
    if (check_sizes(options, error) != 0)
        return NULL;
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL) {
        error_set(error, -1, "model: no memory");
        return NULL;
    }
    model->topology = options->topology;
    model->activation = options->activation;
    model->initialisation = options->initialisation;
    model->inputs = options->inputs;
    model->classes = options->classes;
    if (fill(model, error) != 0)
        model_destroy(&model);
    return model;
}

void model_destroy(struct model **model)
{
    if (*model == NULL)
        return;
    checkpoint_headers_destroy(*model);
    free((*model)->layers);
    free(*model);
    *model = NULL;
}
