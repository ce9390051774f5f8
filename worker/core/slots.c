/*
 * slots.c: which slot runs what.
 *
 * A slot is a process that the shell starts and watches. Here it is a small state machine: STARTING
 * until it says ready, IDLE, BUSY with one task or with several that it runs together, and KILLED
 * from our own order until it is ready again. What a killed slot still says (a result that was on
 * its way, its death) was made unwanted by the order.
 *
 * A busy slot owes an answer for each job that it was given. When one of several is not wanted any
 * more the others go on: that one's answer is dropped when it comes.
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
    if (state == SLOT_BUSY)
        return;
    core->slots[slot].task = TASK_NONE;
    core->slots[slot].due = core->slots[slot].given = 0;
}

/* The idle slot of the lowest number; SLOTS_MAX when there is none. */
static uint32_t first_idle(const struct worker_core *core)
{
    for (uint32_t word = 0; word < SLOTS_MAX / 64; word++)
        if (core->idle[word] != 0)
            return word * 64 + (uint32_t)__builtin_ctzll(core->idle[word]);
    return SLOTS_MAX;
}

static uint32_t bits_in(uint64_t word)
{
    uint32_t bits = 0;
    for (; word != 0; word &= word - 1)
        bits++;
    return bits;
}

static uint32_t idle_count(const struct worker_core *core)
{
    uint32_t count = 0;
    for (uint32_t word = 0; word < SLOTS_MAX / 64; word++)
        count += bits_in(core->idle[word]);
    return count;
}

/* ------------------------------------------------------------------------------ tasks of a slot */

/* Behind those that it has. */
static void tasks_append(struct worker_core *core, uint32_t slot, uint32_t index)
{
    uint32_t *link = &core->slots[slot].task;
    while (*link != TASK_NONE)
        link = &core->tasks[*link].mate;
    *link = index;
    core->tasks[index].slot = slot;
    core->tasks[index].mate = TASK_NONE;
}

/* False when the slot that it was once given to does not run it any more. */
static bool tasks_remove(struct worker_core *core, uint32_t index)
{
    uint32_t *link = &core->slots[core->tasks[index].slot].task;
    while (*link != TASK_NONE && *link != index)
        link = &core->tasks[*link].mate;
    if (*link == TASK_NONE)
        return false;
    *link = core->tasks[index].mate;
    return true;
}

static uint32_t tasks_count(const struct worker_core *core, uint32_t slot)
{
    uint32_t count = 0;
    for (uint32_t i = core->slots[slot].task; i != TASK_NONE; i = core->tasks[i].mate)
        count++;
    return count;
}

uint32_t worker_slot_task(const struct worker_core *core, uint32_t slot,
                          const struct digest *description)
{
    uint32_t index = core->slots[slot].task;
    while (index != TASK_NONE && !digest_equal(&core->tasks[index].description, description))
        index = core->tasks[index].mate;
    return index;
}

/* ----------------------------------------------------------------------------------------- fill */

bool worker_slots_can_fill(const struct worker_core *core)
{
    return core->runnable->count > 0 && first_idle(core) < SLOTS_MAX;
}

static void run(struct worker_core *core, uint32_t slot, uint32_t index)
{
    worker_task_enter(core, index, TASK_RUNNING);
    tasks_append(core, slot, index);
    struct worker_effect *effect = worker_emit(core, WORKER_RUN);
    effect->run.slot = slot;
    effect->run.lease = core->tasks[index].lease;
    effect->run.more = core->slots[slot].given - ++core->slots[slot].due;
}

void worker_slots_fill(struct worker_core *core)
{
    while (worker_slots_can_fill(core)) {
        uint32_t slot = first_idle(core);
        uint32_t index = task_heap_first(core->runnable).task;
        uint32_t size = worker_cohort_size(core, index, idle_count(core));
        if (!worker_has_room(core, size))
            return;
        set_state(core, slot, SLOT_BUSY);
        core->slots[slot].given = size;
        run(core, slot, index);
        for (uint32_t i = 1; i < size; i++)
            run(core, slot, worker_cohort_mate(core, index));
        core->cohorts += size > 1;
        core->cohort_jobs += size > 1 ? size : 0;
    }
}

/* ---------------------------------------------------------------------------------- answers, ends
 */

static void kill_slot(struct worker_core *core, uint32_t slot)
{
    set_state(core, slot, SLOT_KILLED);
    worker_emit(core, WORKER_KILL_SLOT)->slot = slot;
}

/* One answer less is due. What is left when nobody wants any of it is not waited for. */
static void settle(struct worker_core *core, uint32_t slot)
{
    assert(core->slots[slot].due > 0);
    if (--core->slots[slot].due == 0)
        set_state(core, slot, SLOT_IDLE);
    else if (core->slots[slot].task == TASK_NONE)
        kill_slot(core, slot);
}

void worker_slot_answered(struct worker_core *core, uint32_t index)
{
    bool removed = tasks_remove(core, index);
    assert(removed);
    settle(core, core->tasks[index].slot);
}

void worker_slot_answered_else(struct worker_core *core, uint32_t slot)
{
    if (core->slots[slot].state != SLOT_BUSY)
        return;
    if (core->slots[slot].due > tasks_count(core, slot)) {
        settle(core, slot);
        return;
    }
    uint32_t index = core->slots[slot].task;
    kill_slot(core, slot);
    for (uint32_t next; index != TASK_NONE; index = next) {
        next = core->tasks[index].mate;
        worker_task_end(core, index);
    }
}

void worker_slot_abandon(struct worker_core *core, uint32_t index)
{
    uint32_t slot = core->tasks[index].slot;
    if (core->tasks[index].phase != TASK_RUNNING || !tasks_remove(core, index))
        return;
    if (core->slots[slot].task == TASK_NONE)
        kill_slot(core, slot);
}

void worker_on_slot_ready(struct worker_core *core, const struct worker_event *event)
{
    assert(event->slot < core->config.slots);
    /* A slot that says so after each job says it too late: it has its next one. */
    if (core->slots[event->slot].state != SLOT_BUSY)
        set_state(core, event->slot, SLOT_IDLE);
}

void worker_on_slot_finished(struct worker_core *core, const struct worker_event *event)
{
    uint32_t slot = event->finished.slot;
    assert(slot < core->config.slots);
    const struct result *result = event->finished.result;
    uint32_t index = worker_slot_task(core, slot, &result->job);
    if (index == TASK_NONE) { /* its child was pinned all the same */
        if (!digest_is_zero(&result->child))
            worker_emit_unpin(core, &result->child);
        worker_slot_answered_else(core, slot);
        return;
    }
    worker_slot_answered(core, index);
    worker_inputs_release(core, index);
    worker_result_keep(core, index, result);
}

static void report_death(struct worker_core *core, const struct worker_event *event)
{
    struct death *death = &worker_emit_message(core, MESSAGE_DEATH)->death;
    const struct slot *slot = &core->slots[event->died.slot];
    death->slot = event->died.slot;
    death->exit_code = event->died.exit_code;
    death->signal = event->died.signal;
    death->out_of_memory = event->died.out_of_memory;
    death->lease_count = 0;
    for (uint32_t i = slot->task; i != TASK_NONE; i = core->tasks[i].mate)
        death->leases[death->lease_count++] = core->tasks[i].lease.key;
    death->cohort = slot->given;
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
    for (uint32_t next; index != TASK_NONE; index = next) {
        next = core->tasks[index].mate;
        worker_task_end(core, index);
    }
}
