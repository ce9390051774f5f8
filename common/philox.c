/* philox.c: see philox.h. */
#include "common/philox.h"

#include <assert.h>

static struct philox_block philox_round(struct philox_block c, uint32_t key0, uint32_t key1)
{
    uint64_t p0 = UINT64_C(0xD2511F53) * c.words[0];
    uint64_t p1 = UINT64_C(0xCD9E8D57) * c.words[2];
    return (struct philox_block){{
        (uint32_t)(p1 >> 32) ^ c.words[1] ^ key0,
        (uint32_t)p1,
        (uint32_t)(p0 >> 32) ^ c.words[3] ^ key1,
        (uint32_t)p0,
    }};
}

struct philox_block philox_4x32_10(struct philox_block counter, uint32_t key0, uint32_t key1)
{
    for (int round = 0; round < 10; round++) {
        counter = philox_round(counter, key0, key1);
        key0 += UINT32_C(0x9E3779B9);
        key1 += UINT32_C(0xBB67AE85);
    }
    return counter;
}

struct random random_open(uint64_t seed, uint32_t line, uint64_t job_or_stream,
                          enum random_purpose purpose)
{
    assert(line < UINT32_C(1) << 24);
    assert((uint32_t)purpose < 256);
    return (struct random){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .context = {line | (uint32_t)purpose << 24, (uint32_t)job_or_stream,
                    (uint32_t)(job_or_stream >> 32)},
        .used = 4,
    };
}

uint32_t random_u32(struct random *random)
{
    if (random->used == 4) {
        struct philox_block counter = {
            {random->position++, random->context[0], random->context[1], random->context[2]}};
        random->block = philox_4x32_10(counter, random->key[0], random->key[1]);
        random->used = 0;
    }
    return random->block.words[random->used++];
}

uint64_t random_u64(struct random *random)
{
    uint64_t low = random_u32(random);
    return low | (uint64_t)random_u32(random) << 32;
}

double random_unit(struct random *random)
{
    return (double)(random_u64(random) >> 11) * 0x1.0p-53;
}

uint32_t random_below(struct random *random, uint32_t bound)
{
    assert(bound > 0);
    uint64_t product = (uint64_t)random_u32(random) * bound;
    if ((uint32_t)product < bound) {
        uint32_t threshold = (uint32_t)(-bound) % bound;
        while ((uint32_t)product < threshold)
            product = (uint64_t)random_u32(random) * bound;
    }
    return (uint32_t)(product >> 32);
}
