/* archive.c: see archive.h. */
#include "tests/simulation/archive.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint64_t prefix_of(const struct digest *digest)
{
    uint64_t prefix;
    memcpy(&prefix, digest->bytes, sizeof prefix);
    return prefix;
}

void shelf_fini(struct shelf *shelf)
{
    free(shelf->items);
    *shelf = (struct shelf){0};
}

struct shelf_item *shelf_find(const struct shelf *shelf, const struct digest *digest)
{
    uint64_t prefix = prefix_of(digest);
    for (uint32_t i = 0; i < shelf->count; i++) {
        struct shelf_item *item = &shelf->items[i];
        if (item->prefix == prefix && digest_equal(&item->blob->digest, digest))
            return item;
    }
    return NULL;
}

struct shelf_item *shelf_put(struct shelf *shelf, const struct blob *blob)
{
    struct shelf_item *item = shelf_find(shelf, &blob->digest);
    if (item != NULL)
        return item;
    if (shelf->count == shelf->capacity) {
        shelf->capacity = shelf->capacity > 0 ? 2 * shelf->capacity : 64;
        shelf->items = realloc(shelf->items, shelf->capacity * sizeof shelf->items[0]);
        assert(shelf->items != NULL);
    }
    item = &shelf->items[shelf->count++];
    *item = (struct shelf_item){.prefix = prefix_of(&blob->digest), .blob = blob};
    return item;
}

void shelf_take(struct shelf *shelf, struct shelf_item *item)
{
    assert(item >= shelf->items && item < shelf->items + shelf->count);
    *item = shelf->items[--shelf->count];
}

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
