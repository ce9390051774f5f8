/*
 * shell_status.c: how the run stands: for the observer, and as JSON for `ratchet status`.
 *
 * The JSON is one object. Its keys are part of the command line's interface: they are added to, not
 * renamed.
 */
#include "coordinator/shell/json.h"
#include "coordinator/shell/shell_internal.h"

#include "common/version.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS_LISTED = 512 }; /* of some 400 bytes each: within STATUS_BYTES_MAX */

void shell_name_operators(struct shell *shell)
{
    /* Lines differ in their seeds, not in their operators. */
    struct line_config config;
    shell->run.line(shell->run.line_context, 0, &config);
    shell->operator_count = config.search.operator_count;
    for (uint32_t i = 0; i < shell->operator_count; i++)
        format_operator_label(&config.search, i, shell->operator_labels[i]);
}

static void view_operators(const struct shell *shell, struct shell_view *view)
{
    view->operator_count = shell->operator_count;
    for (uint32_t i = 0; i < shell->operator_count; i++) {
        const struct progress_operator *counts = &shell->progress.operators[i];
        struct shell_operator *shown = &view->operators[i];
        memcpy(shown->label, shell->operator_labels[i], sizeof shown->label);
        shown->tried = counts->tried;
        shown->compared = counts->compared;
        shown->improved = counts->improved;
    }
}

struct shell_view shell_view(const struct shell *shell)
{
    struct core_summary summary = core_summary(shell->run.core);
    struct shell_view view = {
        .commits = summary.commits,
        .jobs_total = summary.jobs_total + (shell->run.final_evaluation ? summary.lines : 0),
        .jobs_per_s = progress_rate(&shell->progress),
        .fitness_best = summary.has_champion ? summary.champion_fitness : (double)NAN,
        .fitness_median = progress_median(&shell->progress),
        .champion = summary.champion,
        .workers = summary.workers,
        .slots = summary.slots,
    };
    uint64_t left = view.jobs_total > view.commits ? view.jobs_total - view.commits : 0;
    view.seconds_left = progress_seconds_left(&shell->progress, left);
    view_operators(shell, &view);
    return view;
}

struct json_node *shell_operators_node(const struct shell_view *view)
{
    struct json_node *list = json_node_array();
    for (uint32_t i = 0; i < view->operator_count; i++) {
        const struct shell_operator *shown = &view->operators[i];
        struct json_node *node = json_node_object();
        json_set_text(node, "operator", shown->label);
        json_set_u64(node, "tried", shown->tried);
        json_set_u64(node, "compared", shown->compared);
        json_set_u64(node, "improved", shown->improved);
        json_append_node(list, node);
    }
    return list;
}

static void to_hex(const uint8_t *bytes, size_t count, char *hex)
{
    for (size_t i = 0; i < count; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

static void set_identity(const struct shell *shell, struct json_node *root)
{
    const struct run *run = &shell->run;
    char hex[DIGEST_HEX_BYTES];
    json_set_text(root, "name", experiment_name(run->experiment));
    json_set_text(root, "directory", run->directory.path);
    json_set_text(root, "state", shell->finished ? "finished" : "running");
    to_hex(run->id.bytes, sizeof run->id.bytes, hex);
    json_set_text(root, "run", hex);
    json_set_u64(root, "seed", experiment_seed(run->experiment));
    struct digest experiment = experiment_digest(run->experiment);
    digest_to_hex(&experiment, hex);
    json_set_text(root, "experiment_digest", hex);
    json_set_text(root, "engine_version", RATCHET_VERSION);
    json_set_text(root, "commit", run->mode == COMMIT_ORDERED ? "ordered" : "arrival");
    json_set_u64(root, "epoch", run->epoch);
    json_set_u64(root, "served_ms", run->served_ms + (shell->now_ms - shell->opened_ms));
    struct digest digest = core_digest(run->core);
    digest_to_hex(&digest, hex);
    json_set_text(root, "digest", hex);
}

static void set_progress(const struct shell *shell, const struct core_summary *summary,
                         struct json_node *root)
{
    struct shell_view view = shell_view(shell);
    json_set_u64(root, "commits", summary->commits);
    json_set_u64(root, "jobs_total", view.jobs_total);
    json_set_f64(root, "jobs_per_s", view.jobs_per_s);
    json_set_f64(root, "left_s", view.seconds_left);
    json_set_f64(root, "fitness_best", view.fitness_best);
    json_set_f64(root, "fitness_median", view.fitness_median);
    json_set_node(root, "operators", shell_operators_node(&view));
    char id[48] = "";
    if (summary->has_champion)
        snprintf(id, sizeof id, "%u/%llu", summary->champion.line,
                 (unsigned long long)summary->champion.job);
    json_set_text(root, "champion", summary->has_champion ? id : NULL);
    json_set_u64(root, "admitted", summary->admitted);
    json_set_u64(root, "diverged", shell->progress.diverged);
    json_set_u64(root, "failed", shell->progress.failed);
    json_set_u64(root, "created", summary->created);
    json_set_u64(root, "waiting", summary->waiting);
    json_set_u64(root, "leased", summary->leased);
    json_set_u64(root, "held", summary->held);
    json_set_u64(root, "quarantined", summary->quarantined);
    json_set_u64(root, "attempts", summary->attempts);
    json_set_u64(root, "results", summary->results);
    json_set_u64(root, "results_stale", summary->results_stale);
    json_set_u64(root, "deaths", summary->deaths);
    json_set_u64(root, "opinions", summary->opinions);
    json_set_u64(root, "audits", summary->audits);
    json_set_u64(root, "audits_agreed", summary->audits_agreed);
    json_set_u64(root, "audits_differed", summary->audits_differed);
    json_set_u64(root, "lines", summary->lines);
    json_set_u64(root, "lines_open", summary->lines_open);
    json_set_u64(root, "lines_closed", summary->lines_closed);
    json_set_u64(root, "lines_stalled", summary->lines_stalled);
}

static void set_traffic(const struct shell *shell, const struct core_summary *summary,
                        struct json_node *root)
{
    uint64_t before = shell->run.replayed;
    uint64_t commits = summary->commits > before ? summary->commits - before : 0;
    const struct lease_traffic *leases = &shell->lease_traffic;
    struct sockets_counts control = sockets_counts(shell->sockets, SOCKET_CONTROL);
    struct bulk_counts bulk = bulk_counts(shell->bulk);
    struct json_node *traffic = json_node_object();
    json_set_u64(traffic, "jobs_sent", leases->count);
    json_set_f64(traffic, "job_bytes_mean",
                 leases->count > 0 ? (double)leases->bytes / (double)leases->count : (double)NAN);
    json_set_u64(traffic, "job_bytes_max", leases->largest);
    json_set_u64(traffic, "received_bytes", control.received_bytes);
    json_set_u64(traffic, "sent_bytes", control.sent_bytes);
    json_set_u64(traffic, "datagrams_received", control.received);
    json_set_u64(traffic, "datagrams_sent", control.sent);
    json_set_u64(traffic, "datagrams_dropped", control.dropped);
    json_set_u64(traffic, "datagrams_malformed",
                 control.malformed + shell->malformed + bulk.malformed);
    json_set_u64(traffic, "messages_strange", shell->strangers);
    json_set_u64(traffic, "datagrams_refused",
                 control.refused + sockets_counts(shell->sockets, SOCKET_BULK).refused);
    json_set_u64(traffic, "checkpoints_pulled", bulk.pulled);
    json_set_u64(traffic, "checkpoints_pulled_bytes", bulk.pulled_bytes);
    json_set_u64(traffic, "pulls_failed", bulk.failed);
    json_set_u64(traffic, "requests_dropped", bulk.requests_dropped);
    json_set_u64(traffic, "served_bytes", bulk.served_bytes);
    if (commits > 0) {
        double jobs = (double)commits;
        json_set_u64(traffic, "jobs_committed", commits); /* of this life, as all of these counts */
        json_set_f64(traffic, "control_bytes_per_job",
                     (double)(control.received_bytes + control.sent_bytes) / jobs);
        json_set_f64(traffic, "received_bytes_per_job", (double)bulk.pulled_bytes / jobs);
        json_set_f64(traffic, "sent_bytes_per_job", (double)bulk.served_bytes / jobs);
    }
    json_set_node(root, "traffic", traffic);
    struct json_node *storage = json_node_object();
    json_set_u64(storage, "blobs", blob_store_count(shell->run.store));
    json_set_u64(storage, "blobs_bytes", blob_store_bytes(shell->run.store));
    json_set_node(root, "storage", storage);
}

static struct json_node *worker_node(const struct shell *shell, const struct worker_summary *worker)
{
    struct peer_bytes bytes = bulk_bytes_of(shell->bulk, &worker->instance);
    struct json_node *node = json_node_object();
    /* Enough to tell workers apart; the whole of it would let others speak as this worker. */
    enum { SHOWN_BYTES = 4 };
    char hex[2 * SHOWN_BYTES + 1];
    to_hex(worker->instance.bytes, SHOWN_BYTES, hex);
    json_set_text(node, "name", worker->name);
    json_set_text(node, "host", worker->host);
    json_set_text(node, "instance", hex);
    json_set_text(node, "state", worker->state);
    json_set_u64(node, "slots", worker->slots);
    json_set_u64(node, "capacity", worker->capacity);
    json_set_u64(node, "leases", worker->leases);
    json_set_u64(node, "done", worker->done);
    if (worker->job_ms > 0)
        json_set_u64(node, "job_ms", worker->job_ms);
    json_set_u64(node, "silent_ms", worker->silent_ms);
    json_set_u64(node, "received_bytes", bytes.received); /* from it, of checkpoints */
    json_set_u64(node, "sent_bytes", bytes.sent);
    return node;
}

static void set_workers(const struct shell *shell, struct json_node *root)
{
    struct worker_summary *workers = calloc(WORKERS_LISTED, sizeof *workers);
    struct json_node *list = json_node_array();
    uint32_t count =
        workers != NULL ? core_workers(shell->run.core, shell->now_ms, workers, WORKERS_LISTED) : 0;
    for (uint32_t i = 0; i < count; i++)
        json_append_node(list, worker_node(shell, &workers[i]));
    json_set_node(root, "workers", list);
    free(workers);
}

char *shell_status_json(const struct shell *shell)
{
    struct core_summary summary = core_summary(shell->run.core);
    struct json_node *root = json_node_object();
    set_identity(shell, root);
    set_progress(shell, &summary, root);
    json_set_u64(root, "workers_joined", summary.workers);
    json_set_u64(root, "workers_suspect", summary.suspects);
    json_set_u64(root, "slots", summary.slots);
    set_traffic(shell, &summary, root);
    set_workers(shell, root);
    char *text = json_print(root, JSON_ONE_LINE);
    if (strlen(text) > STATUS_BYTES_MAX) {
        /* Names can be made of characters that JSON writes as six bytes: then without the list. */
        free(text);
        json_set_node(root, "workers", json_node_array());
        text = json_print(root, JSON_ONE_LINE);
    }
    json_node_free(&root);
    return text;
}
