/*
 * replay.c: see replay.h.
 *
 * What the run still has of the ancestors is copied into the scratch folder while the plan is made:
 * a living run may drop it a moment later. What jobs make goes as soon as no later job needs it, so
 * a long lineage takes little room.
 */
#include "coordinator/replay/replay.h"

#include "common/os_signal.h"
#include "common/param.h"
#include "common/version.h"
#include "coordinator/replay/replay_compare.h"
#include "coordinator/replay/replay_plan.h"
#include "coordinator/replay/replay_scratch.h"
#include "coordinator/replay/replay_slot.h"

#include <stdlib.h>
#include <string.h>

struct replay {
    struct reader *reader;
    const struct commit_record *wanted;
    const struct replay_options *options;
    struct replay_outcome *outcome;
    struct replay_scratch scratch;
    struct replay_plan plan;
    struct replay_slot *slot;
    struct error *error;
    uint8_t detail[DETAIL_BYTES_MAX];
};

/* ----------------------------------------------------------------------------------- the plan */

/* What is damaged is made again; what cannot be read is nothing to guess about. */
static int obtain(void *context, const struct digest *digest, struct error *error)
{
    const struct replay *replay = context;
    if (replay->options->extent == REPLAY_FROM_FOUNDERS)
        return 0;
    enum run_blob_result result =
        replay_scratch_bring(&replay->scratch, replay->reader->path, digest, error);
    return result == RUN_BLOB_WHOLE ? 1 : result == RUN_BLOB_FAILED ? -1 : 0;
}

static int find(void *context, struct job_key key, struct commit_record *record,
                struct error *error)
{
    const struct replay *replay = context;
    return reader_get(replay->reader, key, record, error);
}

static int make_plan(struct replay *replay)
{
    const struct replay_source source = {.context = replay, .obtain = obtain, .find = find};
    return replay_plan_make(&replay->plan, replay->wanted, &source, replay->error);
}

/* Jobs of which no replay can say anything. */
static int check_wanted(const struct replay *replay)
{
    const struct ledger_header *header = &replay->reader->header;
    const struct commit_record *wanted = replay->wanted;
    char id[ID_BYTES_MAX];
    format_id(wanted->job.key, id);
    if (strcmp(header->engine_version, RATCHET_VERSION) != 0)
        return error_set(replay->error, -1,
                         "%.200s was made by ratchet %s and this is %s, whose results may differ: "
                         "replay it with that version",
                         replay->reader->path, header->engine_version, RATCHET_VERSION);
    if (wanted->outcome == OUTCOME_FAILED)
        return error_set(replay->error, -1,
                         "%s failed on its worker, which is no function of the job: there is "
                         "nothing to hold a replay against",
                         id);
    if (replay->options->take_child == NULL || !digest_is_zero(&wanted->child))
        return 0;
    return error_set(replay->error, -1, "%s %s", id,
                     wanted->job.kind == JOB_EVALUATE ? "is an evaluation and makes no checkpoint"
                                                      : "diverged and has no checkpoint");
}

/* ------------------------------------------------------------------------------------ one job */

/* The blobs that are no checkpoints. */
static int bring(const struct replay *replay, const struct job *job)
{
    struct error why;
    const char *run = replay->reader->path;
    if (replay_scratch_bring(&replay->scratch, run, &job->spec, &why) != RUN_BLOB_WHOLE)
        return error_set(replay->error, -1, "the evaluator's settings cannot be had: %.400s",
                         why.text);
    if (!digest_is_zero(&job->data) &&
        replay_scratch_bring(&replay->scratch, run, &job->data, &why) != RUN_BLOB_WHOLE)
        return error_set(replay->error, -1,
                         "the data set cannot be had: %.300s; `ratchet run` packs it again when "
                         "the run is resumed",
                         why.text);
    return 0;
}

static int read_step(const struct replay *replay, const struct replay_step *step,
                     struct commit_record *record)
{
    char id[ID_BYTES_MAX];
    format_id(step->key, id);
    int found = reader_get(replay->reader, step->key, record, replay->error);
    if (found > 0 && record->sequence == step->sequence)
        return 0;
    return found < 0 ? -1
                     : error_set(replay->error, -1, "%s: job %s is not what it was a moment ago",
                                 replay->reader->path, id);
}

static enum replay_result compare(struct replay *replay, const struct commit_record *record,
                                  const struct result *result)
{
    struct replay_committed committed = {.record = record, .detail = replay->detail};
    char id[ID_BYTES_MAX], reason[REASON_BYTES_MAX + 8];
    format_id(record->job.key, id);
    if (result->outcome == OUTCOME_FAILED) {
        param_quote(result->reason, reason, sizeof reason);
        return (enum replay_result)error_set(replay->error, REPLAY_FAILED,
                                             "%s cannot be made again here: %s", id, reason);
    }
    if (ledger_get_detail(replay->reader->ledger, record->job.key, replay->detail,
                          &committed.detail_bytes, replay->error) == LEDGER_FAILED)
        return REPLAY_FAILED;
    if (replay_compare(&committed, result, &replay->outcome->difference, replay->error) != 0)
        return REPLAY_DIFFERS;
    replay->outcome->child = result->child;
    replay->outcome->detail = (struct digest){0};
    if (result->detail_bytes > 0)
        replay->outcome->detail = digest_of(result->detail, result->detail_bytes);
    return REPLAY_EQUAL;
}

static void drop(const void *context, const struct digest *checkpoint)
{
    const struct replay *replay = context;
    replay_scratch_drop(&replay->scratch, checkpoint);
}

static enum replay_result carry_out(struct replay *replay, const struct replay_step *step)
{
    struct commit_record record;
    struct result result;
    if (read_step(replay, step, &record) != 0 || bring(replay, &record.job) != 0)
        return REPLAY_FAILED;
    switch (replay_slot_run(replay->slot, &record.job, &result, replay->error)) {
    case REPLAY_SLOT_ANSWERED:
        break;
    case REPLAY_SLOT_FAILED:
        return REPLAY_FAILED;
    case REPLAY_SLOT_STOPPED:
        return REPLAY_STOPPED;
    }
    replay->outcome->compute_ms += result.compute_ms;
    enum replay_result compared = compare(replay, &record, &result);
    if (compared != REPLAY_EQUAL)
        return compared;
    if (!digest_is_zero(&result.child) &&
        replay_scratch_adopt(&replay->scratch, &result.child, result.child_bytes, replay->error) !=
            0)
        return REPLAY_FAILED;
    replay_plan_done(&replay->plan, step, drop, replay);
    replay->outcome->jobs++;
    return REPLAY_EQUAL;
}

/* ------------------------------------------------------------------------------------ the loop */

static int hand_over(const struct replay *replay)
{
    uint8_t *bytes;
    size_t count;
    if (replay->options->take_child == NULL)
        return 0;
    if (replay_scratch_read(&replay->scratch, &replay->outcome->child, &bytes, &count,
                            replay->error) != 0)
        return -1;
    int rc = replay->options->take_child(replay->options->context, bytes, count, replay->error);
    free(bytes);
    return rc;
}

static void progress(const struct replay *replay, size_t done)
{
    if (replay->options->progressed != NULL)
        replay->options->progressed(replay->options->context, done, replay->plan.count);
}

static enum replay_result carry_out_all(struct replay *replay)
{
    const struct replay_slot_options options = {
        .program = replay->options->program,
        .device = replay->options->device,
        .folder = replay->scratch.path,
    };
    replay->slot = replay_slot_start(&options, replay->error);
    enum replay_result result = replay->slot != NULL ? REPLAY_EQUAL : REPLAY_FAILED;
    for (size_t i = 0; i < replay->plan.count && result == REPLAY_EQUAL; i++) {
        progress(replay, i);
        result = carry_out(replay, &replay->plan.steps[i]);
    }
    replay_slot_end(&replay->slot);
    if (result != REPLAY_EQUAL)
        return result;
    progress(replay, replay->plan.count);
    return hand_over(replay) == 0 ? REPLAY_EQUAL : REPLAY_FAILED;
}

enum replay_result replay(struct reader *reader, const struct commit_record *record,
                          const struct replay_options *options, struct replay_outcome *outcome,
                          struct error *error)
{
    struct replay *replay = calloc(1, sizeof *replay);
    *outcome = (struct replay_outcome){0};
    if (replay == NULL)
        return (enum replay_result)error_set(error, REPLAY_FAILED, "no memory for the replay");
    replay->reader = reader;
    replay->wanted = record;
    replay->options = options;
    replay->outcome = outcome;
    replay->error = error;
    enum replay_result result = REPLAY_FAILED;
    if (check_wanted(replay) == 0 && replay_scratch_open(&replay->scratch, error) == 0) {
        if (make_plan(replay) == 0)
            result = carry_out_all(replay);
        replay_plan_free(&replay->plan);
        replay_scratch_close(&replay->scratch);
    }
    free(replay);
    /* What a signal cut short failed for that reason, whatever it said. */
    if (result == REPLAY_FAILED && signal_stop_waiting() != 0)
        result = REPLAY_STOPPED;
    return result;
}
