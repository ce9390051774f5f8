/*
 * numpy_random.h: the generator that MNIST-1D was made with, number for number.
 *
 * Python's numpy.random.RandomState(seed), which numpy keeps frozen: the Mersenne twister of
 * Matsumoto and Nishimura ("Mersenne Twister", 1998) and numpy's ways from its words to uniform,
 * normal and whole numbers. For data sets that others drew with it and for nothing else: whatever
 * Ratchet itself decides by chance is common/philox.h.
 */
#ifndef RATCHET_WORKER_DATA_NUMPY_RANDOM_H
#define RATCHET_WORKER_DATA_NUMPY_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

enum { NUMPY_RANDOM_WORDS = 624 };

struct numpy_random {
    uint32_t words[NUMPY_RANDOM_WORDS];
    uint32_t next; /* of `words` */
    bool has_normal;
    double normal; /* normals come in pairs: the one that waits */
};

void numpy_random_seed(struct numpy_random *random, uint32_t seed);

uint32_t numpy_random_u32(struct numpy_random *random);
/* Uniform in [0, 1) with 53 bits, of two words. */
double numpy_random_unit(struct numpy_random *random);
double numpy_random_normal(struct numpy_random *random);
/* Uniform in [0, most]. */
uint32_t numpy_random_within(struct numpy_random *random, uint32_t most);
/* Fills values[count] with 0 .. count-1 in drawn order. */
void numpy_random_permutation(struct numpy_random *random, uint32_t *values, uint32_t count);

#endif
