/*
 * tasks.c: the table of tasks: everything this worker holds, from lease to verdict.
 *
 * A task is found by its job: the map leads to the first task of the job, and the few others of it
 * (a second opinion beside the result it doubts, recovered results of another run) follow in a
 * chain. All tasks also stand in one list by arrival, which heartbeats and the sweep walk. Rows
 * that were never used are never touched, so that the worst case costs address space and no memory.
 */
#include "worker/core/core_state.h"

#include <assert.h>

static struct map_key key_of(struct job_key job)
{
    return (struct map_key){.low = job.job, .high = job.line};
}

uint32_t worker_task_first(const struct worker_core *core, struct job_key job)
{
    uint32_t first = fixed_map_find(core->jobs, key_of(job));
    return first == FIXED_MAP_NONE ? TASK_NONE : first;
}

uint32_t worker_task_find(const struct worker_core *core, struct job_key job,
                          const struct run_id *run, const struct digest *description)
{
    uint32_t index = worker_task_first(core, job);
    while (index != TASK_NONE && !(digest_equal(&core->tasks[index].description, description) &&
                                   worker_run_equal(&core->tasks[index].run, run)))
        index = core->tasks[index].next_of_job;
    return index;
}

bool worker_task_table_full(const struct worker_core *core)
{
    return core->task_count == HELD_MAX;
}

/* ----------------------------------------------------------------------------- rows, links */

static uint32_t row_take(struct worker_core *core)
{
    assert(!worker_task_table_full(core));
    core->task_count++;
    if (core->tasks_free == TASK_NONE)
        return core->tasks_fresh++;
    uint32_t index = core->tasks_free;
    core->tasks_free = core->tasks[index].next;
    return index;
}

static void row_give_back(struct worker_core *core, uint32_t index)
{
    core->tasks[index].phase = 0;
    core->tasks[index].next = core->tasks_free;
    core->tasks_free = index;
    core->task_count--;
}

static void list_append(struct worker_core *core, uint32_t index)
{
    struct task *task = &core->tasks[index];
    task->next = TASK_NONE;
    task->previous = core->last_task;
    if (core->last_task == TASK_NONE)
        core->first_task = index;
    else
        core->tasks[core->last_task].next = index;
    core->last_task = index;
}

static void list_remove(struct worker_core *core, uint32_t index)
{
    const struct task *task = &core->tasks[index];
    if (task->previous == TASK_NONE)
        core->first_task = task->next;
    else
        core->tasks[task->previous].next = task->next;
    if (task->next == TASK_NONE)
        core->last_task = task->previous;
    else
        core->tasks[task->next].previous = task->previous;
    if (core->sweep == index)
        core->sweep = task->next;
}

/* The chain of a job is replaced under its key: the map knows only its first task. */
static void chain_set(struct worker_core *core, struct job_key job, uint32_t first)
{
    if (worker_task_first(core, job) != TASK_NONE)
        fixed_map_remove(core->jobs, key_of(job));
    if (first != TASK_NONE)
        fixed_map_insert(core->jobs, key_of(job), first);
}

static void chain_remove(struct worker_core *core, uint32_t index)
{
    const struct task *task = &core->tasks[index];
    uint32_t before = worker_task_first(core, task->lease.key.job);
    if (before == index) {
        chain_set(core, task->lease.key.job, task->next_of_job);
        return;
    }
    while (core->tasks[before].next_of_job != index)
        before = core->tasks[before].next_of_job;
    core->tasks[before].next_of_job = task->next_of_job;
}

uint32_t worker_task_add(struct worker_core *core, const struct lease_key *key,
                         const struct run_id *run, const struct digest *description)
{
    uint32_t index = row_take(core);
    struct task *task = &core->tasks[index];
    *task = (struct task){
        .run = *run,
        .lease.key = *key,
        .description = *description,
        .arrival = core->arrivals++,
        .next_of_job = worker_task_first(core, key->job),
    };
    chain_set(core, key->job, index);
    list_append(core, index);
    return index;
}

/* ---------------------------------------------------------------------------------- phases */

/* The count that a phase belongs to; NULL for a row that is in none yet. */
static uint32_t *count_of(struct worker_core *core, enum task_phase phase)
{
    switch (phase) {
    case TASK_WAITING:
    case TASK_RUNNABLE:
        return &core->queued;
    case TASK_RUNNING:
        return &core->running;
    case TASK_FINISHED:
    case TASK_HANDED_OVER:
        return &core->finished;
    }
    return NULL;
}

static void leave_phase(struct worker_core *core, uint32_t index)
{
    uint32_t *count = count_of(core, core->tasks[index].phase);
    if (count != NULL)
        --*count;
    task_heap_remove(core->runnable, index);
    worker_cohort_leave(core, index);
}

void worker_task_enter(struct worker_core *core, uint32_t index, enum task_phase phase)
{
    leave_phase(core, index);
    core->tasks[index].phase = phase;
    ++*count_of(core, phase);
    if (phase != TASK_RUNNABLE)
        return;
    task_heap_set(core->runnable, index, core->tasks[index].arrival);
    worker_cohort_enter(core, index);
}

void worker_task_end(struct worker_core *core, uint32_t index)
{
    struct task *task = &core->tasks[index];
    if (task->phase == TASK_FINISHED) {
        task_heap_remove(core->offers, index);
        core->unsettled -= task->settled ? 0 : 1;
        if (!digest_is_zero(&task->result.child)) {
            worker_emit_unpin(core, &task->result.child);
            core->children--;
            worker_inputs_gain_room(core);
        }
    } else if (task->phase == TASK_HANDED_OVER) {
        task_heap_remove(core->offers, index);
        core->unsettled--;
        worker_emit_unpin(core, &task->partial.state);
    } else {
        worker_slot_abandon(core, index);
        worker_inputs_release(core, index);
    }
    leave_phase(core, index);
    chain_remove(core, index);
    list_remove(core, index);
    row_give_back(core, index);
}

/* ----------------------------------------------------------------------------------- sweep */

void worker_task_sweep_start(struct worker_core *core)
{
    core->sweep = core->first_task;
}

/* Brings one task in line with the run and epoch that we are in now, and with leaving. */
static void sweep_one(struct worker_core *core, uint32_t index)
{
    struct task *task = &core->tasks[index];
    if (!worker_run_equal(&task->run, &core->run)) {
        /* Results of a run that goes on elsewhere stay on disk; those of one that is over do not.
         */
        if (worker_run_equal(&task->run, &core->ended_run))
            worker_emit_unspool(core, index);
        worker_task_end(core, index);
    } else if (task->phase == TASK_FINISHED || task->phase == TASK_HANDED_OVER) {
        if (task->offered_epoch != core->epoch)
            worker_result_renew(core, index);
    } else if (core->leaving && task->phase != TASK_RUNNING) {
        worker_task_end(core, index);
    }
}

bool worker_task_sweep(struct worker_core *core)
{
    for (uint32_t n = 0;
         n < SWEEP_TASKS_MAX && core->sweep != TASK_NONE && worker_has_room(core, END_EFFECTS_MAX);
         n++) {
        uint32_t index = core->sweep;
        core->sweep = core->tasks[index].next;
        sweep_one(core, index);
    }
    return core->sweep == TASK_NONE;
}
