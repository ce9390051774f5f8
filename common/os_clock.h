/*
 * os_clock.h: the two clocks.
 *
 * Only shells read them; cores are handed the time in their events. The monotonic one measures
 * spans and deadlines and means nothing to another process; the wall clock dates what people read.
 */
#ifndef RATCHET_COMMON_OS_CLOCK_H
#define RATCHET_COMMON_OS_CLOCK_H

#include <stdint.h>

/* Milliseconds since some moment in the past; never goes back. */
uint64_t clock_monotonic_ms(void);
/* Milliseconds since 1970-01-01 UTC; jumps when somebody sets the clock. */
uint64_t clock_wall_ms(void);

#endif
