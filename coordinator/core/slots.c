/*
 * slots.c: the table of jobs in flight: taking a slot, publishing its job, giving it back.
 */
#include "coordinator/core/core_internal.h"

#include <assert.h>

struct map_key slot_key(struct job_key job)
{
    return (struct map_key){.low = job.job, .high = job.line};
}

struct slot *slot_open(struct core *core, uint32_t place, uint64_t number, uint32_t *index)
{
    assert(core->free_slot_count > 0);
    *index = core->free_slots[--core->free_slot_count];
    struct slot *slot = &core->slots[*index];
    *slot = (struct slot){
        .state = SLOT_WAITING,
        .place = place,
        .order = core->order++,
        .created_ms = core->now_ms,
        .heap_place = NONE,
        .newest_place = NONE,
        .child_blob = NONE,
        .partial_blob = NONE,
        .handed_blob = NONE,
        .parent_blobs = {NONE, NONE},
    };
    const struct line_config *config = &core->places[place].config;
    slot->job.key = (struct job_key){.line = core->places[place].line, .job = number};
    slot->job.seed = config->search.seed;
    slot->job.spec = config->spec;
    slot->job.data = config->data;
    list_init(&slot->leases);
    return slot;
}

static void describe(struct core *core, uint32_t index)
{
    struct slot *slot = &core->slots[index];
    struct place *place = &core->places[slot->place];
    for (uint32_t i = 0; i < slot->job.parent_count; i++)
        slot->parent_blobs[i] = blob_reference(core, &slot->job.parents[i]);
    slot->description = job_digest(&slot->job);
    fixed_map_insert(core->by_job, slot_key(slot->job.key), index);
    list_append(&place->slots, &core->slots[0].in_place, sizeof *slot, index);
    place->in_flight++;
}

void slot_publish(struct core *core, uint32_t index)
{
    describe(core, index);
    core->places[core->slots[index].place].due++;
    waiting_add(core, index);
}

void slot_publish_beyond(struct core *core, uint32_t index)
{
    describe(core, index);
    core->slots[index].state = SLOT_BEYOND;
}

struct candidate slot_candidate(const struct core *core, uint32_t slot_index)
{
    const struct slot *slot = &core->slots[slot_index];
    struct candidate candidate = {
        .individual = {.job = slot->job.key.job,
                       .checkpoint = slot->child,
                       .fitness = slot->fitness,
                       .depth = slot->depth},
        .operator_index = slot->operator_index,
        .parent_count = slot->job.parent_count,
        .outcome = slot->outcome,
        .metric_count = slot->metric_count,
        .metrics = slot->metrics,
    };
    for (uint32_t i = 0; i < slot->job.parent_count; i++)
        candidate.parents[i] = slot->parent_ids[i].job;
    return candidate;
}

void slot_unmark_ready(struct core *core, uint32_t index)
{
    struct slot *slot = &core->slots[index];
    if (!slot->in_ready)
        return;
    slot->in_ready = false;
    list_remove(&core->ready, &core->slots[0].by_ready, sizeof *slot, index);
}

void slot_abandon(struct core *core, uint32_t index)
{
    struct slot *slot = &core->slots[index];
    struct place *place = &core->places[slot->place];
    leases_end(core, index, NONE);
    handover_forget(core, index);
    waiting_remove(core, index);
    slot_unmark_ready(core, index);
    receipt_settle(core, index);
    blob_stop_waiting(core, index);
    fixed_map_remove(core->by_job, slot_key(slot->job.key));
    list_remove(&place->slots, &core->slots[0].in_place, sizeof *slot, index);
    place->in_flight--;
    place->due -= slot->state != SLOT_BEYOND;
    slot->state = SLOT_FREE;
    core->free_slots[core->free_slot_count++] = index;
}

void slot_close(struct core *core, uint32_t index)
{
    struct slot *slot = &core->slots[index];
    slot_abandon(core, index);
    for (uint32_t i = 0; i < slot->job.parent_count; i++)
        blob_release(core, slot->parent_blobs[i]);
    if (slot->child_blob != NONE)
        blob_release(core, slot->child_blob);
}
