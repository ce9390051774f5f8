/*
 * shell_why.c: the answer to `ratchet why`: what the core's views say, as JSON.
 *
 * Facts, not words: the command makes sentences of them, together with what the ledger has. Keys
 * and the names of states and reasons are part of the command line's interface: they are added to,
 * not renamed. The answer is bounded by the lists' ends below.
 */
#include "coordinator/core/explain.h"
#include "coordinator/shell/json.h"
#include "coordinator/shell/shell_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINES_TOLD = 12,
    WORKERS_TOLD = 8,
    INSTANCE_BYTES_TOLD = 4, /* enough to tell workers apart: see shell_status.c */
};

/* ----------------------------------------------------------------------------- names of enums */

/* A switch each, so that the compiler misses the name of a new value. */
static const char *line_stage_name(enum line_stage stage)
{
    switch (stage) {
    case LINE_IS_WAITING:
        return "waiting";
    case LINE_IS_OPEN:
        return "open";
    case LINE_IS_CLOSED:
        return "closed";
    case LINE_IS_STALLED:
        return "stalled";
    }
    abort();
}

static const char *creation_hold_name(enum creation_hold hold)
{
    switch (hold) {
    case CREATION_WINDOW:
        return "window_full";
    case CREATION_STRATEGY:
        return "strategy_waits";
    case CREATION_OVER:
        return "line_ends";
    case CREATION_FINAL:
        return "final_evaluation";
    }
    abort();
}

static const char *job_stage_name(enum job_stage stage)
{
    switch (stage) {
    case JOB_IS_UNKNOWN:
        return "unknown";
    case JOB_IS_LINE_WAITING:
        return "line_waiting";
    case JOB_IS_NOT_CREATED:
        return "not_created";
    case JOB_IS_BEYOND:
        return "beyond_limits";
    case JOB_IS_WAITING:
        return "waiting";
    case JOB_IS_LEASED:
        return "leased";
    case JOB_IS_HELD:
        return "held";
    case JOB_IS_QUARANTINED:
        return "quarantined";
    case JOB_IS_OVER:
        return "over";
    }
    abort();
}

static const char *worker_wait_name(enum worker_wait wait)
{
    switch (wait) {
    case WAIT_RESTART:
        return "coordinator_restarted";
    case WAIT_NOBODY:
        return "no_worker";
    case WAIT_SILENT:
        return "workers_silent";
    case WAIT_ROOM:
        return "workers_full";
    case WAIT_BUSY:
        return "workers_busy";
    case WAIT_FASTER:
        return "faster_workers_busy";
    case WAIT_OTHERS:
        return "other_workers_busy";
    case WAIT_MOMENT:
        return "next_step";
    }
    abort();
}

static const char *commit_wait_name(enum commit_wait wait)
{
    switch (wait) {
    case COMMIT_TURN:
        return "turn";
    case COMMIT_BYTES:
        return "bytes";
    case COMMIT_OPINION:
        return "opinion";
    case COMMIT_AUDIT:
        return "audit";
    case COMMIT_MOMENT:
        return "next_step";
    }
    abort();
}

static const char *worker_hold_name(enum worker_hold hold)
{
    switch (hold) {
    case WORKER_HAS_ENOUGH:
        return "has_work";
    case WORKER_IS_SUSPECT:
        return "suspect";
    case WORKER_IS_BENCHED:
        return "benched";
    case WORKER_IS_DRAINING:
        return "draining";
    case WORKER_TAKES_NONE:
        return "takes_none";
    case WORKER_RESTART:
        return "coordinator_restarted";
    case WORKER_WOULD_DELAY:
        return "would_delay";
    case WORKER_NO_JOBS:
        return "no_jobs";
    case WORKER_AVOIDED:
        return "avoided";
    case WORKER_MOMENT:
        return "next_step";
    }
    abort();
}

static const char *run_hold_name(enum run_hold hold)
{
    switch (hold) {
    case RUN_IS_OVER:
        return "over";
    case RUN_RESTART:
        return "coordinator_restarted";
    case RUN_NOBODY:
        return "no_worker";
    case RUN_SILENT:
        return "workers_silent";
    case RUN_ROOM:
        return "workers_full";
    case RUN_COMPUTES:
        return "workers_busy";
    case RUN_WINDOW:
        return "window_full";
    case RUN_STRATEGY:
        return "strategy_waits";
    case RUN_ENDS:
        return "line_ends";
    case RUN_DELAYS:
        return "idle_would_delay";
    case RUN_AVOIDS:
        return "other_workers_busy";
    case RUN_MOMENT:
        return "next_step";
    }
    abort();
}

static const char *lease_reason_name(uint32_t reason)
{
    static const char *const names[] = {"?", "first", "retry", "late", "promising", "audit"};
    return names[reason <= LEASE_REASON_LAST ? reason : 0];
}

static const char *phase_name(uint32_t phase)
{
    static const char *const names[] = {"unconfirmed", "queued", "running", "finished"};
    return names[phase <= HELD_FINISHED ? phase : 0];
}

/* ---------------------------------------------------------------------------------- the parts */

static void set_job_id(struct json_node *node, const char *key, struct job_key job)
{
    char id[48];
    if (job.job == JOB_NUMBER_FINAL)
        snprintf(id, sizeof id, "%" PRIu32 "/final", job.line);
    else
        snprintf(id, sizeof id, "%" PRIu32 "/%" PRIu64, job.line, job.job);
    json_set_text(node, key, id);
}

/* Name and host are null for one that has left. */
static void set_worker(struct json_node *node, const struct worker_tag *worker)
{
    char hex[2 * INSTANCE_BYTES_TOLD + 1];
    for (size_t i = 0; i < INSTANCE_BYTES_TOLD; i++)
        snprintf(hex + 2 * i, 3, "%02x", worker->instance.bytes[i]);
    json_set_text(node, "worker", worker->joined ? worker->name : NULL);
    json_set_text(node, "host", worker->joined ? worker->host : NULL);
    json_set_text(node, "instance", hex);
}

static struct json_node *crowd_node(const struct crowd *crowd)
{
    struct json_node *node = json_node_object();
    json_set_u64(node, "joined", crowd->joined);
    json_set_u64(node, "ready", crowd->ready);
    json_set_u64(node, "suspect", crowd->suspect);
    json_set_u64(node, "benched", crowd->benched);
    json_set_u64(node, "draining", crowd->draining);
    json_set_u64(node, "full", crowd->full);
    json_set_u64(node, "slots", crowd->slots);
    json_set_u64(node, "slots_idle", crowd->slots_idle);
    json_set_u64(node, "slots_slow", crowd->slots_slow);
    json_set_u64(node, "jobs_waiting", crowd->waiting);
    return node;
}

static struct json_node *lease_node(const struct lease_explanation *lease)
{
    struct json_node *node = json_node_object();
    set_job_id(node, "job", lease->job);
    set_worker(node, &lease->worker);
    json_set_text(node, "worker_state", lease->worker_state);
    json_set_u64(node, "worker_silent_ms", lease->worker_silent_ms);
    json_set_text(node, "reason", lease_reason_name(lease->reason));
    json_set_text(node, "phase", phase_name(lease->phase));
    json_set_u64(node, "attempt", lease->attempt);
    json_set_u64(node, "since_ms", lease->since_ms);
    return node;
}

static void set_leases(struct json_node *node, const struct lease_explanation *leases,
                       uint32_t count)
{
    struct json_node *list = json_node_array();
    for (uint32_t i = 0; i < count; i++)
        json_append_node(list, lease_node(&leases[i]));
    json_set_node(node, "leases", list);
}

static void set_wait(struct json_node *node, const char *key,
                     const struct job_explanation *explained)
{
    json_set_text(node, key, worker_wait_name(explained->worker_wait));
    json_set_u64(node, "jobs_ahead", explained->ahead);
    if (explained->worker_wait == WAIT_RESTART)
        json_set_u64(node, "restart_ms", explained->restart_ms);
}

static void set_result(struct json_node *node, const struct job_explanation *explained)
{
    json_set_text(node, "reason", commit_wait_name(explained->commit_wait));
    json_set_bool(node, "its_turn", explained->its_turn);
    json_set_text(node, "outcome", outcome_name(explained->outcome));
    json_set_f64(node, "fitness", explained->fitness);
    json_set_text(node, "computed_by", explained->worker);
    json_set_text(node, "computed_on", explained->host);
    json_set_text(node, "bytes_at", explained->holder.joined ? explained->holder.name : NULL);
    json_set_u64(node, "child_bytes", explained->child_bytes);
    json_set_u64(node, "contradictions", explained->contradictions);
    bool asks = explained->commit_wait == COMMIT_OPINION || explained->commit_wait == COMMIT_AUDIT;
    if (asks && explained->lease_count == 0)
        set_wait(node, "opinion_reason", explained);
}

static void set_history(struct json_node *node, const struct job_explanation *explained)
{
    json_set_u64(node, "age_ms", explained->age_ms);
    json_set_u64(node, "attempts", explained->attempts);
    json_set_u64(node, "partial_steps", explained->partial_steps);
    json_set_u64(node, "opinions", explained->opinions);
    json_set_u64(node, "deaths", explained->deaths);
    json_set_u64(node, "failures", explained->failures);
    set_leases(node, explained->leases, explained->lease_count);
    struct json_node *troubles = json_node_array();
    for (uint32_t i = 0; i < explained->trouble_count; i++) {
        struct json_node *trouble = json_node_object();
        set_worker(trouble, &explained->troubles[i]);
        json_append_node(troubles, trouble);
    }
    json_set_node(node, "troubles", troubles);
}

static struct json_node *job_node(const struct job_explanation *explained)
{
    struct json_node *node = json_node_object();
    set_job_id(node, "job", explained->job);
    json_set_text(node, "state", job_stage_name(explained->stage));
    if (explained->stage == JOB_IS_WAITING)
        set_wait(node, "reason", explained);
    if (explained->stage == JOB_IS_HELD)
        set_result(node, explained);
    if (explained->stage >= JOB_IS_WAITING && explained->stage <= JOB_IS_QUARANTINED)
        set_history(node, explained);
    return node;
}

static struct json_node *line_node(const struct shell *shell,
                                   const struct line_explanation *explained)
{
    struct json_node *node = json_node_object();
    json_set_u64(node, "line", explained->line);
    json_set_text(node, "state", line_stage_name(explained->stage));
    json_set_u64(node, "commits", explained->commits);
    if (explained->stage != LINE_IS_OPEN)
        return node;
    json_set_text(node, "reason", creation_hold_name(explained->hold));
    json_set_u64(node, "next_commit", explained->next_commit);
    json_set_u64(node, "jobs", explained->jobs);
    json_set_u64(node, "lookahead", explained->lookahead);
    json_set_u64(node, "in_flight", explained->in_flight);
    json_set_u64(node, "waiting", explained->waiting);
    json_set_u64(node, "leased", explained->leased);
    json_set_u64(node, "held", explained->held);
    json_set_u64(node, "quarantined", explained->quarantined);
    if (explained->has_oldest) {
        struct job_explanation oldest;
        core_explain_job(shell->run.core, explained->oldest, &oldest);
        json_set_node(node, "oldest", job_node(&oldest));
    }
    return node;
}

/* -------------------------------------------------------------------------------- the answers */

static void set_job(const struct shell *shell, struct job_key job, struct json_node *root)
{
    struct job_explanation explained;
    struct line_explanation line;
    core_explain_job(shell->run.core, job, &explained);
    json_set_text(root, "subject", "job");
    json_set_node(root, "job", job_node(&explained));
    if (core_explain_line(shell->run.core, job.line, &line))
        json_set_node(root, "line", line_node(shell, &line));
}

static void set_open_lines(const struct shell *shell, struct json_node *root)
{
    uint32_t lines[LINES_TOLD];
    uint32_t count = core_open_lines(shell->run.core, lines, LINES_TOLD);
    struct json_node *list = json_node_array();
    for (uint32_t i = 0; i < count; i++) {
        struct line_explanation line;
        if (core_explain_line(shell->run.core, lines[i], &line))
            json_append_node(list, line_node(shell, &line));
    }
    json_set_node(root, "open", list);
}

static struct json_node *worker_node(const struct worker_explanation *explained)
{
    struct json_node *node = json_node_object();
    set_worker(node, &explained->worker);
    json_set_text(node, "state", explained->state);
    json_set_text(node, "reason", worker_hold_name(explained->hold));
    json_set_text(node, "numeric", explained->numeric);
    json_set_u64(node, "slots", explained->slots);
    json_set_u64(node, "capacity", explained->capacity);
    json_set_u64(node, "lease_count", explained->leases);
    json_set_u64(node, "running", explained->running);
    json_set_u64(node, "queued", explained->queued);
    json_set_u64(node, "results_kept", explained->kept);
    json_set_u64(node, "done", explained->done);
    if (explained->job_ms > 0)
        json_set_u64(node, "job_ms", explained->job_ms);
    json_set_u64(node, "silent_ms", explained->silent_ms);
    set_leases(node, explained->lease, explained->lease_count);
    return node;
}

static void set_workers(const struct shell *shell, const char *name, struct json_node *root)
{
    struct instance_id found[WORKERS_TOLD];
    uint32_t count = core_find_workers(shell->run.core, name, found, WORKERS_TOLD);
    struct json_node *list = json_node_array();
    for (uint32_t i = 0; i < count; i++) {
        struct worker_explanation explained;
        if (core_explain_worker(shell->run.core, &found[i], &explained))
            json_append_node(list, worker_node(&explained));
    }
    json_set_text(root, "subject", "worker");
    json_set_text(root, "asked_for", name);
    json_set_node(root, "found", list);
}

static void set_run(const struct shell *shell, struct json_node *root)
{
    struct core_summary summary = core_summary(shell->run.core);
    struct shell_view view = shell_view(shell);
    json_set_u64(root, "commits", summary.commits);
    json_set_u64(root, "jobs_total", view.jobs_total);
    json_set_f64(root, "jobs_per_s", view.jobs_per_s);
    json_set_f64(root, "left_s", view.seconds_left);
    json_set_u64(root, "lost_ms", core_lost_ms(shell->run.core));
    json_set_u64(root, "lines", summary.lines);
    json_set_u64(root, "lines_open", summary.lines_open);
    json_set_u64(root, "lines_closed", summary.lines_closed);
    json_set_u64(root, "lines_stalled", summary.lines_stalled);
}

static struct json_node *answer_to(const struct shell *shell, const struct status_request *request)
{
    struct json_node *root = json_node_object();
    struct crowd crowd = core_crowd(shell->run.core);
    json_set_text(root, "name", experiment_name(shell->run.experiment));
    json_set_text(root, "directory", shell->run.directory.path);
    json_set_text(root, "asked", "coordinator");
    json_set_text(root, "commit", shell->run.mode == COMMIT_ORDERED ? "ordered" : "arrival");
    json_set_text(root, "run_reason", run_hold_name(core_explain_run(shell->run.core)));
    set_run(shell, root);
    json_set_node(root, "workers", crowd_node(&crowd));
    if (request->subject == STATUS_WHY_JOB)
        set_job(shell, request->job, root);
    else if (request->subject == STATUS_WHY_WORKER)
        set_workers(shell, request->worker, root);
    else
        json_set_text(root, "subject", "run");
    return root;
}

char *shell_why_json(const struct shell *shell, const struct status_request *request)
{
    struct json_node *root = answer_to(shell, request);
    /* Lines tell what a run waits for, and what a worker without jobs does. */
    if (request->subject != STATUS_WHY_JOB)
        set_open_lines(shell, root);
    char *text = json_print(root, JSON_ONE_LINE);
    if (strlen(text) > STATUS_BYTES_MAX) {
        /* Names can be made of characters that JSON writes as six bytes: then without the lists. */
        free(text);
        json_set_node(root, "open", json_node_array());
        json_set_node(root, "found", json_node_array());
        text = json_print(root, JSON_ONE_LINE);
    }
    json_node_free(&root);
    return text;
}
