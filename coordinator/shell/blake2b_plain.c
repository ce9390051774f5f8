/* blake2b_plain.c: see blake2b.h. One message, in plain C: as fast as libsodium's. */
#include "coordinator/shell/blake2b.h"

#include <assert.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are taken as they lie in memory");

typedef uint64_t words;

static inline words words_all(uint64_t word)
{
    return word;
}

static inline words rotate_32(words x)
{
    return x >> 32 | x << 32;
}

static inline words rotate_24(words x)
{
    return x >> 24 | x << 40;
}

static inline words rotate_16(words x)
{
    return x >> 16 | x << 48;
}

static inline words rotate_63(words x)
{
    return x >> 63 | x << 1;
}

#include "coordinator/shell/blake2b_text.h"

void blake2b_init(struct blake2b *state)
{
    memcpy(state->chain, blake2b_start, sizeof state->chain);
    /* The parameter block: one tree of one node, no key, so many bytes of digest. */
    state->chain[0] ^= UINT64_C(0x01010000) ^ DIGEST_BYTES;
    state->bytes = 0;
}

static void take_block(struct blake2b *state, const uint8_t *block, struct place place)
{
    words message[16];
    memcpy(message, block, sizeof message);
    compress(state->chain, message, place);
}

void blake2b_take(struct blake2b *state, const uint8_t *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        state->bytes += BLAKE2B_BLOCK_BYTES;
        take_block(state, blocks + i * BLAKE2B_BLOCK_BYTES, (struct place){.bytes = state->bytes});
    }
}

struct digest blake2b_end(struct blake2b *state, const uint8_t *bytes, size_t count)
{
    uint8_t block[BLAKE2B_BLOCK_BYTES] = {0};
    struct digest digest;
    assert(count <= sizeof block);
    if (count > 0)
        memcpy(block, bytes, count);
    state->bytes += count;
    take_block(state, block, (struct place){.bytes = state->bytes, .last = UINT64_MAX});
    memcpy(digest.bytes, state->chain, sizeof digest.bytes);
    return digest;
}
