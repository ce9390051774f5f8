/*
 * shell_zmq_curve.h: encrypted connections, for shell_zmq.c and nobody else.
 *
 * ZeroMQ asks whether to let a key in (ZAP, RFC 27) by messages over a socket inside the process,
 * before the connection carries anything; the answer names the key, and every message that comes
 * over the connection afterwards bears that name ("User-Id").
 */
#ifndef RATCHET_COORDINATOR_SHELL_SHELL_ZMQ_CURVE_H
#define RATCHET_COORDINATOR_SHELL_SHELL_ZMQ_CURVE_H

#include "coordinator/shell/shell_zmq.h"

struct curve;

/* Listens to the questions of that context. Borrows the guard. NULL with the reason. */
struct curve *curve_open(void *context, const struct sockets_guard *guard, struct error *error);
void curve_close(struct curve **curve);

/* Makes the socket, which is not bound yet, a server with the coordinator's keys. */
void curve_protect(const struct curve *curve, void *socket);
/* Makes the socket, which is not connected yet, a client with that pair, of that server. */
void curve_use_key(void *socket, const struct key_file *key);

/* Readable when there are questions. */
void *curve_socket(const struct curve *curve);
/* Answers some; further ones keep the socket readable. */
void curve_answer(struct curve *curve);

/* Whose connection a message (a zmq_msg_t) came over. False: it does not say. */
bool curve_key_of(void *message, struct public_key *key);

#endif
