/* cache_index.c: see cache_index.h. */
#include "worker/shell/cache_index.h"

#include "common/fixed_map.h"

#include <assert.h>
#include <stdlib.h>

struct cache_entry {
    struct digest digest;
    uint64_t bytes;
    uint32_t pins;
    uint32_t older, newer; /* neighbours among the entries without pins; `newer` links the free ones
                            */
    bool verified;
};

struct cache_index {
    struct fixed_map *by_digest;
    struct cache_totals totals;
    uint32_t capacity;
    uint32_t oldest, newest; /* of those without pins */
    uint32_t free;
    struct cache_entry entries[];
};

struct cache_index *cache_index_create(uint32_t capacity)
{
    struct cache_index *index = malloc(sizeof *index + (size_t)capacity * sizeof index->entries[0]);
    if (index == NULL)
        return NULL;
    *index = (struct cache_index){
        .by_digest = fixed_map_create(capacity),
        .capacity = capacity,
        .oldest = CACHE_ENTRY_NONE,
        .newest = CACHE_ENTRY_NONE,
        .free = capacity > 0 ? 0 : CACHE_ENTRY_NONE,
    };
    if (index->by_digest == NULL) {
        free(index);
        return NULL;
    }
    for (uint32_t i = 0; i < capacity; i++)
        index->entries[i] =
            (struct cache_entry){.newer = i + 1 < capacity ? i + 1 : CACHE_ENTRY_NONE};
    return index;
}

void cache_index_destroy(struct cache_index **index)
{
    if (*index == NULL)
        return;
    fixed_map_destroy(&(*index)->by_digest);
    free(*index);
    *index = NULL;
}

static struct cache_entry *at(struct cache_index *index, uint32_t entry)
{
    assert(entry < index->capacity);
    return &index->entries[entry];
}

static const struct cache_entry *look(const struct cache_index *index, uint32_t entry)
{
    assert(entry < index->capacity);
    return &index->entries[entry];
}

/* ----------------------------------------------------------- the list of entries without pins */

static void append_newest(struct cache_index *index, uint32_t entry)
{
    at(index, entry)->older = index->newest;
    at(index, entry)->newer = CACHE_ENTRY_NONE;
    if (index->newest != CACHE_ENTRY_NONE)
        at(index, index->newest)->newer = entry;
    else
        index->oldest = entry;
    index->newest = entry;
}

static void take_out(struct cache_index *index, uint32_t entry)
{
    uint32_t older = at(index, entry)->older, newer = at(index, entry)->newer;
    if (older != CACHE_ENTRY_NONE)
        at(index, older)->newer = newer;
    else
        index->oldest = newer;
    if (newer != CACHE_ENTRY_NONE)
        at(index, newer)->older = older;
    else
        index->newest = older;
}

/* ------------------------------------------------------------------------------------- entries */

uint32_t cache_index_find(const struct cache_index *index, const struct digest *digest)
{
    uint32_t entry = fixed_map_find(index->by_digest, map_key_of_bytes(digest->bytes));
    if (entry == FIXED_MAP_NONE || !digest_equal(&look(index, entry)->digest, digest))
        return CACHE_ENTRY_NONE;
    return entry;
}

uint32_t cache_index_add(struct cache_index *index, const struct digest *digest, uint64_t bytes)
{
    struct map_key key = map_key_of_bytes(digest->bytes);
    assert(cache_index_find(index, digest) == CACHE_ENTRY_NONE);
    if (index->free == CACHE_ENTRY_NONE || fixed_map_find(index->by_digest, key) != FIXED_MAP_NONE)
        return CACHE_ENTRY_NONE;
    uint32_t entry = index->free;
    index->free = at(index, entry)->newer;
    *at(index, entry) = (struct cache_entry){.digest = *digest, .bytes = bytes};
    fixed_map_insert(index->by_digest, key, entry);
    append_newest(index, entry);
    index->totals.entries++;
    index->totals.bytes += bytes;
    return entry;
}

void cache_index_remove(struct cache_index *index, uint32_t entry)
{
    assert(at(index, entry)->pins == 0);
    take_out(index, entry);
    fixed_map_remove(index->by_digest, map_key_of_bytes(at(index, entry)->digest.bytes));
    index->totals.entries--;
    index->totals.bytes -= at(index, entry)->bytes;
    at(index, entry)->newer = index->free;
    index->free = entry;
}

void cache_index_pin(struct cache_index *index, uint32_t entry)
{
    assert(at(index, entry)->pins < UINT32_MAX);
    if (at(index, entry)->pins++ > 0)
        return;
    take_out(index, entry);
    index->totals.pinned_entries++;
    index->totals.pinned_bytes += at(index, entry)->bytes;
}

void cache_index_unpin(struct cache_index *index, uint32_t entry)
{
    assert(at(index, entry)->pins > 0);
    if (--at(index, entry)->pins > 0)
        return;
    append_newest(index, entry);
    index->totals.pinned_entries--;
    index->totals.pinned_bytes -= at(index, entry)->bytes;
}

void cache_index_touch(struct cache_index *index, uint32_t entry)
{
    if (at(index, entry)->pins > 0)
        return;
    take_out(index, entry);
    append_newest(index, entry);
}

void cache_index_set_verified(struct cache_index *index, uint32_t entry)
{
    at(index, entry)->verified = true;
}

bool cache_index_is_verified(const struct cache_index *index, uint32_t entry)
{
    return look(index, entry)->verified;
}

const struct digest *cache_index_digest(const struct cache_index *index, uint32_t entry)
{
    return &look(index, entry)->digest;
}

uint64_t cache_index_bytes(const struct cache_index *index, uint32_t entry)
{
    return look(index, entry)->bytes;
}

uint32_t cache_index_pins(const struct cache_index *index, uint32_t entry)
{
    return look(index, entry)->pins;
}

uint32_t cache_index_oldest(const struct cache_index *index)
{
    return index->oldest;
}

bool cache_index_is_full(const struct cache_index *index)
{
    return index->free == CACHE_ENTRY_NONE;
}

struct cache_totals cache_index_totals(const struct cache_index *index)
{
    return index->totals;
}
