/*
 * slot_pool_internal.h: what the files of the slot pool share, and nobody else includes.
 *
 *   slot_pool.c   events: what slots say, print and die of
 *   slot_spawn.c  processes: start, kill, pauses between starts
 */
#ifndef RATCHET_WORKER_SHELL_SLOT_POOL_INTERNAL_H
#define RATCHET_WORKER_SHELL_SLOT_POOL_INTERNAL_H

#include "common/os_process.h"
#include "proto/codec.h"
#include "worker/core/worker_core.h"
#include "worker/shell/slot_output.h"
#include "worker/shell/slot_pool.h"

#include <sys/epoll.h>

enum {
    SLOT_EPOLL_EVENTS = 64,                      /* taken at once */
    SLOT_DATAGRAM_BYTES = RESULT_BYTES_MAX + 64, /* the largest envelope of a slot */
    SLOT_ORDER_BYTES = 1024, /* of ours: a slot takes a cohort of them in such a datagram as well */
};

enum slot_process_state {
    SLOT_PROCESS_DOWN = 1, /* no process; one is started at `due_ms` */
    SLOT_PROCESS_STARTING, /* killed if it is not ready by `due_ms` */
    SLOT_PROCESS_IDLE,
    SLOT_PROCESS_BUSY,
};

struct slot_process {
    enum slot_process_state state;
    pid_t pid;           /* 0 when DOWN */
    int channel, output; /* -1 when closed */
    bool ended;          /* reaped, but not yet told */
    bool killed;         /* on our order */
    struct process_end end;
    uint64_t due_ms; /* UINT64_MAX: nothing is due */
    uint64_t started_ms;
    uint32_t failures;     /* deaths since a result, an order or a second of life */
    uint64_t memory_kills; /* the kernel's count when it was started */
    struct lease_key leases[WORKER_COHORT_MAX]; /* when BUSY: those without an answer */
    uint32_t lease_count;
    bool asked_to_stop; /* likewise */
    struct slot_output printed;
};

struct slot_pool {
    struct slot_pool_options options;
    struct codec *codec;
    int epoll;
    uint32_t ended; /* slots whose end is not yet told */
    uint64_t memory_kills_explained;
    struct epoll_event ready[SLOT_EPOLL_EVENTS];
    int ready_count, ready_next;
    struct result result; /* the one last told */
    uint8_t datagram[SLOT_DATAGRAM_BYTES];
    uint8_t orders[WORKER_COHORT_MAX * SLOT_ORDER_BYTES]; /* gathered for a slot */
    size_t orders_count;
    struct slot_process slots[];
};

/* What an epoll event is about. */
static inline uint64_t slot_token(uint32_t slot, uint32_t is_output)
{
    return (uint64_t)slot * 2 + is_output;
}

/* Starts the process of a slot that is DOWN; when that fails, a later tick tries again. */
void slot_start(struct slot_pool *pool, uint32_t slot, uint64_t now_ms);
/* Sends SIGKILL if it has not ended yet. */
void slot_kill(struct slot_process *slot);
/* The process is gone: closes what belonged to it and sets the time of the next start. */
void slot_finish(struct slot_process *slot, uint64_t now_ms);
void slot_close_channel(struct slot_process *slot);

#endif
