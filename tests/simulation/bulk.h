/*
 * bulk.h: one end of the bulk channel: the real transfer machine over simulated memory.
 *
 * Both ends are alike: they serve what is on their shelf and pull what they want. The port collects
 * the chunks of a pull and, when the last one is there, verifies the digest, as the shells do with
 * files.
 */
#ifndef RATCHET_TESTS_SIMULATION_BULK_H
#define RATCHET_TESTS_SIMULATION_BULK_H

#include "proto/transfer.h"
#include "tests/simulation/archive.h"
#include "tests/simulation/network.h"

struct simulation;

enum { BULK_PULLS_MAX = 16, BULK_BLOB_BYTES_MAX = 4096 };

struct bulk_port {
    struct simulation *simulation;
    struct transfers *transfers;
    enum direction outwards;
    uint32_t seat;               /* a worker's port: its own seat */
    struct instance_id instance; /* a worker's port: its own name */
    uint8_t partial[BULK_PULLS_MAX][BULK_BLOB_BYTES_MAX];
};

/* How a pull ended. */
struct bulk_end {
    enum { BULK_NOTHING, BULK_ARRIVED, BULK_FAILED } outcome;
    struct digest digest;
    struct instance_id peer;
    const struct blob *blob; /* of one that arrived */
};

void bulk_init(struct bulk_port *port, struct simulation *simulation);
void bulk_fini(struct bulk_port *port);

/* Takes a PULL, CHUNK or ABSENT from `peer` (zero: the coordinator). */
struct bulk_end bulk_receive(struct bulk_port *port, const struct instance_id *peer,
                             const struct message *message, uint64_t now_ms,
                             const struct shelf *shelf);
/* Sends the requests that are due; returns one pull that was given up: call until BULK_NOTHING. */
struct bulk_end bulk_pump(struct bulk_port *port, uint64_t now_ms);

#endif
