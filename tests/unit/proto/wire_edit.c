/* wire_edit.c: see wire_edit.h. Its input is what the codec wrote: bad input is a bug. */
#include "tests/unit/proto/wire_edit.h"

#include "proto/seal.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct field {
    uint32_t number, type;
    const uint8_t *start, *payload, *end; /* the tag, what follows tag and length, the next field */
};

void wire_put_byte(struct wire *wire, uint8_t byte)
{
    assert(wire->size < sizeof wire->bytes);
    wire->bytes[wire->size++] = byte;
}

void wire_put_varint(struct wire *wire, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        wire_put_byte(wire, (uint8_t)(value | 128));
    wire_put_byte(wire, (uint8_t)value);
}

static void put_bytes(struct wire *wire, const uint8_t *bytes, size_t size)
{
    assert(size <= sizeof wire->bytes - wire->size);
    memcpy(wire->bytes + wire->size, bytes, size);
    wire->size += size;
}

static const uint8_t *get_varint(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
        *value |= (uint64_t)(*at & 127) << shift;
        if (*at++ < 128)
            return at;
    }
    assert(at == NULL); /* a varint that does not end */
    return end;
}

static struct field get_field(const uint8_t *start, const uint8_t *end)
{
    uint64_t tag, length = 0;
    struct field field = {.start = start};
    field.payload = get_varint(start, end, &tag);
    field.number = (uint32_t)(tag >> 3);
    field.type = tag & 7;
    switch (field.type) {
    case 0:
        field.end = get_varint(field.payload, end, &length);
        break;
    case 1:
        field.end = field.payload + 8;
        break;
    default:
        assert(field.type == 2);
        field.payload = get_varint(field.payload, end, &length);
        field.end = field.payload + length;
    }
    assert(field.end <= end);
    return field;
}

static void put_value(struct wire *out, uint32_t number, const struct wire_edit *edit)
{
    static const uint32_t types[] = {[WIRE_VARINT] = 0, [WIRE_FIXED64] = 1, [WIRE_BYTES] = 2};
    if (edit->kind == WIRE_GONE)
        return;
    wire_put_varint(out, (uint64_t)number << 3 | types[edit->kind]);
    if (edit->kind == WIRE_FIXED64) {
        for (unsigned i = 0; i < 8; i++)
            wire_put_byte(out, (uint8_t)(edit->value >> (8 * i)));
        return;
    }
    wire_put_varint(out, edit->value);
    if (edit->kind == WIRE_BYTES)
        for (uint64_t i = 0; i < edit->value; i++)
            wire_put_byte(out, edit->fill);
}

static size_t apply_at(const uint8_t *bytes, size_t size, const struct wire_edit *edit,
                       size_t depth, struct wire *out)
{
    bool last = edit->path[depth + 1] == 0;
    size_t reached = 0;
    for (const uint8_t *at = bytes; at < bytes + size;) {
        struct field field = get_field(at, bytes + size);
        at = field.end;
        if (field.number != edit->path[depth]) {
            put_bytes(out, field.start, (size_t)(field.end - field.start));
        } else if (!last) {
            struct wire *inner = malloc(sizeof *inner);
            assert(inner != NULL && field.type == 2);
            inner->size = 0;
            reached += apply_at(field.payload, (size_t)(field.end - field.payload), edit, depth + 1,
                                inner);
            wire_put_varint(out, (uint64_t)field.number << 3 | 2);
            wire_put_varint(out, inner->size);
            put_bytes(out, inner->bytes, inner->size);
            free(inner);
        }
    }
    if (!last)
        return reached;
    for (uint32_t i = 0; i == 0 || i < edit->times; i++)
        put_value(out, edit->path[depth], edit);
    return 1;
}

void wire_seal(struct wire *envelope)
{
    assert(SEAL_BYTES <= sizeof envelope->bytes - envelope->size);
    seal_write(envelope->bytes, envelope->size);
    envelope->size += SEAL_BYTES;
}

size_t wire_apply(const uint8_t *bytes, size_t size, const struct wire_edit *edit, struct wire *out)
{
    assert(seal_holds(bytes, size));
    out->size = 0;
    size_t reached = apply_at(bytes, size - SEAL_BYTES, edit, 0, out);
    wire_seal(out);
    return reached;
}

size_t wire_edit_datagram(const uint8_t *datagram, size_t size, const struct wire_edit *edit,
                          struct wire *out)
{
    uint64_t length;
    const uint8_t *envelope = get_varint(datagram, datagram + size, &length);
    assert(length <= size - (size_t)(envelope - datagram));
    struct wire *edited = malloc(sizeof *edited);
    assert(edited != NULL);
    size_t reached = wire_apply(envelope, length, edit, edited);
    out->size = 0;
    wire_put_varint(out, edited->size);
    put_bytes(out, edited->bytes, edited->size);
    free(edited);
    return reached;
}
