/*
 * results.c: finished results, from the slot to the verdict.
 *
 * A result is offered until the coordinator says what becomes of it: at once, then in pauses that
 * double. HELD settles it for this epoch (a restarted coordinator is offered it anew); RELEASED
 * ends it; LATER asks for patience. Results that cost much, or that nobody can take just now, also
 * go to disk, and come back from there when the worker is started again.
 */
#include "worker/core/core_state.h"

#include <assert.h>
#include <string.h>

/* Due at `when`; whatever was said of the result before no longer counts. */
static void offer_at(struct worker_core *core, uint32_t index, uint64_t when)
{
    struct task *task = &core->tasks[index];
    core->unsettled += task->settled ? 1 : 0;
    task->settled = false;
    task->doublings = 0;
    task->offered_epoch = core->epoch;
    task_heap_set(core->offers, index, when);
}

static void settle(struct worker_core *core, uint32_t index)
{
    struct task *task = &core->tasks[index];
    core->unsettled -= task->settled ? 0 : 1;
    task->settled = true;
    task_heap_remove(core->offers, index);
}

void worker_result_renew(struct worker_core *core, uint32_t index)
{
    offer_at(core, index, core->now);
}

void worker_result_readdress(struct worker_core *core, uint32_t index, const struct lease *lease)
{
    struct task *task = &core->tasks[index];
    task->lease.key = lease->key;
    task->lease.reason = lease->reason;
    if (task->phase == TASK_RUNNABLE) /* with whom it may go depends on the reason */
        worker_task_enter(core, index, TASK_RUNNABLE);
    if (task->phase != TASK_FINISHED)
        return;
    task->result.lease = lease->key;
    worker_result_renew(core, index);
}

/* ----------------------------------------------------------------------------------- spool */

/* The spool knows a result by run and job: of a result and a second opinion on it, the first is
 * kept. */
static bool spool_has_job(const struct worker_core *core, const struct task *task)
{
    for (uint32_t i = worker_task_first(core, task->lease.key.job); i != TASK_NONE;
         i = core->tasks[i].next_of_job)
        if (core->tasks[i].spooled && worker_run_equal(&core->tasks[i].run, &task->run))
            return true;
    return false;
}

static void spool_if_worthwhile(struct worker_core *core, uint32_t index)
{
    struct task *task = &core->tasks[index];
    bool worthwhile = task->result.compute_ms >= core->config.spool_ms || core->leaving ||
                      worker_hears_nothing(core);
    /* A failure is not a function of the job: there is nothing in it to keep. */
    if (!worthwhile || task->result.outcome == OUTCOME_FAILED || spool_has_job(core, task))
        return;
    task->spooled = true;
    struct worker_effect *effect = worker_emit(core, WORKER_SPOOL);
    effect->spool.run = task->run;
    effect->spool.result = &task->result;
}

void worker_emit_unspool(struct worker_core *core, uint32_t index)
{
    struct task *task = &core->tasks[index];
    if (!task->spooled)
        return;
    task->spooled = false;
    struct worker_effect *effect = worker_emit(core, WORKER_UNSPOOL);
    effect->unspool.run = task->run;
    effect->unspool.job = task->lease.key.job;
}

/* ------------------------------------------------------------------------------------ keep */

/* Copies the result into the row; its detail into the core's own memory. */
static void copy_result(struct worker_core *core, uint32_t index, const struct result *result)
{
    struct task *task = &core->tasks[index];
    assert(result->detail_bytes <= DETAIL_BYTES_MAX);
    task->result = *result;
    task->result.lease = task->lease.key;
    task->result.detail = core->details[index];
    if (result->detail_bytes > 0)
        memcpy(core->details[index], result->detail, result->detail_bytes);
    worker_task_enter(core, index, TASK_FINISHED);
    core->unsettled++;
    core->children += digest_is_zero(&result->child) ? 0 : 1;
}

void worker_result_keep(struct worker_core *core, uint32_t index, const struct result *result)
{
    copy_result(core, index, result);
    spool_if_worthwhile(core, index);
    worker_result_renew(core, index);
}

void worker_on_recovered(struct worker_core *core, const struct worker_event *event)
{
    const struct result *result = event->recovered.result;
    const struct run_id *run = &event->recovered.run;
    struct job_key job = result->lease.job;
    bool elsewhere = core->welcomed && !worker_run_equal(run, &core->run);
    if (elsewhere || worker_task_table_full(core) ||
        worker_task_find(core, job, run, &result->job) != TASK_NONE) {
        if (!digest_is_zero(&result->child))
            worker_emit_unpin(core, &result->child);
        return;
    }
    uint32_t index = worker_task_add(core, &result->lease, run, &result->job);
    copy_result(core, index, result);
    core->tasks[index].spooled = true;
    /* Until a welcome names our run it is neither offered nor listed: the sweep then decides. */
    if (core->welcomed)
        worker_result_renew(core, index);
}

/* -------------------------------------------------------------------------- offer, verdict */

static bool can_offer(const struct worker_core *core)
{
    return !worker_hears_nothing(core) && core->offers->count > 0;
}

void worker_results_offer(struct worker_core *core)
{
    while (can_offer(core) && task_heap_first(core->offers).key <= core->now &&
           worker_has_room(core, 1)) {
        uint32_t index = task_heap_first(core->offers).task;
        struct task *task = &core->tasks[index];
        if (task->phase == TASK_HANDED_OVER)
            worker_emit_handover(core, index);
        else
            worker_emit_message(core, MESSAGE_RESULT)->result = task->result;
        uint64_t pause = (uint64_t)core->config.resend_ms << task->doublings;
        task_heap_set(core->offers, index, worker_time_after(core->now, pause));
        if (task->doublings < RESEND_DOUBLINGS_MAX)
            task->doublings++;
    }
}

uint64_t worker_results_deadline(const struct worker_core *core)
{
    return can_offer(core) ? task_heap_first(core->offers).key : UINT64_MAX;
}

/* Never puts an offer off: a coordinator that says LATER to every heartbeat would do so for ever.
 */
static void offer_later(struct worker_core *core, uint32_t index)
{
    uint64_t due = worker_time_after(core->now, core->config.resend_ms);
    if (core->tasks[index].settled || task_heap_key(core->offers, index) > due)
        offer_at(core, index, due);
}

static void judge_offered(struct worker_core *core, uint32_t index, enum verdict_kind verdict)
{
    switch (verdict) {
    case VERDICT_HELD:
        if (core->tasks[index].phase == TASK_FINISHED) /* of a state nobody says so */
            settle(core, index);
        break;
    case VERDICT_LATER:
        offer_later(core, index);
        break;
    case VERDICT_RELEASED:
        worker_emit_unspool(core, index);
        worker_task_end(core, index);
        break;
    }
}

void worker_on_verdict(struct worker_core *core, const struct message *message)
{
    const struct verdict *verdict = &message->verdict;
    uint32_t index = worker_task_first(core, verdict->lease.job);
    while (index != TASK_NONE && !(lease_key_equal(verdict->lease, core->tasks[index].lease.key) &&
                                   worker_run_equal(&core->tasks[index].run, &core->run)))
        index = core->tasks[index].next_of_job;
    if (index == TASK_NONE)
        return;
    if (core->tasks[index].phase == TASK_FINISHED || core->tasks[index].phase == TASK_HANDED_OVER)
        judge_offered(core, index, verdict->kind);
    else if (verdict->kind == VERDICT_RELEASED)
        worker_task_end(core, index);
}
