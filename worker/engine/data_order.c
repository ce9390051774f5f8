/* data_order.c: see data_order.h. */
#include "worker/engine/data_order.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

/* The sequence of one epoch. */
static struct random open_epoch(const struct epoch_order *epoch)
{
    assert(epoch->epoch >> 56 == 0);
    struct random random = random_open(epoch->order.seed, (uint32_t)(epoch->epoch >> 32),
                                       epoch->order.stream, RANDOM_DATA_ORDER);
    random.position = (uint32_t)epoch->epoch;
    uint32_t first = random_u32(&random), second = random_u32(&random);
    random.key[0] = first;
    random.key[1] = second;
    random.position = 0;
    random.used = 4;
    return random;
}

void data_order_shuffle(const struct epoch_order *epoch, uint32_t *permutation)
{
    struct random random = open_epoch(epoch);
    for (uint32_t i = 0; i < epoch->count; i++)
        permutation[i] = i;
    for (uint32_t i = epoch->count; i > 1; i--) {
        uint32_t chosen = random_below(&random, i);
        uint32_t moved = permutation[i - 1];
        permutation[i - 1] = permutation[chosen];
        permutation[chosen] = moved;
    }
}

int order_cache_reserve(struct order_cache *cache, uint32_t count)
{
    if (count <= cache->room)
        return 0;
    uint32_t *permutation = malloc(count * sizeof *permutation);
    if (permutation == NULL)
        return -1;
    free(cache->permutation);
    *cache = (struct order_cache){.permutation = permutation, .room = count};
    return 0;
}

static bool is_current(const struct order_cache *cache, const struct epoch_order *epoch)
{
    const struct epoch_order *current = &cache->current;
    return current->count == epoch->count && current->epoch == epoch->epoch &&
           current->order.seed == epoch->order.seed && current->order.stream == epoch->order.stream;
}

const uint32_t *order_cache_get(struct order_cache *cache, const struct epoch_order *epoch)
{
    assert(epoch->count > 0 && epoch->count <= cache->room);
    if (!is_current(cache, epoch)) {
        data_order_shuffle(epoch, cache->permutation);
        cache->current = *epoch;
    }
    return cache->permutation;
}

const uint32_t *data_order_places(enum sample_order order, struct order_cache *cache,
                                  const struct epoch_order *epoch)
{
    return order == ORDER_SEQUENTIAL ? NULL : order_cache_get(cache, epoch);
}

void order_cache_fini(struct order_cache *cache)
{
    free(cache->permutation);
    *cache = (struct order_cache){.room = 0};
}
