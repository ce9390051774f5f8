/*
 * foreign.h: datagrams of workers that speak another version of the protocol.
 *
 * They are made of our own: the version in the envelope and in the hello is another one, and those
 * of before the seal go without it.
 */
#ifndef RATCHET_TESTS_SIMULATION_FOREIGN_H
#define RATCHET_TESTS_SIMULATION_FOREIGN_H

#include "tests/simulation/trial.h"

#include <stddef.h>
#include <stdint.h>

/* The version that a worker of this kind speaks. */
uint32_t foreign_version(enum foreignness foreign);
/* Rewrites the envelopes of a datagram in place, which become no longer; returns the new size. */
size_t foreign_rewrite(enum foreignness foreign, uint8_t *bytes, size_t size);

#endif
