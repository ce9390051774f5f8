/*
 * blake2b.h: the compression function of BLAKE2b (RFC 7693), also of four messages side by side.
 *
 * One message after another keeps a CPU waiting for itself: each step needs the one before. Four
 * messages that do not need each other take little longer than one. Everything else that is hashed
 * goes through common/digest.h; a unit test holds the two against each other. Pure.
 */
#ifndef RATCHET_COORDINATOR_SHELL_BLAKE2B_H
#define RATCHET_COORDINATOR_SHELL_BLAKE2B_H

#include "common/digest.h"

enum { BLAKE2B_BLOCK_BYTES = 128, BLAKE2B_LANES = 4 };

/* Of a digest of DIGEST_BYTES, without a key. */
struct blake2b {
    uint64_t chain[8];
    uint64_t bytes; /* that went into it */
};

void blake2b_init(struct blake2b *state);
/* Takes `count` blocks, of which none is the message's last. */
void blake2b_take(struct blake2b *state, const uint8_t *blocks, size_t count);
/* Takes the last one, up to a block of bytes; none only for a message that has none. */
struct digest blake2b_end(struct blake2b *state, const uint8_t *bytes, size_t count);

struct blake2b_lane {
    struct blake2b *state;
    const uint8_t *blocks;
};

/* Whether this CPU takes four at once. */
bool blake2b_has_four(void);
/* blake2b_take() for each lane; the states are four different ones. Only where there is four. */
void blake2b_take_four(const struct blake2b_lane lanes[BLAKE2B_LANES], size_t count);

#endif
