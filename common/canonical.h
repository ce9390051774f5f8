/*
 * canonical.h: one byte string per value, for hashing and comparing.
 *
 * Protobuf does not promise equal bytes for equal messages, so whatever enters a digest is written
 * here: little-endian, fixed width, strings and byte runs behind a 32-bit count, doubles as their
 * IEEE bits. The writer feeds a hash directly, so there is no buffer to size.
 */
#ifndef RATCHET_COMMON_CANONICAL_H
#define RATCHET_COMMON_CANONICAL_H

#include "common/digest.h"

#include <stdint.h>

void canonical_u32(struct digest_state *state, uint32_t value);
void canonical_u64(struct digest_state *state, uint64_t value);
/* The bits as they are: -0.0, infinities and every NaN stay apart. */
void canonical_f64(struct digest_state *state, double value);
void canonical_bytes(struct digest_state *state, const void *bytes, uint32_t count);
void canonical_text(struct digest_state *state, const char *text);
void canonical_digest(struct digest_state *state, const struct digest *digest);

#endif
