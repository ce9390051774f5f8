/*
 * shell_zmq.h: a worker's two sockets to its coordinator.
 *
 * Control and bulk are DEALER sockets that bear the worker's instance as their identity. They
 * connect and reconnect by themselves, for as long as it takes, to a coordinator that may not be
 * there. Nothing here waits for a peer: what cannot be sent at once is dropped, because the
 * protocol repairs lost messages and a supervisor that waits would miss its heartbeats. Only
 * files named *_zmq.c include zmq.h. One thread.
 */
#ifndef RATCHET_WORKER_SHELL_SHELL_ZMQ_H
#define RATCHET_WORKER_SHELL_SHELL_ZMQ_H

#include "common/error.h"
#include "common/key_text.h"
#include "proto/message.h"

#include <stddef.h>

struct connection;

enum connection_channel { CHANNEL_CONTROL = 0, CHANNEL_BULK = 1, CHANNEL_COUNT = 2 };

struct connection_options {
    const char *control, *bulk; /* "tcp://HOST:PORT", "ipc://PATH" */
    struct instance_id instance;
    const struct key_file *key; /* ours, and the coordinator's public one; NULL: in the clear */
};

/* NULL with the reason: no such address, out of descriptors. That nobody answers is no error. */
struct connection *connection_open(const struct connection_options *options, struct error *error);
/* What was sent may still leave for LINGER_MS: that long this may take. */
void connection_close(struct connection **connection);

enum { CONNECTION_DESCRIPTORS_MAX = 4 };

struct connection_wait {
    int timeout_ms; /* -1: for ever */
    uint32_t descriptor_count;
    int descriptors[CONNECTION_DESCRIPTORS_MAX]; /* to be watched as well */
};

/* Waits until a datagram came, a descriptor is readable, the time is over or a signal came. */
void connection_wait(struct connection *connection, const struct connection_wait *wait);

struct connection_datagram {
    const uint8_t *bytes; /* until the next receive */
    size_t count;
};

/* The next datagram, without waiting; false when there is none. */
bool connection_receive(struct connection *connection, enum connection_channel channel,
                        struct connection_datagram *datagram);

/* Encodes a message; it leaves with others, at the next flush or when a datagram is full. */
void connection_queue(struct connection *connection, enum connection_channel channel,
                      const struct message *message);
void connection_flush(struct connection *connection);

/*
 * Whether it is certain by now that we are not let in, and that waiting would not help: *error says
 * why and what to do. A coordinator that is away, or that cannot be reached, is waited for.
 */
bool connection_is_refused(struct connection *connection, uint64_t now_ms, struct error *error);

/* Datagrams that could not be sent so far. */
uint64_t connection_dropped(const struct connection *connection);

#endif
