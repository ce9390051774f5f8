/* checksum.c: see checksum.h. */
#include "common/checksum.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are taken as they lie in memory");

enum { LANES = 4, WORD_BYTES = 8, BLOCK_BYTES = LANES * WORD_BYTES };

/* Odd, so that multiplying by them can be undone: the golden ratio and the square root of 2, as
 * fractions of 2^64. */
static const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
static const uint64_t step_apart = UINT64_C(0x6a09e667f3bcc909);

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static uint64_t absorb(uint64_t lane, uint64_t word)
{
    lane = (lane ^ word) * factor;
    return lane ^ lane >> 32;
}

/*
 * Takes whole blocks and returns how many bytes they are. Four variables where an array would do:
 * compilers make vectors of an array's lanes, and vectors multiply 64 bits at half the speed.
 */
static size_t absorb_blocks(uint64_t lanes[LANES], const uint8_t *bytes, size_t count)
{
    uint64_t first = lanes[0], second = lanes[1], third = lanes[2], fourth = lanes[3];
    size_t at = 0;
    for (; at + BLOCK_BYTES <= count; at += BLOCK_BYTES) {
        first = absorb(first, word_at(bytes + at));
        second = absorb(second, word_at(bytes + at + WORD_BYTES));
        third = absorb(third, word_at(bytes + at + 2 * WORD_BYTES));
        fourth = absorb(fourth, word_at(bytes + at + 3 * WORD_BYTES));
    }
    lanes[0] = first;
    lanes[1] = second;
    lanes[2] = third;
    lanes[3] = fourth;
    return at;
}

uint64_t checksum_of(const void *data, size_t count)
{
    const uint8_t *bytes = data;
    uint64_t lanes[LANES];
    for (size_t i = 0; i < LANES; i++)
        lanes[i] = step_apart * (i + 1);
    size_t at = absorb_blocks(lanes, bytes, count);
    size_t next = 0;
    for (; at + WORD_BYTES <= count; at += WORD_BYTES, next++)
        lanes[next] = absorb(lanes[next], word_at(bytes + at));
    if (at < count) {
        uint8_t rest[WORD_BYTES] = {0};
        memcpy(rest, bytes + at, count - at);
        lanes[next] = absorb(lanes[next], word_at(rest));
    }
    uint64_t sum = count; /* the rest was filled up with zeros: how many were there is part of it */
    for (size_t i = 0; i < LANES; i++)
        sum = absorb(sum, lanes[i]);
    return absorb(sum, step_apart);
}
