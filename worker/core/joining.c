/*
 * joining.c: are we in, and in whose run?
 *
 * Until it is welcomed the worker says hello, in pauses that double. Once welcomed it stays READY
 * through any silence: it goes on computing, keeps its results, and after `lost_ms` says hello
 * instead of heartbeats, since the coordinator may have been restarted and know nothing of it.
 *
 * Epochs tell the lives of one run's coordinator apart; between runs they cannot be compared. Hence
 * a welcome by another run counts when we are looking for a coordinator, or when its epoch is
 * higher.
 */
#include "worker/core/core_state.h"

#include <stdio.h>
#include <string.h>

static uint64_t silence(const struct worker_core *core)
{
    return core->now - core->heard;
}

bool worker_hears_nothing(const struct worker_core *core)
{
    return core->link != LINK_READY || silence(core) > core->lost_ms / 3;
}

bool worker_has_lost_coordinator(const struct worker_core *core)
{
    return core->link == LINK_READY && silence(core) > core->lost_ms;
}

void worker_start(struct worker_core *core)
{
    core->started = true;
    core->heard = core->hello_at = core->now;
}

void worker_hear(struct worker_core *core)
{
    core->heard = core->now;
    if (core->link == LINK_READY) {
        core->hello_at = 0;
        core->hello_ms = core->config.hello_ms_min;
    }
}

void worker_rejoin(struct worker_core *core)
{
    core->link = LINK_JOINING;
    core->hello_ms = core->config.hello_ms_min;
    core->hello_at = core->now > core->hello_soonest ? core->now : core->hello_soonest;
}

/* Looks for a coordinator, but without haste. */
static void join_slowly(struct worker_core *core, uint32_t pause_ms)
{
    core->link = LINK_JOINING;
    core->hello_ms = pause_ms;
    core->hello_at = worker_time_after(core->now, pause_ms);
}

/* -------------------------------------------------------------------------------- messages */

void worker_on_welcome(struct worker_core *core, const struct message *message)
{
    const struct welcome *welcome = &message->welcome;
    bool same_run = worker_run_equal(&welcome->run, &core->run);
    bool seeking = core->link == LINK_JOINING || worker_has_lost_coordinator(core);
    if (same_run ? message->epoch < core->epoch : !seeking && message->epoch <= core->epoch)
        return;
    bool news = !same_run || message->epoch > core->epoch;
    if (!same_run)
        worker_cohort_forget_streams(core);
    core->link = LINK_READY;
    core->welcomed = true;
    core->epoch = message->epoch;
    core->run = welcome->run;
    memcpy(core->numeric, welcome->numeric, sizeof core->numeric);
    core->heartbeat_ms = welcome->heartbeat_ms > 0 ? welcome->heartbeat_ms : 1;
    core->lost_ms = welcome->lost_ms;
    core->beat_at = worker_time_after(core->now, core->heartbeat_ms);
    worker_hear(core);
    if (news)
        worker_task_sweep_start(core);
}

void worker_on_refused(struct worker_core *core, const struct message *message)
{
    if (message->refused.code == REFUSED_FULL)
        join_slowly(core, core->config.hello_ms_max);
    else
        worker_emit_exit(core, WORKER_EXIT_NOT_LET_IN, message->refused.reason);
}

void worker_on_rejoin(struct worker_core *core, const struct message *message)
{
    (void)message;
    worker_hear(core);
    worker_rejoin(core);
}

void worker_on_alive(struct worker_core *core, const struct message *message)
{
    (void)core;
    (void)message; /* it was heard: that is all it is for */
}

void worker_on_stop(struct worker_core *core, const struct message *message)
{
    if (message->stop.code == STOP_RUN_PAUSED) {
        if (core->link == LINK_READY)
            join_slowly(core, core->config.hello_ms_min);
        return;
    }
    if (!core->config.stay) {
        worker_emit_exit(core, WORKER_EXIT_DONE, message->stop.reason);
        return;
    }
    static const struct run_id none;
    if (!worker_run_equal(&core->run, &none))
        core->ended_run = core->run;
    core->run = none;
    core->epoch = 0;
    worker_task_sweep_start(core);
    join_slowly(core, core->config.hello_ms_max);
}

/* --------------------------------------------------------------------------------- in time */

static uint64_t hello_due(const struct worker_core *core)
{
    if (core->link == LINK_JOINING)
        return core->hello_at;
    uint64_t lost = worker_time_after(core->heard, (uint64_t)core->lost_ms + 1);
    return lost > core->hello_at ? lost : core->hello_at;
}

static uint64_t beat_due(const struct worker_core *core)
{
    if (core->link != LINK_READY || worker_has_lost_coordinator(core))
        return UINT64_MAX;
    return core->beat_at;
}

/*
 * The first moment at which the silence is longer than linger_ms; once welcomed, than three
 * heartbeats at least, since a coordinator that answers each of them is not silent.
 */
static uint64_t patience_ends(const struct worker_core *core)
{
    uint64_t least = 3 * (uint64_t)core->heartbeat_ms;
    uint64_t linger = core->config.linger_ms > least ? core->config.linger_ms : least;
    return worker_time_after(worker_time_after(core->heard, linger), 1);
}

static void say_hello(struct worker_core *core)
{
    const struct worker_config *config = &core->config;
    worker_emit_hello(core);
    core->hello_soonest = worker_time_after(core->now, config->hello_ms_min);
    core->hello_at = worker_time_after(core->now, core->hello_ms);
    core->hello_ms =
        core->hello_ms < config->hello_ms_max / 2 ? core->hello_ms * 2 : config->hello_ms_max;
}

static void lose_patience(struct worker_core *core)
{
    if (!core->welcomed) {
        worker_emit_exit(core, WORKER_EXIT_NOT_LET_IN, "cannot reach a coordinator");
        return;
    }
    char reason[REASON_BYTES_MAX];
    snprintf(reason, sizeof reason, "no coordinator for %llu s",
             (unsigned long long)(silence(core) / 1000));
    worker_emit_exit(core, WORKER_EXIT_DONE, reason);
}

void worker_keep_in_touch(struct worker_core *core)
{
    if (!worker_has_room(core, 2))
        return;
    if (core->config.linger_ms != UINT64_MAX && core->now >= patience_ends(core)) {
        lose_patience(core);
        return;
    }
    if (core->now >= hello_due(core))
        say_hello(core);
    if (core->now >= beat_due(core)) {
        worker_emit_heartbeat(core);
        core->beat_at = worker_time_after(core->now, core->heartbeat_ms);
    }
}

uint64_t worker_touch_deadline(const struct worker_core *core)
{
    uint64_t due = hello_due(core);
    if (beat_due(core) < due)
        due = beat_due(core);
    if (patience_ends(core) < due)
        due = patience_ends(core);
    return due;
}
