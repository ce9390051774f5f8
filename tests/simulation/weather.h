/*
 * weather.h: when which fault strikes.
 *
 * Faults of messages, jobs and slots are drawn where they happen. Those here come by the clock:
 * each has a mean time between two strikes, and strikes at random until the weather clears.
 */
#ifndef RATCHET_TESTS_SIMULATION_WEATHER_H
#define RATCHET_TESTS_SIMULATION_WEATHER_H

struct simulation;

void weather_start(struct simulation *simulation);
/* No fault happens from here on; what is down comes back, and there is at least one healthy worker.
 */
void weather_clear(struct simulation *simulation);

#endif
