/*
 * digest.h: BLAKE2b-256, the name of everything that has bytes.
 *
 * Checkpoints, specs and data sets are named by it, and each line's history is a chain of it. Pure:
 * no allocation, no I/O. The hash itself is libsodium's crypto_generichash (RFC 7693).
 */
#ifndef RATCHET_COMMON_DIGEST_H
#define RATCHET_COMMON_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_BYTES = 32, DIGEST_HEX_BYTES = 65 /* with its NUL */, DIGEST_PENDING_BYTES = 256 };

struct digest {
    uint8_t bytes[DIGEST_BYTES];
};

/* An unfinished hash. Lives in the caller's memory; needs no clean-up. */
struct digest_state {
    _Alignas(64) uint8_t opaque[384];
    uint8_t pending[DIGEST_PENDING_BYTES]; /* small pieces, which go to the hash together */
    size_t pending_count;
};

void digest_init(struct digest_state *state);
void digest_update(struct digest_state *state, const void *bytes, size_t count);
struct digest digest_final(struct digest_state *state);

/* The digest of `count` bytes; `bytes` may be NULL when count is 0. */
struct digest digest_of(const void *bytes, size_t count);

bool digest_equal(const struct digest *a, const struct digest *b);
bool digest_is_zero(const struct digest *digest);

/* Lower-case hexadecimal with a NUL. */
void digest_to_hex(const struct digest *digest, char hex[DIGEST_HEX_BYTES]);
/* Takes exactly 64 hexadecimal digits followed by NUL; false leaves *digest alone. */
bool digest_from_hex(const char *hex, struct digest *digest);

#endif
