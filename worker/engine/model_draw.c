/*
 * model_draw.c: fresh parameters; see model.h.
 *
 * The parameter at offset i is made from block i / 4 of the sequence that the key names: uniform
 * ones from word i % 4, normal ones from the pair of words that i % 4 belongs to, of which an even
 * i takes the first normal and an odd i the second. So where drawing starts changes nothing.
 */
#include "worker/engine/kernels.h"
#include "worker/engine/model.h"

#include <math.h>
#include <string.h>

/* A stretch of the flat array. */
struct range {
    uint64_t first, count;
};

static struct philox_block block_of(const struct random *random, uint64_t number)
{
    struct philox_block counter = {
        {(uint32_t)number, random->context[0], random->context[1], random->context[2]}};
    return philox_4x32_10(counter, random->key[0], random->key[1]);
}

/* 24 bits on [-1, 1): exact in float. */
static void uniforms(const struct philox_block *block, float values[4])
{
    for (uint32_t i = 0; i < 4; i++)
        values[i] = (float)((int32_t)(block->words[i] >> 8) - (1 << 23)) * 0x1.0p-23F;
}

static void normals(const struct philox_block *block, float values[4])
{
    portable_normals(block->words[0], block->words[1], values);
    portable_normals(block->words[2], block->words[3], values + 2);
}

static void draw_range(const struct model *model, const struct random *random, struct range range,
                       float scale, float *parameters)
{
    float values[4];
    for (uint64_t i = range.first; i < range.first + range.count; i++) {
        if (i == range.first || i % 4 == 0) {
            struct philox_block block = block_of(random, i / 4);
            if (model->initialisation == INITIALISATION_HE)
                normals(&block, values);
            else
                uniforms(&block, values);
        }
        parameters[i] = scale * values[i % 4];
    }
}

/* Rows and biases of `count` units from `first` on. */
static void draw_units(const struct model *model, const struct random *random, uint32_t layer_index,
                       struct range units, float *parameters)
{
    const struct model_layer *layer = &model->layers[layer_index];
    struct range weights = {layer->weight + units.first * layer->in, units.count * layer->in};
    struct range biases = {layer->bias + units.first, units.count};
    double fan_in = layer->in;
    if (model->initialisation == INITIALISATION_HE) {
        draw_range(model, random, weights, (float)sqrt(2.0 / fan_in), parameters);
        memset(parameters + biases.first, 0, biases.count * sizeof *parameters);
    } else {
        float bound = (float)(1.0 / sqrt(fan_in));
        draw_range(model, random, weights, bound, parameters);
        draw_range(model, random, biases, bound, parameters);
    }
}

void model_draw(const struct model *model, const struct random *random, float *parameters)
{
    for (uint32_t i = 0; i < model->layer_count; i++)
        draw_units(model, random, i, (struct range){0, model->layers[i].out}, parameters);
}

void model_draw_unit(const struct model *model, const struct random *random, uint32_t layer,
                     uint32_t unit, float *parameters)
{
    draw_units(model, random, layer, (struct range){unit, 1}, parameters);
}
