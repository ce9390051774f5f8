/*
 * fixed_map.h: 128-bit keys to small indices, with all memory taken at creation.
 *
 * Used by the cores to find a session by instance, a job by (line, number), a blob by digest. Open
 * addressing with linear probing and backward-shift deletion; half full at most, so O(1) expected.
 * Keys are either random already (instances, digests) or mixed by the map.
 */
#ifndef RATCHET_COMMON_FIXED_MAP_H
#define RATCHET_COMMON_FIXED_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_key {
    uint64_t low, high;
};

struct fixed_map;

#define FIXED_MAP_NONE UINT32_MAX

/* Room for `capacity` entries; NULL when memory is out. */
struct fixed_map *fixed_map_create(uint32_t capacity);
void fixed_map_destroy(struct fixed_map **map);

/* The same in the caller's memory, which must be aligned for any type: nothing to destroy. */
size_t fixed_map_bytes(uint32_t capacity);
struct fixed_map *fixed_map_init(void *memory, uint32_t capacity);

/* The value under `key`, or FIXED_MAP_NONE. */
uint32_t fixed_map_find(const struct fixed_map *map, struct map_key key);
/* Adds an entry that must not be there yet; more than `capacity` entries is a bug. */
void fixed_map_insert(struct fixed_map *map, struct map_key key, uint32_t value);
/* Removes an entry that must be there. */
void fixed_map_remove(struct fixed_map *map, struct map_key key);
uint32_t fixed_map_count(const struct fixed_map *map);

/* The first 16 bytes as a key. */
struct map_key map_key_of_bytes(const uint8_t bytes[16]);

#endif
