/*
 * checker_commit.c: a commit against its own description and against the reference. See
 * checker_commit.h.
 */
#include "tests/simulation/checker_commit.h"

#include "coordinator/core/chain.h"
#include "tests/simulation/carry_out.h"
#include "tests/simulation/simulation.h"

#include <stdio.h>
#include <string.h>

/* Doubles are compared by their bits: NaN equals NaN, and -0.0 is not 0.0. */
static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool same_metrics(const struct commit_record *record, uint32_t count,
                         const struct metric *metrics)
{
    if (record->metric_count != count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (record->metrics[i].id != metrics[i].id ||
            !same_bits(record->metrics[i].value, metrics[i].value))
            return false;
    return true;
}

/* The job is carried out again, with bytes from the archive. */
static const char *result_fault(const struct checker *checker, const struct commit_record *record)
{
    const struct simulation *simulation = checker->simulation;
    const struct job *job = &record->job;
    if (history_skipped(&checker->history, job->key)) {
        bool failed = record->outcome == OUTCOME_FAILED && !record->admitted &&
                      digest_is_zero(&record->child) && record->metric_count == 0;
        return failed ? NULL : "the user gave it up, and it has a result";
    }
    if (trial_is_poison(simulation->trial, job)) {
        bool failed = record->outcome == OUTCOME_FAILED && !record->admitted;
        return failed ? NULL : "poison has a result";
    }
    uint8_t child[CHILD_BYTES_MAX];
    struct result result;
    if (!carry_out(simulation->trial, &simulation->archive, job, &result, child))
        return "its parent never existed";
    if (record->outcome != result.outcome || !same_bits(record->fitness, result.fitness))
        return "the result is not that of its description";
    if (!same_metrics(record, result.metric_count, result.metrics) || record->steps != result.steps)
        return "the metrics are not those of its description";
    if (record->child_bytes != result.child_bytes)
        return "the child has another size than its description's";
    return digest_equal(&record->child, &result.child) ? NULL
                                                       : "the child is not that of its description";
}

/* An admitted child's bytes are in the store before its commit is. */
static const char *bytes_fault(const struct checker *checker, const struct commit_record *record)
{
    if (!record->admitted)
        return record->champion ? "a champion that was not admitted" : NULL;
    const struct shelf_item *item =
        shelf_find(&checker->simulation->coordinator.disk.blobs, &record->child);
    if (item == NULL)
        return "admitted, but its bytes are not in the blob store";
    return item->blob->count == record->child_bytes ? NULL : "the stored child has another size";
}

/* The result's detail is on disk, or in the same batch, and it is the job's own. */
static const char *detail_fault(const struct checker *checker, const struct commit_record *record)
{
    if (record->outcome == OUTCOME_FAILED)
        return NULL;
    const struct disk *disk = &checker->simulation->coordinator.disk;
    size_t place = history_place(&checker->history, record->job.key);
    size_t latest = checker->jobs[place].detail;
    const struct disk_detail *detail = latest > 0 ? &disk->details[latest - 1] : NULL;
    /* One without bytes took back those before it. */
    if (detail != NULL && detail->bytes == 0)
        detail = NULL;
    uint8_t expected[64];
    uint32_t bytes = checker_detail(&record->job, expected);
    if (bytes == 0)
        return detail == NULL || detail->bytes == 0 ? NULL : "it has a detail that is not its own";
    if (detail == NULL)
        return "its detail was not persisted";
    bool same = detail->bytes == bytes && memcmp(detail->data, expected, bytes) == 0;
    return same ? NULL : "its detail is not its own";
}

/* The first field in which the commit is not the reference's, or NULL. */
static const char *difference(const struct commit_record *a, const struct commit_record *b)
{
    if (!digest_equal(&a->description, &b->description))
        return "description";
    if (a->outcome != b->outcome)
        return "outcome";
    if (!same_bits(a->fitness, b->fitness))
        return "fitness";
    if (!same_metrics(a, b->metric_count, b->metrics))
        return "metrics";
    if (!digest_equal(&a->child, &b->child) || a->child_bytes != b->child_bytes)
        return "child";
    if (a->admitted != b->admitted || a->champion != b->champion)
        return "admission";
    if (a->operator_index != b->operator_index || a->depth != b->depth)
        return "lineage";
    for (uint32_t i = 0; i < a->job.parent_count; i++)
        if (!job_key_equal(a->parent_ids[i], b->parent_ids[i]))
            return "parents";
    return digest_equal(&a->chain, &b->chain) ? NULL : "chain";
}

const char *commit_difference(const struct checker *checker, const struct commit_record *record)
{
    static char text[128];
    struct job_key key = record->job.key;
    if (checker->reference == NULL)
        return NULL;
    /* The end of the first budget is not in the reference, which had the full one from the start.
     */
    if (checker->simulation->coordinator.stage == STAGE_FIRST && key.job == JOB_NUMBER_FINAL)
        return NULL;
    /* A line that the user stopped has another champion at its end, and jobs of its own never. */
    if (checker->lines[key.line].stopped && key.job == JOB_NUMBER_FINAL)
        return NULL;
    const struct history *history = checker->reference->history;
    if (!history_has(history, key))
        return "the reference has no such commit";
    const char *field = difference(record, history_of(history, key));
    if (field == NULL)
        return NULL;
    snprintf(text, sizeof text, "its %s is not the reference's", field);
    return text;
}

const char *commit_fault(const struct checker *checker, const struct commit_record *record,
                         const struct digest *chain)
{
    struct digest description = job_digest(&record->job);
    if (!digest_equal(&description, &record->description))
        return "the description's digest is not that of the job";
    if (!digest_equal(&record->job.data, &checker->simulation->trial->data_digest))
        return "it was computed on another data set than the trial's";
    struct digest extended = chain_extend(chain, record);
    if (!digest_equal(&extended, &record->chain))
        return "the chain is not extended by this commit";
    const char *fault = result_fault(checker, record);
    if (fault == NULL)
        fault = bytes_fault(checker, record);
    return fault != NULL ? fault : detail_fault(checker, record);
}
