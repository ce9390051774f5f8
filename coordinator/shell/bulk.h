/*
 * bulk.h: checkpoints coming in, checkpoints and specs going out: the coordinator's side of the
 * bulk socket.
 *
 * Children that the core wants are pulled from the worker that made them, written beside the blob
 * store and published when their bytes hash to their name. Workers pull what their jobs need from
 * the store; they hold all the state of that, so serving them is one read and one send per request.
 * Knows sockets and blobs, not the core: the shell turns what comes out of bulk_next_event() into
 * the core's events.
 */
#ifndef RATCHET_COORDINATOR_SHELL_BULK_H
#define RATCHET_COORDINATOR_SHELL_BULK_H

#include "coordinator/shell/blob_store.h"
#include "coordinator/shell/peer_traffic.h"
#include "coordinator/shell/shell_zmq.h"
#include "proto/codec.h"
#include "proto/transfer.h"

struct bulk;

/* Borrows both. NULL with the reason. */
struct bulk *bulk_create(struct sockets *sockets, struct blob_store *store, struct error *error);
/* Gives up what is under way. */
void bulk_destroy(struct bulk **bulk);

struct bulk_want {
    struct instance_id from;
    struct digest digest;
    uint64_t bytes; /* expected size; another one is refused */
};

/* Notes the wish; unless cancelled it is answered by exactly one event. 0, or -1: out of memory. */
int bulk_add_want(struct bulk *bulk, const struct bulk_want *want, struct error *error)
    __attribute__((warn_unused_result));

/* Forgets the wish, whether it has begun or not; an event that is due already is still given. */
void bulk_cancel(struct bulk *bulk, const struct digest *digest);

/*
 * Reads at most `budget` datagrams, takes chunks and answers requests in fair turns, so many bytes
 * in a turn; what is left makes the deadline 0. -1 with the reason when the store cannot be written
 * (full, I/O error) or holds a damaged blob: the run cannot go on. Where only descriptors are
 * short, pulls begin anew a second later, and requests are for who asked to repeat.
 */
int bulk_receive(struct bulk *bulk, uint64_t now_ms, uint32_t budget, struct error *error)
    __attribute__((warn_unused_result));
/* Begins what was wished for, asks for more chunks, gives up what has been silent for too long. */
void bulk_tick(struct bulk *bulk, uint64_t now_ms);
/* When to tick again, in the past when there are events; UINT64_MAX when nothing is under way. */
uint64_t bulk_deadline(const struct bulk *bulk);

struct bulk_event {
    bool stored; /* false: not to be had from `from` */
    struct digest digest;
    struct instance_id from;
};

/* What became of wishes; false when there is nothing further to tell. */
bool bulk_next_event(struct bulk *bulk, struct bulk_event *event);

struct bulk_counts {
    uint64_t pulled, pulled_bytes; /* blobs that came in */
    uint64_t failed;               /* pulls that were answered with "not to be had" */
    uint64_t served_bytes;         /* payload that went out */
    uint64_t requests_dropped;     /* of workers that asked for too much at once */
    uint64_t put_off;              /* reads and pulls for which no descriptor was free */
    uint64_t malformed;
};

struct bulk_counts bulk_counts(const struct bulk *bulk);
/* The same for one worker. */
struct peer_bytes bulk_bytes_of(const struct bulk *bulk, const struct instance_id *peer);

#endif
