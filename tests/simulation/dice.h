/*
 * dice.h: the simulator's own chance.
 *
 * xoshiro256** (Blackman, Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018), seeded
 * through splitmix64 by (seed, stream). Streams keep matters apart: the experiment of a seed stays
 * the same whatever faults are switched on, and the faults stay the same whatever the world rolls.
 * Nothing here calls libm, so a seed means the same everywhere. It does only if no two draws stand
 * in one initialiser or argument list: their order would be the compiler's choice.
 */
#ifndef RATCHET_TESTS_SIMULATION_DICE_H
#define RATCHET_TESTS_SIMULATION_DICE_H

#include <stdbool.h>
#include <stdint.h>

enum dice_stream {
    DICE_TRIAL = 1, /* which experiment, which workers */
    DICE_FAULTS,    /* which faults, how often */
    DICE_WORLD,     /* everything that happens */
};

struct dice {
    uint64_t state[4];
};

/* Both ends included. */
struct span {
    uint64_t least, most;
};

struct dice dice_open(uint64_t seed, enum dice_stream stream);
uint64_t dice_u64(struct dice *dice);
/* Uniform in [0, bound); bound > 0. */
uint32_t dice_below(struct dice *dice, uint32_t bound);
/* Uniform in [0, 1). */
double dice_unit(struct dice *dice);
bool dice_chance(struct dice *dice, double probability);
uint64_t dice_between(struct dice *dice, struct span span);
/* Each doubling between the ends is about equally likely; least > 0. */
uint64_t dice_magnitude(struct dice *dice, struct span span);
/* A waiting time with this mean: anything from 0 to twice it. */
uint64_t dice_wait(struct dice *dice, uint64_t mean);

#endif
