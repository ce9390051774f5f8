/*
 * seal.h: the checksum that ends every envelope.
 *
 * TCP's own checksum misses one damaged segment in 65,536, and without CURVE nothing stands behind
 * it: a flipped bit that still decodes would be a lie about a result. So an envelope ends with a
 * checksum over all that comes before it, and one that does not hold is dropped like any other
 * datagram that got lost.
 *
 * On the wire the seal is field 3 of Envelope, a fixed64, always the last field. To a peer of a
 * version that knows no seals it is a field which it passes over, so that it still understands
 * a REFUSED.
 */
#ifndef RATCHET_PROTO_SEAL_H
#define RATCHET_PROTO_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SEAL_FIELD = 3,
    SEAL_TAG = SEAL_FIELD << 3 | 1, /* protobuf's wire type 1: 64 bits, little-endian */
    SEAL_BYTES = 1 + 8,
    SEALED_SINCE = 3, /* protocol version; envelopes of earlier ones bear none */
};

/* Writes the seal of envelope[0 .. count) behind it: SEAL_BYTES. */
void seal_write(uint8_t *envelope, size_t count);
/* Whether the last SEAL_BYTES of the envelope are the seal of what is before them. */
bool seal_holds(const uint8_t *envelope, size_t count);
/* Whether it looks as if it had been sealed, whole or not. */
bool seal_is_there(const uint8_t *envelope, size_t count);

#endif
