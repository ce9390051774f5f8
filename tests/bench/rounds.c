/*
 * rounds.c: clocks, the median and contests; see rounds.h.
 */
#include "tests/bench/rounds.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double rounds_cpu_s(void)
{
    return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

double rounds_wall_s(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double rounds_median(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, ascending);
    return values[count / 2];
}

uint32_t rounds_hold(const struct contest *contest, double *medians)
{
    static double values[ROUNDS_CONTESTANTS_MAX][ROUNDS_MAX];
    double end = rounds_wall_s() + contest->seconds;
    uint32_t rounds = 0;
    assert(contest->contestants <= ROUNDS_CONTESTANTS_MAX);
    while (rounds < ROUNDS_MAX && (rounds < ROUNDS_MIN || rounds_wall_s() < end)) {
        for (uint32_t i = 0; i < contest->contestants; i++)
            values[i][rounds] = contest->measure(contest->context, i);
        rounds++;
    }
    for (uint32_t i = 0; i < contest->contestants; i++)
        medians[i] = rounds_median(values[i], rounds);
    return rounds;
}
