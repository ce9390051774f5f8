/*
 * allocation_counter.h: counts what a test program takes from the heap.
 *
 * To be included once, by a test_allocation.c: such programs are linked so that malloc and its
 * relatives arrive here first (RATCHET_WRAP_ALLOCATION in deploy/cmake), under the sanitizers as
 * well.
 */
#ifndef RATCHET_TESTS_ALLOCATION_COUNTER_H
#define RATCHET_TESTS_ALLOCATION_COUNTER_H

#include <stddef.h>
#include <stdint.h>

/* Volatile: a compiler knows that malloc leaves it alone. */
static volatile uint64_t allocation_count;

/* How many there have been. */
static uint64_t allocations(void)
{
    return allocation_count;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    allocation_count++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocation_count++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    allocation_count++;
    return __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    allocation_count++;
    return __real_aligned_alloc(alignment, size);
}

#endif
