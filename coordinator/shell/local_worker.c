/* local_worker.c: see local_worker.h. */
#include "coordinator/shell/local_worker.h"

#include "common/os_process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PAUSE_MS_MIN = 100,
    PAUSE_MS_MAX = 5000,
    SETTLED_MS = 10000, /* a child that lived this long was healthy: the pauses start over */
    DEATHS_MAX = 20,    /* in a row without that */
    LOG_BYTES_MAX = 4 << 20,
    ARGUMENTS_MAX = 16,
    EXIT_NO_EXEC = 127,
    EXIT_USAGE = 2,
    EXIT_NOT_LET_IN = 4,
};

struct local_worker {
    struct local_worker_options options;
    pid_t pid; /* 0: none */
    bool stopping, refused;
    uint64_t started_ms, start_at_ms;
    uint32_t deaths; /* in a row */
};

/* ----------------------------------------------------------------------------- finding things */

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static bool find_beside_us(char program[OS_PATH_BYTES_MAX])
{
    char self[PATH_MAX];
    ssize_t bytes = readlink("/proc/self/exe", self, sizeof self - 1);
    if (bytes <= 0)
        return false;
    self[bytes] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return os_path_join(program, OS_PATH_BYTES_MAX, self, "ratchet-worker", NULL) == 0 &&
           is_program(program);
}

int local_worker_find_program(char program[OS_PATH_BYTES_MAX], struct error *error)
{
    if (find_beside_us(program))
        return 0;
    const char *folders = getenv("PATH");
    while (folders != NULL && *folders != '\0') {
        size_t bytes = strcspn(folders, ":");
        char folder[OS_PATH_BYTES_MAX];
        snprintf(folder, sizeof folder, "%.*s", (int)bytes, folders);
        if (folder[0] == '/' &&
            os_path_join(program, OS_PATH_BYTES_MAX, folder, "ratchet-worker", NULL) == 0 &&
            is_program(program))
            return 0;
        folders += bytes + (folders[bytes] == ':');
    }
    return error_set(error, -1,
                     "cannot find ratchet-worker, neither beside this program nor in $PATH");
}

/* -------------------------------------------------------------------------- life of the child */

struct local_worker *local_worker_create(const struct local_worker_options *options,
                                         struct error *error)
{
    struct local_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        error_set(error, -1, "no memory for the local worker");
        return NULL;
    }
    worker->options = *options;
    return worker;
}

void local_worker_destroy(struct local_worker **worker)
{
    if (*worker == NULL)
        return;
    if ((*worker)->pid > 0) {
        kill((*worker)->pid, SIGKILL);
        (void)process_wait((*worker)->pid);
    }
    free(*worker);
    *worker = NULL;
}

/* The log starts over when it has become large: it is for looking at, not a record. */
static int open_log(const char *path)
{
    struct stat status;
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
    if (stat(path, &status) == 0 && status.st_size > LOG_BYTES_MAX)
        flags |= O_TRUNC;
    return open(path, flags, 0644);
}

static int start(struct local_worker *worker, uint64_t now_ms, struct error *error)
{
    const struct local_worker_options *options = &worker->options;
    char slots[16], cache_bytes[32];
    const char *arguments[ARGUMENTS_MAX] = {
        options->program, "--connect",    options->endpoint, "--slots", slots,
        "--cache",        options->cache, "--name",          "local",
    };
    uint32_t count = 9;
    snprintf(slots, sizeof slots, "%u", options->slots);
    snprintf(cache_bytes, sizeof cache_bytes, "%" PRIu64, options->cache_bytes);
    if (options->device != NULL) {
        arguments[count++] = "--device";
        arguments[count++] = options->device;
    }
    if (options->cache_bytes != 0) {
        arguments[count++] = "--cache-bytes";
        arguments[count++] = cache_bytes;
    }
    assert(count < ARGUMENTS_MAX); /* a NULL ends them */
    int log = open_log(options->log);
    if (log < 0)
        return error_set(error, -1, "cannot write %s: %s", options->log, strerror(errno));
    const struct process_options process = {
        .program = options->program,
        .arguments = arguments,
        .channel = -1,
        .output = log,
        .own_group = true,
    };
    int rc = process_spawn(&process, &worker->pid, error);
    close(log);
    worker->started_ms = now_ms;
    return rc;
}

/* The last line of the log, as a reason. */
static void read_last_line(const char *path, char *line, size_t size)
{
    char *text;
    size_t count;
    line[0] = '\0';
    if (os_read_file(path, (size_t)LOG_BYTES_MAX * 4, &text, &count, NULL) != 0)
        return;
    while (count > 0 && text[count - 1] == '\n')
        text[--count] = '\0';
    const char *last = count > 0 ? strrchr(text, '\n') : NULL;
    snprintf(line, size, "%s", last != NULL ? last + 1 : text);
    free(text);
}

static int give_up(const struct local_worker *worker, const char *what, struct error *error)
{
    char line[256];
    read_last_line(worker->options.log, line, sizeof line);
    return error_set(error, -1, "the local worker %s (%.120s): %s", what, worker->options.log,
                     line);
}

/* Decides what a death means; `code` is -1 when it was by a signal. */
static int take_death(struct local_worker *worker, int code, uint64_t now_ms, struct error *error)
{
    worker->pid = 0;
    if (worker->stopping)
        return 0;
    worker->refused = code == EXIT_NOT_LET_IN;
    if (code == EXIT_NO_EXEC)
        return give_up(worker, "cannot be started", error);
    if (code == EXIT_USAGE)
        return give_up(worker, "refused to start", error);
    if (code == EXIT_NOT_LET_IN)
        return give_up(worker, "was not let in", error);
    if (now_ms - worker->started_ms >= SETTLED_MS)
        worker->deaths = 0;
    worker->deaths++;
    if (worker->deaths >= DEATHS_MAX)
        return give_up(worker, "dies again and again", error);
    uint64_t pause = PAUSE_MS_MIN;
    for (uint32_t i = 1; i < worker->deaths && pause < PAUSE_MS_MAX; i++)
        pause *= 2;
    worker->start_at_ms = now_ms + (pause < PAUSE_MS_MAX ? pause : PAUSE_MS_MAX);
    return 0;
}

int local_worker_tick(struct local_worker *worker, uint64_t now_ms, struct error *error)
{
    struct process_end end;
    if (worker->pid > 0 && process_poll_end(worker->pid, &end) &&
        take_death(worker, end.exit_code, now_ms, error) != 0)
        return -1;
    if (worker->pid == 0 && !worker->stopping && now_ms >= worker->start_at_ms)
        return start(worker, now_ms, error);
    return 0;
}

uint64_t local_worker_deadline(const struct local_worker *worker)
{
    return worker->pid > 0 || worker->stopping ? UINT64_MAX : worker->start_at_ms;
}

bool local_worker_was_refused(const struct local_worker *worker)
{
    return worker->refused;
}

bool local_worker_is_alive(const struct local_worker *worker)
{
    return worker->pid > 0;
}

void local_worker_stop(struct local_worker *worker, int signal)
{
    worker->stopping = true;
    if (worker->pid > 0)
        kill(worker->pid, signal);
}
