/*
 * leaving.c: the way out that loses nothing.
 *
 * The first request stops new work: queued tasks are dropped (the coordinator sees it in the next
 * heartbeat, which goes out at once), running ones finish and offer their results. The worker goes
 * when nobody needs it any more: every result has a verdict, and those with a child are released,
 * since a child that selection admits is fetched from here. It goes LEAVE_MS_MAX after the last
 * slot fell idle in any case: what is left then is on disk for its next life, or is computed again.
 * A second request does not wait.
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

void worker_on_leave_requested(struct worker_core *core, const struct worker_event *event)
{
    (void)event;
    if (core->leaving) {
        say_goodbye(core, "asked twice to leave");
        return;
    }
    worker_leave(core, WORKER_EXIT_DONE, "asked to leave");
}

void worker_leave_if_done(struct worker_core *core)
{
    if (!core->leaving || core->running > 0 || !worker_has_room(core, 2))
        return;
    if (core->leave_by == UINT64_MAX)
        core->leave_by = worker_time_after(core->now, LEAVE_MS_MAX);
    bool needed = core->unsettled > 0 || core->children > 0;
    if (!needed || core->now >= core->leave_by)
        say_goodbye(core, core->leave_reason);
}
