/*
 * shell_zmq.h: the coordinator's two sockets, and the one that a command asks through.
 *
 * Control and bulk are ROUTER sockets: who a datagram came from and goes to is in its first frame.
 * Sending never waits: what cannot be sent at once is dropped and counted, because the protocol
 * repairs lost messages and a coordinator that waits for one slow worker stops all others. Nothing
 * here looks into a datagram. Only shell_zmq*.c include zmq.h. One thread.
 */
#ifndef RATCHET_COORDINATOR_SHELL_SHELL_ZMQ_H
#define RATCHET_COORDINATOR_SHELL_SHELL_ZMQ_H

#include "common/endpoint.h"
#include "common/key_text.h"
#include "proto/job.h"

struct sockets;

enum socket_name { SOCKET_CONTROL = 0, SOCKET_BULK = 1, SOCKET_COUNT = 2 };

/*
 * Who lets peers in where connections are encrypted (CURVE). All three are called from the thread
 * of the sockets, within sockets_wait(), sockets_receive() and sockets_send().
 */
struct datagram;
struct socket_peer;
struct sockets_guard {
    const struct key_file *server; /* the coordinator's pair */
    void *context;
    /* Whether to have a connection with that key at all. */
    bool (*admits)(void *context, const struct public_key *key);
    /* Whether to give the caller what came in. */
    bool (*hears)(void *context, enum socket_name name, const struct datagram *datagram);
    /* Whether what is for that peer may leave. */
    bool (*tells)(void *context, enum socket_name name, const struct socket_peer *peer);
};

struct sockets_options {
    const char *control; /* "tcp://127.0.0.1:5555", port * or 0: any free one; "ipc://PATH" */
    const char *bulk;    /* NULL: where endpoint_bulk() says */
    const struct sockets_guard *guard; /* copied; NULL: in the clear, everybody is let in */
};

/* Listens. NULL with a sentence that names the address: in use, no such interface, not allowed. */
struct sockets *sockets_open(const struct sockets_options *options, struct error *error);
/* What was sent may still leave for `linger_ms`, which is how long this may take. */
void sockets_close(struct sockets **sockets, int linger_ms);

/* The addresses as bound, ports filled in. */
const char *sockets_endpoint(const struct sockets *sockets, enum socket_name name);

struct sockets_ready {
    bool readable[SOCKET_COUNT];
    bool descriptor; /* the extra one given to sockets_wait */
};

/* Waits at most `timeout_ms` (-1: for ever) for datagrams or for `descriptor` to become readable.
 */
struct sockets_ready sockets_wait(struct sockets *sockets, int descriptor, int timeout_ms);

/* Who is at the other end: workers choose 16 bytes, commands get a name from ZeroMQ. */
struct socket_peer {
    size_t size;
    uint8_t bytes[256];
};

/* True for an identity that a worker may have; *instance is it. */
bool socket_peer_is_worker(const struct socket_peer *peer, struct instance_id *instance);
struct socket_peer socket_peer_of_worker(const struct instance_id *instance);

struct datagram {
    struct socket_peer from;
    struct public_key key; /* whose connection it is; all 0 in the clear */
    const uint8_t *bytes;  /* until the next receive on any socket */
    size_t count;
};

/* The next datagram, without waiting; false when there is none. */
bool sockets_receive(struct sockets *sockets, enum socket_name name, struct datagram *datagram);

enum send_result {
    SEND_DONE = 0,
    SEND_BLOCKED,     /* dropped: the peer reads too slowly */
    SEND_UNREACHABLE, /* dropped: nobody of that name is connected */
};

/* Copies and sends, without waiting. */
enum send_result sockets_send(struct sockets *sockets, enum socket_name name,
                              const struct socket_peer *to, const void *bytes, size_t count);

struct sockets_counts {
    uint64_t received, received_bytes;
    uint64_t sent, sent_bytes;
    uint64_t dropped;   /* could not be sent */
    uint64_t malformed; /* not two frames */
    uint64_t refused;   /* the guard did not hear them */
};

struct sockets_counts sockets_counts(const struct sockets *sockets, enum socket_name name);

/*
 * For commands: sends one datagram to `endpoint` and waits for one in return. *reply is the
 * caller's to free. 0, or -1 with the reason: nobody answered within `timeout_ms`, or no such
 * address.
 */
struct exchange {
    const char *endpoint;
    const uint8_t *request;
    size_t request_bytes;
    int timeout_ms;
    const struct key_file *key; /* pair and the server's public key; NULL: in the clear */
};
int sockets_exchange(const struct exchange *exchange, uint8_t **reply, size_t *reply_bytes,
                     struct error *error) __attribute__((warn_unused_result));

#endif
