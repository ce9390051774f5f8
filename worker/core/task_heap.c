/* task_heap.c: see task_heap.h. */
#include "worker/core/task_heap.h"

#include <assert.h>

static void put(struct task_heap *heap, uint32_t place, struct task_heap_node node)
{
    heap->nodes[place] = node;
    heap->places[node.task] = place + 1;
}

static uint32_t rise(struct task_heap *heap, uint32_t place, struct task_heap_node node)
{
    while (place > 0 && node.key < heap->nodes[(place - 1) / 2].key) {
        put(heap, place, heap->nodes[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    return place;
}

static uint32_t sink(struct task_heap *heap, uint32_t place, struct task_heap_node node)
{
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= heap->count)
            return place;
        if (child + 1 < heap->count && heap->nodes[child + 1].key < heap->nodes[child].key)
            child++;
        if (node.key <= heap->nodes[child].key)
            return place;
        put(heap, place, heap->nodes[child]);
        place = child;
    }
}

/* Writes `node` where it belongs, starting from a place whose old content is gone. */
static void settle(struct task_heap *heap, uint32_t place, struct task_heap_node node)
{
    place = rise(heap, place, node);
    put(heap, sink(heap, place, node), node);
}

bool task_heap_holds(const struct task_heap *heap, uint32_t task)
{
    assert(task < HELD_MAX);
    return heap->places[task] != 0;
}

void task_heap_set(struct task_heap *heap, uint32_t task, uint64_t key)
{
    struct task_heap_node node = {.key = key, .task = task};
    if (task_heap_holds(heap, task)) {
        settle(heap, heap->places[task] - 1, node);
        return;
    }
    assert(heap->count < HELD_MAX);
    heap->count++;
    settle(heap, heap->count - 1, node);
}

void task_heap_remove(struct task_heap *heap, uint32_t task)
{
    if (!task_heap_holds(heap, task))
        return;
    uint32_t place = heap->places[task] - 1;
    heap->places[task] = 0;
    heap->count--;
    if (place < heap->count)
        settle(heap, place, heap->nodes[heap->count]);
}

uint64_t task_heap_key(const struct task_heap *heap, uint32_t task)
{
    assert(task_heap_holds(heap, task));
    return heap->nodes[heap->places[task] - 1].key;
}

struct task_heap_node task_heap_first(const struct task_heap *heap)
{
    assert(heap->count > 0);
    return heap->nodes[0];
}
