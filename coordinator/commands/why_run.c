/* why_run.c: see why_words.h: why a run does not go on faster, or at all. */
#include "coordinator/commands/progress_text.h"
#include "coordinator/commands/why_words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------------------------- one answer */

static void say_idle(const struct json_node *root, struct sentences *sentences, const char *reason)
{
    const struct json_node *crowd = json_get_node(root, "workers");
    uint64_t idle = json_get_u64(crowd, "slots_idle", 0), slots = json_get_u64(crowd, "slots", 0);
    say(sentences, "%" PRIu64 " of %" PRIu64 " slot%s ha%s no work: %s.", idle, slots,
        plural(slots), idle == 1 ? "s" : "ve", reason);
}

/* Every slot has a job: that is how it should be. */
static void say_computing(const struct json_node *root, uint64_t slots, struct sentences *sentences)
{
    const struct json_node *crowd = json_get_node(root, "workers");
    uint64_t joined = json_get_u64(crowd, "joined", 0);
    uint64_t waiting = json_get_u64(crowd, "jobs_waiting", 0);
    char more[64] = "no further job waits";
    if (waiting > 0)
        snprintf(more, sizeof more, "%" PRIu64 " more wait%s", waiting, waiting == 1 ? "s" : "");
    if (slots == 1)
        say(sentences, "The run is as fast as its worker: the only slot has a job, and %s.", more);
    else
        say(sentences,
            "The run is as fast as its workers: all %" PRIu64 " slots of %" PRIu64
            " worker%s have a job, and %s.",
            slots, joined, plural(joined), more);
}

static void say_crowd(const struct json_node *root, struct sentences *sentences)
{
    const struct json_node *crowd = json_get_node(root, "workers");
    uint64_t slots = json_get_u64(crowd, "slots", 0);
    char wait[SENTENCE_BYTES_MAX];
    describe_wait(root, json_get_text(root, "run_reason", ""), wait);
    if (fact_is(root, "run_reason", "workers_full"))
        say_idle(root, sentences,
                 "no worker takes more (their caches are full, or they are leaving)");
    else if (!fact_is(root, "run_reason", "workers_busy"))
        say(sentences, "Nobody works for the run: %s.", wait);
    else
        say_computing(root, slots, sentences);
}

static void say_reason(const struct json_node *root, struct sentences *sentences)
{
    if (fact_is(root, "run_reason", "over"))
        say(sentences, "The run has ended; its coordinator says goodbye to the workers.");
    else if (fact_is(root, "run_reason", "coordinator_restarted"))
        say(sentences, "The coordinator was restarted a moment ago: workers may first claim what "
                       "they still run.");
    else if (fact_is(root, "run_reason", "window_full"))
        say_idle(root, sentences,
                 "the window is full, and its oldest job holds up all that come after it");
    else if (fact_is(root, "run_reason", "strategy_waits"))
        say_idle(root, sentences,
                 "the strategy wants the results of the jobs under way before it proposes more");
    else if (fact_is(root, "run_reason", "line_ends"))
        say_idle(root, sentences, "the last jobs are under way");
    else if (fact_is(root, "run_reason", "idle_would_delay"))
        say_idle(root, sentences,
                 "whatever job those slow workers got, the others would wait for it; a larger "
                 "search.lookahead makes use of them");
    else if (fact_is(root, "run_reason", "other_workers_busy"))
        say_idle(root, sentences, "the jobs that wait had trouble there and wait for others");
    else if (fact_is(root, "run_reason", "next_step"))
        say_idle(root, sentences, "jobs are being handed out at this moment");
    else
        say_crowd(root, sentences);
}

/* ----------------------------------------------------------------------------------- the lines */

/* ", 2 with a worker": nothing when there is none. */
static void add_count(char *text, uint64_t count, const char *what)
{
    size_t used = strlen(text);
    if (count > 0)
        snprintf(text + used, SENTENCE_BYTES_MAX - used, ", %" PRIu64 " %s", count, what);
}

static void say_line(const struct json_node *root, const struct json_node *line,
                     struct sentences *sentences)
{
    char oldest[SENTENCE_BYTES_MAX], flight[SENTENCE_BYTES_MAX] = "";
    const struct json_node *job = json_get_node(line, "oldest");
    add_count(flight, json_get_u64(line, "waiting", 0), "waiting for a worker");
    add_count(flight, json_get_u64(line, "leased", 0), "with a worker");
    add_count(flight, json_get_u64(line, "held", 0), "done and waiting to be committed");
    add_count(flight, json_get_u64(line, "quarantined", 0), "quarantined");
    say(sentences,
        "Line %" PRIu64 ": %" PRIu64 " of %" PRIu64 " jobs committed; %" PRIu64
        " in flight, at most %" PRIu64 " may be%s%s.",
        json_get_u64(line, "line", 0), json_get_u64(line, "commits", 0),
        json_get_u64(line, "jobs", 0), json_get_u64(line, "in_flight", 0),
        json_get_u64(line, "lookahead", 0), flight[0] != '\0' ? ": " : "",
        flight[0] != '\0' ? flight + 2 : "");
    if (job == NULL)
        return;
    describe_job(root, job, oldest);
    say(sentences, "Its oldest job: %s.", oldest);
}

void say_what_holds_the_run(const struct json_node *root, struct sentences *sentences)
{
    enum { LINES_SAID = 4 };
    const struct json_node *lines = json_get_node(root, "open");
    size_t said = 0, told = json_array_count(lines);
    for (; said < told && said < LINES_SAID; said++)
        say_line(root, json_array_at(lines, said), sentences);
    uint64_t open = json_get_u64(root, "lines_open", 0);
    if (open > said)
        say(sentences, "%" PRIu64 " more line%s open; --json tells of the first %zu.", open - said,
            open - said == 1 ? " is" : "s are", told);
    uint64_t stalled = json_get_u64(root, "lines_stalled", 0);
    if (stalled > 0)
        say(sentences,
            "%" PRIu64 " line%s stopped at a job that nobody could carry out: see the notes.",
            stalled, plural(stalled));
}

/* The last job that stopped its line and that no user gave up since; NULL: there is none. */
static const char *quarantined_job(const struct json_node *root)
{
    const struct json_node *notes = json_get_node(root, "notes");
    for (size_t i = 0; i < json_array_count(notes); i++) {
        const struct json_node *note = json_array_at(notes, i);
        if (fact_is(note, "kind", "job_quarantined") || fact_is(note, "kind", "job_skipped"))
            return fact_is(note, "kind", "job_quarantined") ? json_get_text(note, "job", NULL)
                                                            : NULL;
    }
    return NULL;
}

static void say_way_out(const struct json_node *root, struct sentences *sentences)
{
    const char *id = quarantined_job(root);
    if (id != NULL)
        say_how_to_skip(root, id, sentences);
}

static void say_progress(const struct json_node *root, struct sentences *sentences)
{
    char left[DURATION_BYTES_MAX];
    double rate = json_get_f64(root, "jobs_per_s", (double)NAN);
    format_duration(json_get_f64(root, "left_s", (double)NAN), left);
    if (rate > 0 && isfinite(rate))
        say(sentences, "%" PRIu64 " of %" PRIu64 " jobs are committed, %.3g a second; %s left.",
            json_get_u64(root, "commits", 0), json_get_u64(root, "jobs_total", 0), rate, left);
    else
        say(sentences, "%" PRIu64 " of %" PRIu64 " jobs are committed.",
            json_get_u64(root, "commits", 0), json_get_u64(root, "jobs_total", 0));
}

/* The first line's: the one that was told of. */
static void say_oldest_way_out(const struct json_node *root, struct sentences *sentences)
{
    const struct json_node *line = json_array_at(json_get_node(root, "open"), 0);
    const struct json_node *oldest = json_get_node(line, "oldest");
    if (oldest != NULL)
        say_how_to_skip(root, json_get_text(oldest, "job", "JOB"), sentences);
}

/* What a person may do about it. */
static void say_advice(const struct json_node *root, struct sentences *sentences)
{
    if (fact_is(root, "run_reason", "no_worker"))
        say_no_worker(root, json_get_node(root, "notes"), sentences);
    else if (fact_is(root, "run_reason", "window_full")) {
        say(sentences, "In a new run, a larger search.lookahead would leave more to do meanwhile "
                       "(it changes the search, so the results differ).");
        say_oldest_way_out(root, sentences);
    } else if (fact_is(root, "run_reason", "workers_busy") &&
               json_get_u64(json_get_node(root, "workers"), "jobs_waiting", 0) > 0)
        say(sentences, "More workers would make it faster, as long as jobs wait.");
    if (json_get_u64(root, "lines_stalled", 0) > 0)
        say_way_out(root, sentences);
}

static void explain_dead(const struct json_node *root, struct sentences *sentences)
{
    char when[TIME_BYTES_MAX];
    uint64_t commits = json_get_u64(root, "commits", 0);
    if (fact_is(root, "state", "finished")) {
        format_time(json_get_u64(root, "finished_wall_ms", 0), when);
        say(sentences, "The run finished at %s; %" PRIu64 " jobs are committed.", when, commits);
        return;
    }
    if (fact_is(root, "state", "poisoned"))
        say(sentences, "The run stopped, since nobody could carry out %s.",
            json_get_text(root, "poison", "a job"));
    else if (fact_is(root, "coordinator", "not answering"))
        say(sentences,
            "Nothing goes on as long as the coordinator does not answer; %" PRIu64
            " jobs are committed.",
            commits);
    else
        say(sentences,
            "Nothing goes on: no coordinator serves this run; %" PRIu64 " jobs are committed.",
            commits);
    if (fact_is(root, "coordinator", "none"))
        say(sentences, "The same `ratchet run` or `ratchet serve` with --dir %s goes on with it.",
            json_get_text(root, "directory", "RUN"));
    if (fact_is(root, "state", "poisoned"))
        say_way_out(root, sentences);
}

void explain_run(const struct json_node *root, struct sentences *sentences)
{
    if (!fact_is(root, "asked", "coordinator")) {
        explain_dead(root, sentences);
        say_source(root, sentences);
        return;
    }
    say_reason(root, sentences);
    say_what_holds_the_run(root, sentences);
    say_progress(root, sentences);
    say_advice(root, sentences);
}
