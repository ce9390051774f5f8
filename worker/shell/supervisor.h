/*
 * supervisor.h: the process that lab machines run: one loop around the worker's core.
 *
 * It waits for datagrams, slots and signals; turns each into an event of the core; carries the
 * core's effects out. Whatever computes is in the slots' processes, whatever may wait is refused
 * here, so heartbeats leave in time. SIGTERM or SIGINT: hand over what runs, then go; SIGUSR1:
 * finish what runs, then go; a second one: go.
 */
#ifndef RATCHET_WORKER_SHELL_SUPERVISOR_H
#define RATCHET_WORKER_SHELL_SUPERVISOR_H

#include "common/key_text.h"
#include "worker/core/worker_core.h"
#include "worker/shell/cache.h"
#include "worker/shell/log.h"

struct supervisor_options {
    const char *control, *bulk; /* the coordinator's addresses */
    const char *program;        /* what slots execute: PROCESS_OWN_PROGRAM */
    const char *device;         /* what they compute on, as --device takes it */
    const struct key_file *key; /* ours, and the coordinator's public one; NULL: in the clear */
    struct worker_config config;
    struct cache *cache; /* borrowed */
    struct log *log;     /* borrowed */
};

/*
 * Runs until the core says exit: its code comes back. Or -1 with the reason: it could not start.
 * Blocks the signals that it answers and ignores SIGPIPE; call from the main thread, before any
 * other thread is started.
 */
int supervisor_run(const struct supervisor_options *options, struct error *error)
    __attribute__((warn_unused_result));

#endif
