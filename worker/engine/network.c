/* network.c: one individual's numbers, and what damage does to them; see network.h. */
#include "worker/engine/network.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct network *network_create(const struct model *model, enum optimizer_state state)
{
    size_t count = model->parameter_count;
    struct network *network = calloc(1, sizeof *network);
    if (network == NULL)
        return NULL;
    network->model = model;
    network->state = state;
    network->parameters = calloc(count, sizeof *network->parameters);
    network->m = calloc(count, sizeof *network->m);
    network->v = calloc(count, sizeof *network->v);
    network->damage = calloc(model->unit_count, sizeof *network->damage);
    if (network->parameters == NULL || network->m == NULL || network->v == NULL ||
        network->damage == NULL)
        network_destroy(&network);
    return network;
}

void network_destroy(struct network **network)
{
    if (*network == NULL)
        return;
    free((*network)->parameters);
    free((*network)->m);
    free((*network)->v);
    free((*network)->damage);
    free(*network);
    *network = NULL;
}

void network_copy(struct network *to, const struct network *from)
{
    size_t count = from->model->parameter_count;
    assert(to->model->parameter_count == count && to->model->unit_count == from->model->unit_count);
    memcpy(to->parameters, from->parameters, count * sizeof *to->parameters);
    memcpy(to->m, from->m, count * sizeof *to->m);
    memcpy(to->v, from->v, count * sizeof *to->v);
    memcpy(to->damage, from->damage, from->model->unit_count);
    to->optimizer_step = from->optimizer_step;
    to->state = from->state;
}

int network_is_finite(const struct network *network)
{
    for (uint64_t i = 0; i < network->model->parameter_count; i++)
        if (!isfinite(network->parameters[i]))
            return 0;
    return 1;
}

/* The unit layer that unit `unit` is in. */
static const struct unit_layer *layer_of(const struct network *network, uint32_t layer,
                                         uint32_t unit)
{
    assert(layer < network->model->layer_count);
    assert(unit < network->model->layers[layer].out);
    return &network->model->layers[layer];
}

static void zero_slice(float *numbers, const struct unit_slice *slice, uint32_t unit)
{
    float *first = numbers + slice->first + unit * slice->unit_stride;
    for (uint32_t i = 0; i < slice->count; i++)
        memset(first + i * slice->stride, 0, slice->block * sizeof *first);
}

static void forget(struct network *network, const struct unit_slice *slice, uint32_t unit)
{
    zero_slice(network->m, slice, unit);
    zero_slice(network->v, slice, unit);
}

void network_zero_incoming(struct network *network, uint32_t layer_index, uint32_t unit)
{
    const struct unit_layer *layer = layer_of(network, layer_index, unit);
    for (uint32_t i = 0; i < layer->incoming_count; i++) {
        zero_slice(network->parameters, &layer->incoming[i], unit);
        forget(network, &layer->incoming[i], unit);
    }
}

void network_zero_outgoing(struct network *network, uint32_t layer_index, uint32_t unit)
{
    const struct unit_layer *layer = layer_of(network, layer_index, unit);
    for (uint32_t i = 0; i < layer->outgoing_count; i++) {
        zero_slice(network->parameters, &layer->outgoing[i], unit);
        forget(network, &layer->outgoing[i], unit);
    }
}

void network_draw_incoming(struct network *network, uint32_t layer_index, uint32_t unit,
                           const struct random *random)
{
    const struct unit_layer *layer = layer_of(network, layer_index, unit);
    model_draw_unit(network->model, random, layer_index, unit, network->parameters);
    for (uint32_t i = 0; i < layer->incoming_count; i++)
        forget(network, &layer->incoming[i], unit);
}
