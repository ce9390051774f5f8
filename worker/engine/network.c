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

/* The layer that unit `unit` is in. */
static const struct model_layer *layer_of(const struct network *network, uint32_t layer,
                                          uint32_t unit)
{
    assert(layer < network->model->layer_count);
    assert(unit < network->model->layers[layer].out);
    return &network->model->layers[layer];
}

static void forget_incoming(struct network *network, const struct model_layer *layer, uint32_t unit)
{
    uint64_t row = layer->weight + (uint64_t)unit * layer->in, bias = layer->bias + unit;
    memset(network->m + row, 0, layer->in * sizeof *network->m);
    memset(network->v + row, 0, layer->in * sizeof *network->v);
    network->m[bias] = 0;
    network->v[bias] = 0;
}

void network_zero_incoming(struct network *network, uint32_t layer_index, uint32_t unit)
{
    const struct model_layer *layer = layer_of(network, layer_index, unit);
    uint64_t row = layer->weight + (uint64_t)unit * layer->in;
    memset(network->parameters + row, 0, layer->in * sizeof *network->parameters);
    network->parameters[layer->bias + unit] = 0;
    forget_incoming(network, layer, unit);
}

void network_zero_outgoing(struct network *network, uint32_t layer_index, uint32_t unit)
{
    layer_of(network, layer_index, unit);
    const struct model_layer *next = layer_of(network, layer_index + 1, 0);
    for (uint32_t row = 0; row < next->out; row++) {
        uint64_t place = next->weight + (uint64_t)row * next->in + unit;
        network->parameters[place] = 0;
        network->m[place] = 0;
        network->v[place] = 0;
    }
}

void network_draw_incoming(struct network *network, uint32_t layer_index, uint32_t unit,
                           const struct random *random)
{
    const struct model_layer *layer = layer_of(network, layer_index, unit);
    model_draw_unit(network->model, random, layer_index, unit, network->parameters);
    forget_incoming(network, layer, unit);
}
