/*
 * replay.c: the ledger's records applied to a fresh core, each held against what this core would
 * do.
 */
#include "coordinator/core/core_internal.h"

#include <inttypes.h>
#include <string.h>

static int replay_open(struct core *core, uint32_t line, struct error *error)
{
    if (line >= core->config.line_count)
        return error_set(error, -1, "line %" PRIu32 ": the experiment has %" PRIu32 " lines", line,
                         core->config.line_count);
    while (core->next_line <= line) {
        uint32_t place = lines_free_place(core);
        if (place == NONE)
            return error_set(error, CORE_NEEDS_PLACES,
                             "line %" PRIu32 ": more lines are open than there are places", line);
        lines_open_one(core, place);
    }
    return 0;
}

static bool record_matches(const struct commit_record *ours, const struct commit_record *theirs,
                           struct error *error)
{
    const char *field = NULL;
    if (ours->admitted != theirs->admitted)
        field = "admitted";
    else if (ours->champion != theirs->champion)
        field = "champion";
    else if (!digest_equal(&ours->chain, &theirs->chain))
        field = "chain";
    if (field != NULL)
        error_set(error, -1, "commit %" PRIu64 ": %s: not what this experiment and engine give",
                  theirs->sequence, field);
    return field == NULL;
}

int replay_commit(struct core *core, const struct commit_record *record, struct error *error)
{
    struct job_key key = record->job.key;
    int opened = replay_open(core, key.line, error);
    if (opened != 0)
        return opened;
    if (numeric_replay(core, record, error) != 0)
        return -1;
    uint32_t index = fixed_map_find(core->by_job, slot_key(key));
    if (index == FIXED_MAP_NONE && key.job == JOB_NUMBER_FINAL) {
        core->sequence = record->sequence; /* the line goes on under a larger budget */
        return 0;
    }
    if (index == FIXED_MAP_NONE || core->slots[index].state == SLOT_BEYOND)
        return error_set(error, -1,
                         "commit %" PRIu64 ": job %" PRIu64 " of line %" PRIu32
                         " lies beyond the present limits; budget.jobs and stop may be raised, "
                         "not lowered",
                         record->sequence, key.job, key.line);
    struct slot *slot = &core->slots[index];
    if (!digest_equal(&slot->description, &record->description))
        return error_set(error, -1,
                         "commit %" PRIu64 ": description: not the job that this experiment and "
                         "engine create",
                         record->sequence);
    if (!slot_is_next(core, slot))
        return error_set(error, -1, "commit %" PRIu64 ": job %" PRIu64 " is out of order",
                         record->sequence, key.job);
    if (slot->skipped && record->outcome != OUTCOME_FAILED)
        return error_set(error, -1, "commit %" PRIu64 ": outcome: job %" PRIu64 " was skipped",
                         record->sequence, key.job);
    waiting_remove(core, index);
    slot->state = SLOT_HELD;
    slot->outcome = record->outcome;
    slot->fitness = record->fitness;
    slot->metric_count = record->metric_count;
    memcpy(slot->metrics, record->metrics, record->metric_count * sizeof slot->metrics[0]);
    slot->child = record->child;
    slot->child_bytes = record->child_bytes;
    slot->steps = record->steps;
    slot->attempts = record->attempts + record->opinions;
    slot->opinions = record->opinions;
    if (blob_conflicts(core, &slot->child))
        return error_set(error, -1, "commit %" PRIu64 ": child: imitates another digest",
                         record->sequence);
    struct commit_record ours;
    slot_commit(core, index, &ours);
    slot_mark_successor(core, key); /* which may have been skipped */
    core->sequence = record->sequence;
    return record_matches(&ours, record, error) ? 0 : -1;
}

/*
 * What is not in flight is passed over where the present limits may be the reason: the line ended
 * before, or the job lies beyond. Otherwise nobody can have given it up.
 */
static int replay_skip(struct core *core, const struct input_record *record, struct error *error)
{
    const struct job_key key = {record->line, record->job};
    uint32_t index;
    switch (lines_standing(core, key, &index)) {
    case JOB_IN_FLIGHT:
        skip_apply(core, index);
        return 0;
    case JOB_NOT_YET:
        return 0;
    case JOB_OVER:
        break;
    }
    if (core->lines[key.line].state == LINE_CLOSED)
        return 0;
    return error_set(error, -1,
                     "input %" PRIu64 ": job %" PRIu64 " of line %" PRIu32
                     " was skipped after it was committed",
                     record->sequence, key.job, key.line);
}

int replay_input(struct core *core, const struct input_record *record, struct error *error)
{
    if (record->line >= core->config.line_count)
        return error_set(error, -1, "input %" PRIu64 ": line %" PRIu32 " does not exist",
                         record->sequence, record->line);
    /* A line that was open then had created jobs, which are to be committed: it has to be open now.
     */
    int opened = record->kind != INPUT_CANCEL ? replay_open(core, record->line, error) : 0;
    if (opened != 0)
        return opened;
    core->sequence = record->sequence;
    if (record->kind == INPUT_SKIP)
        return replay_skip(core, record, error);
    core->lines[record->line].stopped = true;
    return 0;
}
