/*
 * supervisor.c: see supervisor.h.
 *
 * A turn of the loop: wait; signals; slots; a bounded number of datagrams; what time has brought;
 * flush. All that a turn has to say leaves in one datagram. Work that a bound has cut short is seen
 * again at once, because sockets and descriptors stay readable.
 */
#include "worker/shell/supervisor_internal.h"

#include "common/os_clock.h"
#include "proto/codec.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    CONTROL_DATAGRAMS_MAX = 64, /* in one turn */
    BULK_DATAGRAMS_MAX = 16,
    SLOT_EVENTS_MAX = 256,
    WAIT_MS_MAX = 1000, /* the cache is measured that often */
    AWAY_MS = 5000,     /* not heard for this long: the coordinator is thought to be away */
    MALFORMED_LOG_MS = 10000,
};

/* -------------------------------------------------------------------------------- start and end */

static int open_signals(struct supervisor *supervisor, struct error *error)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGUSR1);
    sigaddset(&mask, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    if (sigprocmask(SIG_BLOCK, &mask, NULL) == 0)
        supervisor->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (supervisor->signals >= 0)
        return 0;
    return error_set(error, -1, "cannot receive signals: %s", strerror(errno));
}

static int open_parts(struct supervisor *supervisor, struct error *error)
{
    const struct supervisor_options *options = &supervisor->options;
    const struct connection_options connection = {
        .control = options->control,
        .bulk = options->bulk,
        .instance = options->config.instance,
        .key = options->key,
    };
    const struct slot_pool_options pool = {
        .program = options->program,
        .cache = options->cache,
        .log = options->log,
        .device = options->device,
        .count = options->config.slots,
    };
    supervisor->effects = malloc(sizeof *supervisor->effects);
    supervisor->codec = codec_create();
    if (supervisor->effects == NULL || supervisor->codec == NULL)
        return error_set(error, -1, "no memory");
    /* Signals first: the threads of the sockets inherit what is blocked. */
    if (open_signals(supervisor, error) != 0)
        return -1;
    supervisor->core = worker_core_create(&options->config, error);
    if (supervisor->core == NULL)
        return -1;
    supervisor->spool = spool_open(cache_folder(options->cache), options->log, error);
    if (supervisor->spool == NULL)
        return -1;
    supervisor->pool = slot_pool_create(&pool, error);
    if (supervisor->pool == NULL)
        return -1;
    supervisor->connection = connection_open(&connection, error);
    if (supervisor->connection == NULL)
        return -1;
    const struct bulk_options bulk = {
        .cache = options->cache,
        .connection = supervisor->connection,
        .log = options->log,
    };
    supervisor->bulk = bulk_create(&bulk);
    return supervisor->bulk != NULL ? 0 : error_set(error, -1, "no memory");
}

static void close_parts(struct supervisor *supervisor)
{
    bulk_destroy(&supervisor->bulk);
    slot_pool_destroy(&supervisor->pool);
    connection_close(&supervisor->connection);
    spool_close(&supervisor->spool);
    worker_core_destroy(&supervisor->core);
    codec_destroy(&supervisor->codec);
    free(supervisor->effects);
    if (supervisor->signals >= 0)
        close(supervisor->signals);
}

/* --------------------------------------------------------------------------------------- signals
 */

static void take_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo signal;
    while (read(supervisor->signals, &signal, sizeof signal) == (ssize_t)sizeof signal) {
        if (signal.ssi_signo == SIGCHLD) {
            slot_pool_reap(supervisor->pool);
            continue;
        }
        struct worker_event event = {.kind = signal.ssi_signo == SIGUSR1 ? WORKER_FINISH_REQUESTED
                                                                         : WORKER_LEAVE_REQUESTED};
        supervisor_step(supervisor, &event);
    }
}

/* ----------------------------------------------------------------------------------------- slots
 */

static void take_slot_event(struct supervisor *supervisor, const struct slot_event *told)
{
    struct worker_event event;
    switch (told->kind) {
    case SLOT_EVENT_READY:
        event = (struct worker_event){.kind = WORKER_SLOT_READY, .slot = told->slot};
        break;
    case SLOT_EVENT_COHORT:
        event = (struct worker_event){
            .kind = WORKER_SLOT_COHORT,
            .cohort = {.slot = told->slot, .size = told->cohort},
        };
        break;
    case SLOT_EVENT_FINISHED:
        /* Three failures are poison: one for want of a cache must not count against the job. */
        if (told->result->outcome == OUTCOME_FAILED && !supervisor_has_cache(supervisor))
            return;
        event = (struct worker_event){
            .kind = WORKER_SLOT_FINISHED,
            .finished = {.slot = told->slot, .result = told->result},
        };
        break;
    case SLOT_EVENT_HANDED_OVER:
        watch_handover(&supervisor->watch, &told->handover);
        event = (struct worker_event){
            .kind = WORKER_SLOT_HANDED_OVER,
            .handed_over = {.slot = told->slot, .handover = &told->handover},
        };
        break;
    case SLOT_EVENT_DIED:
        event = (struct worker_event){
            .kind = WORKER_SLOT_DIED,
            .died = {.slot = told->slot,
                     .exit_code = told->died.exit_code,
                     .signal = told->died.signal,
                     .out_of_memory = told->died.out_of_memory,
                     .log_tail = told->died.log_tail},
        };
        break;
    }
    supervisor_step(supervisor, &event);
}

static void take_slots(struct supervisor *supervisor)
{
    struct slot_event event;
    for (int i = 0; i < SLOT_EVENTS_MAX && !supervisor->exits; i++) {
        if (!slot_pool_next(supervisor->pool, supervisor->now_ms, &event))
            break;
        take_slot_event(supervisor, &event);
    }
    slot_pool_tick(supervisor->pool, supervisor->now_ms);
}

/* ------------------------------------------------------------------------------------- datagrams
 */

static void take_control(struct supervisor *supervisor, const struct message *message)
{
    struct worker_event event = {.kind = WORKER_MESSAGE_RECEIVED, .message = message};
    watch_message(&supervisor->watch, message);
    if (message->kind == MESSAGE_WELCOME)
        cache_forget_refused(supervisor->options.cache);
    supervisor_step(supervisor, &event);
}

/* The core's word for a peer of another version is the message REFUSED, which is always understood.
 */
static void note_malformed(struct supervisor *supervisor, const struct error *error)
{
    if (supervisor->now_ms < supervisor->malformed_log_ms)
        return;
    supervisor->malformed_log_ms = supervisor->now_ms + MALFORMED_LOG_MS;
    log_line(supervisor->options.log, "ignores what it does not understand: %s", error->text);
}

static void take_datagram(struct supervisor *supervisor, enum connection_channel channel,
                          const struct connection_datagram *datagram)
{
    struct codec_cursor cursor = {.bytes = datagram->bytes, .size = datagram->count};
    struct message message;
    struct error error;
    for (;;) {
        enum codec_result result = codec_next(supervisor->codec, &cursor, &message, &error);
        if (result == CODEC_END || supervisor->exits)
            return;
        if (result == CODEC_WRONG_VERSION || result == CODEC_MALFORMED)
            note_malformed(supervisor, &error);
        else if (channel == CHANNEL_CONTROL)
            take_control(supervisor, &message);
        else
            bulk_receive(supervisor->bulk, &message, supervisor->now_ms);
        if (result == CODEC_MALFORMED)
            return;
    }
}

static void take_datagrams(struct supervisor *supervisor)
{
    static const int most[CHANNEL_COUNT] = {CONTROL_DATAGRAMS_MAX, BULK_DATAGRAMS_MAX};
    struct connection_datagram datagram;
    for (int channel = 0; channel < CHANNEL_COUNT; channel++)
        for (int i = 0; i < most[channel]; i++) {
            if (!connection_receive(supervisor->connection, (enum connection_channel)channel,
                                    &datagram))
                break;
            take_datagram(supervisor, (enum connection_channel)channel, &datagram);
        }
}

/* -------------------------------------------------------------------------------------- the loop
 */

static void take_blobs(struct supervisor *supervisor)
{
    struct bulk_answer answer;
    while (!supervisor->exits && bulk_next(supervisor->bulk, &answer)) {
        struct worker_event event = {
            .kind = answer.outcome == BULK_READY     ? WORKER_BLOB_READY
                    : answer.outcome == BULK_NO_ROOM ? WORKER_BLOB_NO_ROOM
                                                     : WORKER_BLOB_FAILED,
            .digest = answer.digest,
        };
        if (answer.outcome == BULK_TOO_LARGE)
            event = (struct worker_event){
                .kind = WORKER_BLOB_TOO_LARGE,
                .too_large = {.digest = answer.digest,
                              .bytes = answer.bytes,
                              .cache_bytes = cache_bytes_max(supervisor->options.cache)},
            };
        supervisor_step(supervisor, &event);
    }
}

static void take_time(struct supervisor *supervisor)
{
    supervisor_measure_cache(supervisor);
    if (worker_core_deadline(supervisor->core) <= supervisor->now_ms) {
        struct worker_event event = {.kind = WORKER_TICKED};
        supervisor_step(supervisor, &event);
    }
    struct worker_view view = worker_core_view(supervisor->core, supervisor->now_ms);
    watch_view(&supervisor->watch, &view);
    take_blobs(supervisor);
    bulk_tick(supervisor->bulk, supervisor->now_ms,
              view.silent_ms < AWAY_MS ? BULK_GIVES_UP : BULK_KEEPS_ASKING);
    take_blobs(supervisor);
}

static int wait_ms(const struct supervisor *supervisor)
{
    uint64_t now = clock_monotonic_ms(), deadline = now + WAIT_MS_MAX;
    const uint64_t others[] = {
        worker_core_deadline(supervisor->core),
        bulk_deadline(supervisor->bulk),
        slot_pool_deadline(supervisor->pool),
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i] < deadline)
            deadline = others[i];
    return deadline > now ? (int)(deadline - now) : 0;
}

/* Nobody listens to us, so there is nobody to say goodbye to. */
static void take_refusal(struct supervisor *supervisor)
{
    struct error error;
    if (supervisor->exits ||
        !connection_is_refused(supervisor->connection, supervisor->now_ms, &error))
        return;
    supervisor->exits = true;
    supervisor->exit_code = WORKER_EXIT_NOT_LET_IN;
    watch_leave(&supervisor->watch, error.text);
}

static void turn(struct supervisor *supervisor)
{
    const struct connection_wait wait = {
        .timeout_ms = wait_ms(supervisor),
        .descriptor_count = 2,
        .descriptors = {supervisor->signals, slot_pool_descriptor(supervisor->pool)},
    };
    connection_wait(supervisor->connection, &wait);
    supervisor->now_ms = clock_monotonic_ms();
    take_refusal(supervisor);
    take_signals(supervisor);
    take_slots(supervisor);
    take_datagrams(supervisor);
    take_time(supervisor);
    connection_flush(supervisor->connection);
}

int supervisor_run(const struct supervisor_options *options, struct error *error)
{
    struct supervisor supervisor = {.options = *options, .signals = -1};
    int code = open_parts(&supervisor, error);
    if (code == 0) {
        log_line(options->log, "connects to %s; slots: %u, cache %s", options->control,
                 options->config.slots, cache_folder(options->cache));
        watch_init(&supervisor.watch, options->log, options->control);
        supervisor.now_ms = clock_monotonic_ms();
        supervisor_recover(&supervisor);
        while (!supervisor.exits)
            turn(&supervisor);
        code = supervisor.exit_code;
    }
    close_parts(&supervisor);
    return code;
}
