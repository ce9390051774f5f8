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
#include <stdbool.h>

/* A stretch of the flat array. */
struct range {
    uint64_t first, count;
};

/* How a tensor's numbers are drawn: scale times a uniform on [-1, 1) or a normal; or just scale. */
struct start {
    bool is_random, is_normal;
    float scale;
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

static void draw_range(const struct random *random, struct range range, const struct start *start,
                       float *parameters)
{
    float values[4];
    if (!start->is_random) {
        for (uint64_t i = range.first; i < range.first + range.count; i++)
            parameters[i] = start->scale;
        return;
    }
    for (uint64_t i = range.first; i < range.first + range.count; i++) {
        if (i == range.first || i % 4 == 0) {
            struct philox_block block = block_of(random, i / 4);
            if (start->is_normal)
                normals(&block, values);
            else
                uniforms(&block, values);
        }
        parameters[i] = start->scale * values[i % 4];
    }
}

static struct start start_of(const struct model *model, const struct tensor *tensor)
{
    const bool is_he = model->initialisation == INITIALISATION_HE;
    const double fan = tensor->fan;
    const struct start bound = {true, false, (float)(1.0 / sqrt(fan))};
    switch (tensor->start) {
    case START_WEIGHT:
        return is_he ? (struct start){true, true, (float)sqrt(2.0 / fan)} : bound;
    case START_BIAS:
        return is_he ? (struct start){false, false, 0} : bound;
    case START_UNIFORM:
        return bound;
    case START_XAVIER:
        return (struct start){true, false, (float)sqrt(6.0 / fan)};
    case START_SMALL_NORMAL:
        return (struct start){true, true, 0.02F};
    case START_ZERO:
        return (struct start){false, false, 0};
    case START_ONE:
        break;
    }
    return (struct start){false, false, 1};
}

void model_draw(const struct model *model, const struct random *random, float *parameters)
{
    for (uint32_t i = 0; i < model->plan->tensor_count; i++) {
        const struct tensor *tensor = &model->plan->tensors[i];
        const struct start start = start_of(model, tensor);
        draw_range(random, (struct range){tensor->offset, tensor->count}, &start, parameters);
    }
}

void model_draw_unit(const struct model *model, const struct random *random, uint32_t layer,
                     uint32_t unit, float *parameters)
{
    const struct unit_layer *units = &model->layers[layer];
    for (uint32_t i = 0; i < units->incoming_count; i++) {
        const struct unit_slice *slice = &units->incoming[i];
        const struct start start = start_of(model, &model->plan->tensors[slice->tensor]);
        for (uint32_t j = 0; j < slice->count; j++) {
            uint64_t first = slice->first + unit * slice->unit_stride + j * slice->stride;
            draw_range(random, (struct range){first, slice->block}, &start, parameters);
        }
    }
}
