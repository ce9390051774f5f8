/*
 * handover.c: giving running jobs back, trained as far as they are.
 *
 * A worker that is to leave soon asks each busy slot to stop at its next step. What comes back is a
 * result, when the job was near its end or cannot be cut in two, or a state, which stays pinned and
 * is offered like a result until the coordinator has its bytes or does not want them. A worker that
 * nobody hears, or whose slots do not answer, leaves when its time is over all the same: the job is
 * then done again from the beginning, to the same result.
 */
#include "worker/core/core_state.h"

#include <assert.h>
#include <stdio.h>

void worker_hand_over(struct worker_core *core, uint64_t within_ms)
{
    core->handing_over = true;
    core->stop_cursor = 0;
    core->leave_by = worker_time_after(core->now, within_ms);
}

bool worker_stops_slots(const struct worker_core *core)
{
    return core->handing_over && core->stop_cursor < core->config.slots;
}

bool worker_stop_slots(struct worker_core *core)
{
    for (; worker_stops_slots(core) && worker_has_room(core, 1); core->stop_cursor++)
        if (core->slots[core->stop_cursor].state == SLOT_BUSY)
            worker_emit(core, WORKER_STOP_SLOT)->slot = core->stop_cursor;
    return !worker_stops_slots(core);
}

/* A coordinator's word gives more time than a signal, after which somebody may kill us. */
void worker_on_drain(struct worker_core *core, const struct message *message)
{
    if (core->leaving)
        return;
    char reason[REASON_BYTES_MAX];
    snprintf(reason, sizeof reason, "%s",
             message->drain.reason[0] != '\0' ? message->drain.reason : "drained");
    worker_leave(core, WORKER_EXIT_DONE, reason);
    worker_hand_over(core, DRAIN_MS_MAX);
}

void worker_on_slot_handed_over(struct worker_core *core, const struct worker_event *event)
{
    const struct handover *handover = event->handed_over.handover;
    const struct partial *partial = &handover->partial;
    uint32_t slot = event->handed_over.slot;
    assert(slot < core->config.slots);
    uint32_t index = core->handing_over ? worker_slot_task(core, slot, &handover->job) : TASK_NONE;
    if (index == TASK_NONE) { /* as with a result that nobody asked for */
        if (partial->bytes > 0)
            worker_emit_unpin(core, &partial->state);
        worker_slot_answered_else(core, slot);
        return;
    }
    worker_slot_answered(core, index);
    if (partial->bytes == 0) {
        worker_task_end(core, index);
        core->beat_at = core->now; /* the coordinator sees that it is not here any more */
        return;
    }
    worker_inputs_release(core, index);
    core->tasks[index].partial = *partial;
    worker_task_enter(core, index, TASK_HANDED_OVER);
    core->unsettled++;
    worker_result_renew(core, index);
}

void worker_emit_handover(struct worker_core *core, uint32_t index)
{
    const struct task *task = &core->tasks[index];
    worker_emit_message(core, MESSAGE_HANDOVER)->handover = (struct handover){
        .lease = task->lease.key,
        .job = task->description,
        .partial = task->partial,
    };
}
