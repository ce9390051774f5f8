/* slot_spawn.c: see slot_pool_internal.h. */
#include "worker/shell/slot_pool_internal.h"

#include "proto/slot_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    START_MS_MAX = 120000, /* an accelerator's driver may need long */
    PAUSE_MS_MIN = 100,
    PAUSE_MS_MAX = 5000,
    LIFE_MS_MIN = 1000, /* a process that was at work for so long can start and work */
};

struct ends {
    int ours, theirs;
};

static int open_channel(struct ends *ends, struct error *error)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set(error, -1, "cannot open a socket pair: %s", strerror(errno));
    *ends = (struct ends){.ours = pair[0], .theirs = pair[1]};
    return 0;
}

static int open_output(struct ends *ends, struct error *error)
{
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) != 0)
        return error_set(error, -1, "cannot open a pipe: %s", strerror(errno));
    *ends = (struct ends){.ours = pair[0], .theirs = pair[1]};
    if (fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0)
        return 0;
    close(pair[0]);
    close(pair[1]);
    return error_set(error, -1, "cannot open a pipe: %s", strerror(errno));
}

static int watch(const struct slot_pool *pool, int descriptor, uint64_t token, struct error *error)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = token};
    if (epoll_ctl(pool->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0)
        return 0;
    return error_set(error, -1, "cannot watch a slot: %s", strerror(errno));
}

/* `options` has the descriptors; the rest is filled in. */
static int spawn(const struct slot_pool *pool, uint32_t slot, struct process_options options,
                 pid_t *pid, struct error *error)
{
    const struct slot_start start = {
        .folder = cache_folder(pool->options.cache),
        .device = pool->options.device,
        .slot = slot,
        .descriptor = PROCESS_CHANNEL,
    };
    struct slot_arguments arguments;
    slot_arguments_fill(&start, &arguments);
    /* Parallelism lies across slots; a library that starts threads would only get in their way. */
    const char *const environment[] = {"OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", NULL};
    options.program = pool->options.program;
    options.arguments = arguments.items;
    options.environment = environment;
    return process_spawn(&options, pid, error);
}

static int start(struct slot_pool *pool, uint32_t slot, struct error *error)
{
    struct slot_process *process = &pool->slots[slot];
    struct ends channel = {-1, -1}, output = {-1, -1};
    int failed = -1;
    process->pid = 0;
    if (cache_prepare_slot(pool->options.cache, slot, error) == 0 &&
        open_channel(&channel, error) == 0 && open_output(&output, error) == 0 &&
        watch(pool, channel.ours, slot_token(slot, 0), error) == 0 &&
        watch(pool, output.ours, slot_token(slot, 1), error) == 0)
        failed = spawn(pool, slot,
                       (struct process_options){.channel = channel.theirs, .output = output.theirs},
                       &process->pid, error);
    if (channel.theirs >= 0)
        close(channel.theirs);
    if (output.theirs >= 0)
        close(output.theirs);
    process->channel = channel.ours;
    process->output = output.ours;
    return failed;
}

void slot_start(struct slot_pool *pool, uint32_t slot, uint64_t now_ms)
{
    struct slot_process *process = &pool->slots[slot];
    struct error error;
    process->ended = process->killed = false;
    process->lease_count = 0;
    process->started_ms = now_ms;
    process->memory_kills = process_memory_kills();
    slot_output_init(&process->printed);
    if (start(pool, slot, &error) != 0) {
        log_line(pool->options.log, "slot %" PRIu32 " cannot be started: %s", slot, error.text);
        slot_finish(process, now_ms);
        return;
    }
    process->state = SLOT_PROCESS_STARTING;
    process->due_ms = now_ms + START_MS_MAX;
}

void slot_kill(struct slot_process *slot)
{
    if (slot->pid > 0 && !slot->ended)
        kill(slot->pid, SIGKILL);
}

void slot_close_channel(struct slot_process *slot)
{
    if (slot->channel >= 0)
        close(slot->channel);
    slot->channel = -1;
}

/*
 * 0 after our own order; else doubling with every death in a row that nothing good came before: a
 * result, or a second of life. Somebody who kills slots from outside more often than jobs end must
 * not find them all pausing, or nothing would ever be done.
 */
static uint64_t pause_before_start(struct slot_process *slot, uint64_t now_ms)
{
    if (slot->killed)
        return 0;
    bool worked = slot->state == SLOT_PROCESS_IDLE || slot->state == SLOT_PROCESS_BUSY;
    if (worked && now_ms - slot->started_ms >= LIFE_MS_MIN)
        slot->failures = 0;
    uint64_t pause = PAUSE_MS_MIN;
    for (uint32_t i = 0; i < slot->failures && pause < PAUSE_MS_MAX; i++)
        pause *= 2;
    slot->failures++;
    return pause < PAUSE_MS_MAX ? pause : PAUSE_MS_MAX;
}

void slot_finish(struct slot_process *slot, uint64_t now_ms)
{
    slot_close_channel(slot);
    if (slot->output >= 0)
        close(slot->output);
    slot->output = -1;
    slot->pid = 0;
    slot->ended = false;
    slot->due_ms = now_ms + pause_before_start(slot, now_ms);
    slot->state = SLOT_PROCESS_DOWN;
}
