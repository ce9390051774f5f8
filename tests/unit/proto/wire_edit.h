/*
 * wire_edit.h: changes one field of an encoded message, to see the codec refuse it.
 *
 * It knows protobuf's wire format (tags, varints, lengths) and nothing of the schema or of
 * protobuf-c: a field is named by its path of field numbers, as ratchet.proto has them. So it also
 * holds the codec against the schema from outside.
 */
#ifndef RATCHET_TESTS_WIRE_EDIT_H
#define RATCHET_TESTS_WIRE_EDIT_H

#include <stddef.h>
#include <stdint.h>

enum { WIRE_PATH_MAX = 6, WIRE_BYTES_MAX = 1 << 20 };

enum wire_value {
    WIRE_GONE = 0,    /* the field is left out */
    WIRE_VARINT = 1,  /* value */
    WIRE_FIXED64 = 2, /* value */
    WIRE_BYTES = 3,   /* value: how many bytes; fill: each of them */
};

struct wire_edit {
    uint32_t path[WIRE_PATH_MAX]; /* ends with a 0 */
    enum wire_value kind;
    uint64_t value;
    uint8_t fill;
    uint32_t times; /* 0 counts as 1 */
};

struct wire {
    size_t size;
    uint8_t bytes[WIRE_BYTES_MAX];
};

void wire_put_byte(struct wire *wire, uint8_t byte);
void wire_put_varint(struct wire *wire, uint64_t value);

/* Ends the envelope with its seal, as the codec demands. */
void wire_seal(struct wire *envelope);

/*
 * Copies the envelope `bytes` to *out, and seals it anew; every occurrence of the field at the path
 * is dropped and the new value put in its place, in each message that the path leads to. Returns
 * how many messages that were.
 */
size_t wire_apply(const uint8_t *bytes, size_t size, const struct wire_edit *edit,
                  struct wire *out);

/* The first envelope of a datagram, edited and framed again as a datagram of its own. */
size_t wire_edit_datagram(const uint8_t *datagram, size_t size, const struct wire_edit *edit,
                          struct wire *out);

#endif
