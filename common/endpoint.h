/*
 * endpoint.h: what can be told from a ZeroMQ address without opening it.
 *
 * Both programs need the same answers: a worker is told one address and finds the bulk socket by
 * it, and both refuse to speak in the clear across machines. Pure text; knows no sockets.
 */
#ifndef RATCHET_COMMON_ENDPOINT_H
#define RATCHET_COMMON_ENDPOINT_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { ENDPOINT_BYTES_MAX = 256 /* with its NUL */ };

/*
 * Whether it can be an address at all: tcp://HOST:PORT (or port *, for any that is free),
 * ipc://PATH. 0, or -1 with the reason.
 */
int endpoint_check(const char *endpoint, struct error *error) __attribute__((warn_unused_result));

/*
 * Where the bulk socket is unless somebody says otherwise: "tcp://HOST:PORT" has it on PORT + 1,
 * "ipc://PATH" in "PATH.bulk". 0, or -1 with the reason: not of these two forms, port out of range,
 * too long.
 */
int endpoint_bulk(const char *control, char *bulk, size_t size, struct error *error)
    __attribute__((warn_unused_result));

/*
 * True when nobody but this machine can reach it: ipc, and TCP on 127.0.0.0/8, [::1], "localhost"
 * or the interface "lo". Names are not looked up: any other one counts as reachable.
 */
bool endpoint_is_local(const char *endpoint);

#endif
