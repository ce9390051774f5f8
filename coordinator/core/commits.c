/*
 * commits.c: the moment at which a result enters its line's state, and the queue that leads there.
 */
#include "coordinator/core/chain.h"
#include "coordinator/core/core_internal.h"

#include <assert.h>
#include <string.h>

static void set_champion(struct core *core, uint32_t slot_index)
{
    const struct slot *slot = &core->slots[slot_index];
    struct place *place = &core->places[slot->place];
    struct line *line = &core->lines[place->line];
    uint32_t blob = blob_reference(core, &slot->child);
    if (place->champion_blob != NONE)
        blob_release(core, place->champion_blob);
    place->champion_blob = blob;
    place->stagnation = 0;
    line->has_champion = true;
    line->champion = slot_candidate(core, slot_index).individual;
}

/* The strategy hears of the result; references follow the population. */
static void tell(struct core *core, uint32_t slot_index, struct commit_record *record)
{
    const struct slot *slot = &core->slots[slot_index];
    struct place *place = &core->places[slot->place];
    struct line *line = &core->lines[place->line];
    struct candidate candidate = slot_candidate(core, slot_index);
    struct turnover turnover;
    place->config.search.strategy->tell(place->strategy, &candidate, &turnover);
    record->admitted = turnover.admitted;
    place->stagnation++;
    if (turnover.admitted) {
        core->counters.admitted++;
        uint32_t blob = blob_reference(core, &slot->child);
        core->blobs[blob].state = BLOB_STORED; /* it is; in a replay nobody else says so */
        if (slot->depth > 0 && slot->depth % ANCHOR_DEPTH == 0)
            core->blobs[blob].anchor = true;
        uint32_t holder = session_find(core, &slot->holder);
        if (holder != NONE)
            blob_add_holder(core, blob, holder);
        record->champion =
            !line->has_champion || fitness_better(slot->fitness, line->champion.fitness);
        if (record->champion)
            set_champion(core, slot_index);
    }
    for (uint32_t i = 0; i < turnover.evicted_count; i++) {
        uint32_t blob = blob_find(core, &turnover.evicted[i].checkpoint);
        assert(blob != NONE);
        blob_release(core, blob);
    }
}

static void fill_record(const struct core *core, const struct slot *slot,
                        struct commit_record *record)
{
    *record = (struct commit_record){
        .job = slot->job,
        .description = slot->description,
        .operator_index = slot->operator_index,
        .depth = slot->depth,
        .outcome = slot->outcome,
        .fitness = slot->fitness,
        .metric_count = slot->metric_count,
        .child = slot->child,
        .child_bytes = slot->child_bytes,
        .steps = slot->steps,
        .attempts = slot->attempts - slot->opinions,
        .opinions = slot->opinions,
        .compute_ms = slot->compute_ms,
        .waited_ms = core->now_ms - slot->created_ms,
    };
    memcpy(record->parent_ids, slot->parent_ids, sizeof record->parent_ids);
    memcpy(record->metrics, slot->metrics, slot->metric_count * sizeof record->metrics[0]);
    memcpy(record->worker, slot->worker, sizeof record->worker);
    memcpy(record->host, slot->host, sizeof record->host);
    memcpy(record->numeric, slot->numeric, sizeof record->numeric);
}

void slot_commit(struct core *core, uint32_t index, struct commit_record *record)
{
    struct slot *slot = &core->slots[index];
    struct place *place = &core->places[slot->place];
    struct line *line = &core->lines[place->line];
    uint32_t place_index = slot->place;
    fill_record(core, slot, record);
    if (slot->job.kind == JOB_MUTATE)
        tell(core, index, record);
    record->chain = chain_extend(&line->chain, record);
    record->sequence = ++core->sequence;
    line->chain = record->chain;
    core->counters.commits++;
    if (slot->job.key.job != JOB_NUMBER_FINAL) {
        line->commits++;
        place->next_commit = slot->job.key.job + 1;
    }
    slot_close(core, index);
    lines_create_jobs(core, place_index);
}

/* -------------------------------------------------------------------------------- the ready queue
 */

bool slot_is_next(const struct core *core, const struct slot *slot)
{
    return core->config.mode == COMMIT_ARRIVAL || slot->job.key.job == JOB_NUMBER_FINAL ||
           slot->job.key.job == core->places[slot->place].next_commit;
}

void slot_mark_ready(struct core *core, uint32_t index)
{
    struct slot *slot = &core->slots[index];
    bool decided = slot->state == SLOT_HELD || slot->state == SLOT_QUARANTINED;
    if (slot->in_ready || !decided || !slot_is_next(core, slot))
        return;
    slot->in_ready = true;
    list_append(&core->ready, &core->slots[0].by_ready, sizeof *slot, index);
}

void slot_mark_successor(struct core *core, struct job_key job)
{
    struct job_key next = {job.line, job.job + 1};
    uint32_t successor = fixed_map_find(core->by_job, slot_key(next));
    if (successor != FIXED_MAP_NONE)
        slot_mark_ready(core, successor);
}

static void commit_now(struct core *core, uint32_t index)
{
    const struct slot *slot = &core->slots[index];
    struct instance_id holder = slot->holder;
    struct lease_key lease = slot->held_under;
    struct job_key job = slot->job.key;
    struct commit_record record;
    slot_commit(core, index, &record);
    struct core_effect *effect = effect_add(core, CORE_PERSIST_COMMIT);
    if (effect != NULL)
        effect->commit = record;
    if (lease.attempt > 0) /* somebody sent it: a poisonous job fails without a result */
        effect_verdict(core, &holder, &lease, VERDICT_RELEASED);
    slot_mark_successor(core, job);
}

void commits_advance(struct core *core)
{
    for (uint32_t i = 0; i < COMMITS_PER_STEP && core->ready.head != NONE; i++) {
        uint32_t index = core->ready.head;
        slot_unmark_ready(core, index);
        const struct slot *slot = &core->slots[index];
        if (slot->state == SLOT_QUARANTINED)
            lines_stall(core, index);
        else if (slot->state == SLOT_HELD && slot_is_next(core, slot) &&
                 result_prepare(core, index))
            commit_now(core, index);
    }
}
