/* status_work.c: see status_work.h. What a coordinator counts, it counts since it was started. */
#include "coordinator/commands/status_work.h"

#include "coordinator/commands/progress_text.h"
#include "coordinator/commands/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void show_attempts(const struct json_node *root)
{
    uint64_t attempts = json_get_u64(root, "attempts", 0), deaths = json_get_u64(root, "deaths", 0);
    uint64_t results = json_get_u64(root, "results", 0);
    uint64_t stale = json_get_u64(root, "results_stale", 0);
    uint64_t opinions = json_get_u64(root, "opinions", 0);
    printf("%-11s %" PRIu64 ", with %" PRIu64 " result%s", "attempts", attempts, results,
           plural(results));
    if (stale > 0)
        printf(", %" PRIu64 " of no use any more", stale);
    if (deaths > 0)
        printf("; %" PRIu64 " slot process%s died", deaths, deaths == 1 ? "" : "es");
    printf("\n");
    if (opinions > 0)
        printf("%-11s %" PRIu64 " second one%s\n", "opinions", opinions, plural(opinions));
}

static void show_audits(const struct json_node *root)
{
    uint64_t audits = json_get_u64(root, "audits", 0);
    if (audits > 0)
        printf("%-11s %" PRIu64 " asked, %" PRIu64 " agreed, %" PRIu64 " differed\n", "audits",
               audits, json_get_u64(root, "audits_agreed", 0),
               json_get_u64(root, "audits_differed", 0));
}

/* "nothing" for what was not told: no job was committed yet. */
static void format_mean(const struct json_node *traffic, const char *key, char text[SIZE_BYTES_MAX])
{
    double bytes = json_get_f64(traffic, key, (double)NAN);
    if (bytes >= 0 && bytes < 9e18)
        format_size((uint64_t)(bytes + 0.5), text);
    else
        snprintf(text, SIZE_BYTES_MAX, "nothing");
}

static void show_traffic(const struct json_node *root)
{
    const struct json_node *traffic = json_get_node(root, "traffic");
    char size[SIZE_BYTES_MAX], in[SIZE_BYTES_MAX], out[SIZE_BYTES_MAX];
    if (traffic == NULL)
        return;
    uint64_t pulled = json_get_u64(traffic, "checkpoints_pulled", 0);
    format_size(json_get_u64(traffic, "checkpoints_pulled_bytes", 0), size);
    printf("%-11s %.0f bytes a job message, at most %" PRIu64 "; %" PRIu64 " checkpoint%s in, %s\n",
           "traffic", json_get_f64(traffic, "job_bytes_mean", 0),
           json_get_u64(traffic, "job_bytes_max", 0), pulled, plural(pulled), size);
    if (json_get_u64(traffic, "jobs_committed", 0) == 0)
        return;
    format_mean(traffic, "control_bytes_per_job", size);
    format_mean(traffic, "received_bytes_per_job", in);
    format_mean(traffic, "sent_bytes_per_job", out);
    printf("%-11s %s of messages, %s of checkpoints in, %s out\n", "per job", size, in, out);
}

/* ", 1 suspect": nothing when there is none. */
static void show_count(const char *what, uint64_t count)
{
    if (count > 0)
        printf(", %" PRIu64 " %s", count, what);
}

static uint64_t count_state(const struct json_node *workers, const char *state)
{
    uint64_t count = 0;
    for (size_t i = 0; i < json_array_count(workers); i++) {
        const char *found = json_get_text(json_array_at(workers, i), "state", "");
        count += strcmp(found, state) == 0;
    }
    return count;
}

static void show_crowd(const struct json_node *root, const struct json_node *workers)
{
    uint64_t joined = json_get_u64(root, "workers_joined", 0);
    uint64_t slots = json_get_u64(root, "slots", 0);
    printf("%-11s %" PRIu64 " with %" PRIu64 " slot%s", "workers", joined, slots, plural(slots));
    show_count("suspect", json_get_u64(root, "workers_suspect", 0));
    show_count("draining", count_state(workers, "draining"));
    show_count("benched", count_state(workers, "benched"));
    if (json_array_count(workers) < joined)
        printf("; the first %zu:", json_array_count(workers));
    printf("\n");
}

static void show_workers(const struct json_node *workers)
{
    static const char *const titles[] = {"worker",  "host",  "state",   ">slots",
                                         ">leases", ">done", ">ms/job", ">silent",
                                         ">in",     ">out",  NULL};
    char in[SIZE_BYTES_MAX], out[SIZE_BYTES_MAX];
    if (json_array_count(workers) == 0)
        return;
    struct table *table = table_create(titles);
    for (size_t i = 0; i < json_array_count(workers); i++) {
        const struct json_node *worker = json_array_at(workers, i);
        format_size(json_get_u64(worker, "received_bytes", 0), in);
        format_size(json_get_u64(worker, "sent_bytes", 0), out);
        table_add(table, "%s", json_get_text(worker, "name", "?"));
        table_add(table, "%s", json_get_text(worker, "host", "?"));
        table_add(table, "%s", json_get_text(worker, "state", "?"));
        table_add(table, "%" PRIu64, json_get_u64(worker, "slots", 0));
        table_add(table, "%" PRIu64, json_get_u64(worker, "leases", 0));
        table_add(table, "%" PRIu64, json_get_u64(worker, "done", 0));
        if (json_get_node(worker, "job_ms") != NULL)
            table_add(table, "%" PRIu64, json_get_u64(worker, "job_ms", 0));
        else
            table_add(table, "-");
        table_add(table, "%.1f s", (double)json_get_u64(worker, "silent_ms", 0) / 1000);
        table_add(table, "%s", in);
        table_add(table, "%s", out);
    }
    printf("\n");
    table_print(table);
    table_destroy(&table);
}

void show_live_work(const struct json_node *root)
{
    const struct json_node *workers = json_get_node(root, "workers");
    show_attempts(root);
    show_audits(root);
    show_traffic(root);
    show_crowd(root, workers);
    show_workers(workers);
}

void show_past_work(const struct json_node *root)
{
    uint64_t commits = json_get_u64(root, "commits", 0);
    uint64_t attempts = json_get_u64(root, "attempts", 0);
    uint64_t opinions = json_get_u64(root, "opinions", 0);
    uint64_t diverged = json_get_u64(root, "diverged", 0), failed = json_get_u64(root, "failed", 0);
    if (commits == 0)
        return;
    printf("%-11s %" PRIu64 " for these commits", "attempts", attempts);
    if (opinions > 0)
        printf(", and %" PRIu64 " second opinion%s", opinions, plural(opinions));
    printf("\n");
    if (diverged + failed > 0)
        printf("%-11s %" PRIu64 " job%s diverged, %" PRIu64 " failed\n", "outcomes", diverged,
               plural(diverged), failed);
}
