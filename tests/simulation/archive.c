/* archive.c: see archive.h. */
#include "tests/simulation/archive.h"

#include "tests/simulation/array.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { INDEX_MIN = 32 }; /* items: fewer are searched from the front */

static uint64_t prefix_of(const struct digest *digest)
{
    uint64_t prefix;
    memcpy(&prefix, digest->bytes, sizeof prefix);
    return prefix;
}

void shelf_fini(struct shelf *shelf)
{
    free(shelf->items);
    free(shelf->index);
    *shelf = (struct shelf){0};
}

/* ----------------------------------------------------------------------------------------- index
 */

static uint32_t home_of(const struct shelf *shelf, uint32_t item)
{
    return (uint32_t)shelf->items[item].prefix & (shelf->index_size - 1);
}

static void index_add(struct shelf *shelf, uint32_t item)
{
    uint32_t at = home_of(shelf, item);
    while (shelf->index[at] != 0)
        at = (at + 1) & (shelf->index_size - 1);
    shelf->index[at] = item + 1;
}

static uint32_t index_place(const struct shelf *shelf, uint32_t item)
{
    uint32_t at = home_of(shelf, item);
    while (shelf->index[at] != item + 1)
        at = (at + 1) & (shelf->index_size - 1);
    return at;
}

/* Pulls back each follower whose way leads across the hole. */
static void index_remove(struct shelf *shelf, uint32_t item)
{
    uint32_t mask = shelf->index_size - 1, hole = index_place(shelf, item);
    for (uint32_t next = (hole + 1) & mask; shelf->index[next] != 0; next = (next + 1) & mask) {
        uint32_t home = home_of(shelf, shelf->index[next] - 1);
        if (((next - home) & mask) < ((next - hole) & mask))
            continue;
        shelf->index[hole] = shelf->index[next];
        hole = next;
    }
    shelf->index[hole] = 0;
}

/* Never more than half full. */
static void index_grow(struct shelf *shelf)
{
    if (shelf->count < INDEX_MIN || 2 * (shelf->count + 1) <= shelf->index_size)
        return;
    shelf->index_size = shelf->index_size > 0 ? 4 * shelf->index_size : 8 * INDEX_MIN;
    free(shelf->index);
    shelf->index = calloc(shelf->index_size, sizeof shelf->index[0]);
    assert(shelf->index != NULL);
    for (uint32_t i = 0; i < shelf->count; i++)
        index_add(shelf, i);
}

/* ----------------------------------------------------------------------------------------- shelf
 */

static bool is_item(const struct shelf_item *item, uint64_t prefix, const struct digest *digest)
{
    return item->prefix == prefix && digest_equal(&item->blob->digest, digest);
}

struct shelf_item *shelf_find(const struct shelf *shelf, const struct digest *digest)
{
    uint64_t prefix = prefix_of(digest);
    if (shelf->index_size > 0) {
        uint32_t mask = shelf->index_size - 1;
        for (uint32_t at = (uint32_t)prefix & mask; shelf->index[at] != 0; at = (at + 1) & mask)
            if (is_item(&shelf->items[shelf->index[at] - 1], prefix, digest))
                return &shelf->items[shelf->index[at] - 1];
        return NULL;
    }
    for (uint32_t i = 0; i < shelf->count; i++)
        if (is_item(&shelf->items[i], prefix, digest))
            return &shelf->items[i];
    return NULL;
}

struct shelf_item *shelf_put(struct shelf *shelf, const struct blob *blob)
{
    struct shelf_item *item = shelf_find(shelf, &blob->digest);
    if (item != NULL)
        return item;
    shelf->items =
        array_grown(shelf->items, shelf->count, &shelf->capacity, sizeof shelf->items[0]);
    index_grow(shelf);
    item = &shelf->items[shelf->count++];
    *item = (struct shelf_item){.prefix = prefix_of(&blob->digest), .blob = blob};
    if (shelf->index_size > 0)
        index_add(shelf, shelf->count - 1);
    return item;
}

void shelf_take(struct shelf *shelf, struct shelf_item *item)
{
    assert(item >= shelf->items && item < shelf->items + shelf->count);
    uint32_t place = (uint32_t)(item - shelf->items), last = shelf->count - 1;
    if (shelf->index_size > 0) {
        index_remove(shelf, place);
        if (place != last)
            shelf->index[index_place(shelf, last)] = place + 1;
    }
    *item = shelf->items[last];
    shelf->count--;
}

/* --------------------------------------------------------------------------------------- archive
 */

void archive_fini(struct archive *archive)
{
    for (uint32_t i = 0; i < archive->all.count; i++)
        free((void *)archive->all.items[i].blob);
    shelf_fini(&archive->all);
}

const struct blob *archive_add(struct archive *archive, const void *bytes, size_t count)
{
    struct digest digest = digest_of(bytes, count);
    const struct blob *known = archive_find(archive, &digest);
    if (known != NULL)
        return known;
    struct blob *blob = malloc(sizeof *blob + count);
    assert(blob != NULL);
    blob->digest = digest;
    blob->count = count;
    if (count > 0)
        memcpy(blob->bytes, bytes, count);
    shelf_put(&archive->all, blob);
    return blob;
}

const struct blob *archive_find(const struct archive *archive, const struct digest *digest)
{
    const struct shelf_item *item = shelf_find(&archive->all, digest);
    return item != NULL ? item->blob : NULL;
}
