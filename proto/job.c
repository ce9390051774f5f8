/* job.c: see job.h. */
#include "proto/job.h"

#include "common/canonical.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

bool instance_equal(const struct instance_id *a, const struct instance_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool job_key_equal(struct job_key a, struct job_key b)
{
    return a.line == b.line && a.job == b.job;
}

bool lease_key_equal(struct lease_key a, struct lease_key b)
{
    return job_key_equal(a.job, b.job) && a.epoch == b.epoch && a.attempt == b.attempt;
}

struct digest job_digest(const struct job *job)
{
    struct digest_state state;
    digest_init(&state);
    canonical_text(&state, "ratchet job 2");
    canonical_u32(&state, job->key.line);
    canonical_u64(&state, job->key.job);
    canonical_u32(&state, job->kind);
    canonical_u32(&state, job->slices);
    canonical_u64(&state, job->seed);
    canonical_u64(&state, job->stream);
    canonical_digest(&state, &job->spec);
    canonical_digest(&state, &job->data);
    canonical_text(&state, job->call.name);
    canonical_u32(&state, job->call.param_count);
    for (uint32_t i = 0; i < job->call.param_count; i++)
        canonical_f64(&state, job->call.params[i]);
    canonical_u32(&state, job->parent_count);
    for (uint32_t i = 0; i < job->parent_count; i++)
        canonical_digest(&state, &job->parents[i]);
    return digest_final(&state);
}

uint64_t job_prefix(const struct digest *description)
{
    uint64_t prefix = 0;
    for (int i = 7; i >= 0; i--)
        prefix = prefix << 8 | description->bytes[i];
    return prefix;
}

const char *metric_name(uint32_t id)
{
    static const char *const names[] = {
        [METRIC_TRAIN_LOSS] = "train_loss",     [METRIC_TRAIN_ACCURACY] = "train_accuracy",
        [METRIC_SELECT_LOSS] = "select_loss",   [METRIC_SELECT_ACCURACY] = "select_accuracy",
        [METRIC_CONFIRM_LOSS] = "confirm_loss", [METRIC_CONFIRM_ACCURACY] = "confirm_accuracy",
        [METRIC_TEST_LOSS] = "test_loss",       [METRIC_TEST_ACCURACY] = "test_accuracy",
        [METRIC_UPDATES_LOST] = "updates_lost",
    };
    return id >= 1 && id <= METRIC_LAST ? names[id] : NULL;
}

const char *slice_name(enum slice slice)
{
    switch (slice) {
    case SLICE_TRAIN:
        return "train";
    case SLICE_SELECT:
        return "select";
    case SLICE_CONFIRM:
        return "confirm";
    case SLICE_TEST:
        return "test";
    case SLICE_ALL:
        break;
    }
    return "?";
}

const char *outcome_name(uint32_t outcome)
{
    switch (outcome) {
    case OUTCOME_OK:
        return "ok";
    case OUTCOME_DIVERGED:
        return "diverged";
    case OUTCOME_FAILED:
        return "failed";
    default:
        return NULL;
    }
}

bool fitness_better(double a, double b)
{
    if (isnan(a))
        return false;
    return isnan(b) || a > b;
}

const struct metric *result_metric(const struct result *result, enum metric_id id)
{
    for (uint32_t i = 0; i < result->metric_count; i++)
        if (result->metrics[i].id == id)
            return &result->metrics[i];
    return NULL;
}
