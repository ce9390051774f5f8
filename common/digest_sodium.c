/* digest_sodium.c: see digest.h. The only file that includes libsodium's hash. */
#include "common/digest.h"

#include <assert.h>
#include <sodium/crypto_generichash.h>
#include <string.h>

_Static_assert(sizeof(crypto_generichash_state) <= sizeof(struct digest_state),
               "struct digest_state is too small for libsodium's state");

static crypto_generichash_state *inner(struct digest_state *state)
{
    return (crypto_generichash_state *)(void *)state->opaque;
}

void digest_init(struct digest_state *state)
{
    int failed = crypto_generichash_init(inner(state), NULL, 0, DIGEST_BYTES);
    assert(!failed);
    state->pending_count = 0;
}

static void hash_piece(struct digest_state *state, const void *bytes, size_t count)
{
    int failed = crypto_generichash_update(inner(state), bytes, count);
    assert(!failed);
}

static void hash_pending(struct digest_state *state)
{
    if (state->pending_count > 0)
        hash_piece(state, state->pending, state->pending_count);
    state->pending_count = 0;
}

/* A job is two dozen numbers: giving each to the hash by itself costs more than gathering them. */
void digest_update(struct digest_state *state, const void *bytes, size_t count)
{
    if (count == 0)
        return;
    if (count > sizeof state->pending - state->pending_count)
        hash_pending(state);
    if (count > sizeof state->pending) {
        hash_piece(state, bytes, count);
        return;
    }
    memcpy(state->pending + state->pending_count, bytes, count);
    state->pending_count += count;
}

struct digest digest_final(struct digest_state *state)
{
    struct digest digest;
    hash_pending(state);
    int failed = crypto_generichash_final(inner(state), digest.bytes, DIGEST_BYTES);
    assert(!failed);
    return digest;
}

struct digest digest_of(const void *bytes, size_t count)
{
    struct digest_state state;
    digest_init(&state);
    digest_update(&state, bytes, count);
    return digest_final(&state);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_BYTES) == 0;
}

bool digest_is_zero(const struct digest *digest)
{
    static const struct digest zero;
    return digest_equal(digest, &zero);
}

void digest_to_hex(const struct digest *digest, char hex[DIGEST_HEX_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        hex[2 * i] = digits[digest->bytes[i] >> 4];
        hex[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    hex[DIGEST_HEX_BYTES - 1] = '\0';
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool digest_from_hex(const char *hex, struct digest *digest)
{
    struct digest parsed;
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        int high = nibble(hex[2 * i]);
        int low = high < 0 ? -1 : nibble(hex[2 * i + 1]);
        if (low < 0)
            return false;
        parsed.bytes[i] = (uint8_t)(high << 4 | low);
    }
    if (hex[DIGEST_HEX_BYTES - 1] != '\0')
        return false;
    *digest = parsed;
    return true;
}
