/*
 * rounds.h: what measurements share: two clocks and the median.
 *
 * A program that measures takes its contestants in turn, round after round, and shows medians: a
 * busy machine then slows all of them alike.
 */
#ifndef RATCHET_TESTS_BENCH_ROUNDS_H
#define RATCHET_TESTS_BENCH_ROUNDS_H

#include <stdint.h>

/* Seconds that this thread has computed. Where others share the core, their time is not in it. */
double rounds_cpu_s(void);
/* Seconds on the wall, from some moment on. */
double rounds_wall_s(void);
/* The upper of the two in the middle where `count`, at least 1, is even. Sorts the values. */
double rounds_median(double *values, uint32_t count);

#endif
