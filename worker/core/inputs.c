/*
 * inputs.c: the blobs that tasks need before they can run.
 *
 * Each distinct blob is fetched once, however many tasks need it, and is pinned from its FETCH
 * until its last user ends. Tasks that came too early wait in a list of the blob. A blob that
 * nobody wants any more while its fetch is under way stays in the table until the answer, because
 * the answer brings the pin with it.
 */
#include "worker/core/core_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static uint32_t blob_find(const struct worker_core *core, const struct digest *digest)
{
    uint32_t blob = fixed_map_find(core->blobs_by_digest, map_key_of_bytes(digest->bytes));
    return blob == FIXED_MAP_NONE ? BLOB_NONE : blob;
}

static uint32_t blob_add(struct worker_core *core, const struct digest *digest)
{
    assert(core->blob_count < BLOBS_MAX);
    core->blob_count++;
    uint32_t index = core->blobs_free;
    if (index == BLOB_NONE)
        index = core->blobs_fresh++;
    else
        core->blobs_free = core->blobs[index].next;
    core->blobs[index] = (struct blob){
        .digest = *digest,
        .state = BLOB_FETCHING,
        .first_waiter = WAITER_NONE,
        .next = BLOB_NONE,
    };
    fixed_map_insert(core->blobs_by_digest, map_key_of_bytes(digest->bytes), index);
    worker_emit(core, WORKER_FETCH)->digest = *digest;
    return index;
}

static void blob_forget(struct worker_core *core, uint32_t index)
{
    struct blob *blob = &core->blobs[index];
    fixed_map_remove(core->blobs_by_digest, map_key_of_bytes(blob->digest.bytes));
    blob->next = core->blobs_free;
    core->blobs_free = index;
    core->blob_count--;
}

/* --------------------------------------------------------------------------------- waiters */

static struct need *waiter_at(struct worker_core *core, uint32_t waiter)
{
    return &core->tasks[waiter / NEEDS_MAX].needs[waiter % NEEDS_MAX];
}

static void waiter_add(struct worker_core *core, uint32_t waiter)
{
    struct need *need = waiter_at(core, waiter);
    struct blob *blob = &core->blobs[need->blob];
    need->waiting = true;
    need->previous = WAITER_NONE;
    need->next = blob->first_waiter;
    if (blob->first_waiter != WAITER_NONE)
        waiter_at(core, blob->first_waiter)->previous = waiter;
    blob->first_waiter = waiter;
    core->tasks[waiter / NEEDS_MAX].missing++;
}

static void waiter_remove(struct worker_core *core, uint32_t waiter)
{
    struct need *need = waiter_at(core, waiter);
    if (need->previous == WAITER_NONE)
        core->blobs[need->blob].first_waiter = need->next;
    else
        waiter_at(core, need->previous)->next = need->next;
    if (need->next != WAITER_NONE)
        waiter_at(core, need->next)->previous = need->previous;
    need->waiting = false;
    core->tasks[waiter / NEEDS_MAX].missing--;
}

/* --------------------------------------------------------------------------- take, release */

/* What a lease needs; a blob that is named twice is simply used twice. */
static uint32_t list_needs(const struct lease *lease, const struct digest *needs[NEEDS_MAX])
{
    const struct job *job = &lease->job;
    uint32_t count = 0;
    assert(job->parent_count <= JOB_PARENTS_MAX);
    needs[count++] = &job->spec;
    if (!digest_is_zero(&job->data))
        needs[count++] = &job->data;
    for (uint32_t i = 0; i < job->parent_count; i++)
        needs[count++] = &job->parents[i];
    if (lease->partial.bytes > 0)
        needs[count++] = &lease->partial.state;
    return count;
}

static bool can_take(const struct worker_core *core, const struct digest *const *needs,
                     uint32_t count)
{
    uint32_t fresh = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t blob = blob_find(core, needs[i]);
        if (blob == BLOB_NONE)
            fresh++;
        else if (core->blobs[blob].state == BLOB_FAILED)
            return false;
    }
    return core->blob_count + fresh <= BLOBS_MAX;
}

bool worker_inputs_take(struct worker_core *core, uint32_t index)
{
    struct task *task = &core->tasks[index];
    const struct digest *needs[NEEDS_MAX];
    uint32_t count = list_needs(&task->lease, needs);
    if (!can_take(core, needs, count) && task->lease.partial.bytes > 0) {
        task->lease.partial = (struct partial){.steps = 0};
        count--;
    }
    if (!can_take(core, needs, count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t blob = blob_find(core, needs[i]);
        if (blob == BLOB_NONE)
            blob = blob_add(core, needs[i]);
        task->needs[i] = (struct need){.blob = blob};
        task->need_count++;
        core->blobs[blob].users++;
        if (core->blobs[blob].state == BLOB_FETCHING)
            waiter_add(core, index * NEEDS_MAX + i);
    }
    if (task->missing == 0)
        worker_task_enter(core, index, TASK_RUNNABLE);
    return true;
}

void worker_inputs_release(struct worker_core *core, uint32_t index)
{
    struct task *task = &core->tasks[index];
    for (uint32_t i = 0; i < task->need_count; i++) {
        struct blob *blob = &core->blobs[task->needs[i].blob];
        if (task->needs[i].waiting)
            waiter_remove(core, index * NEEDS_MAX + i);
        blob->users--;
        if (blob->users == 0 && blob->state == BLOB_READY) {
            worker_emit_unpin(core, &blob->digest);
            blob_forget(core, task->needs[i].blob);
        }
    }
    task->need_count = 0;
}

/* --------------------------------------------------------------------------------- answers */

void worker_on_blob_ready(struct worker_core *core, const struct worker_event *event)
{
    uint32_t index = blob_find(core, &event->digest);
    if (index == BLOB_NONE || core->blobs[index].state != BLOB_FETCHING)
        return;
    struct blob *blob = &core->blobs[index];
    blob->state = BLOB_READY;
    while (blob->first_waiter != WAITER_NONE) {
        uint32_t waiter = blob->first_waiter;
        waiter_remove(core, waiter);
        if (core->tasks[waiter / NEEDS_MAX].missing == 0)
            worker_task_enter(core, waiter / NEEDS_MAX, TASK_RUNNABLE);
    }
    if (blob->users == 0) {
        worker_emit_unpin(core, &blob->digest);
        blob_forget(core, index);
    }
}

void worker_on_blob_failed(struct worker_core *core, const struct worker_event *event)
{
    uint32_t index = blob_find(core, &event->digest);
    if (index == BLOB_NONE || core->blobs[index].state != BLOB_FETCHING)
        return;
    core->blobs[index].state = BLOB_FAILED;
    if (core->first_failed == BLOB_NONE)
        core->first_failed = index;
    else
        core->blobs[core->last_failed].next = index;
    core->last_failed = index;
}

/*
 * What is pinned for good until a verdict comes leaves no room for all that a job needs at once. To
 * ask for another job would be to fetch its data set, throw it away and so on for ever: the
 * coordinator has to learn that there is no room, release something or give something up.
 */
void worker_on_blob_no_room(struct worker_core *core, const struct worker_event *event)
{
    worker_on_blob_failed(core, event);
    if (core->children == 0 || core->crowded_by > 0)
        return;
    core->crowded_by = core->children;
    core->beat_at = core->now;
}

void worker_inputs_gain_room(struct worker_core *core)
{
    if (core->children >= core->crowded_by)
        return;
    core->crowded_by = 0;
    core->beat_at = core->now;
}

/* Of the need behind a waiter: a state helps, and nothing else depends on it. */
static bool is_state(const struct worker_core *core, uint32_t waiter)
{
    const struct task *task = &core->tasks[waiter / NEEDS_MAX];
    return task->lease.partial.bytes > 0 && waiter % NEEDS_MAX == task->need_count - 1;
}

static bool is_required(struct worker_core *core, const struct digest *digest)
{
    uint32_t blob = blob_find(core, digest);
    uint32_t waiter = blob != BLOB_NONE ? core->blobs[blob].first_waiter : WAITER_NONE;
    while (waiter != WAITER_NONE && is_state(core, waiter))
        waiter = waiter_at(core, waiter)->next;
    return waiter != WAITER_NONE;
}

/* The job starts from the beginning. */
static void go_without_state(struct worker_core *core, uint32_t waiter)
{
    uint32_t index = waiter / NEEDS_MAX;
    struct task *task = &core->tasks[index];
    core->blobs[task->needs[waiter % NEEDS_MAX].blob].users--;
    waiter_remove(core, waiter);
    task->need_count--;
    task->lease.partial = (struct partial){.steps = 0};
    if (task->missing == 0)
        worker_task_enter(core, index, TASK_RUNNABLE);
}

void worker_on_blob_too_large(struct worker_core *core, const struct worker_event *event)
{
    char reason[REASON_BYTES_MAX];
    bool required = is_required(core, &event->digest);
    worker_on_blob_failed(core, event);
    if (core->leaving || !required)
        return;
    snprintf(reason, sizeof reason,
             "this run has a blob of %" PRIu64 " bytes and the whole cache has room for %" PRIu64
             ": a larger --cache-bytes is needed",
             event->too_large.bytes, event->too_large.cache_bytes);
    worker_leave(core, WORKER_EXIT_FAILED, reason);
}

bool worker_inputs_end_failed(struct worker_core *core)
{
    while (core->first_failed != BLOB_NONE) {
        uint32_t index = core->first_failed;
        while (core->blobs[index].first_waiter != WAITER_NONE) {
            uint32_t waiter = core->blobs[index].first_waiter;
            if (!worker_has_room(core, END_EFFECTS_MAX))
                return false;
            if (is_state(core, waiter))
                go_without_state(core, waiter);
            else
                worker_task_end(core, waiter / NEEDS_MAX);
        }
        core->first_failed = core->blobs[index].next;
        blob_forget(core, index);
    }
    return true;
}
