/* why_words.c: see why_words.h. What all answers share, and a job in one clause. */
#include "coordinator/commands/why_words.h"

#include "coordinator/commands/progress_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void say(struct sentences *sentences, const char *format, ...)
{
    if (sentences->count == SENTENCES_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentences->text[sentences->count++], SENTENCE_BYTES_MAX, format, arguments);
    va_end(arguments);
}

void format_age(uint64_t ms, char text[AGE_BYTES_MAX])
{
    uint64_t s = ms / 1000, min = s / 60, h = min / 60;
    if (ms < 1000)
        snprintf(text, AGE_BYTES_MAX, "%" PRIu64 " ms", ms);
    else if (s < 60)
        snprintf(text, AGE_BYTES_MAX, "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
    else if (min < 60)
        snprintf(text, AGE_BYTES_MAX, "%" PRIu64 " min %" PRIu64 " s", min, s % 60);
    else if (h < 24)
        snprintf(text, AGE_BYTES_MAX, "%" PRIu64 " h %" PRIu64 " min", h, min % 60);
    else
        snprintf(text, AGE_BYTES_MAX, "%" PRIu64 " d %" PRIu64 " h", h / 24, h % 24);
}

void format_time(uint64_t wall_ms, char text[TIME_BYTES_MAX])
{
    const uint64_t year_10000_ms = UINT64_C(253402300800000);
    struct tm parts;
    time_t seconds = (time_t)(wall_ms / 1000);
    if (wall_ms >= year_10000_ms || gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, TIME_BYTES_MAX, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        snprintf(text, TIME_BYTES_MAX, "at an unknown time");
}

bool fact_is(const struct json_node *node, const char *key, const char *value)
{
    return strcmp(json_get_text(node, key, ""), value) == 0;
}

const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

void format_fitness(double fitness, char text[FITNESS_BYTES_MAX])
{
    snprintf(text, FITNESS_BYTES_MAX, "%.6g", fitness);
}

/* Appends to a text of SENTENCE_BYTES_MAX. */
__attribute__((format(printf, 2, 3))) static void add(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, SENTENCE_BYTES_MAX - used, format, arguments);
    va_end(arguments);
}

/* "pool on vm"; of one that has left, what is still known. */
static void add_worker(char *text, const struct json_node *node)
{
    const char *name = json_get_text(node, "worker", NULL);
    if (name != NULL)
        add(text, "%s on %s", name, json_get_text(node, "host", "?"));
    else
        add(text, "a worker that has left (%s)", json_get_text(node, "instance", "?"));
}

static void add_age(char *text, const struct json_node *node, const char *key)
{
    char age[AGE_BYTES_MAX];
    format_age(json_get_u64(node, key, 0), age);
    add(text, "%s", age);
}

/* ------------------------------------------------------------------- a job that waits for one */

static void add_troubles(char *text, const struct json_node *job)
{
    const struct json_node *troubles = json_get_node(job, "troubles");
    for (size_t i = 0; i < json_array_count(troubles); i++) {
        add(text, i == 0 ? "" : ", ");
        add_worker(text, json_array_at(troubles, i));
    }
}

static void add_silent(char *text, const struct json_node *root)
{
    const struct json_node *crowd = json_get_node(root, "workers");
    uint64_t joined = json_get_u64(crowd, "joined", 0);
    const struct {
        uint64_t count;
        const char *state;
    } groups[] = {
        {json_get_u64(crowd, "suspect", 0), "silent"},
        {json_get_u64(crowd, "benched", 0), "benched"},
        {json_get_u64(crowd, "draining", 0), "draining"},
    };
    uint32_t last = 0, others = 0;
    for (uint32_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (groups[i].count > 0)
            last = i;
    for (uint32_t i = 0; i < last; i++)
        others += groups[i].count > 0;
    if (joined == 1) {
        add(text, "the only worker is %s", groups[last].state);
        return;
    }
    if (others == 0) {
        add(text, "all %" PRIu64 " workers are %s", joined, groups[last].state);
        return;
    }
    add(text, "of %" PRIu64 " workers ", joined);
    for (uint32_t i = 0, told = 0; i <= last; i++) {
        if (groups[i].count == 0)
            continue;
        const char *verb = told > 0 ? "" : groups[i].count == 1 ? "is " : "are ";
        add(text, "%s%" PRIu64 " %s%s",
            told == 0   ? ""
            : i == last ? " and "
                        : ", ",
            groups[i].count, verb, groups[i].state);
        told++;
    }
}

/* Why no worker has it, behind a colon. */
static void add_wait(char *text, const struct json_node *root, const struct json_node *job,
                     const char *reason)
{
    if (strcmp(reason, "no_worker") == 0) {
        add(text, "no worker is connected");
    } else if (strcmp(reason, "workers_silent") == 0) {
        add_silent(text, root);
    } else if (strcmp(reason, "workers_full") == 0) {
        add(text, "no worker takes work at present (their caches are full, or they are leaving)");
    } else if (strcmp(reason, "workers_busy") == 0) {
        uint64_t slots = json_get_u64(json_get_node(root, "workers"), "slots", 0);
        add(text, slots == 1 ? "the only slot is busy" : "all %" PRIu64 " slots are busy", slots);
        add(text, ", with the next jobs queued behind %s", slots == 1 ? "it" : "them");
    } else if (strcmp(reason, "faster_workers_busy") == 0) {
        add(text, "the workers with room are so slow that it is done sooner by a faster one, and "
                  "those are busy");
    } else if (strcmp(reason, "other_workers_busy") == 0) {
        add(text, "it goes to another one after the trouble it had at ");
        add_troubles(text, job);
        add(text, ", and the others are busy");
    } else if (strcmp(reason, "coordinator_restarted") == 0) {
        add(text, "the coordinator was restarted, and for another ");
        add_age(text, job, "restart_ms");
        add(text, " workers may claim what they still run");
    } else {
        add(text, "it is handed out at the next step");
    }
}

void describe_wait(const struct json_node *root, const char *reason, char text[SENTENCE_BYTES_MAX])
{
    text[0] = '\0';
    add_wait(text, root, NULL, reason);
}

/* ----------------------------------------------------------------------------- a job at work */

static const char *phase_verb(const struct json_node *lease)
{
    if (fact_is(lease, "phase", "running"))
        return "runs at ";
    if (fact_is(lease, "phase", "queued"))
        return "is queued at ";
    if (fact_is(lease, "phase", "finished"))
        return "is finished at ";
    return "was handed to ";
}

static void add_lease(char *text, const struct json_node *lease)
{
    add(text, "%s", phase_verb(lease));
    add_worker(text, lease);
    bool confirmed = !fact_is(lease, "phase", "unconfirmed");
    add(text, confirmed ? ", handed out " : " ");
    add_age(text, lease, "since_ms");
    add(text, confirmed ? " ago" : " ago and is not confirmed yet");
    uint64_t attempt = json_get_u64(lease, "attempt", 1);
    if (attempt > 1)
        add(text, " (attempt %" PRIu64 ")", attempt);
    if (fact_is(lease, "worker_state", "suspect")) {
        add(text, "; that worker has been silent for ");
        add_age(text, lease, "worker_silent_ms");
    }
}

static void describe_leased(const struct json_node *job, char *text)
{
    const struct json_node *leases = json_get_node(job, "leases");
    size_t count = json_array_count(leases);
    if (count == 0)
        add(text, "is with a worker");
    else
        add_lease(text, json_array_at(leases, 0));
    if (count > 1 && fact_is(json_array_at(leases, 1), "reason", "late")) {
        add(text, "; that one is late with it, so it also ");
        add_lease(text, json_array_at(leases, 1));
        add(text, ", and the first result counts");
    } else if (count > 1) {
        add(text, ", and at %zu other%s", count - 1, plural(count - 1));
    }
}

/* ------------------------------------------------------------------------------ a job is done */

static void describe_opinion(const struct json_node *root, const struct json_node *job, char *text)
{
    const struct json_node *leases = json_get_node(job, "leases");
    add(text, " and would be champion, so its fitness is confirmed first: ");
    if (json_array_count(leases) > 0) {
        const struct json_node *lease = json_array_at(leases, 0);
        add_worker(text, lease);
        add(text, " evaluates its network once more, handed out ");
        add_age(text, lease, "since_ms");
        add(text, " ago");
    } else {
        add(text, "that waits for a worker, and ");
        add_wait(text, root, job, json_get_text(job, "opinion_reason", ""));
    }
    if (json_get_u64(job, "contradictions", 0) > 0)
        add(text, "; an earlier opinion did not agree with it");
}

/* The whole job once more; by itself when it is the only worker. */
static void describe_audit(const struct json_node *root, const struct json_node *job, char *text)
{
    const struct json_node *leases = json_get_node(job, "leases");
    add(text, " and was drawn for an audit, so it has to come out again first: ");
    if (json_array_count(leases) > 0) {
        const struct json_node *lease = json_array_at(leases, 0);
        add_worker(text, lease);
        add(text, " carries it out once more, handed out ");
        add_age(text, lease, "since_ms");
        add(text, " ago");
    } else {
        add(text, "that waits for another worker, and ");
        add_wait(text, root, job, json_get_text(job, "opinion_reason", ""));
    }
    if (json_get_u64(job, "contradictions", 0) > 0)
        add(text, "; something else has come out at another worker");
}

static void describe_held(const struct json_node *root, const struct json_node *job, char *text)
{
    char fitness[FITNESS_BYTES_MAX], size[SIZE_BYTES_MAX];
    format_fitness(json_get_f64(job, "fitness", (double)NAN), fitness);
    if (!fact_is(job, "outcome", "ok"))
        add(text, "is done (it %s)", json_get_text(job, "outcome", "failed"));
    else
        add(text, "is done (fitness %s, by %s on %s)", fitness,
            json_get_text(job, "computed_by", "?"), json_get_text(job, "computed_on", "?"));
    if (fact_is(job, "reason", "turn")) {
        add(text, " and waits for its turn to be committed");
    } else if (fact_is(job, "reason", "bytes")) {
        format_size(json_get_u64(job, "child_bytes", 0), size);
        add(text, " and is admitted once its network is here: %s are being fetched from %s", size,
            json_get_text(job, "bytes_at", "a worker that has left"));
    } else if (fact_is(job, "reason", "opinion")) {
        describe_opinion(root, job, text);
    } else if (fact_is(job, "reason", "audit")) {
        describe_audit(root, job, text);
    } else {
        add(text, " and is committed at the next step");
    }
}

void say_how_to_skip(const struct json_node *root, const char *id, struct sentences *sentences)
{
    say(sentences,
        "`ratchet skip %s %s` gives the job up: it is committed as failed, and its line goes on.",
        json_get_text(root, "run", "RUN"), id);
}

static void describe_quarantined(const struct json_node *job, char *text)
{
    uint64_t deaths = json_get_u64(job, "deaths", 0), failures = json_get_u64(job, "failures", 0);
    add(text, "is quarantined: ");
    if (deaths + failures > 0)
        add(text,
            "it was tried and %" PRIu64 " slot process%s died of it, %" PRIu64 " attempt%s failed",
            deaths, deaths == 1 ? "" : "es", failures, plural(failures));
    else
        add(text, "nobody could carry it out");
}

void describe_job(const struct json_node *root, const struct json_node *job,
                  char text[SENTENCE_BYTES_MAX])
{
    const char *state = json_get_text(job, "state", "");
    snprintf(text, SENTENCE_BYTES_MAX, "%s ", json_get_text(job, "job", "?"));
    if (strcmp(state, "waiting") == 0) {
        add(text, "waits for a worker: ");
        add_wait(text, root, job, json_get_text(job, "reason", ""));
    } else if (strcmp(state, "leased") == 0) {
        describe_leased(job, text);
    } else if (strcmp(state, "held") == 0) {
        describe_held(root, job, text);
    } else if (strcmp(state, "quarantined") == 0) {
        describe_quarantined(job, text);
    } else if (strcmp(state, "committed") == 0) {
        add(text, "is committed");
    } else {
        add(text, "is not under way (%s)", state);
    }
}

/* ---------------------------------------------------------------------- what all answers say */

/* What a signal usually means, for those who meet it at night. */
static const char *meaning_of_signal(unsigned long signal)
{
    switch (signal) {
    case 4:
        return "SIGILL: this CPU lacks an instruction that the program uses";
    case 6:
        return "SIGABRT: the process ended itself, at a check that failed";
    case 7:
        return "SIGBUS: a file vanished or its disk is full, or memory is broken";
    case 8:
        return "SIGFPE: a division that cannot be, or a trap that a library set";
    case 9:
        return "SIGKILL: somebody killed it, or the kernel did when memory ran out";
    case 11:
        return "SIGSEGV: a bug, in the worker or in a library";
    case 15:
        return "SIGTERM: somebody asked it to end";
    default:
        return NULL;
    }
}

void say_last_death(const struct json_node *notes, struct sentences *sentences)
{
    static const char by_signal[] = "died by signal ";
    for (size_t i = 0; i < json_array_count(notes); i++) {
        const struct json_node *note = json_array_at(notes, i);
        if (!fact_is(note, "kind", "slot_died"))
            continue;
        const char *found = strstr(json_get_text(note, "text", ""), by_signal);
        unsigned long signal = found != NULL ? strtoul(found + strlen(by_signal), NULL, 10) : 0;
        const char *meaning = meaning_of_signal(signal);
        if (meaning != NULL)
            say(sentences, "Signal %lu is %s.", signal, meaning);
        return;
    }
}

void say_no_worker(const struct json_node *root, const struct json_node *notes,
                   struct sentences *sentences)
{
    static const char *const kinds[] = {"worker_refused", "worker_lost", "worker_left"};
    const char *address = json_get_text(root, "address", "");
    bool told = false;
    for (size_t i = 0; i < json_array_count(notes) && !told; i++) {
        const struct json_node *note = json_array_at(notes, i);
        char ago[AGE_BYTES_MAX];
        format_age(json_get_u64(note, "ago_ms", 0), ago);
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0] && !told; k++)
            told = fact_is(note, "kind", kinds[k]);
        if (told)
            say(sentences, "The last one that was, or wanted to be, %s ago: %s.", ago,
                json_get_text(note, "text", "?"));
    }
    if (strncmp(address, "tcp:", 4) == 0)
        say(sentences, "Start one with: ratchet-worker --connect %s", address);
    else
        say(sentences,
            "`ratchet run` starts its worker by itself; what that says is in %s/worker.log.",
            json_get_text(root, "directory", "RUN"));
}

void say_source(const struct json_node *root, struct sentences *sentences)
{
    if (fact_is(root, "coordinator", "not answering"))
        say(sentences,
            "Its coordinator is alive but does not answer (stopped, or far too busy): all this is "
            "from the ledger.");
}
