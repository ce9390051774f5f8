/* blob_store_index.c: see blob_store_index.h. */
#include "coordinator/shell/blob_store_index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 64 };

void blob_index_fini(struct blob_index *index)
{
    free(index->entries);
    *index = (struct blob_index){0};
}

static size_t home_of(const struct blob_index *index, const struct digest *digest)
{
    uint64_t hash;
    memcpy(&hash, digest->bytes, sizeof hash);
    return (size_t)hash & (index->capacity - 1);
}

/* Where the digest is, or where it would be put. */
static size_t place_of(const struct blob_index *index, const struct digest *digest)
{
    size_t place = home_of(index, digest);
    while (index->entries[place].bytes != BLOB_ENTRY_EMPTY &&
           !digest_equal(&index->entries[place].digest, digest))
        place = (place + 1) & (index->capacity - 1);
    return place;
}

const struct blob_entry *blob_index_find(const struct blob_index *index,
                                         const struct digest *digest)
{
    if (index->count == 0)
        return NULL;
    const struct blob_entry *entry = &index->entries[place_of(index, digest)];
    return entry->bytes != BLOB_ENTRY_EMPTY ? entry : NULL;
}

int blob_index_reserve(struct blob_index *index)
{
    if ((index->count + 1) * 2 <= index->capacity)
        return 0;
    size_t capacity = index->capacity > 0 ? index->capacity * 2 : CAPACITY_FIRST;
    struct blob_index larger = {.entries = calloc(capacity, sizeof *larger.entries),
                                .capacity = capacity};
    if (larger.entries == NULL)
        return -1;
    for (size_t i = 0; i < capacity; i++)
        larger.entries[i].bytes = BLOB_ENTRY_EMPTY;
    for (size_t i = 0; i < index->capacity; i++)
        if (index->entries[i].bytes != BLOB_ENTRY_EMPTY)
            blob_index_insert(&larger, &index->entries[i].digest, index->entries[i].bytes);
    blob_index_fini(index);
    *index = larger;
    return 0;
}

void blob_index_insert(struct blob_index *index, const struct digest *digest, uint64_t bytes)
{
    assert((index->count + 1) * 2 <= index->capacity && bytes != BLOB_ENTRY_EMPTY);
    struct blob_entry *entry = &index->entries[place_of(index, digest)];
    assert(entry->bytes == BLOB_ENTRY_EMPTY);
    *entry = (struct blob_entry){.digest = *digest, .bytes = bytes};
    index->count++;
    index->bytes += bytes;
}

void blob_index_remove(struct blob_index *index, const struct digest *digest)
{
    if (blob_index_find(index, digest) == NULL)
        return;
    size_t mask = index->capacity - 1;
    size_t hole = place_of(index, digest);
    index->count--;
    index->bytes -= index->entries[hole].bytes;
    /* Closes the gap: whoever was pushed past it by a collision moves up. */
    for (size_t i = (hole + 1) & mask; index->entries[i].bytes != BLOB_ENTRY_EMPTY;
         i = (i + 1) & mask) {
        size_t home = home_of(index, &index->entries[i].digest);
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        index->entries[hole] = index->entries[i];
        hole = i;
    }
    index->entries[hole].bytes = BLOB_ENTRY_EMPTY;
}
