/*
 * local_worker.h: the worker that `ratchet run` brings along: one child process `ratchet-worker`.
 *
 * It is a worker like any other, on a private socket. It is started again when it dies, with
 * growing pauses, unless it says that trying again is of no use. It never outlives us: the kernel
 * kills it when this process ends in whatever way. It has a process group of its own, so that
 * Ctrl-C reaches the coordinator alone, which then stops it in order.
 *
 * Signals: the caller blocks SIGCHLD and calls local_worker_tick() when one came. Main thread only:
 * the kernel's promise is bound to the thread that started the child.
 */
#ifndef RATCHET_COORDINATOR_SHELL_LOCAL_WORKER_H
#define RATCHET_COORDINATOR_SHELL_LOCAL_WORKER_H

#include "common/endpoint.h"
#include "common/os_file.h"

struct local_worker_options {
    char program[OS_PATH_BYTES_MAX]; /* see local_worker_find_program */
    char endpoint[ENDPOINT_BYTES_MAX];
    char cache[OS_PATH_BYTES_MAX];
    char log[OS_PATH_BYTES_MAX]; /* its stdout and stderr are appended here */
    uint32_t slots;
    uint64_t cache_bytes; /* how large its cache may grow; 0: as large as it wants */
    const char *device;   /* for --device; NULL: the worker chooses. Outlives the worker */
};

/* `ratchet-worker` beside the running program, else the first one in $PATH. -1 when there is none.
 */
int local_worker_find_program(char program[OS_PATH_BYTES_MAX], struct error *error)
    __attribute__((warn_unused_result));

struct local_worker;

/* Copies the options. NULL when memory is out. Starts nothing yet: the first tick does. */
struct local_worker *local_worker_create(const struct local_worker_options *options,
                                         struct error *error);
/* Kills the child when there still is one. */
void local_worker_destroy(struct local_worker **worker);

/*
 * Looks after the child: takes note of its death and starts a new one when that is due. 0, or -1
 * with the reason when it is of no use to go on: it cannot be started, was refused, or dies again
 * and again.
 */
int local_worker_tick(struct local_worker *worker, uint64_t now_ms, struct error *error)
    __attribute__((warn_unused_result));
/* When to tick again even if no SIGCHLD came; UINT64_MAX: then only. */
uint64_t local_worker_deadline(const struct local_worker *worker);

/* True when the child said that it was not let in, which is then the reason that the tick gave. */
bool local_worker_was_refused(const struct local_worker *worker);
/* True while the child lives. */
bool local_worker_is_alive(const struct local_worker *worker);
/* Asks it to finish what runs (SIGUSR1), to leave soon (SIGTERM) or ends it (SIGKILL); it is not
 * started again. */
void local_worker_stop(struct local_worker *worker, int signal);

#endif
