/*
 * leases.c: leases that arrive, some for the second time.
 *
 * A lease of a description that is held already brings no new work, but perhaps a newer name for
 * it: the result is then reported under the newest lease. Only an audit of a finished job is new
 * work all the same: it asks what comes out this time. A lease that cannot be taken (no row, a blob
 * that just failed, leaving) is dropped without a word: the next heartbeat does not list it, and
 * that is the answer.
 */
#include "worker/core/core_state.h"

static bool newer(const struct lease_key *a, const struct lease_key *b)
{
    return a->epoch != b->epoch ? a->epoch > b->epoch : a->attempt > b->attempt;
}

static void take(struct worker_core *core, const struct lease *lease,
                 const struct digest *description)
{
    if (worker_task_table_full(core))
        return;
    uint32_t index = worker_task_add(core, &lease->key, &core->run, description);
    core->tasks[index].lease = *lease;
    worker_cohort_note(core, lease);
    worker_task_enter(core, index, TASK_WAITING);
    if (!worker_inputs_take(core, index))
        worker_task_end(core, index);
}

/* A failure is not a function of the job: to be asked again means to try again. */
static bool is_failure(const struct task *task)
{
    return task->phase == TASK_FINISHED && task->result.outcome == OUTCOME_FAILED;
}

void worker_on_lease(struct worker_core *core, const struct message *message)
{
    const struct lease *lease = &message->lease;
    if (core->leaving || lease->key.epoch < core->epoch)
        return;
    struct digest description = job_digest(&lease->job);
    uint32_t held = worker_task_find(core, lease->key.job, &core->run, &description);
    if (held == TASK_NONE) {
        take(core, lease, &description);
        return;
    }
    if (!newer(&lease->key, &core->tasks[held].lease.key))
        return;
    bool audit = lease->reason == LEASE_AUDIT && core->tasks[held].phase == TASK_FINISHED;
    if (is_failure(&core->tasks[held]))
        worker_task_end(core, held);
    else if (!audit) {
        worker_result_readdress(core, held, lease);
        return;
    }
    take(core, lease, &description);
}
