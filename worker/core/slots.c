/*
 * slots.c: which slot runs what.
 *
 * A slot is a process that the shell starts and watches. Here it is a small state machine: STARTING
 * until it says ready, IDLE, BUSY with one task, and KILLED from our own order until it is ready
 * again. What a killed slot still says (a result that was on its way, its death) was made unwanted
 * by the order.
 */
#include "worker/core/core_state.h"

#include <assert.h>
#include <stdio.h>

static void set_state(struct worker_core *core, uint32_t slot, enum slot_state state)
{
    uint64_t bit = UINT64_C(1) << slot % 64;
    core->slots[slot].state = state;
    if (state == SLOT_IDLE)
        core->idle[slot / 64] |= bit;
    else
        core->idle[slot / 64] &= ~bit;
    if (state != SLOT_BUSY)
        core->slots[slot].task = TASK_NONE;
}

/* The idle slot of the lowest number; SLOTS_MAX when there is none. */
static uint32_t first_idle(const struct worker_core *core)
{
    for (uint32_t word = 0; word < SLOTS_MAX / 64; word++)
        if (core->idle[word] != 0)
            return word * 64 + (uint32_t)__builtin_ctzll(core->idle[word]);
    return SLOTS_MAX;
}

bool worker_slots_can_fill(const struct worker_core *core)
{
    return core->runnable->count > 0 && first_idle(core) < SLOTS_MAX;
}

void worker_slots_fill(struct worker_core *core)
{
    while (worker_slots_can_fill(core) && worker_has_room(core, 1)) {
        uint32_t slot = first_idle(core);
        uint32_t index = task_heap_first(core->runnable).task;
        worker_task_enter(core, index, TASK_RUNNING);
        core->tasks[index].slot = slot;
        set_state(core, slot, SLOT_BUSY);
        core->slots[slot].task = index;
        struct worker_effect *effect = worker_emit(core, WORKER_RUN);
        effect->run.slot = slot;
        effect->run.lease = core->tasks[index].lease;
    }
}

void worker_slot_rest(struct worker_core *core, uint32_t slot)
{
    set_state(core, slot, SLOT_IDLE);
}

void worker_slot_abandon(struct worker_core *core, uint32_t index)
{
    uint32_t slot = core->tasks[index].slot;
    if (core->tasks[index].phase != TASK_RUNNING || core->slots[slot].task != index)
        return;
    set_state(core, slot, SLOT_KILLED);
    worker_emit(core, WORKER_KILL_SLOT)->slot = slot;
}

void worker_on_slot_ready(struct worker_core *core, const struct worker_event *event)
{
    assert(event->slot < core->config.slots);
    /* A slot that says so after each job says it too late: it has its next one. */
    if (core->slots[event->slot].state != SLOT_BUSY)
        set_state(core, event->slot, SLOT_IDLE);
}

/* An answer to a question that we did not ask, or no longer ask: its child was pinned all the same.
 */
static void discard(struct worker_core *core, uint32_t index, const struct result *result)
{
    if (!digest_is_zero(&result->child))
        worker_emit_unpin(core, &result->child);
    if (index != TASK_NONE)
        worker_task_end(core, index);
}

void worker_on_slot_finished(struct worker_core *core, const struct worker_event *event)
{
    assert(event->finished.slot < core->config.slots);
    const struct result *result = event->finished.result;
    uint32_t index = core->slots[event->finished.slot].task;
    if (index == TASK_NONE || !digest_equal(&result->job, &core->tasks[index].description)) {
        discard(core, index, result);
        return;
    }
    set_state(core, event->finished.slot, SLOT_IDLE);
    worker_inputs_release(core, index);
    worker_result_keep(core, index, result);
}

static void report_death(struct worker_core *core, const struct worker_event *event)
{
    struct death *death = &worker_emit_message(core, MESSAGE_DEATH)->death;
    uint32_t index = core->slots[event->died.slot].task;
    death->slot = event->died.slot;
    death->exit_code = event->died.exit_code;
    death->signal = event->died.signal;
    death->out_of_memory = event->died.out_of_memory;
    death->lease_count = index == TASK_NONE ? 0 : 1;
    if (index != TASK_NONE)
        death->leases[0] = core->tasks[index].lease.key;
    snprintf(death->log_tail, sizeof death->log_tail, "%s",
             event->died.log_tail != NULL ? event->died.log_tail : "");
}

void worker_on_slot_died(struct worker_core *core, const struct worker_event *event)
{
    uint32_t slot = event->died.slot;
    assert(slot < core->config.slots);
    uint32_t index = core->slots[slot].task;
    /* Before a welcome nobody would understand it; absence from the list of held jobs says enough.
     */
    if (core->slots[slot].state != SLOT_KILLED && core->link == LINK_READY)
        report_death(core, event);
    set_state(core, slot, SLOT_STARTING);
    if (index != TASK_NONE)
        worker_task_end(core, index);
}
