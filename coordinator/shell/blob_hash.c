/* blob_hash.c: see blob_hash.h. */
#include "coordinator/shell/blob_hash.h"

#include "common/limits.h"

#include <stdlib.h>
#include <string.h>

/* As many as bulk.c takes in a turn. */
enum { PIECES = 8 };

struct piece {
    struct blob_hash *of; /* NULL: done with */
    size_t count;
    uint8_t bytes[CHUNK_BYTES_MAX];
};

struct blob_hasher {
    bool has_four;
    uint32_t count; /* pieces, in the order in which they came */
    struct piece pieces[PIECES];
};

struct blob_hasher *blob_hasher_create(enum blob_hash_way way)
{
    struct blob_hasher *hasher = malloc(sizeof *hasher);
    if (hasher == NULL)
        return NULL;
    hasher->has_four = way == BLOB_HASH_FAST && blake2b_has_four();
    hasher->count = 0;
    return hasher;
}

void blob_hasher_destroy(struct blob_hasher **hasher)
{
    free(*hasher);
    *hasher = NULL;
}

void blob_hash_init(struct blob_hash *hash)
{
    blake2b_init(&hash->state);
    hash->held = 0;
}

/* ------------------------------------------------------------------------------------- hashing */

/* A piece on its way into its hash. */
struct lane {
    struct blob_hash *hash;
    const uint8_t *next;
    size_t left;
};

/* Fills the block that is held, and takes it in as soon as more is there behind it. */
static void take_held(struct lane *lane)
{
    struct blob_hash *hash = lane->hash;
    size_t room = sizeof hash->block - hash->held;
    size_t count = lane->left < room ? lane->left : room;
    if (hash->held == 0)
        return;
    memcpy(hash->block + hash->held, lane->next, count);
    hash->held += count;
    lane->next += count;
    lane->left -= count;
    if (lane->left == 0)
        return;
    blake2b_take(&hash->state, hash->block, 1);
    hash->held = 0;
}

/* Blocks that something is behind: any of them may be taken in. */
static size_t whole_blocks(const struct lane *lane)
{
    return lane->left > 0 ? (lane->left - 1) / BLAKE2B_BLOCK_BYTES : 0;
}

/* As many blocks as all lanes have; in the places of missing ones something is hashed for naught.
 */
static void take_together(struct lane *lanes, uint32_t count)
{
    struct blake2b idle[BLAKE2B_LANES];
    struct blake2b_lane four[BLAKE2B_LANES];
    size_t blocks = whole_blocks(&lanes[0]);
    for (uint32_t i = 1; i < count; i++)
        blocks = whole_blocks(&lanes[i]) < blocks ? whole_blocks(&lanes[i]) : blocks;
    for (uint32_t i = 0; i < BLAKE2B_LANES; i++) {
        blake2b_init(&idle[i]);
        four[i] = i < count ? (struct blake2b_lane){&lanes[i].hash->state, lanes[i].next}
                            : (struct blake2b_lane){&idle[i], lanes[0].next};
    }
    blake2b_take_four(four, blocks);
    for (uint32_t i = 0; i < count; i++) {
        lanes[i].next += blocks * BLAKE2B_BLOCK_BYTES;
        lanes[i].left -= blocks * BLAKE2B_BLOCK_BYTES;
    }
}

static void take_rest(struct lane *lane)
{
    size_t blocks = whole_blocks(lane);
    blake2b_take(&lane->hash->state, lane->next, blocks);
    lane->next += blocks * BLAKE2B_BLOCK_BYTES;
    lane->left -= blocks * BLAKE2B_BLOCK_BYTES;
    if (lane->left == 0)
        return;
    memcpy(lane->hash->block, lane->next, lane->left);
    lane->hash->held = lane->left;
}

static bool is_among(const struct lane *lanes, uint32_t count, const struct blob_hash *hash)
{
    for (uint32_t i = 0; i < count; i++)
        if (lanes[i].hash == hash)
            return true;
    return false;
}

/* The first pieces that wait, each of another hash; how many. They are done with. */
static uint32_t choose(struct blob_hasher *hasher, struct lane lanes[BLAKE2B_LANES])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < hasher->count && count < BLAKE2B_LANES; i++) {
        struct piece *piece = &hasher->pieces[i];
        if (piece->of == NULL || is_among(lanes, count, piece->of))
            continue;
        lanes[count++] = (struct lane){piece->of, piece->bytes, piece->count};
        piece->of = NULL;
    }
    return count;
}

static void hash_all(struct blob_hasher *hasher)
{
    struct lane lanes[BLAKE2B_LANES];
    uint32_t count;
    while ((count = choose(hasher, lanes)) > 0) {
        for (uint32_t i = 0; i < count; i++)
            take_held(&lanes[i]);
        if (count > 1 && hasher->has_four)
            take_together(lanes, count);
        for (uint32_t i = 0; i < count; i++)
            take_rest(&lanes[i]);
    }
    hasher->count = 0;
}

/* -------------------------------------------------------------------------------------- pieces */

void blob_hasher_add(struct blob_hasher *hasher, struct blob_hash *hash, const void *bytes,
                     size_t count)
{
    const uint8_t *next = bytes;
    while (count > 0) {
        size_t length = count < CHUNK_BYTES_MAX ? count : CHUNK_BYTES_MAX;
        if (hasher->count == PIECES)
            hash_all(hasher);
        struct piece *piece = &hasher->pieces[hasher->count++];
        piece->of = hash;
        piece->count = length;
        memcpy(piece->bytes, next, length);
        next += length;
        count -= length;
    }
}

struct digest blob_hasher_finish(struct blob_hasher *hasher, struct blob_hash *hash)
{
    hash_all(hasher);
    return blake2b_end(&hash->state, hash->block, hash->held);
}

void blob_hasher_forget(struct blob_hasher *hasher, const struct blob_hash *hash)
{
    for (uint32_t i = 0; i < hasher->count; i++)
        if (hasher->pieces[i].of == hash)
            hasher->pieces[i].of = NULL;
}
