/*
 * fma_ceiling.h: what one core's vector unit could do at most: fused multiply-adds between
 * registers and nothing else. Every share of the ceiling that a benchmark prints is a share of
 * this, measured in turn with the subject, so that clock and neighbours are the same for both.
 */
#ifndef RATCHET_TESTS_BENCH_FMA_CEILING_H
#define RATCHET_TESTS_BENCH_FMA_CEILING_H

/*
 * GFLOP/s (a fused multiply-add is two) of a burst of about a millisecond on the calling thread, by
 * its own CPU time. `cpu` is a name of engine_cpu(): the vector unit that those kernels use. For
 * "plain" it is what the compiler makes of fmaf for any CPU; on x86-64 that is a call for each.
 */
double fma_ceiling_gflops(const char *cpu);

#endif
