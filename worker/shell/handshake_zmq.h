/*
 * handshake_zmq.h: whether a coordinator that is there lets us in; for shell_zmq.c alone.
 *
 * ZeroMQ connects again and again and says nothing about why it fails, except to a monitor. Three
 * things are certain at once: the server says that our key is not let in; it encrypts and we do
 * not; the reverse. A server whose key is not the one we were given hangs up without a word, as one
 * does that is killed at that moment, or a relay whose server is away. So it takes several quick
 * hang-ups in a row of somebody who listens on, then a look without encryption that shows who is
 * there, and then as many again, before that is believed too.
 */
#ifndef RATCHET_WORKER_SHELL_HANDSHAKE_ZMQ_H
#define RATCHET_WORKER_SHELL_HANDSHAKE_ZMQ_H

#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>

struct handshake;

struct handshake_options {
    void *context, *socket; /* ZeroMQ's; the socket is not connected yet */
    const char *endpoint;
    bool encrypted;
};

/* Copies nothing: all of it lives longer. NULL with the reason. */
struct handshake *handshake_watch(const struct handshake_options *options, struct error *error);
void handshake_close(struct handshake **handshake);

/* The sockets to wait for, that something may be new; how many. */
enum { HANDSHAKE_SOCKETS = 2 };
uint32_t handshake_sockets(const struct handshake *handshake, void *sockets[HANDSHAKE_SOCKETS]);

/* Reads what is new. True: we are not let in, for the reason given. */
bool handshake_is_refused(struct handshake *handshake, uint64_t now_ms, struct error *error);

#endif
