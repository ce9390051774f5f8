/*
 * leaving.c: the way out that loses nothing.
 *
 * The first request stops new work: queued tasks are dropped (the coordinator sees it in the next
 * heartbeat, which goes out at once), running ones are handed over (handover.c) or finish, and
 * offer their results. The worker goes when nobody needs it any more: every state and result has a
 * verdict, and those with a child are released, since a child that selection admits is fetched from
 * here. It goes LEAVE_MS_MAX after the request in any case, or, when running jobs were to finish,
 * after the last slot fell idle: what is left then is on disk for its next life, or is computed
 * again. A second request by a signal does not wait.
 */
#include "worker/core/core_state.h"

#include <stdio.h>

static void say_goodbye(struct worker_core *core, const char *reason)
{
    struct goodbye *goodbye = &worker_emit_message(core, MESSAGE_GOODBYE)->goodbye;
    snprintf(goodbye->reason, sizeof goodbye->reason, "%s", reason);
    worker_emit_exit(core, core->leave_code, reason);
}

void worker_leave(struct worker_core *core, enum worker_exit code, const char *reason)
{
    core->leaving = true;
    core->leave_code = code;
    snprintf(core->leave_reason, sizeof core->leave_reason, "%s", reason);
    core->beat_at = core->now;
    worker_task_sweep_start(core);
}

/* False when it was the second one. Whom a user drains is not in a hurry, until a signal comes. */
static bool take_request(struct worker_core *core)
{
    if (core->asked || (core->leaving && !core->handing_over)) {
        say_goodbye(core, "asked twice to leave");
        return false;
    }
    core->asked = true;
    if (!core->leaving)
        worker_leave(core, WORKER_EXIT_DONE, "asked to leave");
    return true;
}

void worker_on_leave_requested(struct worker_core *core, const struct worker_event *event)
{
    (void)event;
    uint64_t leave_by = worker_time_after(core->now, LEAVE_MS_MAX);
    if (!take_request(core))
        return;
    if (!core->handing_over)
        worker_hand_over(core, LEAVE_MS_MAX);
    else if (core->leave_by > leave_by)
        core->leave_by = leave_by;
}

void worker_on_finish_requested(struct worker_core *core, const struct worker_event *event)
{
    (void)event;
    (void)take_request(core);
}

/* Jobs that run have lost their parents or will not get rid of their children: none is waited for.
 */
void worker_on_cache_gone(struct worker_core *core, const struct worker_event *event)
{
    core->leave_code = WORKER_EXIT_FAILED;
    say_goodbye(core, event->reason);
}

void worker_leave_if_done(struct worker_core *core)
{
    if (!core->leaving || !worker_has_room(core, 2) ||
        (core->running > 0 && core->now < core->leave_by))
        return;
    if (core->leave_by == UINT64_MAX)
        core->leave_by = worker_time_after(core->now, LEAVE_MS_MAX);
    bool needed = core->unsettled > 0 || core->children > 0;
    if (!needed || core->now >= core->leave_by)
        say_goodbye(core, core->leave_reason);
}
