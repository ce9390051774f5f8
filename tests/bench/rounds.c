/*
 * rounds.c: clocks and the median of measurements; see rounds.h.
 */
#include "tests/bench/rounds.h"

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
