/*
 * os_process.h: child processes that never outlive their parent, and what the machine grants this
 * one.
 *
 * Used by shells that start programs: the worker its slots, `ratchet run` its local workers,
 * `ratchet report` gnuplot. Nothing here goes through a command interpreter or searches PATH. Linux
 * only.
 */
#ifndef RATCHET_COMMON_OS_PROCESS_H
#define RATCHET_COMMON_OS_PROCESS_H

#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Runs the very program that is running now, even when its file was replaced meanwhile. */
#define PROCESS_OWN_PROGRAM "/proc/self/exe"

/* The number under which a child finds `channel`. */
enum { PROCESS_CHANNEL = 3 };

struct process_options {
    const char *program;            /* path of the file to execute */
    const char *const *arguments;   /* argv with argv[0], ended by NULL */
    const char *const *environment; /* "NAME=value" in addition to ours, ended by NULL; or NULL */
    int channel;                    /* becomes PROCESS_CHANNEL in the child; -1: none */
    int output;                     /* becomes its stdout and stderr; -1: it shares ours */
    int errors;                     /* becomes its stderr instead of `output`; 0 or -1: none */
    int input;                      /* becomes its stdin; 0 or -1: none, it reads /dev/null */
    bool own_group;                 /* a process group of its own: Ctrl-C does not reach it */
};

/*
 * Starts a child: it never reads our standard input, signals are as at login, descriptors that do
 * not close on exec are inherited as ever. The kernel kills it when the calling thread ends,
 * however that happens; so call from a thread that lasts. A program that cannot be executed ends
 * with exit code 127.
 */
int process_spawn(const struct process_options *options, pid_t *pid, struct error *error)
    __attribute__((warn_unused_result));

struct process_end {
    int32_t exit_code; /* -1 when a signal ended it */
    int32_t signal;    /* 0 when it exited */
};

/* True when the child has ended: it is reaped and *end is filled. Does not wait. */
bool process_poll_end(pid_t pid, struct process_end *end);
/* Waits for it, however long. */
struct process_end process_wait(pid_t pid);

/*
 * How often the kernel has killed for want of memory: in this process's own control group where
 * that is counted, else on the machine; 0 where neither is. Only differences mean something.
 */
uint64_t process_memory_kills(void);

/* Processors that this process may keep busy: its affinity mask and its control group's quota; at
 * least 1. */
uint32_t process_cpu_count(void);

#endif
