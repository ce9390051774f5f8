/*
 * message_make.h: messages to test the codec with: random within every bound, or at every bound.
 *
 * A maker draws from one Philox sequence per iteration, so a failure is reproduced by its number.
 * What a message points to lies in the maker, and holds until the next one is made.
 */
#ifndef RATCHET_TESTS_MESSAGE_MAKE_H
#define RATCHET_TESTS_MESSAGE_MAKE_H

#include "common/philox.h"
#include "proto/message.h"

enum maker_size {
    MAKE_RANDOM = 1,
    MAKE_LARGEST = 2, /* every count, text and number at its bound */
};

struct maker {
    struct random random;
    enum maker_size size;
    struct held held[HELD_MAX];
    uint8_t payload[CHUNK_BYTES_MAX];
};

void maker_init(struct maker *maker);
void maker_open(struct maker *maker, uint64_t iteration, enum maker_size size);
/* A message that the codec must take, as it is, to the other side. */
void make_message(struct maker *maker, enum message_kind kind, struct message *message);

#endif
