/*
 * bulk_queue.h: requests for bytes that wait to be answered, in fair turns among workers.
 *
 * Who asks for much must not keep others waiting, so each worker has a queue of its own, of at most
 * BULK_QUEUE_EACH requests, and workers are served one request at a time in turn. What is beyond a
 * worker's queue is not kept: an honest one has a window that is smaller, and asks again for what
 * never came. Pure: no socket, no clock, no allocation after the start.
 */
#ifndef RATCHET_COORDINATOR_SHELL_BULK_QUEUE_H
#define RATCHET_COORDINATOR_SHELL_BULK_QUEUE_H

#include "proto/message.h"

enum {
    BULK_QUEUE_EACH = 64,
    BULK_QUEUE_ALL = 8192, /* requests of all workers together */
};

struct bulk_queue;

struct bulk_request {
    struct instance_id by;
    struct pull pull;
};

/* NULL when memory is out. */
struct bulk_queue *bulk_queue_create(void);
void bulk_queue_destroy(struct bulk_queue **queue);

/* False: the worker has too many in the queue already, or all have; it is not taken. */
bool bulk_queue_add(struct bulk_queue *queue, const struct bulk_request *request);
/* The next in turn, which leaves the queue. False: there is none. */
bool bulk_queue_next(struct bulk_queue *queue, struct bulk_request *request);
uint32_t bulk_queue_count(const struct bulk_queue *queue);

#endif
