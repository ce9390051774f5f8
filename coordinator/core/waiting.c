/*
 * waiting.c: the jobs and opinions that wait for a worker.
 *
 * Two heaps: one has the oldest of all on top; the other the newest of those jobs that anybody may
 * have (no opinions, and nothing that had trouble: those are choosy about their worker). A slot is
 * added, removed from wherever it is, and found at either end in O(log n).
 */
#include "coordinator/core/core_internal.h"

#include <assert.h>

enum heap_order { OLDEST_FIRST, NEWEST_FIRST };

struct heap {
    enum heap_order order;
    uint32_t *items, *count;
};

static struct heap heap_of(struct core *core, enum heap_order order)
{
    if (order == OLDEST_FIRST)
        return (struct heap){order, core->heap, &core->heap_count};
    return (struct heap){order, core->newest, &core->newest_count};
}

/* Where the slot says that it is. */
static uint32_t *place_of(struct core *core, enum heap_order order, uint32_t slot)
{
    if (order == OLDEST_FIRST)
        return &core->slots[slot].heap_place;
    return &core->slots[slot].newest_place;
}

/* Smallest on top. */
static uint64_t key_of(const struct core *core, enum heap_order order, uint32_t slot)
{
    uint64_t age = core->slots[slot].order;
    return order == OLDEST_FIRST ? age : ~age;
}

static void put(struct core *core, const struct heap *heap, uint32_t place, uint32_t slot)
{
    heap->items[place] = slot;
    *place_of(core, heap->order, slot) = place;
}

static void rise(struct core *core, const struct heap *heap, uint32_t place)
{
    uint32_t slot = heap->items[place];
    uint64_t key = key_of(core, heap->order, slot);
    while (place > 0) {
        uint32_t above = heap->items[(place - 1) / 2];
        if (key_of(core, heap->order, above) < key)
            break;
        put(core, heap, place, above);
        place = (place - 1) / 2;
    }
    put(core, heap, place, slot);
}

static void sink(struct core *core, const struct heap *heap, uint32_t place)
{
    uint32_t slot = heap->items[place];
    uint64_t key = key_of(core, heap->order, slot);
    for (uint32_t child; (child = 2 * place + 1) < *heap->count; place = child) {
        uint64_t least = key_of(core, heap->order, heap->items[child]);
        if (child + 1 < *heap->count) {
            uint64_t other = key_of(core, heap->order, heap->items[child + 1]);
            child += other < least;
            least = other < least ? other : least;
        }
        if (key < least)
            break;
        put(core, heap, place, heap->items[child]);
    }
    put(core, heap, place, slot);
}

static void add(struct core *core, enum heap_order order, uint32_t slot)
{
    struct heap heap = heap_of(core, order);
    assert(*place_of(core, order, slot) == NONE && *heap.count < core->slot_capacity);
    heap.items[(*heap.count)++] = slot;
    rise(core, &heap, *heap.count - 1);
}

static void take_out(struct core *core, enum heap_order order, uint32_t slot)
{
    struct heap heap = heap_of(core, order);
    uint32_t place = *place_of(core, order, slot);
    if (place == NONE)
        return;
    *place_of(core, order, slot) = NONE;
    uint32_t last = heap.items[--*heap.count];
    if (last == slot)
        return;
    put(core, &heap, place, last);
    rise(core, &heap, place);
    sink(core, &heap, *place_of(core, order, last));
}

bool slot_is_plain(const struct slot *slot)
{
    return slot->state == SLOT_WAITING && slot->trouble_count == 0;
}

void waiting_add(struct core *core, uint32_t index)
{
    struct slot *slot = &core->slots[index];
    add(core, OLDEST_FIRST, index);
    slot->work_us = core->speeds.kinds[core->places[slot->place].kind].work_us;
    core->waiting_us += slot->work_us;
    if (slot_is_plain(slot))
        add(core, NEWEST_FIRST, index);
}

void waiting_remove(struct core *core, uint32_t index)
{
    struct slot *slot = &core->slots[index];
    if (slot->heap_place == NONE)
        return;
    core->waiting_us -= slot->work_us;
    take_out(core, OLDEST_FIRST, index);
    take_out(core, NEWEST_FIRST, index);
}
