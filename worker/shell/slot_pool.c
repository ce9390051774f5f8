/*
 * slot_pool.c: see slot_pool.h.
 *
 * Events come one at a time, in an order that loses nothing: what a dead slot had said before it
 * died is told before its death, and what it had printed is read before that.
 */
#include "worker/shell/slot_pool_internal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    END_MS_MAX = 1000, /* from the end of a slot's socket to its own end */
    SLOT_LEASE_NONE = WORKER_COHORT_MAX,
    DRAIN_READS_MAX = 32, /* of 4 KiB each */
    ROUNDS_MAX = 2, /* of epoll in one call: a slot that never stops printing must not hold us */
};

/* ----------------------------------------------------------------------------- create, destroy */

struct slot_pool *slot_pool_create(const struct slot_pool_options *options, struct error *error)
{
    assert(options->count > 0 && options->count <= SLOTS_MAX);
    struct slot_pool *pool = calloc(1, sizeof *pool + options->count * sizeof pool->slots[0]);
    if (pool == NULL) {
        error_set(error, -1, "no memory for the slots");
        return NULL;
    }
    pool->options = *options;
    pool->codec = codec_create();
    pool->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; i < options->count; i++)
        pool->slots[i] =
            (struct slot_process){.state = SLOT_PROCESS_DOWN, .channel = -1, .output = -1};
    if (pool->codec != NULL && pool->epoll >= 0)
        return pool;
    error_set(error, -1, "cannot watch slots: %s", strerror(errno));
    slot_pool_destroy(&pool);
    return NULL;
}

void slot_pool_destroy(struct slot_pool **pool)
{
    if (*pool == NULL)
        return;
    uint32_t count = (*pool)->options.count;
    for (uint32_t i = 0; i < count; i++)
        slot_kill(&(*pool)->slots[i]);
    for (uint32_t i = 0; i < count; i++) {
        struct slot_process *slot = &(*pool)->slots[i];
        if (slot->pid > 0 && !slot->ended)
            process_wait(slot->pid);
        slot_finish(slot, 0);
    }
    if ((*pool)->epoll >= 0)
        close((*pool)->epoll);
    codec_destroy(&(*pool)->codec);
    free(*pool);
    *pool = NULL;
}

int slot_pool_descriptor(const struct slot_pool *pool)
{
    return pool->epoll;
}

pid_t slot_pool_process(const struct slot_pool *pool, uint32_t slot)
{
    assert(slot < pool->options.count);
    return pool->slots[slot].pid;
}

/* ------------------------------------------------------------------------------------ in time */

void slot_pool_tick(struct slot_pool *pool, uint64_t now_ms)
{
    for (uint32_t i = 0; i < pool->options.count; i++) {
        struct slot_process *slot = &pool->slots[i];
        if (now_ms < slot->due_ms)
            continue;
        slot->due_ms = UINT64_MAX;
        if (slot->state == SLOT_PROCESS_DOWN)
            slot_start(pool, i, now_ms);
        else
            slot_kill(slot);
    }
}

uint64_t slot_pool_deadline(const struct slot_pool *pool)
{
    if (pool->ended > 0)
        return 0;
    uint64_t deadline = UINT64_MAX;
    for (uint32_t i = 0; i < pool->options.count; i++)
        if (pool->slots[i].due_ms < deadline)
            deadline = pool->slots[i].due_ms;
    return deadline;
}

void slot_pool_reap(struct slot_pool *pool)
{
    for (uint32_t i = 0; i < pool->options.count; i++) {
        struct slot_process *slot = &pool->slots[i];
        if (slot->pid == 0 || slot->ended || !process_poll_end(slot->pid, &slot->end))
            continue;
        slot->ended = true;
        pool->ended++;
    }
}

/* --------------------------------------------------------------------------- what slots print */

/* One read's worth; false when there is nothing more at the moment. */
static bool read_output(struct slot_pool *pool, uint32_t index)
{
    struct slot_process *slot = &pool->slots[index];
    char bytes[4096];
    ssize_t count = slot->output < 0 ? -1 : read(slot->output, bytes, sizeof bytes);
    if (count == 0) {
        close(slot->output);
        slot->output = -1;
    }
    if (count <= 0)
        return false;
    const struct slot_output_piece piece = {.slot = index, .bytes = bytes, .count = (size_t)count};
    slot_output_add(&slot->printed, &piece, pool->options.log);
    return true;
}

/* What is in the pipe of a dead slot: what a pipe holds, and no more if a child of it still writes.
 */
static void drain_output(struct slot_pool *pool, uint32_t index)
{
    for (int reads = 0; reads < DRAIN_READS_MAX && read_output(pool, index); reads++)
        continue;
    slot_output_end(&pool->slots[index].printed, index, pool->options.log);
}

/* ----------------------------------------------------------------------------- what slots say */

/* A slot that does not keep to the protocol is broken; its death tells the rest. */
static void refuse(struct slot_pool *pool, uint32_t index, const char *why)
{
    log_line(pool->options.log, "slot %" PRIu32 " is killed: %s", index, why);
    slot_kill(&pool->slots[index]);
}

/* Accounts for the child before anybody hears of it. One that cannot be kept makes the job a
 * failure. */
static void take_child(struct slot_pool *pool, uint32_t index)
{
    struct result *result = &pool->result;
    if (digest_is_zero(&result->child))
        return;
    const struct cache_child child = {
        .slot = index, .digest = result->child, .bytes = result->child_bytes};
    struct error error;
    if (cache_adopt(pool->options.cache, &child, &error) == CACHE_OK)
        return;
    struct result failed = {.lease = result->lease,
                            .job = result->job,
                            .outcome = OUTCOME_FAILED,
                            .fitness = __builtin_nan(""),
                            .compute_ms = result->compute_ms};
    snprintf(failed.reason, sizeof failed.reason, "%.255s", error.text);
    *result = failed;
}

/* The same of the state of a job. One that cannot be kept is as good as none: the job is done anew.
 */
static void take_state(struct slot_pool *pool, uint32_t index, struct handover *handover)
{
    const struct cache_child state = {
        .slot = index, .digest = handover->partial.state, .bytes = handover->partial.bytes};
    struct error error;
    if (cache_adopt(pool->options.cache, &state, &error) == CACHE_OK)
        return;
    log_line(pool->options.log, "slot %" PRIu32 ": its job's state is lost: %s", index, error.text);
    handover->partial = (struct partial){.steps = 0};
}

/* Of which of its leases it has not answered for; SLOT_LEASE_NONE: of none. */
static uint32_t lease_index(const struct slot_process *slot, struct lease_key key)
{
    for (uint32_t i = 0; i < slot->lease_count; i++)
        if (lease_key_equal(slot->leases[i], key))
            return i;
    return SLOT_LEASE_NONE;
}

/* Its lease to which the message is an answer, or SLOT_LEASE_NONE. */
static uint32_t answered_lease(const struct slot_process *slot, const struct message *message)
{
    if (slot->state != SLOT_PROCESS_BUSY)
        return SLOT_LEASE_NONE;
    if (message->kind == MESSAGE_HANDOVER && slot->asked_to_stop)
        return lease_index(slot, message->handover.lease);
    if (message->kind == MESSAGE_RESULT)
        return lease_index(slot, message->result.lease);
    return SLOT_LEASE_NONE;
}

/* The result or the state is the cache's before anybody hears of it. */
static void take_answer(struct slot_pool *pool, uint32_t index, struct message *message,
                        struct slot_event *event)
{
    struct slot_process *slot = &pool->slots[index];
    slot->leases[answered_lease(slot, message)] = slot->leases[slot->lease_count - 1];
    if (--slot->lease_count == 0)
        slot->state = SLOT_PROCESS_IDLE;
    slot->failures = 0;
    if (message->kind == MESSAGE_HANDOVER) {
        take_state(pool, index, &message->handover);
        *event = (struct slot_event){
            .kind = SLOT_EVENT_HANDED_OVER, .slot = index, .handover = message->handover};
        return;
    }
    pool->result = message->result;
    take_child(pool, index);
    *event =
        (struct slot_event){.kind = SLOT_EVENT_FINISHED, .slot = index, .result = &pool->result};
}

/* One datagram of a slot into an event; false when there is nothing to tell. */
static bool understand(struct slot_pool *pool, uint32_t index, size_t count,
                       struct slot_event *event)
{
    struct slot_process *slot = &pool->slots[index];
    struct codec_cursor cursor = {.bytes = pool->datagram, .size = count};
    struct message message;
    struct error error;
    if (codec_next(pool->codec, &cursor, &message, &error) != CODEC_OK) {
        refuse(pool, index, error.text);
        return false;
    }
    if (message.kind == MESSAGE_ALIVE && slot->state == SLOT_PROCESS_STARTING) {
        slot->state = SLOT_PROCESS_IDLE;
        slot->due_ms = UINT64_MAX;
        *event = (struct slot_event){.kind = SLOT_EVENT_READY, .slot = index};
        return true;
    }
    if (message.kind == MESSAGE_HEARTBEAT && slot->state == SLOT_PROCESS_BUSY) {
        *event = (struct slot_event){
            .kind = SLOT_EVENT_COHORT, .slot = index, .cohort = message.heartbeat.capacity};
        return true;
    }
    if (answered_lease(slot, &message) == SLOT_LEASE_NONE) {
        refuse(pool, index, "it said what it was not asked");
        return false;
    }
    take_answer(pool, index, &message, event);
    return true;
}

static bool read_channel(struct slot_pool *pool, uint32_t index, uint64_t now_ms,
                         struct slot_event *event)
{
    struct slot_process *slot = &pool->slots[index];
    if (slot->channel < 0)
        return false;
    ssize_t count =
        recv(slot->channel, pool->datagram, sizeof pool->datagram, MSG_DONTWAIT | MSG_TRUNC);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (count <= 0) {
        /* It closed its end, or died: SIGCHLD is on its way, or the slot is beyond reason. */
        slot_close_channel(slot);
        slot->due_ms = now_ms + END_MS_MAX;
        return false;
    }
    if (slot->killed)
        return false;
    if ((size_t)count <= sizeof pool->datagram)
        return understand(pool, index, (size_t)count, event);
    refuse(pool, index, "it said too much at once");
    return false;
}

/* ----------------------------------------------------------------------------- how slots die */

/*
 * SIGKILL with a kernel's count of such kills that has risen since the slot's start, and not been
 * put down to another slot already, is taken for a lack of memory.
 */
static bool died_of_memory(struct slot_pool *pool, const struct slot_process *slot)
{
    if (slot->killed || slot->end.signal != SIGKILL)
        return false;
    uint64_t explained = slot->memory_kills > pool->memory_kills_explained
                             ? slot->memory_kills
                             : pool->memory_kills_explained;
    if (process_memory_kills() <= explained)
        return false;
    pool->memory_kills_explained = explained + 1;
    return true;
}

static void log_death(struct slot_pool *pool, const struct slot_event *event)
{
    struct log *log = pool->options.log;
    const struct slot_process *slot = &pool->slots[event->slot];
    if (slot->killed)
        return;
    const char *name = sigdescr_np(event->died.signal);
    if (event->died.signal != 0)
        log_line(log, "slot %" PRIu32 " died: signal %" PRId32 " (%s)%s", event->slot,
                 event->died.signal, name != NULL ? name : "unknown",
                 event->died.out_of_memory ? ", out of memory" : "");
    else
        log_line(log, "slot %" PRIu32 " died: exit code %" PRId32, event->slot,
                 event->died.exit_code);
}

static void tell_death(struct slot_pool *pool, uint32_t index, uint64_t now_ms,
                       struct slot_event *event)
{
    struct slot_process *slot = &pool->slots[index];
    drain_output(pool, index);
    *event = (struct slot_event){
        .kind = SLOT_EVENT_DIED,
        .slot = index,
        .died = {.exit_code = slot->end.exit_code,
                 .signal = slot->end.signal,
                 .out_of_memory = died_of_memory(pool, slot),
                 .log_tail = slot->printed.tail},
    };
    log_death(pool, event);
    pool->ended--;
    slot_finish(slot, now_ms);
}

/* The next event of slots that have ended: first what they had said, then their death. */
static bool next_of_ended(struct slot_pool *pool, uint64_t now_ms, struct slot_event *event)
{
    for (uint32_t i = 0; i < pool->options.count; i++) {
        if (!pool->slots[i].ended)
            continue;
        if (!read_channel(pool, i, now_ms, event))
            tell_death(pool, i, now_ms, event);
        return true;
    }
    return false;
}

/* Asks which descriptors have something; false when none has. */
static bool look(struct slot_pool *pool)
{
    int count = epoll_wait(pool->epoll, pool->ready, SLOT_EPOLL_EVENTS, 0);
    pool->ready_next = 0;
    pool->ready_count = count > 0 ? count : 0;
    return count > 0;
}

bool slot_pool_next(struct slot_pool *pool, uint64_t now_ms, struct slot_event *event)
{
    if (pool->ended > 0)
        return next_of_ended(pool, now_ms, event);
    for (int rounds = 0;;) {
        if (pool->ready_next == pool->ready_count && (rounds++ == ROUNDS_MAX || !look(pool)))
            return false;
        uint64_t token = pool->ready[pool->ready_next++].data.u64;
        if (token % 2 != 0)
            read_output(pool, (uint32_t)(token / 2));
        else if (read_channel(pool, (uint32_t)(token / 2), now_ms, event))
            return true;
    }
}

/* --------------------------------------------------------------------------------------- orders */

/* What a slot is to hear with the next tell(). */
static void gather(struct slot_pool *pool, const struct message *message)
{
    bool fits =
        codec_append(pool->codec, message, pool->orders, sizeof pool->orders, &pool->orders_count);
    assert(fits);
}

/* All in one datagram. A slot that cannot hear is killed. */
static void tell(struct slot_pool *pool, struct slot_process *slot)
{
    size_t count = pool->orders_count;
    pool->orders_count = 0;
    if (slot->channel < 0 ||
        send(slot->channel, pool->orders, count, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)count)
        slot_kill(slot);
}

void slot_pool_gather(struct slot_pool *pool, uint32_t index, const struct lease *lease)
{
    assert(index < pool->options.count);
    struct slot_process *slot = &pool->slots[index];
    assert(slot->state == SLOT_PROCESS_IDLE && slot->lease_count < WORKER_COHORT_MAX);
    const struct message message = {.kind = MESSAGE_LEASE, .lease = *lease};
    slot->leases[slot->lease_count++] = lease->key;
    gather(pool, &message);
}

void slot_pool_run(struct slot_pool *pool, uint32_t index, const struct lease *lease)
{
    slot_pool_gather(pool, index, lease);
    struct slot_process *slot = &pool->slots[index];
    slot->state = SLOT_PROCESS_BUSY;
    slot->asked_to_stop = false;
    tell(pool, slot);
}

void slot_pool_stop(struct slot_pool *pool, uint32_t index)
{
    assert(index < pool->options.count);
    struct slot_process *slot = &pool->slots[index];
    if (slot->state != SLOT_PROCESS_BUSY || slot->killed)
        return; /* it has answered, or died: that is on its way */
    const struct message message = {.kind = MESSAGE_DRAIN};
    slot->asked_to_stop = true;
    gather(pool, &message);
    tell(pool, slot);
}

void slot_pool_kill(struct slot_pool *pool, uint32_t index)
{
    assert(index < pool->options.count);
    struct slot_process *slot = &pool->slots[index];
    slot->killed = true;
    slot_kill(slot);
}
