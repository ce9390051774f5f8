/*
 * task_heap.h: task rows ordered by a number, smallest first.
 *
 * A binary heap that knows where each row sits, so that a row in the middle can leave in O(log n).
 * The worker core keeps two: runnable tasks by arrival, unsettled results by the time of their next
 * offer. Lives in zeroed memory of the caller; touches only as much of it as it holds.
 */
#ifndef RATCHET_WORKER_CORE_TASK_HEAP_H
#define RATCHET_WORKER_CORE_TASK_HEAP_H

#include "common/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct task_heap_node {
    uint64_t key;
    uint32_t task;
};

struct task_heap {
    uint32_t count;
    struct task_heap_node nodes[HELD_MAX];
    uint32_t places[HELD_MAX]; /* by task: index into nodes, plus one; 0: not in the heap */
};

bool task_heap_holds(const struct task_heap *heap, uint32_t task);
/* Adds the task, or gives it a new key. */
void task_heap_set(struct task_heap *heap, uint32_t task, uint64_t key);
/* Nothing happens when the task is not there. */
void task_heap_remove(struct task_heap *heap, uint32_t task);
/* The key of a task that is in the heap. */
uint64_t task_heap_key(const struct task_heap *heap, uint32_t task);
/* The first in order. The heap must not be empty. */
struct task_heap_node task_heap_first(const struct task_heap *heap);

#endif
