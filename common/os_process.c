/*
 * os_process.c: see os_process.h.
 *
 * The caller may have threads (ZeroMQ's), so between fork and exec the child does nothing but
 * system calls: all memory is prepared before.
 */
#include "common/os_process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_CANNOT_EXECUTE = 127, DESCRIPTOR_OUT_OF_THE_WAY = 10 };

extern char **environ;

static size_t count_texts(const char *const *texts)
{
    size_t count = 0;
    while (texts != NULL && texts[count] != NULL)
        count++;
    return count;
}

static bool is_overridden(const char *variable, const char *const *additions)
{
    size_t name = strcspn(variable, "=");
    for (size_t i = 0; additions != NULL && additions[i] != NULL; i++)
        if (strncmp(variable, additions[i], name + 1) == 0)
            return true;
    return false;
}

/* Our environment with `additions`; the array is the caller's, the texts are borrowed. */
static const char **merge_environment(const char *const *additions)
{
    size_t room = count_texts((const char *const *)environ) + count_texts(additions) + 1;
    const char **merged = malloc(room * sizeof *merged);
    if (merged == NULL)
        return NULL;
    size_t count = 0;
    for (size_t i = 0; environ != NULL && environ[i] != NULL; i++)
        if (!is_overridden(environ[i], additions))
            merged[count++] = environ[i];
    for (size_t i = 0; additions != NULL && additions[i] != NULL; i++)
        merged[count++] = additions[i];
    merged[count] = NULL;
    return merged;
}

/* Puts the descriptors in their places. They are moved out of the way first: any of them may be 0
 * to 3. */
static bool place_descriptors(const struct process_options *options)
{
    struct {
        int descriptor, target;
    } places[] = {
        {options->input > 0 ? options->input : -1, STDIN_FILENO},
        {options->output, STDOUT_FILENO},
        {options->errors > 0 ? options->errors : options->output, STDERR_FILENO},
        {options->channel, PROCESS_CHANNEL},
    };
    enum { PLACES = sizeof places / sizeof places[0] };
    for (int i = 0; i < PLACES; i++) {
        if (places[i].descriptor < 0)
            continue;
        places[i].descriptor =
            fcntl(places[i].descriptor, F_DUPFD_CLOEXEC, DESCRIPTOR_OUT_OF_THE_WAY);
        if (places[i].descriptor < 0)
            return false;
    }
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0)
        return false;
    for (int i = 0; i < PLACES; i++)
        if (places[i].descriptor >= 0 && dup2(places[i].descriptor, places[i].target) < 0)
            return false;
    return true;
}

static void reset_signals(void)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &standard, NULL); /* fails for KILL, STOP and the library's own: fine */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become(const struct process_options *options, const char *const *environment,
                             pid_t parent)
{
    reset_signals();
    if (options->own_group)
        setpgid(0, 0);
    /* The parent may have died before we asked to be told. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && place_descriptors(options))
        execve(options->program, (char *const *)(uintptr_t)options->arguments,
               (char *const *)(uintptr_t)environment);
    _exit(EXIT_CANNOT_EXECUTE);
}

int process_spawn(const struct process_options *options, pid_t *pid, struct error *error)
{
    const char **environment = merge_environment(options->environment);
    if (environment == NULL)
        return error_set(error, -1, "no memory to start %s", options->program);
    /* No handler of ours may run in the child before its signals are reset. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0)
        become(options, environment, parent);
    int reason = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    free(environment);
    if (child < 0)
        return error_set(error, -1, "cannot start %s: %s", options->program, strerror(reason));
    *pid = child;
    return 0;
}

static struct process_end end_of(int status)
{
    if (WIFSIGNALED(status))
        return (struct process_end){.exit_code = -1, .signal = WTERMSIG(status)};
    return (struct process_end){.exit_code = WEXITSTATUS(status)};
}

/* waitpid that carries on after an interruption; a child that is not ours is a bug. */
static pid_t wait_for(pid_t pid, int flags, int *status)
{
    pid_t reaped;
    do
        reaped = waitpid(pid, status, flags);
    while (reaped < 0 && errno == EINTR);
    assert(reaped >= 0);
    return reaped;
}

bool process_poll_end(pid_t pid, struct process_end *end)
{
    int status;
    if (wait_for(pid, WNOHANG, &status) == 0)
        return false;
    *end = end_of(status);
    return true;
}

struct process_end process_wait(pid_t pid)
{
    int status;
    wait_for(pid, 0, &status);
    return end_of(status);
}

/* ------------------------------------------------------------------------------ what is granted */

/* The number behind `key` at the start of a line of a small /proc or /sys file. */
static bool read_counter(const char *path, const char *key, uint64_t *value)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    char line[256];
    bool found = false;
    size_t length = strlen(key);
    while (!found && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, length) != 0 || line[length] != ' ')
            continue;
        char *end;
        *value = strtoull(line + length + 1, &end, 10);
        found = end != line + length + 1;
    }
    fclose(file);
    return found;
}

/* Path of a file of our control group (version 2 hierarchy). */
static bool control_group_path(const char *name, char *path, size_t size)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (file == NULL)
        return false;
    char line[1024];
    bool found = false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::/", 4) != 0)
            continue;
        int written = snprintf(path, size, "/sys/fs/cgroup%s/%s", line + 3, name);
        found = written > 0 && (size_t)written < size;
    }
    fclose(file);
    return found;
}

uint64_t process_memory_kills(void)
{
    char path[1280];
    uint64_t kills;
    if (control_group_path("memory.events", path, sizeof path) &&
        read_counter(path, "oom_kill", &kills))
        return kills;
    return read_counter("/proc/vmstat", "oom_kill", &kills) ? kills : 0;
}

/* Whole processors of the control group's quota, rounded up; UINT32_MAX when there is none. */
static uint32_t cpu_quota(void)
{
    char path[1280];
    if (!control_group_path("cpu.max", path, sizeof path))
        return UINT32_MAX;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return UINT32_MAX;
    char line[64] = "";
    char *got = fgets(line, sizeof line, file);
    fclose(file);
    char *end;
    unsigned long long quota = strtoull(line, &end, 10); /* "max 100000" when there is none */
    if (got == NULL || end == line)
        return UINT32_MAX;
    unsigned long long period = strtoull(end, NULL, 10);
    if (quota == 0 || period == 0 || quota / period >= UINT32_MAX)
        return UINT32_MAX;
    return (uint32_t)((quota + period - 1) / period);
}

uint32_t process_cpu_count(void)
{
    cpu_set_t mask;
    uint32_t count = 1;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0)
        count = (uint32_t)CPU_COUNT(&mask);
    uint32_t quota = cpu_quota();
    if (quota < count)
        count = quota;
    return count > 0 ? count : 1;
}
