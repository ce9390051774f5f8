/* foreign.c: see foreign.h. */
#include "tests/simulation/foreign.h"

#include "proto/message.h"
#include "proto/seal.h"

#include <assert.h>
#include <string.h>

uint32_t foreign_version(enum foreignness foreign)
{
    switch (foreign) {
    case FOREIGN_OLDER:
        return SEALED_SINCE - 1;
    case FOREIGN_NEWER:
        return PROTOCOL_VERSION + 1;
    default:
        return PROTOCOL_VERSION;
    }
}

/* Its length, which is what the codec wrote and so is right. */
static size_t read_length(const uint8_t *bytes, size_t *length)
{
    size_t used = 0;
    *length = 0;
    do
        *length |= (size_t)(bytes[used] & 127) << (7 * used);
    while (bytes[used++] >= 128);
    return used;
}

static size_t write_length(uint8_t *bytes, size_t length)
{
    size_t used = 0;
    for (; length >= 128; length >>= 7)
        bytes[used++] = (uint8_t)(length | 128);
    bytes[used++] = (uint8_t)length;
    return used;
}

size_t foreign_rewrite(enum foreignness foreign, uint8_t *bytes, size_t size)
{
    uint32_t version = foreign_version(foreign);
    size_t used = 0;
    for (size_t at = 0; at < size;) {
        size_t length;
        at += read_length(bytes + at, &length);
        uint8_t *envelope = bytes + at;
        at += length;
        assert(envelope[0] == 1 << 3 && envelope[1] == PROTOCOL_VERSION);
        envelope[1] = (uint8_t)version;
        length -= SEAL_BYTES;
        if (version >= SEALED_SINCE)
            seal_write(envelope, length);
        if (version >= SEALED_SINCE)
            length += SEAL_BYTES;
        uint8_t prefix[8];
        size_t prefix_bytes = write_length(prefix, length);
        memmove(bytes + used + prefix_bytes, envelope, length);
        memcpy(bytes + used, prefix, prefix_bytes);
        used += prefix_bytes + length;
    }
    return used;
}
