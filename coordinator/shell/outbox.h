/*
 * outbox.h: what one turn of the loop says, packed into as few datagrams as possible.
 *
 * Messages are encoded when they are added, because a core's effects borrow memory that lives only
 * until its next step; they leave when the turn's batch is in the ledger, or never. Per peer the
 * order is kept. Knows no sockets. Datagrams are reused from turn to turn: a quiet cluster
 * allocates nothing.
 */
#ifndef RATCHET_COORDINATOR_SHELL_OUTBOX_H
#define RATCHET_COORDINATOR_SHELL_OUTBOX_H

#include "proto/codec.h"

struct outbox;

/* NULL when memory is out. */
struct outbox *outbox_create(void);
void outbox_destroy(struct outbox **outbox);

/* Encodes the message; returns its bytes, or 0 when memory is out and it is lost. */
size_t outbox_add(struct outbox *outbox, const struct instance_id *to,
                  const struct message *message);

/* Hands over every datagram, oldest first, and is then empty. */
struct outbox_sink {
    void *context;
    void (*send)(void *context, const struct instance_id *to, const uint8_t *bytes, size_t count);
};
void outbox_flush(struct outbox *outbox, const struct outbox_sink *sink);
/* Forgets them instead. */
void outbox_discard(struct outbox *outbox);

/* Datagrams that wait. */
uint32_t outbox_count(const struct outbox *outbox);

#endif
