/*
 * bulk_serve.h: checkpoints and specs going out, to workers that ask for a part of one.
 *
 * They hold all the state of a transfer, so serving them is one read and one send per request.
 * What comes in is bulk.h's matter.
 */
#ifndef RATCHET_COORDINATOR_SHELL_BULK_SERVE_H
#define RATCHET_COORDINATOR_SHELL_BULK_SERVE_H

#include "coordinator/shell/blob_store.h"
#include "coordinator/shell/bulk_queue.h"
#include "coordinator/shell/peer_traffic.h"
#include "coordinator/shell/shell_zmq.h"

struct bulk_serve;

/* Borrows all three. NULL when memory is out. */
struct bulk_serve *bulk_serve_create(struct sockets *sockets, struct blob_store *store,
                                     struct peer_traffic *traffic);
void bulk_serve_destroy(struct bulk_serve **serve);

/* What a worker asked for waits for its turn; a request beyond that worker's queue is dropped. */
void bulk_serve_add(struct bulk_serve *serve, const struct bulk_request *request);
/*
 * Answers requests until enough bytes for one turn have gone out. -1 with the reason when a blob is
 * damaged, which removes it, or cannot be read. A request for which no descriptor is free is for
 * who asked to repeat.
 */
int bulk_serve_turn(struct bulk_serve *serve, struct error *error)
    __attribute__((warn_unused_result));
/* How many requests wait. */
uint32_t bulk_serve_count(const struct bulk_serve *serve);

struct bulk_serve_counts {
    uint64_t bytes;   /* payload that went out */
    uint64_t dropped; /* requests of workers that asked for too much at once */
    uint64_t put_off; /* requests for which no descriptor was free */
};

struct bulk_serve_counts bulk_serve_counts(const struct bulk_serve *serve);

#endif
