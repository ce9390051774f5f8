/*
 * clock.h: the clock of one process, which nobody else's agrees with.
 *
 * It starts anywhere, runs at half to double speed, and may jump: a machine that slept finds its
 * clock ahead. Real monotonic clocks never go back; a small step back is tried all the same, since
 * the cores promise to take it for no time at all.
 */
#ifndef RATCHET_TESTS_SIMULATION_CLOCK_H
#define RATCHET_TESTS_SIMULATION_CLOCK_H

#include <stdint.h>

struct clock {
    uint64_t world_ms, local_ms; /* the one was the other when it was last set */
    uint64_t per_mille;          /* of the world's speed */
};

struct clock clock_started(uint64_t world_ms, uint64_t local_ms, uint64_t per_mille);
uint64_t clock_read(const struct clock *clock, uint64_t world_ms);
/* How long the world has to wait until the clock shows this: 0 when it does. */
uint64_t clock_until(const struct clock *clock, uint64_t world_ms, uint64_t local_ms);
void clock_step_forward(struct clock *clock, uint64_t ms);
/* Not below 0. */
void clock_step_back(struct clock *clock, uint64_t ms);

#endif
