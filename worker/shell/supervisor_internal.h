/*
 * supervisor_internal.h: what the files of the supervisor share, and nobody else includes.
 *
 *   supervisor.c          start, loop, end
 *   supervisor_effects.c  events into the core, effects out of it
 */
#ifndef RATCHET_WORKER_SHELL_SUPERVISOR_INTERNAL_H
#define RATCHET_WORKER_SHELL_SUPERVISOR_INTERNAL_H

#include "worker/shell/bulk.h"
#include "worker/shell/slot_pool.h"
#include "worker/shell/spool.h"
#include "worker/shell/supervisor.h"
#include "worker/shell/watch.h"

struct supervisor {
    struct supervisor_options options;
    struct worker_core *core;
    struct worker_effects *effects;
    struct connection *connection;
    struct codec *codec;
    struct slot_pool *pool;
    struct spool *spool;
    struct bulk *bulk;
    struct watch watch;
    int signals;                  /* a descriptor */
    uint64_t measure_ms;          /* when to look at the cache's level again */
    bool cache_known, cache_full; /* as last told to the core */
    uint64_t cache_bytes;
    uint64_t malformed_log_ms; /* no line about malformed datagrams before this */
    bool exits;
    int exit_code;
    uint64_t now_ms; /* of this turn */
};

/* Steps the core with an event of this turn (its time is filled in) and carries its effects out. */
void supervisor_step(struct supervisor *supervisor, struct worker_event *event);
/* Offers the core what the spool holds, before its first tick. */
void supervisor_recover(struct supervisor *supervisor);
/* False when the worker has just left, because its cache is gone. */
bool supervisor_has_cache(struct supervisor *supervisor);
/* Tells the core about the cache's level, when it is time and something changed. */
void supervisor_measure_cache(struct supervisor *supervisor);

#endif
