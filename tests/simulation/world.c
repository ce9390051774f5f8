/* world.c: see world.h. */
#include "tests/simulation/world.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A busy instant has a few thousand actions; this many mean that somebody spins. */
static const uint64_t CROWD_MAX = 1000000;

void world_init(struct world *world, uint64_t seed)
{
    *world = (struct world){.dice = dice_open(seed, DICE_WORLD), .capacity = 1024};
    world->heap = malloc(world->capacity * sizeof world->heap[0]);
    assert(world->heap != NULL);
}

void world_fini(struct world *world)
{
    free(world->heap);
    world->heap = NULL;
}

static int before(const struct scheduled *a, const struct scheduled *b)
{
    return a->time_ms != b->time_ms ? a->time_ms < b->time_ms : a->sequence < b->sequence;
}

void world_schedule(struct world *world, uint64_t delay_ms, struct action action)
{
    if (world->count == world->capacity) {
        world->capacity *= 2;
        world->heap = realloc(world->heap, world->capacity * sizeof world->heap[0]);
        assert(world->heap != NULL);
    }
    struct scheduled added = {world->now_ms + delay_ms, world->sequence++, action};
    size_t i = world->count++;
    while (i > 0 && before(&added, &world->heap[(i - 1) / 2])) {
        world->heap[i] = world->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    world->heap[i] = added;
}

uint64_t world_next_ms(const struct world *world)
{
    return world->count > 0 ? world->heap[0].time_ms : UINT64_MAX;
}

static struct scheduled pop(struct world *world)
{
    struct scheduled *heap = world->heap;
    struct scheduled first = heap[0], last = heap[--world->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= world->count)
            break;
        if (child + 1 < world->count && before(&heap[child + 1], &heap[child]))
            child++;
        if (!before(&heap[child], &last))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return first;
}

void world_step(struct world *world)
{
    assert(world->count > 0);
    struct scheduled next = pop(world);
    assert(next.time_ms >= world->now_ms);
    world->crowd = next.time_ms > world->now_ms ? 0 : world->crowd + 1;
    world->now_ms = next.time_ms;
    world->actions++;
    if (world->crowd > CROWD_MAX)
        world_fail(world, FAILURE_LIVENESS,
                   "time stands still: somebody's deadline stays in the past");
    next.action.run(next.action.context, &next.action);
}

void world_fail(struct world *world, enum failure_kind kind, const char *format, ...)
{
    if (world->failure.kind != FAILURE_NONE)
        return;
    world->failure.kind = kind;
    world->failure.time_ms = world->now_ms;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(world->failure.text, sizeof world->failure.text, format, arguments);
    va_end(arguments);
    world_trace(world, "FAILURE: %s", world->failure.text);
}

void world_trace(const struct world *world, const char *format, ...)
{
    if (world->voice == WORLD_QUIET)
        return;
    fprintf(stderr, "%8" PRIu64 ".%03u  ", world->now_ms / 1000, (unsigned)(world->now_ms % 1000));
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}
