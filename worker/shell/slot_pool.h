/*
 * slot_pool.h: the supervisor's side of its slots: one child process each.
 *
 * A slot is this very program, executed anew (so that no library starts with a half-copied state),
 * that takes a lease at a time, or a cohort of them, over a socket pair and answers with the
 * results. The pool starts
 * slots, starts them again when they die (at once when killed on our order, else with growing
 * pauses), passes on what they print, and says what happened as events. The children that they
 * write are in the cache and pinned before their result is told.
 *
 * Slots do not outlive the supervisor: the kernel kills them when it ends in whatever way, and an
 * end of their socket says the same.
 *
 * Signals: the caller blocks SIGCHLD and calls slot_pool_reap() when one came. Main thread only.
 */
#ifndef RATCHET_WORKER_SHELL_SLOT_POOL_H
#define RATCHET_WORKER_SHELL_SLOT_POOL_H

#include "proto/message.h"
#include "worker/shell/cache.h"
#include "worker/shell/log.h"

#include <sys/types.h>

struct slot_pool;

struct slot_pool_options {
    const char *program; /* PROCESS_OWN_PROGRAM, but for tests */
    struct cache *cache; /* borrowed */
    struct log *log;     /* borrowed */
    const char *device;  /* for the slots' --device; NULL: they choose */
    uint32_t count;
};

/* Starts nothing yet: the first tick does. NULL with the reason. */
struct slot_pool *slot_pool_create(const struct slot_pool_options *options, struct error *error);
/* Kills and reaps them. */
void slot_pool_destroy(struct slot_pool **pool);

/* Readable when slot_pool_next() may have something to say. */
int slot_pool_descriptor(const struct slot_pool *pool);
/* Starts what is down and due, kills what has taken too long to start. */
void slot_pool_tick(struct slot_pool *pool, uint64_t now_ms);
/* When to tick again; UINT64_MAX: no need. */
uint64_t slot_pool_deadline(const struct slot_pool *pool);
/* Takes note of children that have ended; slot_pool_next() tells. */
void slot_pool_reap(struct slot_pool *pool);

enum slot_event_kind {
    SLOT_EVENT_READY = 1,
    SLOT_EVENT_COHORT, /* of the spec that it works on, so many jobs are best given together */
    SLOT_EVENT_FINISHED,
    SLOT_EVENT_HANDED_OVER, /* instead, after slot_pool_stop() */
    SLOT_EVENT_DIED,        /* also after slot_pool_kill(); READY follows when there is a new one */
};

struct slot_event {
    enum slot_event_kind kind;
    uint32_t slot;
    union {
        uint32_t cohort;
        const struct result *result; /* until the next call of slot_pool_next() */
        struct handover handover;    /* its state is in the cache and pinned once; of 0 bytes when
                                        it could not be kept */
        struct {
            int32_t exit_code, signal;
            bool out_of_memory;
            const char *log_tail; /* until the next call of slot_pool_tick() */
        } died;
    };
};

/* The next thing that happened, without waiting; false when there is none. */
bool slot_pool_next(struct slot_pool *pool, uint64_t now_ms, struct slot_event *event);

/* Hands a job to a slot that is ready and has none. A slot that cannot take it is killed. */
void slot_pool_run(struct slot_pool *pool, uint32_t slot, const struct lease *lease);
/* Before that, up to WORKER_COHORT_MAX - 1 times, for that slot: jobs that go together with it. */
void slot_pool_gather(struct slot_pool *pool, uint32_t slot, const struct lease *lease);
/* Asks it to stop its jobs at the next step; it may finish them as well. */
void slot_pool_stop(struct slot_pool *pool, uint32_t slot);
/* Its jobs are not wanted any more: what it still says is not told, and a new process takes its
 * place. */
void slot_pool_kill(struct slot_pool *pool, uint32_t slot);

/* The slot's process, for tests; 0 when there is none. */
pid_t slot_pool_process(const struct slot_pool *pool, uint32_t slot);

#endif
