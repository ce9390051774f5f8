/* dispatch_run.c: see dispatch_run.h. */
#include "tests/bench/dispatch_run.h"

#include "common/endpoint.h"
#include "common/os_process.h"
#include "coordinator/shell/ledger.h"
#include "tests/bench/dispatch_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 5, START_MS_MAX = 60000 };

static void pause_ms(long ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

/* The program of that name beside this one. */
static int find_program(const char *name, char path[OS_PATH_BYTES_MAX], struct error *error)
{
    char own[OS_PATH_BYTES_MAX];
    ssize_t length = readlink(PROCESS_OWN_PROGRAM, own, sizeof own - 1);
    if (length < 0)
        return error_set(error, -1, "cannot find the folder of this program");
    own[length] = '\0';
    char *slash = strrchr(own, '/');
    if (slash != NULL)
        *slash = '\0';
    return os_path_join(path, OS_PATH_BYTES_MAX, own, name, error);
}

static int write_experiment(const struct run_request *request, const char *path,
                            struct error *error)
{
    char text[512];
    if (request->experiment != NULL)
        return os_write_atomic(path, request->experiment, strlen(request->experiment), 0644, error);
    int bytes = snprintf(text, sizeof text,
                         "name: bench-dispatch\nseed: 1\nevaluator: \"null\"\nnull: {dim: 1}\n"
                         "strategy: {name: random}\n"
                         "search: {commit: %s, lookahead: %u}\n"
                         "budget: {jobs: %llu}\n",
                         request->mode, request->lookahead, (unsigned long long)request->jobs);
    return os_write_atomic(path, text, (size_t)bytes, 0644, error);
}

/* --------------------------------------------------------------------------------- coordinator */

/* Its last words are the reason. */
static int ended_early(const struct coordinator *coordinator, struct process_end end,
                       struct error *error)
{
    char *text = NULL;
    size_t count = 0;
    if (os_read_file(coordinator->log, 1 << 20, &text, &count, NULL) != 0)
        return error_set(error, -1, "the coordinator ended with code %d", end.exit_code);
    while (count > 0 && text[count - 1] == '\n')
        text[--count] = '\0';
    const char *line = count > 0 ? strrchr(text, '\n') : NULL;
    error_set(error, -1, "the coordinator ended with code %d, signal %d: %.200s", end.exit_code,
              end.signal,
              count == 0     ? ""
              : line != NULL ? line + 1
                             : text);
    free(text);
    return -1;
}

static int await_address(struct coordinator *coordinator, struct error *error)
{
    char path[OS_PATH_BYTES_MAX];
    if (os_path_join(path, sizeof path, coordinator->directory, "endpoint", error) != 0)
        return -1;
    for (int waited = 0; waited < START_MS_MAX; waited += PAUSE_MS) {
        char *text = NULL;
        size_t count = 0;
        struct process_end end;
        if (process_poll_end(coordinator->pid, &end)) {
            coordinator->pid = 0;
            return ended_early(coordinator, end, error);
        }
        if (os_read_file(path, sizeof coordinator->control, &text, &count, NULL) == 0) {
            snprintf(coordinator->control, sizeof coordinator->control, "%.*s",
                     (int)strcspn(text, "\n"), text);
            free(text);
            return endpoint_bulk(coordinator->control, coordinator->bulk, sizeof coordinator->bulk,
                                 error);
        }
        pause_ms(PAUSE_MS);
    }
    return error_set(error, -1, "the coordinator does not listen after %d s", START_MS_MAX / 1000);
}

static int spawn_logged(const char *const *arguments, const char *log, pid_t *pid,
                        struct error *error)
{
    int output = open(log, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
    if (output < 0)
        return error_set(error, -1, "cannot write %s: %s", log, strerror(errno));
    const struct process_options options = {
        .program = arguments[0],
        .arguments = arguments,
        .channel = -1,
        .output = output,
    };
    int rc = process_spawn(&options, pid, error);
    close(output);
    return rc;
}

int coordinator_start(const struct run_request *request, struct coordinator *coordinator,
                      struct error *error)
{
    char program[OS_PATH_BYTES_MAX], experiment[OS_PATH_BYTES_MAX];
    const char *arguments[WRAP_WORDS_MAX + 10];
    size_t count = 0;
    *coordinator = (struct coordinator){.keys = request->keys};
    if (find_program("ratchet", program, error) != 0 ||
        os_path_join(experiment, sizeof experiment, request->folder, "bench.yaml", error) != 0 ||
        os_path_join(coordinator->directory, sizeof coordinator->directory, request->folder, "run",
                     error) != 0 ||
        os_path_join(coordinator->log, sizeof coordinator->log, request->folder, "serve.log",
                     error) != 0 ||
        write_experiment(request, experiment, error) != 0)
        return -1;
    while (request->wrap[count] != NULL && count < WRAP_WORDS_MAX) {
        arguments[count] = request->wrap[count];
        count++;
    }
    const char *const command[] = {program,
                                   "serve",
                                   experiment,
                                   "--listen",
                                   "tcp://127.0.0.1:*",
                                   "--dir",
                                   coordinator->directory,
                                   request->keys != NULL ? "--keys" : NULL,
                                   request->keys != NULL ? request->keys->folder : NULL,
                                   NULL};
    memcpy(arguments + count, command, sizeof command);
    if (spawn_logged(arguments, coordinator->log, &coordinator->pid, error) != 0)
        return -1;
    if (await_address(coordinator, error) == 0)
        return 0;
    coordinator_kill(coordinator);
    return -1;
}

int coordinator_end(struct coordinator *coordinator, struct error *error)
{
    struct process_end end;
    while (!process_poll_end(coordinator->pid, &end)) {
        double cpu_s = seconds_of_process(coordinator->pid);
        uint64_t rss_bytes = rss_peak_of_process(coordinator->pid);
        if (cpu_s > coordinator->cpu_s)
            coordinator->cpu_s = cpu_s;
        if (rss_bytes > coordinator->rss_bytes)
            coordinator->rss_bytes = rss_bytes;
        pause_ms(PAUSE_MS);
    }
    coordinator->pid = 0;
    return end.exit_code == 0 ? 0 : ended_early(coordinator, end, error);
}

void coordinator_kill(struct coordinator *coordinator)
{
    if (coordinator->pid <= 0)
        return;
    kill(coordinator->pid, SIGKILL);
    process_wait(coordinator->pid);
    coordinator->pid = 0;
}

int coordinator_span(const struct coordinator *coordinator, struct commit_span *span,
                     struct error *error)
{
    char path[OS_PATH_BYTES_MAX];
    struct ledger_header header = {0};
    struct ledger *ledger = NULL;
    struct ledger_record record;
    uint64_t first_ms = 0, last_ms = 0;
    if (os_path_join(path, sizeof path, coordinator->directory, "ledger.sqlite", error) != 0 ||
        ledger_open(path, LEDGER_READ, &header, &ledger, error) != LEDGER_OK)
        return -1;
    enum ledger_result result = ledger_rewind(ledger, error);
    *span = (struct commit_span){0};
    while (result == LEDGER_OK && (result = ledger_next(ledger, &record, error)) == LEDGER_OK) {
        last_ms = ledger_committed_wall_ms(ledger);
        if (span->commits++ == 0)
            first_ms = last_ms;
    }
    ledger_close(&ledger);
    span->seconds = 1e-3 * (double)(last_ms - first_ms);
    return result == LEDGER_END ? 0 : -1;
}

/* ------------------------------------------------------------------------------ other processes */

int worker_process_start(const struct coordinator *coordinator, const char *folder, uint32_t number,
                         pid_t *pid, struct error *error)
{
    char program[OS_PATH_BYTES_MAX], cache[OS_PATH_BYTES_MAX], log[OS_PATH_BYTES_MAX], name[32];
    snprintf(name, sizeof name, "worker-%u", number);
    if (find_program("ratchet-worker", program, error) != 0 ||
        os_path_join(cache, sizeof cache, folder, name, error) != 0)
        return -1;
    snprintf(name, sizeof name, "worker-%u.log", number);
    if (os_path_join(log, sizeof log, folder, name, error) != 0)
        return -1;
    const struct dispatch_keys *keys = coordinator->keys;
    const char *const arguments[] = {program,
                                     "--connect",
                                     coordinator->control,
                                     "--slots",
                                     "1",
                                     "--cache",
                                     cache,
                                     keys != NULL ? "--server-key" : NULL,
                                     keys != NULL ? keys->server_file : NULL,
                                     "--key",
                                     keys != NULL ? keys->worker_file : NULL,
                                     NULL};
    return spawn_logged(arguments, log, pid, error);
}

int router_start(const struct dispatch_keys *keys, struct router *router, struct error *error)
{
    char key[OS_PATH_BYTES_MAX];
    const char *const arguments[] = {"bench-dispatch", "--bare-router", keys != NULL ? key : NULL,
                                     NULL};
    int ends[2];
    *router = (struct router){.pid = 0};
    if (keys != NULL && os_path_join(key, sizeof key, keys->folder, "server.key", error) != 0)
        return -1;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set(error, -1, "cannot make a pipe: %s", strerror(errno));
    const struct process_options options = {
        .program = PROCESS_OWN_PROGRAM,
        .arguments = arguments,
        .channel = -1,
        .output = ends[1],
        .errors = STDERR_FILENO,
    };
    int rc = process_spawn(&options, &router->pid, error);
    close(ends[1]);
    FILE *said = fdopen(ends[0], "r");
    if (said == NULL) {
        close(ends[0]);
        return error_set(error, -1, "no memory for the bare loop");
    }
    if (rc == 0 && fgets(router->endpoint, sizeof router->endpoint, said) == NULL)
        rc = error_set(error, -1, "the ROUTER of the bare loop did not start");
    fclose(said);
    router->endpoint[strcspn(router->endpoint, "\n")] = '\0';
    if (rc != 0)
        router_stop(router);
    return rc;
}

void router_stop(struct router *router)
{
    if (router->pid <= 0)
        return;
    kill(router->pid, SIGKILL);
    process_wait(router->pid);
    router->pid = 0;
}

void describe_disk(const char *folder, char *text, size_t size)
{
    static const struct {
        uint32_t magic;
        const char *name;
    } known[] = {
        {0xef53, "ext4"},        {0x01021994, "tmpfs, which is no disk"},
        {0x58465342, "xfs"},     {0x9123683e, "btrfs"},
        {0x794c7630, "overlay"},
    };
    struct statfs disk;
    snprintf(text, size, "unknown");
    if (statfs(folder, &disk) != 0)
        return;
    snprintf(text, size, "file system %#x", (unsigned)disk.f_type);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if ((uint32_t)disk.f_type == known[i].magic)
            snprintf(text, size, "%s", known[i].name);
}
