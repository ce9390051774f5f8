/*
 * narrator.h: messages in words, for --verbose.
 */
#ifndef RATCHET_TESTS_SIMULATION_NARRATOR_H
#define RATCHET_TESTS_SIMULATION_NARRATOR_H

#include "proto/message.h"
#include "tests/simulation/world.h"

/* "SPEAKER > LISTENER: lease 0/12 try 3.1 first". Heartbeats and answers to them go untold. */
void narrate_message(const struct world *world, const char *direction, uint32_t seat,
                     const struct message *message);

#endif
