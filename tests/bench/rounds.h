/*
 * rounds.h: what measurements share: two clocks, the median, and contests.
 *
 * A program that measures takes its contestants in turn, round after round, and shows medians: a
 * busy machine then slows all of them alike.
 */
#ifndef RATCHET_TESTS_BENCH_ROUNDS_H
#define RATCHET_TESTS_BENCH_ROUNDS_H

#include <stdint.h>

enum { ROUNDS_MIN = 3, ROUNDS_MAX = 401, ROUNDS_CONTESTANTS_MAX = 8 };

/* Seconds that this thread has computed. Where others share the core, their time is not in it. */
double rounds_cpu_s(void);
/* Seconds on the wall, from some moment on. */
double rounds_wall_s(void);
/* The upper of the two in the middle where `count`, at least 1, is even. Sorts the values. */
double rounds_median(double *values, uint32_t count);

struct contest {
    double (*measure)(void *context, uint32_t contestant);
    void *context;
    uint32_t contestants; /* at most ROUNDS_CONTESTANTS_MAX */
    double seconds;       /* on the wall; at least ROUNDS_MIN rounds are held all the same */
};

/* Measures all contestants in turn until the time is up; medians: [contestants]. Gives the number
 * of rounds. */
uint32_t rounds_hold(const struct contest *contest, double *medians);

#endif
