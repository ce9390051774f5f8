/*
 * cache_index.h: what a cache holds, as numbers: sizes, pins, and who was used last.
 *
 * Pure bookkeeping behind cache.c: it touches no file and allocates only at creation. Entries
 * without pins form a list in the order of their last use; its head is the first to be evicted. An
 * entry keeps its number until it is removed.
 */
#ifndef RATCHET_WORKER_SHELL_CACHE_INDEX_H
#define RATCHET_WORKER_SHELL_CACHE_INDEX_H

#include "common/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct cache_index;

#define CACHE_ENTRY_NONE UINT32_MAX

struct cache_totals {
    uint32_t entries, pinned_entries;
    uint64_t bytes, pinned_bytes;
};

/* Room for `capacity` entries; NULL when memory is out. */
struct cache_index *cache_index_create(uint32_t capacity);
void cache_index_destroy(struct cache_index **index);

/* The entry of `digest`, or CACHE_ENTRY_NONE. */
uint32_t cache_index_find(const struct cache_index *index, const struct digest *digest);
/*
 * Adds an entry that must not be there yet, without pins, as the one used last, and not verified.
 * CACHE_ENTRY_NONE when there is no room, or when another digest begins with the same 16 bytes.
 */
uint32_t cache_index_add(struct cache_index *index, const struct digest *digest, uint64_t bytes);
/* Removes an entry that must have no pins. */
void cache_index_remove(struct cache_index *index, uint32_t entry);

void cache_index_pin(struct cache_index *index, uint32_t entry);
/* Takes back one pin, which must be there; after the last one the entry counts as just used. */
void cache_index_unpin(struct cache_index *index, uint32_t entry);
/* Counts as just used. */
void cache_index_touch(struct cache_index *index, uint32_t entry);
/* Whether somebody has checked the bytes against the digest in this life of the process. */
void cache_index_set_verified(struct cache_index *index, uint32_t entry);
bool cache_index_is_verified(const struct cache_index *index, uint32_t entry);

const struct digest *cache_index_digest(const struct cache_index *index, uint32_t entry);
uint64_t cache_index_bytes(const struct cache_index *index, uint32_t entry);
uint32_t cache_index_pins(const struct cache_index *index, uint32_t entry);
/* Among those without pins, the one whose last use is longest ago; CACHE_ENTRY_NONE when all are
 * pinned. */
uint32_t cache_index_oldest(const struct cache_index *index);
bool cache_index_is_full(const struct cache_index *index);
struct cache_totals cache_index_totals(const struct cache_index *index);

#endif
