/* fixed_map.c: see fixed_map.h. */
#include "common/fixed_map.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct map_key key;
    uint32_t filled; /* value + 1; 0: empty, so that fresh memory is an empty map */
};

struct fixed_map {
    uint32_t capacity, count, mask;
    struct entry entries[];
};

static uint32_t size_for(uint32_t capacity)
{
    assert(capacity <= UINT32_C(1) << 30);
    uint32_t size = 8;
    while (size < 2 * capacity)
        size *= 2;
    return size;
}

size_t fixed_map_bytes(uint32_t capacity)
{
    return sizeof(struct fixed_map) + size_for(capacity) * sizeof(struct entry);
}

struct fixed_map *fixed_map_init(void *memory, uint32_t capacity)
{
    struct fixed_map *map = memory;
    uint32_t size = size_for(capacity);
    memset(map, 0, sizeof *map + size * sizeof map->entries[0]);
    map->capacity = capacity;
    map->mask = size - 1;
    return map;
}

struct fixed_map *fixed_map_create(uint32_t capacity)
{
    /* Zeroed by the system, page by page, when it is used: a large map costs nothing until then. */
    struct fixed_map *map = calloc(1, fixed_map_bytes(capacity));
    if (map == NULL)
        return NULL;
    map->capacity = capacity;
    map->mask = size_for(capacity) - 1;
    return map;
}

void fixed_map_destroy(struct fixed_map **map)
{
    free(*map);
    *map = NULL;
}

/* splitmix64's finaliser over both halves: neighbouring job numbers land far apart. */
static uint32_t home_of(const struct fixed_map *map, struct map_key key)
{
    uint64_t x = key.low ^ (key.high * UINT64_C(0x9E3779B97F4A7C15));
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)(x ^ x >> 31) & map->mask;
}

static bool key_equal(struct map_key a, struct map_key b)
{
    return a.low == b.low && a.high == b.high;
}

/* The place of `key`, or the empty place where it would go. */
static uint32_t place_of(const struct fixed_map *map, struct map_key key)
{
    uint32_t place = home_of(map, key);
    while (map->entries[place].filled != 0 && !key_equal(map->entries[place].key, key))
        place = (place + 1) & map->mask;
    return place;
}

uint32_t fixed_map_find(const struct fixed_map *map, struct map_key key)
{
    return map->entries[place_of(map, key)].filled - 1; /* empty: NONE */
}

void fixed_map_insert(struct fixed_map *map, struct map_key key, uint32_t value)
{
    assert(map->count < map->capacity);
    assert(value != FIXED_MAP_NONE);
    uint32_t place = place_of(map, key);
    assert(map->entries[place].filled == 0);
    map->entries[place] = (struct entry){.key = key, .filled = value + 1};
    map->count++;
}

void fixed_map_remove(struct fixed_map *map, struct map_key key)
{
    uint32_t hole = place_of(map, key);
    assert(map->entries[hole].filled != 0);
    /* Pull back each follower whose probe path crosses the hole, so that no tombstone is needed. */
    for (uint32_t next = (hole + 1) & map->mask; map->entries[next].filled != 0;
         next = (next + 1) & map->mask) {
        uint32_t home = home_of(map, map->entries[next].key);
        if (((next - home) & map->mask) >= ((next - hole) & map->mask)) {
            map->entries[hole] = map->entries[next];
            hole = next;
        }
    }
    map->entries[hole].filled = 0;
    map->count--;
}

uint32_t fixed_map_count(const struct fixed_map *map)
{
    return map->count;
}

struct map_key map_key_of_bytes(const uint8_t bytes[16])
{
    struct map_key key;
    memcpy(&key.low, bytes, 8);
    memcpy(&key.high, bytes + 8, 8);
    return key;
}
