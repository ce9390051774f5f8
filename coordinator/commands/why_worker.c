/* why_worker.c: see why_words.h: why a worker has no work, or is not there. */
#include "coordinator/commands/why_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* "worker pool on vm" */
static void name_worker(const struct json_node *worker, char *text, size_t size)
{
    snprintf(text, size, "Worker %s on %s", json_get_text(worker, "worker", "?"),
             json_get_text(worker, "host", "?"));
}

static void say_suspect(const struct json_node *root, const struct json_node *worker,
                        const char *name, struct sentences *sentences)
{
    char silent[AGE_BYTES_MAX], lost[AGE_BYTES_MAX];
    uint64_t leases = json_get_u64(worker, "lease_count", 0);
    format_age(json_get_u64(worker, "silent_ms", 0), silent);
    format_age(json_get_u64(root, "lost_ms", 0), lost);
    say(sentences, "%s is suspect: it has been silent for %s, so it gets no new work.", name,
        silent);
    say(sentences,
        "After %s of silence it counts as lost, and its %" PRIu64
        " job%s go%s to others; a word from it before that puts all right.",
        lost, leases, plural(leases), leases == 1 ? "es" : "");
    say(sentences, "A host that is switched off, a process that was stopped, or a network that "
                   "is gone looks like this.");
}

static void say_takes_none(const struct json_node *worker, const char *name,
                           struct sentences *sentences)
{
    uint64_t kept = json_get_u64(worker, "results_kept", 0);
    say(sentences, "%s is idle because it takes no work: its cache is full, or it is leaving.",
        name);
    if (kept > 0)
        say(sentences,
            "It keeps %" PRIu64 " result%s whose turn to be committed has not come; room comes "
            "with their commit, or with a larger --cache-bytes.",
            kept, plural(kept));
}

static void say_has_work(const struct json_node *worker, const char *name,
                         struct sentences *sentences)
{
    uint64_t leases = json_get_u64(worker, "lease_count", 0);
    uint64_t slots = json_get_u64(worker, "slots", 0), busy = smaller(leases, slots);
    say(sentences, "%s has work: %" PRIu64 " of its %" PRIu64 " slot%s ha%s a job.", name, busy,
        slots, plural(slots), busy == 1 ? "s" : "ve");
    if (leases > slots)
        say(sentences, "%" PRIu64 " more lie%s ready there for the moment one is done.",
            leases - slots, leases - slots == 1 ? "s" : "");
}

static void say_no_jobs(const struct json_node *root, const struct json_node *worker,
                        const char *name, struct sentences *sentences)
{
    uint64_t leases = json_get_u64(worker, "lease_count", 0);
    uint64_t slots = json_get_u64(worker, "slots", 0);
    say(sentences, "%s has %s to do: %" PRIu64 " of %" PRIu64 " slot%s, and no job waits.", name,
        leases == 0 ? "nothing" : "little", smaller(leases, slots), slots, plural(slots));
    say_what_holds_the_run(root, sentences);
}

static const char *lease_purpose(const struct json_node *lease)
{
    if (fact_is(lease, "reason", "promising"))
        return ", for a second opinion";
    if (fact_is(lease, "reason", "audit"))
        return ", for an audit";
    if (fact_is(lease, "reason", "late"))
        return ", because another worker is late with it";
    return "";
}

static void say_would_delay(const struct json_node *worker, const char *name,
                            struct sentences *sentences)
{
    char job[AGE_BYTES_MAX];
    format_age(json_get_u64(worker, "job_ms", 0), job);
    say(sentences,
        "%s has a free slot and gets no job, because it could only delay: a job takes it %s, and "
        "faster workers would be done with all that is in flight before and wait for it.",
        name, job);
    say(sentences, "It gets work when they leave, and now and then to see whether it has become "
                   "faster; a larger search.lookahead makes use of slower workers.");
}

static void say_jobs(const struct json_node *root, const struct json_node *worker,
                     struct sentences *sentences)
{
    static const char *const phases[][2] = {{"running", "runs"},
                                            {"queued", "is queued"},
                                            {"finished", "is finished"},
                                            {"unconfirmed", "is on its way"}};
    const struct json_node *leases = json_get_node(worker, "leases");
    (void)root;
    for (size_t i = 0; i < json_array_count(leases); i++) {
        const struct json_node *lease = json_array_at(leases, i);
        char since[AGE_BYTES_MAX];
        const char *verb = "is there";
        for (size_t k = 0; k < sizeof phases / sizeof phases[0]; k++)
            if (fact_is(lease, "phase", phases[k][0]))
                verb = phases[k][1];
        format_age(json_get_u64(lease, "since_ms", 0), since);
        say(sentences, "Job %s %s there; it was handed out %s ago%s.",
            json_get_text(lease, "job", "?"), verb, since, lease_purpose(lease));
    }
    uint64_t count = json_get_u64(worker, "lease_count", 0);
    if (count > json_array_count(leases))
        say(sentences, "And %" PRIu64 " more.", count - json_array_count(leases));
}

static void say_worker(const struct json_node *root, const struct json_node *worker,
                       struct sentences *sentences)
{
    char name[256];
    name_worker(worker, name, sizeof name);
    if (fact_is(worker, "reason", "suspect"))
        say_suspect(root, worker, name, sentences);
    else if (fact_is(worker, "reason", "benched"))
        say(sentences,
            "%s is benched: other workers disproved a result of its, so it gets no more work while "
            "it stays connected. `ratchet replay %s --by %s` proves what it had committed before.",
            name, json_get_text(root, "directory", "RUN"), json_get_text(worker, "worker", "?"));
    else if (fact_is(worker, "reason", "draining"))
        say(sentences,
            "%s is draining: a user told it to leave, so it gets no more work; it hands over or "
            "finishes what it has and goes.",
            name);
    else if (fact_is(worker, "reason", "takes_none"))
        say_takes_none(worker, name, sentences);
    else if (fact_is(worker, "reason", "coordinator_restarted"))
        say(sentences,
            "%s waits: the coordinator was restarted and lets workers claim what they still run "
            "before it hands out anything.",
            name);
    else if (fact_is(worker, "reason", "would_delay"))
        say_would_delay(worker, name, sentences);
    else if (fact_is(worker, "reason", "no_jobs"))
        say_no_jobs(root, worker, name, sentences);
    else if (fact_is(worker, "reason", "avoided"))
        say(sentences,
            "%s is idle: the jobs that wait had trouble there, and wait for another worker that is "
            "busy.",
            name);
    else if (fact_is(worker, "reason", "next_step"))
        say(sentences, "%s gets its next job at this moment.", name);
    else
        say_has_work(worker, name, sentences);
    say_jobs(root, worker, sentences);
    uint64_t done = json_get_u64(worker, "done", 0);
    say(sentences, "It did %" PRIu64 " job%s since it joined and computes in class %s.", done,
        plural(done), json_get_text(worker, "numeric", "?"));
}

/* The latest note that says what became of it; NULL: there is none. */
static const struct json_node *last_word(const struct json_node *root)
{
    static const char *const kinds[] = {"worker_lost", "worker_left", "worker_refused",
                                        "worker_joined"};
    const struct json_node *notes = json_get_node(root, "notes");
    for (size_t i = 0; i < json_array_count(notes); i++)
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
            if (fact_is(json_array_at(notes, i), "kind", kinds[k]))
                return json_array_at(notes, i);
    return NULL;
}

static void say_gone(const struct json_node *root, const struct json_node *note,
                     struct sentences *sentences)
{
    char ago[AGE_BYTES_MAX];
    const char *name = json_get_text(root, "asked_for", "?");
    const char *text = json_get_text(note, "text", "?"), *rest = strstr(text, ": ");
    if (strncmp(text, "worker ", 7) == 0 && rest != NULL)
        text = rest + 2; /* the name is in the sentence already, */
    if (strncmp(text, "left: ", 6) == 0)
        text += 6; /* and so is this */
    format_age(json_get_u64(note, "ago_ms", 0), ago);
    if (fact_is(note, "kind", "worker_lost"))
        say(sentences, "Worker %s was lost %s ago: %s.", name, ago, text);
    else if (fact_is(note, "kind", "worker_left"))
        say(sentences, "Worker %s left %s ago: %s.", name, ago, text);
    else if (fact_is(note, "kind", "worker_refused"))
        say(sentences, "Worker %s was refused %s ago: %s.", name, ago, text);
    else if (fact_is(root, "state", "finished") || fact_is(root, "state", "poisoned"))
        say(sentences, "Worker %s is not connected, because the run has ended; it joined %s ago.",
            name, ago);
    else
        say(sentences,
            "Worker %s is not connected; it joined %s ago, and its end was not seen, because the "
            "coordinator ended first.",
            name, ago);
}

int explain_worker(const struct json_node *root, struct sentences *sentences, struct error *error)
{
    const struct json_node *found = json_get_node(root, "found");
    const struct json_node *notes = json_get_node(root, "notes");
    const char *name = json_get_text(root, "asked_for", "?");
    for (size_t i = 0; i < json_array_count(found); i++)
        say_worker(root, json_array_at(found, i), sentences);
    if (json_array_count(found) > 0) {
        say_last_death(notes, sentences);
        return 0;
    }
    if (notes == NULL)
        return error_set(error, -1,
                         "no worker '%s' is connected; of those that were, only the run's folder "
                         "tells",
                         name);
    if (json_array_count(notes) == 0)
        return error_set(error, -1,
                         "no worker '%s' works or ever worked for this run; `ratchet status` "
                         "lists those that do",
                         name);
    const struct json_node *note = last_word(root);
    say_gone(root, note != NULL ? note : json_array_at(notes, 0), sentences);
    say_last_death(notes, sentences);
    say_source(root, sentences);
    return 0;
}
