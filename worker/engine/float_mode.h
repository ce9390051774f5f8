/*
 * float_mode.h: numbers too small for a normal float count as zero while an engine computes.
 *
 * Deep nets drive deltas and activations down to 1e-40 and below, and AdamW's moments of a dead
 * unit decay to the smallest denormal and stay there. No such number changes what is learnt, but
 * some CPUs take a hundred cycles for each: a step of 115 layers of 115 units took 195 ms with
 * denormals and 17 ms without on a Xeon (nothing of that on a Zen 4). So the numerics of training
 * and evaluation treat denormal operands and results as zero of the same sign, in all numeric
 * classes. On x86-64 these are two bits of the SSE unit's control register, which AVX obeys, too.
 */
#ifndef RATCHET_WORKER_ENGINE_FLOAT_MODE_H
#define RATCHET_WORKER_ENGINE_FLOAT_MODE_H

#include <stdint.h>

struct float_mode {
    uint32_t control;
};

/* Of the calling thread; gives what float_mode_leave takes back to. */
struct float_mode float_mode_enter(void);
void float_mode_leave(struct float_mode before);

#endif
