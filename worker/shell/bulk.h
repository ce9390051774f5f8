/*
 * bulk.h: blobs in and out over the bulk socket.
 *
 * In: what the core wants fetched is pulled from the coordinator into the cache, verified and
 * pinned. Out: what the coordinator pulls is read from the cache, a chunk at a time. The pulling
 * itself is proto/transfer.h; here are its files.
 */
#ifndef RATCHET_WORKER_SHELL_BULK_H
#define RATCHET_WORKER_SHELL_BULK_H

#include "worker/shell/cache.h"
#include "worker/shell/log.h"
#include "worker/shell/shell_zmq.h"

/* Fetches that may wait for their answer at once: twice what a worker may hold, and the core
 * agrees. */
enum { BULK_FETCHES_MAX = 2 * HELD_MAX };

struct bulk;

struct bulk_options {
    struct cache *cache;           /* borrowed */
    struct connection *connection; /* borrowed */
    struct log *log;               /* borrowed */
};

/* NULL when memory is out. */
struct bulk *bulk_create(const struct bulk_options *options);
/* Abandons what is under way. */
void bulk_destroy(struct bulk **bulk);

/* Has the blob brought into the cache; bulk_next() tells when it is there. */
void bulk_fetch(struct bulk *bulk, const struct digest *digest, uint64_t now_ms);
/* A message of the bulk socket, whatever it is. */
void bulk_receive(struct bulk *bulk, const struct message *message, uint64_t now_ms);

/* While the coordinator is away no pull is given up: it may be restarted, and answer. */
enum bulk_patience { BULK_GIVES_UP = 1, BULK_KEEPS_ASKING };

/* Asks for what is due, and ends what nobody answered. */
void bulk_tick(struct bulk *bulk, uint64_t now_ms, enum bulk_patience patience);
uint64_t bulk_deadline(const struct bulk *bulk);

struct bulk_answer {
    struct digest digest;
    enum {
        BULK_READY = 1, /* in the cache and pinned once */
        BULK_FAILED = 2,
        BULK_NO_ROOM = 4,   /* beside what is pinned */
        BULK_TOO_LARGE = 3, /* `bytes` are more than the whole cache may hold */
    } outcome;
    uint64_t bytes;
};

/* The next fetch that has ended; each is told once. */
bool bulk_next(struct bulk *bulk, struct bulk_answer *answer);

#endif
