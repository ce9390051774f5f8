/* numpy_random.c: see numpy_random.h. */
#include "worker/data/numpy_random.h"

#include "worker/data/portable_double.h"

#include <math.h>

enum { SHIFT_SIZE = 397 };

void numpy_random_seed(struct numpy_random *random, uint32_t seed)
{
    *random = (struct numpy_random){.next = NUMPY_RANDOM_WORDS};
    random->words[0] = seed;
    for (uint32_t i = 1; i < NUMPY_RANDOM_WORDS; i++) {
        uint32_t before = random->words[i - 1];
        random->words[i] = UINT32_C(1812433253) * (before ^ before >> 30) + i;
    }
}

/* The next 624 words of the recurrence, in place. */
static void twist(uint32_t *words)
{
    for (uint32_t i = 0; i < NUMPY_RANDOM_WORDS; i++) {
        uint32_t joined = (words[i] & UINT32_C(0x80000000)) |
                          (words[(i + 1) % NUMPY_RANDOM_WORDS] & UINT32_C(0x7fffffff));
        uint32_t mixed = joined >> 1 ^ (joined & 1 ? UINT32_C(0x9908b0df) : 0);
        words[i] = words[(i + SHIFT_SIZE) % NUMPY_RANDOM_WORDS] ^ mixed;
    }
}

uint32_t numpy_random_u32(struct numpy_random *random)
{
    if (random->next == NUMPY_RANDOM_WORDS) {
        twist(random->words);
        random->next = 0;
    }
    uint32_t word = random->words[random->next++];
    word ^= word >> 11;
    word ^= word << 7 & UINT32_C(0x9d2c5680);
    word ^= word << 15 & UINT32_C(0xefc60000);
    return word ^ word >> 18;
}

double numpy_random_unit(struct numpy_random *random)
{
    uint32_t high = numpy_random_u32(random) >> 5, low = numpy_random_u32(random) >> 6;
    return (high * 0x1p26 + low) / 0x1p53;
}

/* Marsaglia's polar method; the second of the pair is handed out first. */
double numpy_random_normal(struct numpy_random *random)
{
    if (random->has_normal) {
        random->has_normal = false;
        return random->normal;
    }
    double x, y, square;
    do {
        x = 2 * numpy_random_unit(random) - 1;
        y = 2 * numpy_random_unit(random) - 1;
        square = x * x + y * y;
    } while (square >= 1 || square == 0);
    double factor = sqrt(-2 * portable_double_log(square) / square);
    random->normal = factor * x;
    random->has_normal = true;
    return factor * y;
}

uint32_t numpy_random_within(struct numpy_random *random, uint32_t most)
{
    uint32_t mask = most, value;
    if (most == 0)
        return 0;
    for (uint32_t shift = 1; shift < 32; shift *= 2)
        mask |= mask >> shift;
    do
        value = numpy_random_u32(random) & mask;
    while (value > most);
    return value;
}

void numpy_random_permutation(struct numpy_random *random, uint32_t *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        values[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = numpy_random_within(random, i - 1), moved = values[i - 1];
        values[i - 1] = values[other];
        values[other] = moved;
    }
}
