/*
 * network.h: datagrams on their way.
 *
 * Two channels between the coordinator and each seat (a place where a worker runs): control and
 * bulk. A datagram arrives after the link's latency, or late, or twice, or never. The network knows
 * seats, not processes: whether the process that a datagram is addressed to still lives is the
 * receiver's business, as it is with ROUTER identities. Without the delay fault a link keeps its
 * order, as a TCP connection does.
 */
#ifndef RATCHET_TESTS_SIMULATION_NETWORK_H
#define RATCHET_TESTS_SIMULATION_NETWORK_H

#include "proto/job.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/world.h"

enum { NODE_SLOTS_MAX = 64 };

enum channel { CHANNEL_CONTROL = 1, CHANNEL_BULK = 2 };
enum direction { TO_COORDINATOR = 1, TO_WORKER = 2 };

struct packet_header {
    enum channel channel;
    enum direction direction;
    uint32_t seat;
    struct instance_id worker; /* the sender or the addressee */
};

/* Packets in flight are in one ring, those that a receiver has not looked at yet in another. */
struct packet_ring {
    struct packet_ring *previous, *next;
};

struct packet {
    struct packet_ring ring; /* first, so that a ring's member is its packet */
    struct packet_header header;
    size_t damaged_from; /* bytes before this are as they were sent; SIZE_MAX: all are */
    size_t count;
    uint8_t bytes[];
};

struct link {
    uint64_t latency_ms;
    uint32_t cut_channels[3]; /* by direction: bit set of channels that are cut */
    uint64_t cut_token;
    uint64_t clogged_until_ms[3]; /* by direction */
};

struct network {
    struct world *world;
    uint64_t *fault_counts;
    struct fault_plan plan; /* a copy: healing clears it */
    struct link *links;     /* by seat */
    uint32_t seats;
    uint64_t pace;
    struct packet_ring packets;
    uint64_t datagrams, bytes;
    /* Gives the packet to its receiver, who frees it through network_free. */
    void (*deliver)(void *context, struct packet *packet);
    void *context;
};

struct network_options {
    struct world *world;
    struct fault_plan plan;
    uint32_t seats;
    uint64_t pace; /* of how late a late datagram is */
};
void network_init(struct network *network, const struct network_options *options);
void network_fini(struct network *network);

void network_send(struct network *network, const struct packet_header *header, const uint8_t *bytes,
                  size_t count);
void network_free(struct packet *packet);

void packet_ring_init(struct packet_ring *ring);
/* Moves the packet to the end of the ring. */
void packet_ring_append(struct packet_ring *ring, struct packet *packet);
/* The oldest packet, or NULL. It stays where it is. */
struct packet *packet_ring_first(const struct packet_ring *ring);
void packet_ring_fini(struct packet_ring *ring);

/* Nothing arrives for a while, in these directions (a bit set); then all of it does, in order. */
struct clog {
    uint32_t seat, directions;
    uint64_t for_ms;
};
void network_clog(struct network *network, const struct clog *clog);

struct cut {
    uint32_t seat;
    uint32_t directions, channels; /* bit sets */
    uint64_t for_ms;
};

/* A new cut of a seat replaces the one before. */
void network_cut(struct network *network, const struct cut *cut);
/* From now on every datagram arrives once and in time. */
void network_heal(struct network *network);

#endif
