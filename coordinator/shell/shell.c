/*
 * shell.c: the loop and the end. See shell.h and shell_internal.h; shell_open.c is the beginning.
 *
 * There are four ways out. The run is over: the last batch is synced, all workers are told, the
 * answers to those who did not hear are given for a while. A signal: the local worker may finish
 * what it runs, the others are told that we may come back. Poison: as if over, but resumable. A
 * failure (disk full, I/O error): whatever the open batch wanted said is not said, and the ledger
 * stays at the last batch that was committed.
 */
#include "coordinator/shell/shell_internal.h"

#include "common/os_clock.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    CONTROL_BUDGET = 64, /* datagrams per turn: bounds a batch, and how long a transfer waits */
    BULK_BUDGET = 64,
    TICKS_PER_TURN = 16,
    WAIT_MS_MAX = 500,
    KEYS_WATCH_MS = 100, /* between looks at the keys while nobody says anything */
    OBSERVE_MS = 200,
    LEAVE_MS = 10000,   /* for the local worker to finish */
    FAREWELL_MS = 2000, /* for remote ones to hear that the run is over */
};

/* --------------------------------------------------------------------------------------- turn */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int wait_ms(const struct shell *shell)
{
    uint64_t now_ms = clock_monotonic_ms();
    uint64_t at = earlier(core_deadline(shell->run.core), bulk_deadline(shell->bulk));
    at = earlier(at, shell_sync_deadline(shell));
    if (shell->local != NULL)
        at = earlier(at, local_worker_deadline(shell->local));
    if (shell->options->observer.progressed != NULL)
        at = earlier(at, shell->observed_ms + OBSERVE_MS);
    at = earlier(at, now_ms + (shell->gate != NULL ? KEYS_WATCH_MS : WAIT_MS_MAX));
    return at > now_ms ? (int)(at - now_ms) : 0;
}

static void take_signals(struct shell *shell)
{
    struct signalfd_siginfo info;
    while (read(shell->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            continue; /* the turn looks after the local worker in any case */
        shell->stop_signal = (int)info.ssi_signo;
        shell->stop_signals++;
    }
}

/* Once: whoever takes all descriptors does so for as long as he likes. */
static int tell_shortage(struct shell *shell, struct error *error)
{
    if (shell->shortage_told || bulk_counts(shell->bulk).put_off == 0)
        return 0;
    shell->shortage_told = true;
    const struct ledger_note note = {
        .wall_ms = clock_wall_ms(),
        .kind = "descriptors_short",
        .text = "no file descriptor was free: checkpoints wait until there is one; "
                "raise `ulimit -n`, or keep strangers away who open many connections",
    };
    return shell_note(shell, &note, error);
}

static int take_transfers(struct shell *shell, struct error *error)
{
    if (bulk_receive(shell->bulk, shell->now_ms, BULK_BUDGET, error) != 0 ||
        tell_shortage(shell, error) != 0)
        return -1;
    struct bulk_event event;
    while (bulk_next_event(shell->bulk, &event)) {
        struct core_event core_event = {
            .kind = event.stored ? CORE_BLOB_STORED : CORE_BLOB_UNAVAILABLE,
            .now_ms = shell->now_ms,
            .blob = {.from = event.from, .digest = event.digest},
        };
        if (shell_step(shell, &core_event, error) != 0)
            return -1;
    }
    return 0;
}

/* The hours of all lives together are over: the lines create no more jobs. */
static int watch_hours(struct shell *shell, struct error *error)
{
    double hours = experiment_stop_hours(shell->run.experiment);
    uint64_t served_ms = shell->run.served_ms + (shell->now_ms - shell->opened_ms);
    if (shell->stop_requested || isnan(hours) || (double)served_ms < hours * 3600e3)
        return 0;
    shell->stop_requested = true;
    /* In the batch of the stop: a later life must not find hours left and lift it. */
    if (shell_put_served(shell, error) != 0)
        return -1;
    struct core_event event = {.kind = CORE_STOP_REQUESTED, .now_ms = shell->now_ms};
    return shell_step(shell, &event, error);
}

static int take_time(struct shell *shell, struct error *error)
{
    if (watch_hours(shell, error) != 0)
        return -1;
    for (int i = 0; i < TICKS_PER_TURN && core_deadline(shell->run.core) <= shell->now_ms; i++) {
        struct core_event event = {.kind = CORE_TICKED, .now_ms = shell->now_ms};
        if (shell_step(shell, &event, error) != 0)
            return -1;
    }
    return 0;
}

static void observe(struct shell *shell)
{
    const struct shell_observer *observer = &shell->options->observer;
    if (observer->progressed == NULL || shell->now_ms - shell->observed_ms < OBSERVE_MS)
        return;
    shell->observed_ms = shell->now_ms;
    struct shell_view view = shell_view(shell);
    progress_mark(&shell->progress, shell->now_ms, view.commits);
    observer->progressed(observer->context, &view);
}

static int turn(struct shell *shell, struct error *error)
{
    struct sockets_ready ready = sockets_wait(shell->sockets, shell->signals, wait_ms(shell));
    shell->now_ms = clock_monotonic_ms();
    if (ready.descriptor)
        take_signals(shell);
    if (shell_watch_keys(shell, error) != 0 || shell_receive(shell, CONTROL_BUDGET, error) != 0 ||
        take_transfers(shell, error) != 0 || take_time(shell, error) != 0 ||
        shell_settle(shell, SETTLE_TURN, error) != 0)
        return -1;
    if (shell->local != NULL && !shell->finished &&
        local_worker_tick(shell->local, shell->now_ms, error) != 0)
        return -1;
    observe(shell);
    return 0;
}

/* ------------------------------------------------------------------------------------ the end */

/* Tells every worker that is known. Goes out with the next flush. */
static void say_stop(struct shell *shell, enum stop_code code, const char *reason)
{
    struct worker_summary *workers = calloc(SESSIONS_MAX, sizeof *workers);
    if (workers == NULL)
        return;
    struct message message = {
        .kind = MESSAGE_STOP, .epoch = shell->run.epoch, .stop = {.code = code}};
    snprintf(message.stop.reason, sizeof message.stop.reason, "%s", reason);
    uint32_t count = core_workers(shell->run.core, shell->now_ms, workers, SESSIONS_MAX);
    for (uint32_t i = 0; i < count; i++)
        outbox_add(shell->outbox, &workers[i].instance, &message);
    free(workers);
}

static int put_end(struct shell *shell, struct error *error)
{
    char wall[32], hex[DIGEST_HEX_BYTES];
    struct digest digest = core_digest(shell->run.core);
    digest_to_hex(&digest, hex);
    snprintf(wall, sizeof wall, "%llu", (unsigned long long)clock_wall_ms());
    if (shell->finish == FINISH_DONE && shell_put_fact(shell, "finished", wall, error) != 0)
        return -1;
    return shell_put_fact(shell, "digest", hex, error);
}

/* Goes on turning until the local worker has left; after LEAVE_MS, or when asked again, it is
 * killed. */
static int await_local_worker(struct shell *shell, struct error *error)
{
    if (shell->local == NULL)
        return 0;
    local_worker_stop(shell->local, SIGUSR1); /* nobody would take over: what runs is finished */
    uint64_t until_ms = shell->now_ms + LEAVE_MS;
    uint32_t signals = shell->stop_signals;
    bool hurried = false;
    const struct shell_observer *observer = &shell->options->observer;
    if (!shell->finished && observer->waiting != NULL && core_summary(shell->run.core).leased > 0)
        observer->waiting(observer->context, LEAVE_MS / 1000);
    while (local_worker_is_alive(shell->local)) {
        /* Once nothing runs there is nothing to wait for: what it holds stays in RUN/worker. */
        if (!hurried && core_summary(shell->run.core).leased == 0) {
            local_worker_stop(shell->local, SIGTERM);
            hurried = true;
        }
        if (shell->now_ms >= until_ms || shell->stop_signals > signals)
            local_worker_stop(shell->local, SIGKILL);
        if (turn(shell, error) != 0 || local_worker_tick(shell->local, shell->now_ms, error) != 0)
            return -1;
    }
    return 0;
}

/*
 * Goes on answering until everybody has heard that the run is over, or has had time to. With a
 * local worker there is nobody else.
 */
static int await_remote_workers(struct shell *shell, struct error *error)
{
    if (shell->local != NULL)
        return 0;
    uint64_t until_ms = shell->now_ms + FAREWELL_MS;
    uint32_t signals = shell->stop_signals;
    while (core_summary(shell->run.core).workers > 0 && shell->now_ms < until_ms &&
           shell->stop_signals == signals) {
        if (turn(shell, error) != 0)
            return -1;
    }
    return 0;
}

/* An interrupted run may come to its end with what the local worker still finishes. */
static int end_run(struct shell *shell, struct error *error)
{
    if (!shell->finished && await_local_worker(shell, error) != 0)
        return -1;
    if (!shell->finished) {
        say_stop(shell, STOP_RUN_PAUSED, "the coordinator was stopped and may come back");
        return shell_settle(shell, SETTLE_DURABLY, error);
    }
    if (put_end(shell, error) != 0)
        return -1;
    say_stop(shell, STOP_RUN_DONE, "the run has ended");
    if (shell_settle(shell, SETTLE_DURABLY, error) != 0 || await_local_worker(shell, error) != 0 ||
        await_remote_workers(shell, error) != 0)
        return -1;
    return shell_settle(shell, SETTLE_DURABLY, error);
}

/* After a failure: nothing of the open batch leaves, but workers may know that we are gone. */
static void abandon_run(struct shell *shell)
{
    outbox_discard(shell->outbox);
    shell->command_answer_count = 0;
    say_stop(shell, STOP_RUN_PAUSED, "the coordinator had to stop and may come back");
    shell->batch_open = false;
    shell_flush(shell);
}

static enum shell_result serve(struct shell *shell, struct error *error)
{
    const struct shell_observer *observer = &shell->options->observer;
    shell->now_ms = shell->opened_ms = shell->synced_ms = clock_monotonic_ms();
    shell->commits_safe = shell->run.replayed;
    core_start(shell->run.core, shell->now_ms);
    if (observer->started != NULL) {
        const struct shell_started started = {
            .directory = shell->run.directory.path,
            .control = sockets_endpoint(shell->sockets, SOCKET_CONTROL),
            .bulk = sockets_endpoint(shell->sockets, SOCKET_BULK),
            .server_file =
                shell->gate != NULL ? key_store_server_file(gate_store(shell->gate)) : NULL,
            .replayed = shell->run.replayed,
        };
        observer->started(observer->context, &started);
    }
    int rc = 0;
    while (rc == 0 && !shell->finished && shell->stop_signal == 0)
        rc = turn(shell, error);
    if (rc == 0)
        rc = end_run(shell, error);
    if (rc != 0) {
        abandon_run(shell);
        return SHELL_FAILED;
    }
    if (!shell->finished)
        return SHELL_INTERRUPTED;
    return shell->finish == FINISH_DONE ? SHELL_DONE : SHELL_POISONED;
}

enum shell_result shell_serve(const struct shell_options *options, struct shell_outcome *outcome,
                              struct error *error)
{
    *outcome = (struct shell_outcome){0};
    struct shell *shell = calloc(1, sizeof *shell);
    if (shell == NULL || progress_init(&shell->progress) != 0) {
        free(shell);
        return (enum shell_result)error_set(error, SHELL_FAILED, "no memory for the coordinator");
    }
    shell->options = options;
    shell->signals = -1;
    shell->run.directory.lock = -1;
    enum shell_result result = shell_open(shell, error);
    if (result == SHELL_INTERRUPTED) {
        take_signals(shell);
        outcome->signal = shell->stop_signal;
    }
    if (result == SHELL_DONE) {
        result = serve(shell, error);
        outcome->started = true;
        outcome->signal = shell->stop_signal;
        outcome->local_refused = shell->local != NULL && local_worker_was_refused(shell->local);
        outcome->poisoned_lines = core_summary(shell->run.core).lines_stalled;
        outcome->commits_safe = shell->commits_safe;
        outcome->view = shell_view(shell);
        outcome->digest = core_digest(shell->run.core);
    }
    shell_close(shell);
    free(shell);
    return result;
}
