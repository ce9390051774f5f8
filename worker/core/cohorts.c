/*
 * cohorts.c: which tasks a slot is given together.
 *
 * Jobs of one spec, data set, seed and stream train on the same mini-batches: a slot that is given
 * several of them trains them in lockstep, to the same results, and is done sooner than with one
 * after the other. How many are worth it depends on the spec and is the slot's to say, once it has
 * opened it; until then a job goes alone.
 *
 * Only a job that nobody has tried before goes with others. One that is given out again may be what
 * killed the slot that had it, and alone it tells; a state goes on at a step of its own, and an
 * opinion or a twin is waited for.
 *
 * Runnable tasks that may go together stand in a ring under their common key, the first of which
 * the map leads to.
 */
#include "worker/core/core_state.h"

#include <assert.h>

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* One of so many equal shares, whatever is over left to others; at least 1. */
static uint32_t share_of(uint32_t count, uint32_t shares)
{
    return count > shares ? count / shares : 1;
}

/* ------------------------------------------------------------------------- what goes together */

static bool may_join(const struct lease *lease)
{
    return lease->reason == LEASE_FIRST && lease->job.kind == JOB_MUTATE &&
           lease->partial.bytes == 0;
}

/* Equal for jobs that train on the same mini-batches. */
static struct map_key key_of(const struct job *job)
{
    struct digest_state state;
    digest_init(&state);
    digest_update(&state, job->spec.bytes, sizeof job->spec.bytes);
    digest_update(&state, job->data.bytes, sizeof job->data.bytes);
    digest_update(&state, &job->seed, sizeof job->seed);
    digest_update(&state, &job->stream, sizeof job->stream);
    struct digest digest = digest_final(&state);
    return map_key_of_bytes(digest.bytes);
}

static uint32_t first_alike(const struct worker_core *core, struct map_key key)
{
    uint32_t first = fixed_map_find(core->alike, key);
    return first == FIXED_MAP_NONE ? TASK_NONE : first;
}

void worker_cohort_enter(struct worker_core *core, uint32_t index)
{
    struct task *task = &core->tasks[index];
    if (!may_join(&task->lease))
        return;
    task->alike = key_of(&task->lease.job);
    task->joins = true;
    uint32_t first = first_alike(core, task->alike);
    if (first == TASK_NONE) {
        task->next_alike = task->previous_alike = index;
        fixed_map_insert(core->alike, task->alike, index);
        return;
    }
    uint32_t last = core->tasks[first].previous_alike;
    task->next_alike = first;
    task->previous_alike = last;
    core->tasks[first].previous_alike = core->tasks[last].next_alike = index;
}

void worker_cohort_leave(struct worker_core *core, uint32_t index)
{
    struct task *task = &core->tasks[index];
    if (!task->joins)
        return;
    task->joins = false;
    uint32_t next = task->next_alike;
    core->tasks[next].previous_alike = task->previous_alike;
    core->tasks[task->previous_alike].next_alike = next;
    if (first_alike(core, task->alike) != index)
        return;
    fixed_map_remove(core->alike, task->alike);
    if (next != index)
        fixed_map_insert(core->alike, task->alike, next);
}

/* ----------------------------------------------------------------------------- how many together
 */

/* As many as are worth it for this spec, as far as it is known. */
static uint32_t best_size(const struct worker_core *core, const struct digest *spec)
{
    for (uint32_t i = 0; i < COHORT_SPECS_MAX; i++)
        if (core->cohort_specs[i].size > 0 && digest_equal(&core->cohort_specs[i].spec, spec))
            return smaller(core->cohort_specs[i].size, core->config.cohort);
    return 1;
}

/* Those that stand in the ring of this one, itself counted in; no more than `most`. */
static uint32_t alike_count(const struct worker_core *core, uint32_t index, uint32_t most)
{
    uint32_t count = 0, next = index;
    do
        next = core->tasks[next].next_alike;
    while (++count < most && next != index);
    return count;
}

/*
 * No slot takes more than its share, neither of all that is not finished nor, while others are idle
 * as well, of what could run: a cohort is quicker than its jobs one after the other, not than its
 * jobs on slots of their own.
 */
uint32_t worker_cohort_size(const struct worker_core *core, uint32_t index, uint32_t idle_slots)
{
    const struct task *task = &core->tasks[index];
    if (!task->joins)
        return 1;
    uint32_t runnable = core->runnable->count;
    uint32_t size = best_size(core, &task->lease.job.spec);
    size = smaller(size, share_of(runnable + core->running, core->config.slots));
    size = smaller(size, share_of(runnable, idle_slots));
    return alike_count(core, index, size);
}

uint32_t worker_cohort_mate(const struct worker_core *core, uint32_t index)
{
    return first_alike(core, core->tasks[index].alike);
}

void worker_on_slot_cohort(struct worker_core *core, const struct worker_event *event)
{
    assert(event->cohort.slot < core->config.slots);
    uint32_t task = core->slots[event->cohort.slot].task;
    if (task == TASK_NONE)
        return; /* nobody knows any more what it was about */
    const struct digest *spec = &core->tasks[task].lease.job.spec;
    uint32_t row = 0;
    while (row < COHORT_SPECS_MAX &&
           !(core->cohort_specs[row].size > 0 && digest_equal(&core->cohort_specs[row].spec, spec)))
        row++;
    if (row == COHORT_SPECS_MAX) {
        row = core->next_cohort_spec;
        core->next_cohort_spec = (row + 1) % COHORT_SPECS_MAX;
    }
    core->cohort_specs[row].spec = *spec;
    core->cohort_specs[row].size = event->cohort.size > 0 ? event->cohort.size : 1;
    core->beat_at = core->now; /* it may want more work than before */
}

/* ------------------------------------------------------------------------ how much work to want */

/*
 * To have as many jobs of one stream at hand as a cohort takes, more leases have to be held than
 * would do otherwise. That is worth while only where streams are shared at all: it shows when two
 * lines have given jobs of the same one.
 */
void worker_cohort_note(struct worker_core *core, const struct lease *lease)
{
    if (!may_join(lease) || core->config.cohort == 1)
        return;
    struct map_key key = key_of(&lease->job);
    bool shared = core->streams_shared;
    for (uint32_t i = 0; i < STREAMS_SEEN_MAX && !shared; i++) {
        const struct stream_seen *seen = &core->streams_seen[i];
        shared = seen->key.low == key.low && seen->key.high == key.high &&
                 seen->line != lease->key.job.line;
    }
    core->streams_seen[core->next_stream_seen] = (struct stream_seen){key, lease->key.job.line};
    core->next_stream_seen = (core->next_stream_seen + 1) % STREAMS_SEEN_MAX;
    core->cohort_spec = lease->job.spec;
    if (shared && !core->streams_shared)
        core->beat_at = core->now;
    core->streams_shared = shared;
}

uint32_t worker_cohort_wanted(const struct worker_core *core)
{
    return core->streams_shared ? best_size(core, &core->cohort_spec) : 1;
}

void worker_cohort_forget_streams(struct worker_core *core)
{
    core->streams_shared = false;
    for (uint32_t i = 0; i < STREAMS_SEEN_MAX; i++)
        core->streams_seen[i] = (struct stream_seen){0};
}
