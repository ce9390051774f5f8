/*
 * dispatch_worker.h: a worker of bench-dispatch: real on the wire, and without slots.
 *
 * The production core and codec of a worker, and in place of slot processes and a cache an answer
 * that is there at once: every blob is "in the cache", every job is finished when it is run. It has
 * no sockets: bytes come in and go out through whoever calls it, for hundreds of workers on one
 * thread. What it leaves out of a real worker is only what costs the worker.
 */
#ifndef RATCHET_TESTS_BENCH_DISPATCH_WORKER_H
#define RATCHET_TESTS_BENCH_DISPATCH_WORKER_H

#include "common/error.h"
#include "proto/codec.h"

struct null_worker;

enum { WIRE_CONTROL = 0, WIRE_BULK = 1, WIRE_COUNT = 2 };

/* The children that jobs are said to have: job N has number N of these, each so many bytes long. */
struct null_children {
    uint32_t count;
    uint64_t bytes;
    const struct digest *digests;
    /* Bytes `offset` to `offset + length` of child `number`; hold until the next call. */
    const uint8_t *(*read)(void *context, uint32_t number, uint64_t offset, uint32_t length);
    void *context;
};

struct null_worker_options {
    uint32_t number; /* tells it from the others: its name and its instance */
    uint32_t slots;  /* jobs that it runs at a time; as many more wait in it */
    /* Sends one datagram; false: the queue is full, and it is lost. */
    bool (*send)(void *context, uint32_t worker, int wire, const void *bytes, size_t count);
    void *context;
    const struct null_children *children; /* borrowed; NULL: a few bytes, the same for all jobs */
};

/* NULL with the reason. `codec` is borrowed and may serve many workers of one thread. */
struct null_worker *null_worker_create(const struct null_worker_options *options,
                                       struct codec *codec, struct error *error);
void null_worker_destroy(struct null_worker **worker);
/* The identity of its sockets. */
const struct instance_id *null_worker_instance(const struct null_worker *worker);

/* A datagram came in on that wire. */
void null_worker_receive(struct null_worker *worker, int wire, const uint8_t *bytes, size_t count,
                         uint64_t now_ms);
/* Whatever is due by now; then everything that is to be said leaves. */
void null_worker_turn(struct null_worker *worker, uint64_t now_ms);
uint64_t null_worker_deadline(const struct null_worker *worker);

/* Jobs answered so far. */
uint64_t null_worker_done(const struct null_worker *worker);
/* Results that it heard to be decided. */
uint64_t null_worker_released(const struct null_worker *worker);
/* It has heard that the run is over, or was not let in. */
bool null_worker_is_gone(const struct null_worker *worker);
/* Why it left. */
const char *null_worker_reason(const struct null_worker *worker);

#endif
