/* population.c: see population.h. */
#include "coordinator/search/population.h"

#include <assert.h>

static size_t rounded(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

size_t population_bytes(uint32_t capacity)
{
    return rounded(capacity * sizeof(struct individual)) +
           2 * rounded(capacity * sizeof(uint32_t)) + rounded(fixed_map_bytes(capacity));
}

void population_init(struct population *population, uint32_t capacity, void *memory)
{
    uint8_t *next = memory;
    *population = (struct population){.capacity = capacity};
    population->individuals = (void *)next;
    next += rounded(capacity * sizeof(struct individual));
    population->heap = (void *)next;
    next += rounded(capacity * sizeof(uint32_t));
    population->place = (void *)next;
    next += rounded(capacity * sizeof(uint32_t));
    population->by_job = fixed_map_init(next, capacity);
}

static struct map_key key_of(uint64_t job)
{
    return (struct map_key){.low = job};
}

/* Whether slot a comes before slot b: less fit, or equally fit and older. */
static bool worse(const struct population *population, uint32_t a, uint32_t b)
{
    const struct individual *x = &population->individuals[a], *y = &population->individuals[b];
    if (fitness_better(y->fitness, x->fitness))
        return true;
    return !fitness_better(x->fitness, y->fitness) && x->job < y->job;
}

static void put(struct population *population, uint32_t place, uint32_t slot)
{
    population->heap[place] = slot;
    population->place[slot] = place;
}

static void sift_up(struct population *population, uint32_t place)
{
    uint32_t slot = population->heap[place];
    while (place > 0 && worse(population, slot, population->heap[(place - 1) / 2])) {
        put(population, place, population->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(population, place, slot);
}

static void sift_down(struct population *population, uint32_t place)
{
    uint32_t slot = population->heap[place];
    for (uint32_t child; (child = 2 * place + 1) < population->count; place = child) {
        if (child + 1 < population->count &&
            worse(population, population->heap[child + 1], population->heap[child]))
            child++;
        if (!worse(population, population->heap[child], slot))
            break;
        put(population, place, population->heap[child]);
    }
    put(population, place, slot);
}

void population_add(struct population *population, const struct individual *individual)
{
    assert(population->count < population->capacity);
    uint32_t slot = population->count++;
    population->individuals[slot] = *individual;
    fixed_map_insert(population->by_job, key_of(individual->job), slot);
    put(population, slot, slot);
    sift_up(population, slot);
}

struct individual population_replace(struct population *population, uint32_t slot,
                                     const struct individual *individual)
{
    assert(slot < population->count);
    struct individual gone = population->individuals[slot];
    fixed_map_remove(population->by_job, key_of(gone.job));
    fixed_map_insert(population->by_job, key_of(individual->job), slot);
    population->individuals[slot] = *individual;
    sift_up(population, population->place[slot]);
    sift_down(population, population->place[slot]);
    return gone;
}

uint32_t population_find(const struct population *population, uint64_t job)
{
    uint32_t slot = fixed_map_find(population->by_job, key_of(job));
    return slot == FIXED_MAP_NONE ? POPULATION_NONE : slot;
}

uint32_t population_worst(const struct population *population)
{
    assert(population->count > 0);
    return population->heap[0];
}
