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

static struct shelf_item *shelf_append(struct shelf *shelf, const struct blob *blob)
{
    if (shelf->count == shelf->capacity) {
        shelf->capacity = shelf->capacity > 0 ? 2 * shelf->capacity : 64;
        shelf->items = realloc(shelf->items, shelf->capacity * sizeof shelf->items[0]);
        assert(shelf->items != NULL);
    }
    struct shelf_item *item = &shelf->items[shelf->count++];
    *item = (struct shelf_item){.prefix = prefix_of(&blob->digest), .blob = blob};
    return item;
}

struct shelf_item *shelf_put(struct shelf *shelf, const struct blob *blob)
{
    struct shelf_item *item = shelf_find(shelf, &blob->digest);
    return item != NULL ? item : shelf_append(shelf, blob);
}

void shelf_take(struct shelf *shelf, struct shelf_item *item)
{
    assert(item >= shelf->items && item < shelf->items + shelf->count);
    *item = shelf->items[--shelf->count];
}

/* ------------------------------------------------------------------------------------- the archive
 */

void archive_fini(struct archive *archive)
{
    for (uint32_t i = 0; i < archive->all.count; i++)
        free((void *)archive->all.items[i].blob);
    shelf_fini(&archive->all);
    free(archive->index);
    archive->index = NULL;
}

/* The entry of the index that holds the digest, or the empty one where it belongs. */
static uint32_t *entry_of(const struct archive *archive, const struct digest *digest)
{
    uint32_t mask = archive->index_size - 1;
    for (uint32_t at = (uint32_t)prefix_of(digest) & mask;; at = (at + 1) & mask) {
        uint32_t *entry = &archive->index[at];
        if (*entry == 0 || digest_equal(&archive->all.items[*entry - 1].blob->digest, digest))
            return entry;
    }
}

/* Never more than half full. */
static void grow_index(struct archive *archive)
{
    if (2 * (archive->all.count + 1) <= archive->index_size)
        return;
    archive->index_size = archive->index_size > 0 ? 4 * archive->index_size : 256;
    free(archive->index);
    archive->index = calloc(archive->index_size, sizeof archive->index[0]);
    assert(archive->index != NULL);
    for (uint32_t i = 0; i < archive->all.count; i++)
        *entry_of(archive, &archive->all.items[i].blob->digest) = i + 1;
}

const struct blob *archive_find(const struct archive *archive, const struct digest *digest)
{
    if (archive->index_size == 0)
        return NULL;
    uint32_t entry = *entry_of(archive, digest);
    return entry > 0 ? archive->all.items[entry - 1].blob : NULL;
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
    grow_index(archive);
    shelf_append(&archive->all, blob);
    *entry_of(archive, &digest) = archive->all.count;
    return blob;
}
