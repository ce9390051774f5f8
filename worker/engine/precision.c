/* precision.c: see precision.h. */
#include "worker/engine/precision.h"

#include <assert.h>
#include <string.h>

struct kernels precision_kernels(const struct kernels *kernels, enum precision precision)
{
    struct kernels own = *kernels;
    if (precision == PRECISION_FP32)
        return own;
    own.lane_product = kernels->lane_product_bf16;
    own.sum_products = kernels->sum_products_bf16;
    return own;
}

bool precision_is_stored(enum precision precision)
{
    return precision == PRECISION_BF16_NEAREST || precision == PRECISION_BF16_STOCHASTIC;
}

void precision_begin(const struct kernels *kernels, enum precision precision, size_t count,
                     float *parameters)
{
    if (precision_is_stored(precision))
        kernels->bf16(parameters, parameters, count);
}

/* Which roundings of one step these are. */
enum rounding_place { BEHIND_UPDATE = 0, BEHIND_CLAMP = 1 };

/* The random words of one step: see README.md. */
static struct rounding open_rounding(const struct stored_rounding *stored,
                                     enum rounding_place place)
{
    const struct random *key = stored->key;
    if (stored->precision != PRECISION_BF16_STOCHASTIC)
        return (struct rounding){.is_stochastic = false};
    assert(stored->step >> 56 == 0); /* else the counter could be a draw's of some purpose */
    const struct philox_block counter = {
        {(uint32_t)stored->step, (uint32_t)(stored->step >> 32), (uint32_t)place, 0xBF}};
    const struct philox_block block = philox_4x32_10(counter, key->key[0], key->key[1]);
    return (struct rounding){
        .is_stochastic = true,
        .key = {block.words[0], block.words[1]},
        .context = {key->context[0], key->context[1], key->context[2]},
    };
}

static void step_stretch(const struct kernels *kernels, const struct update *update,
                         const struct updated *numbers, uint64_t first, uint64_t end)
{
    const float *g = numbers->g + first;
    float *w = numbers->w + first, *m = numbers->m + first, *v = numbers->v + first;
    if (update->optimizer == OPTIMIZER_SGD)
        kernels->sgd(&update->sgd, end - first, g, w, m);
    else
        kernels->adamw(&update->adamw, end - first, g, w, m, v);
}

uint64_t precision_update(const struct stored_rounding *stored, const struct update *update,
                          const struct updated *numbers, uint64_t first, uint64_t end)
{
    /* Parameters that are updated and rounded while they are in the nearest cache. Those that share
     * their random words with the first go through the rounding again, which changes none. */
    enum { TOGETHER = 2048, ALIGNMENT = 128 };
    float before[TOGETHER];
    uint64_t lost = 0;
    if (!precision_is_stored(stored->precision)) {
        step_stretch(stored->kernels, update, numbers, first, end);
        return 0;
    }
    struct rounding rounding = open_rounding(stored, BEHIND_UPDATE);
    rounding.before = before;
    for (uint64_t from = first, to; from < end; from = to) {
        rounding.first = from / ALIGNMENT * ALIGNMENT;
        to = rounding.first + TOGETHER < end ? rounding.first + TOGETHER : end;
        float *w = numbers->w + rounding.first;
        const size_t count = to - rounding.first;
        memcpy(before, w, count * sizeof *before);
        step_stretch(stored->kernels, update, numbers, from, to);
        lost += stored->kernels->round_parameters(&rounding, count, w);
    }
    return lost;
}

void precision_settle(const struct stored_rounding *stored, size_t count, float *parameters)
{
    if (!precision_is_stored(stored->precision))
        return;
    const struct rounding rounding = open_rounding(stored, BEHIND_CLAMP);
    stored->kernels->round_parameters(&rounding, count, parameters);
}
