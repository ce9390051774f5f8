/* slot_main.c: see slot_main.h. */
#include "worker/shell/slot_main.h"

#include "common/os_clock.h"
#include "proto/codec.h"
#include "proto/slot_folder.h"
#include "worker/evaluators/job_state.h"
#include "worker/shell/slot_evaluators.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    DATAGRAM_BYTES = RESULT_BYTES_MAX + 64,
    ROOM_RETRY_MS = 500, /* between two attempts to write to a full disk */
    ROOM_TRIES = 60,     /* then the job has failed here, and may go to another machine */
    SPARE_MS = 1000,     /* a job with less left is finished, and not handed over */
};

struct slot_context {
    struct slot_main_options options;
    int folder;
    struct codec *codec;
    struct slot_evaluators evaluators;
    struct lease leases[COHORT_MAX]; /* of the jobs that run, */
    uint32_t lease_count;
    const struct slot_evaluator *open; /* by this one; NULL: there is none for them */
    uint64_t started_ms;
    uint32_t finished;    /* results given for them, and states */
    bool stops;           /* they are to stop at their next step */
    struct bytes partial; /* where a job that is alone goes on; empty: at the beginning */
    struct job_progress progress;
    bool has_stored;       /* there is a child of its in the staging folder, */
    struct digest stored;  /* this one */
    struct digest advised; /* spec of which the supervisor knows how many jobs go together */
    struct error *error;   /* why answering failed */
    int failed;
    uint8_t datagram[DATAGRAM_BYTES];
};

/* ---------------------------------------------------------------------------------- the channel */

static int say(struct slot_context *slot, const struct message *message)
{
    size_t count = 0;
    bool fits = codec_append(slot->codec, message, slot->datagram, sizeof slot->datagram, &count);
    assert(fits);
    ssize_t sent;
    do
        sent = send(slot->options.channel, slot->datagram, count, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent == (ssize_t)count)
        return 0;
    return error_set(slot->error, -1, "cannot speak to the supervisor: %s", strerror(errno));
}

/* 1 with the first message of the next datagram and a cursor behind it; 0 at the end or when there
 * is none and `flags` say not to wait; -1. */
static int hear(struct slot_context *slot, int flags, struct codec_cursor *cursor,
                struct message *message)
{
    ssize_t count;
    do
        count = recv(slot->options.channel, slot->datagram, sizeof slot->datagram, flags);
    while (count < 0 && errno == EINTR);
    /* A supervisor that died with words of ours unread resets the channel instead of ending it. */
    if (count == 0 || (count < 0 && (errno == ECONNRESET || errno == EAGAIN)))
        return 0;
    if (count < 0)
        return error_set(slot->error, -1, "cannot hear the supervisor: %s", strerror(errno));
    *cursor = (struct codec_cursor){.bytes = slot->datagram, .size = (size_t)count};
    return codec_next(slot->codec, cursor, message, slot->error) == CODEC_OK ? 1 : -1;
}

/* One more job of the cohort. */
static int take_lease(struct slot_context *slot, const struct message *message)
{
    if (message->kind != MESSAGE_LEASE)
        return error_set(slot->error, -1, "the supervisor sent a %s", message_name(message->kind));
    if (slot->lease_count == COHORT_MAX)
        return error_set(slot->error, -1, "the supervisor sent more than %d jobs at once",
                         COHORT_MAX);
    if (slot->lease_count > 0 && !digest_equal(&message->lease.job.spec, &slot->leases[0].job.spec))
        return error_set(slot->error, -1, "the supervisor sent jobs of several specs at once");
    slot->leases[slot->lease_count++] = message->lease;
    return 0;
}

/* 1 with the jobs of the next datagram, 0 at the end, -1. */
static int hear_leases(struct slot_context *slot)
{
    struct codec_cursor cursor;
    struct message message;
    int heard;
    do /* an order to stop that comes when nothing runs has come too late */
        heard = hear(slot, 0, &cursor, &message);
    while (heard > 0 && message.kind == MESSAGE_DRAIN);
    if (heard <= 0)
        return heard;
    slot->lease_count = 0;
    enum codec_result result;
    do {
        if (take_lease(slot, &message) != 0)
            return -1;
        result = codec_next(slot->codec, &cursor, &message, slot->error);
    } while (result == CODEC_OK);
    return result == CODEC_END ? 1 : -1;
}

/* ------------------------------------------------------------------- the evaluator's environment
 */

static int load(void *context, const struct digest *digest, struct bytes *bytes,
                struct error *error)
{
    const struct slot_context *slot = context;
    char name[SLOT_FOLDER_NAME_BYTES];
    slot_folder_blob(digest, name);
    *bytes = (struct bytes){0};
    struct stat status;
    int fd = openat(slot->folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        error_set(error, -1, "%s: cannot be read: %s", name, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int failed = 0;
    if (status.st_size > 0) {
        void *mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (mapped == MAP_FAILED)
            failed = error_set(error, -1, "%s: cannot be mapped: %s", name, strerror(errno));
        else
            *bytes = (struct bytes){.data = mapped, .count = (size_t)status.st_size};
    }
    close(fd);
    return failed;
}

static void release(void *context, struct bytes *bytes)
{
    (void)context;
    if (bytes->count > 0)
        munmap((void *)(uintptr_t)bytes->data, bytes->count);
    *bytes = (struct bytes){0};
}

static void forget_stored(struct slot_context *slot)
{
    char name[SLOT_FOLDER_NAME_BYTES];
    if (!slot->has_stored)
        return;
    slot_folder_child(slot->options.slot, &slot->stored, name);
    unlinkat(slot->folder, name, 0);
    slot->has_stored = false;
}

static bool is_full(int reason)
{
    return reason == ENOSPC || reason == EDQUOT;
}

static int write_file(int fd, struct bytes bytes)
{
    while (bytes.count > 0) {
        ssize_t written = write(fd, bytes.data, bytes.count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        bytes.data += written;
        bytes.count -= (size_t)written;
    }
    return 0;
}

/* Nobody looks at the file before the result is told, so it is written in its place. */
static int try_store(struct slot_context *slot, struct bytes bytes)
{
    char name[SLOT_FOLDER_NAME_BYTES];
    slot_folder_child(slot->options.slot, &slot->stored, name);
    int fd =
        openat(slot->folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    slot->has_stored = true;
    int failed = write_file(fd, bytes);
    int reason = errno;
    close(fd);
    if (failed)
        forget_stored(slot);
    errno = reason;
    return failed;
}

/*
 * A full disk is no fault of the job, which may have taken hours: its child waits for room.
 * Meanwhile the supervisor, who sees the disk as well, asks for no more work. It waits for half a
 * minute.
 */
static int store(void *context, struct bytes bytes, struct digest *digest, struct error *error)
{
    struct slot_context *slot = context;
    forget_stored(slot);
    *digest = slot->stored = digest_of(bytes.data, bytes.count);
    int failed = try_store(slot, bytes);
    if (failed && is_full(errno))
        fprintf(stderr, "the disk is full: a child of %zu bytes waits for room\n", bytes.count);
    for (int i = 0; failed && is_full(errno) && i < ROOM_TRIES; i++) {
        const struct timespec pause = {.tv_nsec = ROOM_RETRY_MS * 1000000L};
        nanosleep(&pause, NULL);
        failed = try_store(slot, bytes);
    }
    if (failed)
        return error_set(error, -1, "the child of %zu bytes cannot be written: %s", bytes.count,
                         strerror(errno));
    return 0;
}

/* Tells the supervisor, once for each spec, how many of its jobs are best given together. */
static void advise(struct slot_context *slot)
{
    const struct digest *spec = &slot->leases[0].job.spec;
    const struct slot_evaluator *open = slot->open;
    if (open == NULL || open->evaluator->cohort == NULL || digest_equal(spec, &slot->advised))
        return;
    uint32_t best = open->evaluator->cohort(open->state);
    if (best == 0)
        return;
    const struct message message = {
        .kind = MESSAGE_HEARTBEAT,
        .heartbeat = {.capacity = best < COHORT_MAX ? best : COHORT_MAX},
    };
    slot->advised = *spec;
    slot->failed = say(slot, &message);
}

static void finish(void *context, uint32_t index, const struct result *result)
{
    struct slot_context *slot = context;
    assert(index < slot->lease_count && slot->finished < slot->lease_count);
    const struct lease *lease = &slot->leases[index];
    slot->finished++;
    if (slot->has_stored && !digest_equal(&slot->stored, &result->child))
        forget_stored(slot);
    slot->has_stored = false; /* from here on it is the supervisor's */
    advise(slot);
    struct message message = {.kind = MESSAGE_RESULT, .result = *result};
    uint64_t took_ms = clock_monotonic_ms() - slot->started_ms;
    message.result.lease = lease->key;
    message.result.job = job_digest(&lease->job);
    message.result.compute_ms = took_ms < UINT32_MAX ? (uint32_t)took_ms : UINT32_MAX;
    message.result.cohort = slot->lease_count;
    if (!slot->failed)
        slot->failed = say(slot, &message);
}

/* ------------------------------------------------------------------------------------- stopping
 */

/* What is not an order to stop shows again as soon as the job has ended. */
static bool is_stopping(void *context)
{
    struct slot_context *slot = context;
    struct codec_cursor cursor;
    struct message message;
    if (!slot->stops && hear(slot, MSG_DONTWAIT, &cursor, &message) > 0)
        slot->stops = message.kind == MESSAGE_DRAIN;
    return slot->stops;
}

/* The state in its frame as a file of the staging folder, where a child would be. No room is no
 * reason to wait here: the job is finished instead. */
static int store_state(struct slot_context *slot, const struct job_progress *progress,
                       const struct digest *job, size_t *count)
{
    *count = job_state_bytes(progress);
    uint8_t *whole = malloc(*count);
    if (whole == NULL)
        return -1;
    job_state_write(progress, job, whole);
    forget_stored(slot);
    slot->stored = digest_of(whole, *count);
    int failed = try_store(slot, (struct bytes){.data = whole, .count = *count});
    int reason = errno;
    free(whole);
    errno = reason;
    return failed;
}

static int hand_over(void *context, uint32_t index, const struct job_progress *progress,
                     struct error *error)
{
    struct slot_context *slot = context;
    assert(index < slot->lease_count && slot->finished < slot->lease_count);
    const struct lease *lease = &slot->leases[index];
    struct digest job = job_digest(&lease->job);
    size_t count;
    if (store_state(slot, progress, &job, &count) != 0)
        return error_set(error, -1, "its state of %zu bytes cannot be written: %s", count,
                         strerror(errno));
    slot->finished++;
    slot->has_stored = false; /* from here on it is the supervisor's */
    const struct message message = {
        .kind = MESSAGE_HANDOVER,
        .handover = {.lease = lease->key,
                     .job = job,
                     .partial = {slot->stored, count, progress->steps}},
    };
    slot->failed = say(slot, &message);
    return 0;
}

static bool resume(void *context, uint32_t index, struct job_progress *progress)
{
    const struct slot_context *slot = context;
    assert(index < slot->lease_count);
    *progress = slot->progress;
    return slot->partial.count > 0;
}

/* What another worker has done of the job already. What cannot be used is done anew, to the same
 * result; so is a job in company, which nobody gives with a state. */
static void load_partial(struct slot_context *slot)
{
    const struct lease *lease = &slot->leases[0];
    struct error why;
    struct digest job = job_digest(&lease->job);
    slot->partial = (struct bytes){0};
    if (lease->partial.bytes == 0 || slot->lease_count > 1)
        return;
    if (load(slot, &lease->partial.state, &slot->partial, &why) == 0 &&
        job_state_read(slot->partial, &job, &slot->progress, &why) == 0)
        return;
    fprintf(stderr, "starts a job from the beginning instead of step %llu: %s\n",
            (unsigned long long)lease->partial.steps, why.text);
    release(slot, &slot->partial);
}

/* ---------------------------------------------------------------------------------------- jobs */

static void fail_jobs(struct slot_context *slot, const struct error *why)
{
    struct result result = {.outcome = OUTCOME_FAILED, .fitness = (double)NAN};
    snprintf(result.reason, sizeof result.reason, "%.255s", why->text);
    for (uint32_t i = 0; i < slot->lease_count; i++)
        finish(slot, i, &result);
}

/* 0, or -1 when the supervisor cannot be told. */
static int run_jobs(struct slot_context *slot)
{
    const struct evaluator_environment environment = {
        .context = slot,
        .load = load,
        .release = release,
        .store = store,
        .finish = finish,
        .is_stopping = is_stopping,
        .hand_over = hand_over,
        .resume = resume,
        .spare_ms = SPARE_MS,
    };
    struct job jobs[COHORT_MAX];
    struct error why;
    for (uint32_t i = 0; i < slot->lease_count; i++)
        jobs[i] = slot->leases[i].job;
    slot->finished = 0;
    slot->stops = false;
    load_partial(slot);
    slot->started_ms = clock_monotonic_ms();
    slot->open = slot_evaluators_get(&slot->evaluators, &jobs[0].spec, &environment, &why);
    if (slot->open == NULL)
        fail_jobs(slot, &why);
    else
        slot->open->evaluator->run(slot->open->state, &environment, jobs, slot->lease_count);
    assert(slot->finished == slot->lease_count);
    release(slot, &slot->partial);
    return slot->failed;
}

/* ------------------------------------------------------------------------------------- the slot */

/*
 * Signals to the whole group (Ctrl-C, a batch system's SIGTERM) are the supervisor's to answer.
 * When memory is short the kernel is to take a slot, never the supervisor, who can tell what
 * happened.
 */
static void settle_in(void)
{
    const struct rlimit no_core = {0, 0};
    prctl(PR_SET_NAME, "ratchet-slot"); /* what `top` shows; it would be "exe" */
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t written = write(fd, "500", 3);
    (void)written; /* a wish */
    close(fd);
}

static int serve(struct slot_context *slot)
{
    const struct message ready = {.kind = MESSAGE_ALIVE};
    int heard = say(slot, &ready) == 0 ? 1 : -1;
    while (heard > 0) {
        heard = hear_leases(slot);
        if (heard > 0 && run_jobs(slot) != 0)
            heard = -1;
    }
    return heard;
}

int slot_main(const struct slot_main_options *options, struct error *error)
{
    settle_in();
    struct slot_context *slot = calloc(1, sizeof *slot);
    if (slot == NULL)
        return error_set(error, -1, "no memory");
    slot->options = *options;
    slot->error = error;
    slot->codec = codec_create();
    slot->folder = open(options->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = -1;
    if (slot->codec == NULL)
        error_set(error, -1, "no memory");
    else if (slot->folder < 0)
        error_set(error, -1, "%s: cannot be opened: %s", options->folder, strerror(errno));
    else
        result = serve(slot);
    slot_evaluators_close(&slot->evaluators);
    if (slot->folder >= 0)
        close(slot->folder);
    codec_destroy(&slot->codec);
    free(slot);
    return result;
}
