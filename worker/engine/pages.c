/* pages.c: see pages.h. */
#include "worker/engine/pages.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { LINE = 64 };
static const size_t large_page = (size_t)2 << 20;

static size_t rounded_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

void *pages_take(size_t bytes)
{
    /* Less than half a page would waste more than it saves. */
    if (bytes < large_page / 2)
        return aligned_alloc(LINE, rounded_up(bytes, LINE));
    bytes = rounded_up(bytes, large_page);
    void *memory = aligned_alloc(large_page, bytes);
#ifdef MADV_HUGEPAGE
    /* A system that has none says so, and nothing is lost. */
    if (memory != NULL)
        (void)madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}
