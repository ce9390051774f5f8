/*
 * replay_slot.c: see replay_slot.h.
 *
 * One thread waits for three things at once: the slot's word, what it prints, and a signal that
 * ends us. What it prints is read all the time, so that a slot which talks is not held up, and kept
 * only as far as it may explain a death.
 */
#include "coordinator/replay/replay_slot.h"

#include "common/os_clock.h"
#include "common/os_process.h"
#include "common/os_signal.h"
#include "common/param.h"
#include "proto/codec.h"
#include "proto/slot_folder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    DATAGRAM_BYTES = RESULT_BYTES_MAX + 64,
    LEASE_BYTES = 4096,
    TAIL_BYTES = 2048,
    LAST_WORDS_MS = 1000, /* from the end of the socket to the end of the process */
    EXIT_NO_EXEC = 127,
};

struct replay_slot {
    struct codec *codec;
    pid_t pid; /* 0: none */
    int channel, output, signals;
    bool ready; /* it has said ALIVE */
    uint64_t memory_kills;
    size_t tail_bytes;
    char tail[TAIL_BYTES + 1]; /* the end of what it printed */
    uint8_t datagram[DATAGRAM_BYTES];
};

/* ------------------------------------------------------------------------------ start and end */

/* The slot's ends of what lies between us. */
struct slot_ends {
    int channel, output;
};

static int spawn(struct replay_slot *slot, const struct replay_slot_options *options,
                 struct slot_ends ends, struct error *error)
{
    const struct slot_start start = {
        .folder = options->folder,
        .device = options->device,
        .slot = 0,
        .descriptor = PROCESS_CHANNEL,
    };
    struct slot_arguments arguments;
    slot_arguments_fill(&start, &arguments);
    /* As the supervisor starts its slots: one thread each. */
    const char *const environment[] = {"OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", NULL};
    const struct process_options process = {
        .program = options->program,
        .arguments = arguments.items,
        .environment = environment,
        .channel = ends.channel,
        .output = ends.output,
        .own_group = true,
    };
    slot->memory_kills = process_memory_kills();
    return process_spawn(&process, &slot->pid, error);
}

static int start(struct replay_slot *slot, const struct replay_slot_options *options,
                 struct error *error)
{
    int channel[2] = {-1, -1}, output[2] = {-1, -1};
    int rc = -1;
    const sigset_t stops = signal_stops();
    slot->signals = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
    if (slot->signals < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) != 0 ||
        pipe2(output, O_CLOEXEC) != 0 || fcntl(output[0], F_SETFL, O_NONBLOCK) != 0)
        error_set(error, -1, "the slot process cannot be connected: %s", strerror(errno));
    else
        rc = spawn(slot, options, (struct slot_ends){channel[1], output[1]}, error);
    slot->channel = channel[0];
    slot->output = output[0];
    if (channel[1] >= 0)
        close(channel[1]);
    if (output[1] >= 0)
        close(output[1]);
    return rc;
}

struct replay_slot *replay_slot_start(const struct replay_slot_options *options,
                                      struct error *error)
{
    struct replay_slot *slot = calloc(1, sizeof *slot);
    if (slot == NULL) {
        error_set(error, -1, "no memory for a slot process");
        return NULL;
    }
    slot->channel = slot->output = slot->signals = -1;
    slot->codec = codec_create();
    if (slot->codec == NULL)
        error_set(error, -1, "no memory for a slot process");
    if (slot->codec == NULL || start(slot, options, error) != 0)
        replay_slot_end(&slot);
    return slot;
}

static void close_one(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}

void replay_slot_end(struct replay_slot **slot)
{
    struct replay_slot *dead = *slot;
    *slot = NULL;
    if (dead == NULL)
        return;
    if (dead->pid > 0) {
        kill(dead->pid, SIGKILL);
        (void)process_wait(dead->pid);
    }
    close_one(dead->channel);
    close_one(dead->output);
    close_one(dead->signals);
    codec_destroy(&dead->codec);
    free(dead);
}

/* ----------------------------------------------------------------------------- what it prints */

static void keep_tail(struct replay_slot *slot, const char *bytes, size_t count)
{
    assert(count <= TAIL_BYTES);
    size_t kept = slot->tail_bytes < TAIL_BYTES - count ? slot->tail_bytes : TAIL_BYTES - count;
    memmove(slot->tail, slot->tail + slot->tail_bytes - kept, kept);
    for (size_t i = 0; i < count; i++)
        slot->tail[kept + i] = bytes[i];
    slot->tail_bytes = kept + count;
}

/* One read's worth; closes at the end. */
static void read_output(struct replay_slot *slot)
{
    char bytes[TAIL_BYTES];
    ssize_t count = read(slot->output, bytes, sizeof bytes);
    if (count > 0) {
        keep_tail(slot, bytes, (size_t)count);
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(slot->output);
        slot->output = -1;
    }
}

/* Its last line, fit to be quoted; "" when it printed nothing. */
static void last_line(struct replay_slot *slot, char *line, size_t size)
{
    while (slot->tail_bytes > 0 && strchr("\r\n ", slot->tail[slot->tail_bytes - 1]) != NULL)
        slot->tail_bytes--;
    slot->tail[slot->tail_bytes] = '\0';
    const char *begin = slot->tail + slot->tail_bytes;
    while (begin > slot->tail && begin[-1] != '\n')
        begin--;
    param_quote(begin, line, size);
}

/* ------------------------------------------------------------------------------- how it dies */

/* Its end, with all that it printed. One that closed its socket and lives on is killed. */
static struct process_end bury(struct replay_slot *slot)
{
    struct process_end end;
    uint64_t until_ms = clock_monotonic_ms() + LAST_WORDS_MS;
    uint64_t now_ms = 0;
    while (slot->output >= 0 && (now_ms = clock_monotonic_ms()) < until_ms) {
        struct pollfd wanted = {.fd = slot->output, .events = POLLIN};
        if (poll(&wanted, 1, (int)(until_ms - now_ms)) > 0)
            read_output(slot);
    }
    if (slot->output >= 0)
        kill(slot->pid, SIGKILL);
    end = process_wait(slot->pid);
    slot->pid = 0;
    return end;
}

static enum replay_slot_result tell_death(struct replay_slot *slot, struct error *error)
{
    struct process_end end = bury(slot);
    char line[240], how[120];
    last_line(slot, line, sizeof line);
    const char *name = end.signal != 0 ? sigdescr_np(end.signal) : NULL;
    bool memory = end.signal == SIGKILL && process_memory_kills() > slot->memory_kills;
    if (end.signal != 0)
        snprintf(how, sizeof how, "signal %d (%s)%s", end.signal, name != NULL ? name : "unknown",
                 memory ? ", out of memory" : "");
    else if (end.exit_code == EXIT_NO_EXEC && !slot->ready)
        snprintf(how, sizeof how, "exit code %d: it cannot be started", end.exit_code);
    else
        snprintf(how, sizeof how, "exit code %d", end.exit_code);
    return (enum replay_slot_result)error_set(
        error, REPLAY_SLOT_FAILED, "the slot process of ratchet-worker ended with %s%s%s", how,
        line[0] != '\0' ? "; its last line was: " : "", line);
}

/* ------------------------------------------------------------------------------- conversation */

static enum replay_slot_result fail(struct error *error, const char *what)
{
    return (enum replay_slot_result)error_set(
        error, REPLAY_SLOT_FAILED, "the slot process of ratchet-worker makes no sense: %s", what);
}

/* One datagram that is there, or the end. */
static enum replay_slot_result hear(struct replay_slot *slot, struct message *message,
                                    struct error *error)
{
    ssize_t count = recv(slot->channel, slot->datagram, sizeof slot->datagram, MSG_TRUNC);
    if (count <= 0) /* at the end, and when it died with words of ours unread */
        return tell_death(slot, error);
    if ((size_t)count > sizeof slot->datagram)
        return fail(error, "it said too much at once");
    struct codec_cursor cursor = {.bytes = slot->datagram, .size = (size_t)count};
    struct error why;
    if (codec_next(slot->codec, &cursor, message, &why) != CODEC_OK)
        return fail(error, why.text);
    return REPLAY_SLOT_ANSWERED;
}

/* Its next message. */
static enum replay_slot_result await(struct replay_slot *slot, struct message *message,
                                     struct error *error)
{
    for (;;) {
        struct pollfd wanted[] = {
            {.fd = slot->channel, .events = POLLIN},
            {.fd = slot->output, .events = POLLIN},
            {.fd = slot->signals, .events = POLLIN},
        };
        if (poll(wanted, sizeof wanted / sizeof *wanted, -1) < 0 && errno != EINTR)
            return fail(error, strerror(errno));
        if (wanted[2].revents != 0) {
            error_set(error, -1, "stopped by a signal");
            return REPLAY_SLOT_STOPPED;
        }
        if (wanted[1].revents != 0)
            read_output(slot);
        if (wanted[0].revents != 0)
            return hear(slot, message, error);
    }
}

static enum replay_slot_result await_ready(struct replay_slot *slot, struct error *error)
{
    struct message message;
    if (slot->ready)
        return REPLAY_SLOT_ANSWERED;
    enum replay_slot_result result = await(slot, &message, error);
    if (result == REPLAY_SLOT_ANSWERED && message.kind != MESSAGE_ALIVE)
        return fail(error, "it did not say first that it is ready");
    slot->ready = result == REPLAY_SLOT_ANSWERED;
    return result;
}

/* A slot that cannot be written to is dead, or dying: then it says no more. */
static void send_lease(struct replay_slot *slot, const struct lease *lease)
{
    const struct message message = {.kind = MESSAGE_LEASE, .lease = *lease};
    uint8_t bytes[LEASE_BYTES];
    size_t count = 0;
    bool fits = codec_append(slot->codec, &message, bytes, sizeof bytes, &count);
    assert(fits);
    if (send(slot->channel, bytes, count, MSG_NOSIGNAL) != (ssize_t)count)
        kill(slot->pid, SIGKILL);
}

enum replay_slot_result replay_slot_run(struct replay_slot *slot, const struct job *job,
                                        struct result *result, struct error *error)
{
    const struct lease lease = {
        .key = {.job = job->key, .epoch = 1, .attempt = 1},
        .reason = LEASE_FIRST,
        .job = *job,
    };
    struct message message;
    enum replay_slot_result heard = await_ready(slot, error);
    if (heard != REPLAY_SLOT_ANSWERED)
        return heard;
    send_lease(slot, &lease);
    do /* what it says of jobs together is for those who have several */
        heard = await(slot, &message, error);
    while (heard == REPLAY_SLOT_ANSWERED && message.kind == MESSAGE_HEARTBEAT);
    if (heard != REPLAY_SLOT_ANSWERED)
        return heard;
    struct digest description = job_digest(job);
    if (message.kind != MESSAGE_RESULT || !lease_key_equal(message.result.lease, lease.key) ||
        !digest_equal(&message.result.job, &description))
        return fail(error, "it answered what it was not asked");
    *result = message.result;
    return REPLAY_SLOT_ANSWERED;
}
