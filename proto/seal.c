/* seal.c: see seal.h. */
#include "proto/seal.h"

#include "common/checksum.h"

void seal_write(uint8_t *envelope, size_t count)
{
    uint64_t sum = checksum_of(envelope, count);
    envelope[count] = SEAL_TAG;
    for (int i = 0; i < 8; i++)
        envelope[count + 1 + (size_t)i] = (uint8_t)(sum >> (8 * i));
}

bool seal_is_there(const uint8_t *envelope, size_t count)
{
    return count >= SEAL_BYTES && envelope[count - SEAL_BYTES] == SEAL_TAG;
}

bool seal_holds(const uint8_t *envelope, size_t count)
{
    if (!seal_is_there(envelope, count))
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < 8; i++)
        sum |= (uint64_t)envelope[count - 8 + i] << (8 * i);
    return sum == checksum_of(envelope, count - SEAL_BYTES);
}
