/* allocation_guard.c: see allocation_guard.h. */
#include "tests/simulation/allocation_guard.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

/* The names are the linker's. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static bool inside;

void allocation_guard_enter(void)
{
    assert(!inside);
    inside = true;
}

void allocation_guard_leave(void)
{
    assert(inside);
    inside = false;
}

static void check(void)
{
    bool allocated_in_a_step = inside;
    inside = false; /* the failing assert itself allocates */
    assert(!allocated_in_a_step);
}

void *__wrap_malloc(size_t size)
{
    check();
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    check();
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    check();
    return __real_realloc(memory, size);
}
