/* array.c: see array.h. */
#include "tests/simulation/array.h"

#include <assert.h>
#include <stdlib.h>

void *array_grown(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity > 0 ? 2 * *capacity : 64;
    items = realloc(items, *capacity * size);
    assert(items != NULL);
    return items;
}
