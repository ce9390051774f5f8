/* supervisor_effects.c: see supervisor_internal.h. */
#include "worker/shell/supervisor_internal.h"

#include <inttypes.h>
#include <stdio.h>

enum { MEASURE_MS = 1000 };

/* ------------------------------------------------------------------------------------- effects */

static void spool_result(struct supervisor *supervisor, const struct worker_effect *effect)
{
    struct error error;
    if (spool_put(supervisor->spool, &effect->spool.run, effect->spool.result, &error) != 0)
        log_line(supervisor->options.log, "%s; the result is kept in memory only", error.text);
}

static void leave(struct supervisor *supervisor, const struct worker_effect *effect)
{
    supervisor->exits = true;
    supervisor->exit_code = (int)effect->exit.code;
    watch_leave(&supervisor->watch, effect->exit.reason);
}

static void perform(struct supervisor *supervisor, const struct worker_effect *effect)
{
    switch (effect->kind) {
    case WORKER_SEND:
        connection_queue(supervisor->connection, CHANNEL_CONTROL, &effect->message);
        break;
    case WORKER_RUN:
        if (effect->run.more > 0)
            slot_pool_gather(supervisor->pool, effect->run.slot, &effect->run.lease);
        else
            slot_pool_run(supervisor->pool, effect->run.slot, &effect->run.lease);
        break;
    case WORKER_STOP_SLOT:
        slot_pool_stop(supervisor->pool, effect->slot);
        break;
    case WORKER_KILL_SLOT:
        slot_pool_kill(supervisor->pool, effect->slot);
        break;
    case WORKER_FETCH:
        bulk_fetch(supervisor->bulk, &effect->digest, supervisor->now_ms);
        break;
    case WORKER_UNPIN:
        cache_unpin(supervisor->options.cache, &effect->digest);
        break;
    case WORKER_SPOOL:
        spool_result(supervisor, effect);
        break;
    case WORKER_UNSPOOL:
        spool_remove(supervisor->spool, &effect->unspool.run, effect->unspool.job);
        break;
    case WORKER_EXIT:
        leave(supervisor, effect);
        break;
    }
}

void supervisor_step(struct supervisor *supervisor, struct worker_event *event)
{
    event->now_ms = supervisor->now_ms;
    worker_core_step(supervisor->core, event, supervisor->effects);
    for (uint32_t i = 0; i < supervisor->effects->count; i++)
        perform(supervisor, &supervisor->effects->items[i]);
}

/* --------------------------------------------------------------------------------------- events */

/* A spooled result is worth nothing without its child. */
static bool take_recovered(void *context, const struct run_id *run, const struct result *result)
{
    struct supervisor *supervisor = context;
    struct error error;
    if (!digest_is_zero(&result->child) &&
        cache_pin(supervisor->options.cache, &result->child, &error) != CACHE_OK) {
        log_line(supervisor->options.log,
                 "spooled result of line %" PRIu32 " job %" PRIu64 " is removed: its child: %s",
                 result->lease.job.line, result->lease.job.job, error.text);
        return false;
    }
    struct worker_event event = {
        .kind = WORKER_RESULT_RECOVERED,
        .recovered = {.run = *run, .result = result},
    };
    supervisor_step(supervisor, &event);
    return true;
}

void supervisor_recover(struct supervisor *supervisor)
{
    uint32_t count = spool_recover(supervisor->spool, take_recovered, supervisor);
    if (count > 0)
        log_line(supervisor->options.log, "has %" PRIu32 " finished results of an earlier life",
                 count);
}

bool supervisor_has_cache(struct supervisor *supervisor)
{
    struct error error;
    if (cache_is_there(supervisor->options.cache, &error))
        return true;
    struct worker_event event = {.kind = WORKER_CACHE_GONE, .reason = error.text};
    supervisor_step(supervisor, &event);
    return false;
}

void supervisor_measure_cache(struct supervisor *supervisor)
{
    if (supervisor->now_ms < supervisor->measure_ms)
        return;
    supervisor->measure_ms = supervisor->now_ms + MEASURE_MS;
    if (!supervisor_has_cache(supervisor))
        return;
    struct cache_level level = cache_measure(supervisor->options.cache);
    if (level.full != supervisor->cache_full)
        log_line(supervisor->options.log,
                 level.full ? "asks for no more work: %s has no room (%" PRIu64
                              " bytes in use, %" PRIu64 " in all)"
                            : "has room again in %s (%" PRIu64 " bytes in use, %" PRIu64 " in all)",
                 cache_folder(supervisor->options.cache), level.pinned_bytes, level.bytes);
    if (supervisor->cache_known && level.full == supervisor->cache_full &&
        level.bytes == supervisor->cache_bytes)
        return;
    supervisor->cache_known = true;
    supervisor->cache_full = level.full;
    supervisor->cache_bytes = level.bytes;
    struct worker_event event = {
        .kind = WORKER_CACHE_LEVEL,
        .cache = {.full = level.full, .bytes = level.bytes},
    };
    supervisor_step(supervisor, &event);
}
