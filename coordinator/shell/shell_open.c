/*
 * shell_open.c: all that a coordinator has open before its first turn, and the closing of it. What
 * happens in between is shell.c's matter.
 */
#include "coordinator/shell/shell_internal.h"

#include "common/os_clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINGER_MS = 1000 };

/* The cache of the local worker, beside the data set. */
static const uint64_t LOCAL_CACHE_BYTES = UINT64_C(2) << 30;

static void count_replayed(void *context, const struct commit_record *record)
{
    struct shell *shell = context;
    progress_add_commit(&shell->progress, record);
}

static void count_anew(void *context)
{
    struct shell *shell = context;
    progress_clear(&shell->progress);
}

/* Signals become a descriptor, so that they are one more thing to wait for. */
static int open_signals(struct shell *shell, struct error *error)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    /* A blocked signal is kept even when it is ignored: `nohup` has to be looked for. */
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    shell->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return shell->signals >= 0 ? 0 : error_set(error, -1, "cannot wait for signals");
}

/* Each worker is two connections. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_private_sockets(struct shell *shell, struct error *error)
{
    for (int choice = 0;; choice++) {
        char endpoint[ENDPOINT_BYTES_MAX];
        struct error reason;
        int rc =
            run_directory_socket(&shell->run.directory, &shell->run.id, choice, endpoint, &reason);
        if (rc < 0) {
            *error = reason;
            return -1;
        }
        if (rc > 0)
            continue;
        const struct sockets_options options = {.control = endpoint};
        shell->sockets = sockets_open(&options, &reason);
        if (shell->sockets != NULL)
            return 0;
    }
}

static int open_sockets(struct shell *shell, struct error *error)
{
    if (shell->options->listen == NULL)
        return open_private_sockets(shell, error);
    if (shell_open_gate(shell, error) != 0)
        return -1;
    const struct sockets_guard guard = shell_guard(shell);
    const struct sockets_options options = {
        .control = shell->options->listen,
        .bulk = shell->options->bulk,
        .guard = shell->gate != NULL ? &guard : NULL,
    };
    shell->sockets = sockets_open(&options, error);
    return shell->sockets != NULL ? 0 : -1;
}

static int open_local_worker(struct shell *shell, struct error *error)
{
    if (shell->options->local_program == NULL)
        return 0;
    struct local_worker_options *options = calloc(1, sizeof *options);
    if (options == NULL)
        return error_set(error, -1, "no memory for the local worker");
    options->slots = shell->options->local_slots;
    options->device = shell->options->device;
    if (shell->run.data_bytes > 0) /* what a worker takes by itself, and the data set */
        options->cache_bytes = LOCAL_CACHE_BYTES + shell->run.data_bytes;
    snprintf(options->endpoint, sizeof options->endpoint, "%s",
             sockets_endpoint(shell->sockets, SOCKET_CONTROL));
    run_directory_file(&shell->run.directory, "worker", options->cache);
    run_directory_file(&shell->run.directory, "worker.log", options->log);
    snprintf(options->program, sizeof options->program, "%s", shell->options->local_program);
    shell->local = local_worker_create(options, error);
    free(options);
    return shell->local != NULL ? 0 : -1;
}

static int open_memory(struct shell *shell, struct error *error)
{
    shell->codec = codec_create();
    shell->outbox = outbox_create();
    shell->effects = calloc(1, sizeof *shell->effects);
    if (shell->codec == NULL || shell->outbox == NULL || shell->effects == NULL)
        return error_set(error, -1, "no memory for the coordinator");
    return 0;
}

/* What was said when the run ended before is no longer so. */
static int forget_end(struct shell *shell, struct error *error)
{
    if (shell->run.replayed == 0)
        return 0;
    if (shell_put_fact(shell, "finished", "", error) != 0)
        return -1;
    return shell_put_fact(shell, "digest", "", error);
}

/* Commands that get no experiment file find here which jobs there will be. */
static int put_limits(struct shell *shell, struct error *error)
{
    char limits[RUN_LIMITS_BYTES_MAX];
    if (run_limits(&shell->run, limits, error) != 0)
        return -1;
    return shell_put_fact(shell, "limits", limits, error);
}

/* Nobody should have to guess why a run stands where it stood before. */
static int tell_log_loss(struct shell *shell, struct error *error)
{
    const struct ledger_log *log = ledger_log_found(shell->run.ledger);
    char text[200];
    if (!log->is_void && log->pages_lost == 0)
        return 0;
    int used = log->is_void
                   ? snprintf(text, sizeof text, "ledger.sqlite-wal cannot be read and was dropped")
                   : snprintf(text, sizeof text,
                              "the last %llu of %llu pages of ledger.sqlite-wal are torn or "
                              "damaged and were dropped",
                              (unsigned long long)log->pages_lost, (unsigned long long)log->pages);
    snprintf(text + used, sizeof text - (size_t)used,
             ": the run goes on behind commit %llu, the last good one",
             (unsigned long long)shell->run.replayed);
    const struct ledger_note note = {
        .wall_ms = clock_wall_ms(), .kind = "log_damaged", .text = text};
    return shell_note(shell, &note, error);
}

static enum shell_result shell_result_of(enum run_result result)
{
    switch (result) {
    case RUN_OPENED:
        return SHELL_DONE;
    case RUN_OTHER_EXPERIMENT:
    case RUN_BAD_DATA:
        return SHELL_BAD_EXPERIMENT;
    case RUN_STOPPED:
        return SHELL_INTERRUPTED;
    case RUN_REFUSED:
        break;
    }
    return SHELL_FAILED;
}

enum shell_result shell_open(struct shell *shell, struct error *error)
{
    const struct run_options options = {
        .experiment = shell->options->experiment,
        .directory = shell->options->directory,
        .restorer = shell->options->restorer,
        .packer = shell->options->local_program,
        .replayed = count_replayed,
        .rewound = count_anew,
        .context = shell,
    };
    if (open_signals(shell, error) != 0)
        return SHELL_FAILED;
    raise_file_limit();
    /* A run's files are its owner's alone: the ledger names workers as ZeroMQ knows them, and who
     * learns such a name can have that worker's messages. */
    (void)umask(077);
    /* An address in use must not leave a run directory behind. */
    if (shell->options->listen != NULL && open_sockets(shell, error) != 0)
        return SHELL_FAILED;
    enum shell_result opened = shell_result_of(run_open(&shell->run, &options, error));
    if (opened != SHELL_DONE)
        return opened;
    shell_name_operators(shell);
    if (open_memory(shell, error) != 0 ||
        (shell->sockets == NULL && open_sockets(shell, error) != 0))
        return SHELL_FAILED;
    shell->bulk = bulk_create(shell->sockets, shell->run.store, error);
    if (shell->bulk == NULL || open_local_worker(shell, error) != 0 ||
        shell_write_owner_key(shell, error) != 0 ||
        run_directory_write_endpoint(&shell->run.directory,
                                     sockets_endpoint(shell->sockets, SOCKET_CONTROL), error) != 0)
        return SHELL_FAILED;
    if (forget_end(shell, error) != 0 || put_limits(shell, error) != 0 ||
        tell_log_loss(shell, error) != 0)
        return SHELL_FAILED;
    return SHELL_DONE;
}

void shell_close(struct shell *shell)
{
    local_worker_destroy(&shell->local);
    bulk_destroy(&shell->bulk);
    sockets_close(&shell->sockets, LINGER_MS);
    gate_close(&shell->gate);
    outbox_destroy(&shell->outbox);
    codec_destroy(&shell->codec);
    free(shell->effects);
    free(shell->drops);
    progress_fini(&shell->progress);
    run_close(&shell->run);
    if (shell->signals >= 0)
        close(shell->signals);
}
