/* canonical.c: see canonical.h. */
#include "common/canonical.h"

#include <string.h>

void canonical_u32(struct digest_state *state, uint32_t value)
{
    uint8_t bytes[4];
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    digest_update(state, bytes, sizeof bytes);
}

void canonical_u64(struct digest_state *state, uint64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    digest_update(state, bytes, sizeof bytes);
}

void canonical_f64(struct digest_state *state, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    canonical_u64(state, bits);
}

void canonical_bytes(struct digest_state *state, const void *bytes, uint32_t count)
{
    canonical_u32(state, count);
    digest_update(state, bytes, count);
}

void canonical_text(struct digest_state *state, const char *text)
{
    canonical_bytes(state, text, (uint32_t)strlen(text));
}

void canonical_digest(struct digest_state *state, const struct digest *digest)
{
    digest_update(state, digest->bytes, DIGEST_BYTES);
}
