/* dice.c: see dice.h. */
#include "tests/simulation/dice.h"

#include <assert.h>

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct dice dice_open(uint64_t seed, enum dice_stream stream)
{
    struct dice dice;
    uint64_t state = seed;
    state = splitmix64(&state) + (uint64_t)stream;
    for (int i = 0; i < 4; i++)
        dice.state[i] = splitmix64(&state);
    return dice;
}

static uint64_t rotate(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t dice_u64(struct dice *dice)
{
    uint64_t *s = dice->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint32_t dice_below(struct dice *dice, uint32_t bound)
{
    assert(bound > 0);
    return (uint32_t)((dice_u64(dice) >> 32) * bound >> 32);
}

double dice_unit(struct dice *dice)
{
    return (double)(dice_u64(dice) >> 11) * 0x1.0p-53;
}

bool dice_chance(struct dice *dice, double probability)
{
    /* No draw for what cannot happen: a fault that is off leaves the others' numbers alone. */
    return probability > 0 && dice_unit(dice) < probability;
}

uint64_t dice_between(struct dice *dice, struct span span)
{
    assert(span.least <= span.most && span.most - span.least < UINT64_MAX);
    return span.least + dice_u64(dice) % (span.most - span.least + 1);
}

uint64_t dice_magnitude(struct dice *dice, struct span span)
{
    assert(span.least > 0 && span.least <= span.most);
    uint32_t doublings = 0;
    while (span.most >> (doublings + 1) >= span.least)
        doublings++;
    uint64_t low = span.least << dice_below(dice, doublings + 1);
    uint64_t high = 2 * low - 1 < span.most ? 2 * low - 1 : span.most;
    return dice_between(dice, (struct span){low, high});
}

uint64_t dice_wait(struct dice *dice, uint64_t mean)
{
    return dice_between(dice, (struct span){0, 2 * mean});
}
