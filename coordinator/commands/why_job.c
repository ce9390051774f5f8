/* why_job.c: see why_words.h: why a job is where it is, or was committed as it was. */
#include "coordinator/commands/why_words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------------------------- committed */

static void fitness_at(const struct json_node *node, const char *key, char text[FITNESS_BYTES_MAX])
{
    format_fitness(json_get_f64(node, key, (double)NAN), text);
}

/* What the newcomer met: "0.61 of 0/3, the worst of the population". */
static void describe_rival(const struct json_node *admission, const char *role, char *text,
                           size_t size)
{
    char fitness[FITNESS_BYTES_MAX];
    fitness_at(admission, "rival_fitness", fitness);
    snprintf(text, size, "%s of %s, %s", fitness, json_get_text(admission, "rival", "?"), role);
}

static const char *role_of(const struct json_node *commit, const struct json_node *admission)
{
    if (fact_is(admission, "rule", "worst"))
        return "the worst of the population";
    if (fact_is(admission, "rule", "parent"))
        return "its parent";
    return fact_is(commit, "strategy", "random") ? "the best so far" : "the last good network";
}

static void say_admitted(const struct json_node *job, const char *fitness,
                         struct sentences *sentences)
{
    const struct json_node *commit = json_get_node(job, "commit");
    const struct json_node *admission = json_get_node(job, "admission");
    const char *id = json_get_text(job, "job", "?");
    char rival[256], epsilon[FITNESS_BYTES_MAX];
    describe_rival(admission, role_of(commit, admission), rival, sizeof rival);
    uint64_t kept = json_get_u64(admission, "kept", 0);
    uint64_t capacity = json_get_u64(admission, "capacity", 1);
    if (fact_is(admission, "rule", "room") && capacity == 1)
        say(sentences, "%s was admitted: it is the first of its line that came out well.", id);
    else if (fact_is(admission, "rule", "room"))
        say(sentences,
            "%s was admitted: the population had room, with %" PRIu64 " of %" PRIu64 " in it.", id,
            kept, capacity);
    else if (fact_is(admission, "rule", "oldest"))
        say(sentences,
            "%s was admitted with fitness %s: under `replace: oldest` whoever comes takes the "
            "place "
            "of the oldest, which was %s.",
            id, fitness, json_get_text(admission, "rival", "?"));
    else if (fact_is(admission, "rule", "epsilon")) {
        fitness_at(admission, "epsilon", epsilon);
        say(sentences,
            "%s was admitted: its fitness %s is not below %s, by more than epsilon %s; it took its "
            "place.",
            id, fitness, rival, epsilon);
    } else if (json_get_text(admission, "rival", NULL) != NULL)
        say(sentences, "%s was admitted: its fitness %s beats %s; it took its place.", id, fitness,
            rival);
    else
        say(sentences, "%s was admitted by the rule of strategy %s, with fitness %s.", id,
            json_get_text(commit, "strategy", "?"), fitness);
}

static void say_rejected(const struct json_node *job, const char *fitness,
                         struct sentences *sentences)
{
    const struct json_node *commit = json_get_node(job, "commit");
    const struct json_node *admission = json_get_node(job, "admission");
    const char *id = json_get_text(job, "job", "?");
    char rival[256], epsilon[FITNESS_BYTES_MAX];
    describe_rival(admission, role_of(commit, admission), rival, sizeof rival);
    if (fact_is(admission, "rule", "evaluation"))
        say(sentences, "%s was committed; it is an evaluation and makes no individual.", id);
    else if (fact_is(admission, "rule", "failed") && fact_is(job, "given_up", "skipped"))
        say(sentences, "%s was committed as failed: a user gave it up with `ratchet skip`.", id);
    else if (fact_is(admission, "rule", "failed"))
        say(sentences,
            "%s was committed as failed: nobody could carry it out, and the experiment says "
            "`poison: fail`.",
            id);
    else if (fact_is(admission, "rule", "diverged"))
        say(sentences, "%s was not admitted: it diverged, and what is not a number never wins.",
            id);
    else if (fact_is(admission, "rule", "parent_gone"))
        say(sentences,
            "%s was not admitted: under `replace: parent` it could only take its parent's place, "
            "and that one had left the population.",
            id);
    else if (fact_is(admission, "rule", "epsilon")) {
        fitness_at(admission, "epsilon", epsilon);
        say(sentences, "%s was not admitted: its fitness %s is below %s, by more than epsilon %s.",
            id, fitness, rival, epsilon);
    } else if (json_get_text(admission, "rival", NULL) != NULL)
        say(sentences, "%s was not admitted: its fitness %s does not beat %s.", id, fitness, rival);
    else
        say(sentences, "%s was not admitted by the rule of strategy %s, with fitness %s.", id,
            json_get_text(commit, "strategy", "?"), fitness);
}

static void say_champion(const struct json_node *job, struct sentences *sentences)
{
    const struct json_node *admission = json_get_node(job, "admission");
    const char *before = json_get_text(admission, "champion_before", NULL);
    char fitness[FITNESS_BYTES_MAX];
    fitness_at(admission, "champion_before_fitness", fitness);
    bool champion = json_get_bool(json_get_node(job, "commit"), "champion");
    if (champion && before == NULL)
        say(sentences, "It was the first champion of its line.");
    else if (champion)
        say(sentences, "It became champion of its line, ahead of %s with %s.", before, fitness);
    else if (before != NULL)
        say(sentences, "Champion of its line was then %s, with %s.", before, fitness);
}

static void say_work(const struct json_node *commit, struct sentences *sentences)
{
    char computed[AGE_BYTES_MAX], waited[AGE_BYTES_MAX], when[TIME_BYTES_MAX];
    uint64_t attempts = json_get_u64(commit, "attempts", 1);
    uint64_t opinions = json_get_u64(commit, "opinions", 0);
    format_age(json_get_u64(commit, "compute_ms", 0), computed);
    format_age(json_get_u64(commit, "waited_ms", 0), waited);
    format_time(json_get_u64(commit, "committed_wall_ms", 0), when);
    if (json_get_text(commit, "worker", "")[0] != '\0')
        say(sentences, "%s on %s computed it in %s; it was committed %s after its creation, %s.",
            json_get_text(commit, "worker", "?"), json_get_text(commit, "host", "?"), computed,
            waited, when);
    if (attempts > 1)
        say(sentences, "It took %" PRIu64 " attempts.", attempts);
    if (opinions > 0)
        say(sentences, "It was handed out %s more for a second opinion before it was believed.",
            opinions == 1 ? "once" : "several times");
}

static void explain_committed(const struct json_node *job, struct sentences *sentences)
{
    const struct json_node *commit = json_get_node(job, "commit");
    char fitness[FITNESS_BYTES_MAX];
    fitness_at(commit, "fitness", fitness);
    if (json_get_bool(commit, "admitted"))
        say_admitted(job, fitness, sentences);
    else
        say_rejected(job, fitness, sentences);
    if (!fact_is(json_get_node(job, "admission"), "rule", "evaluation"))
        say_champion(job, sentences);
    say_work(commit, sentences);
}

/* ------------------------------------------------------------------------------ not created yet */

static void say_oldest(const struct json_node *root, struct sentences *sentences)
{
    const struct json_node *oldest = json_get_node(json_get_node(root, "line"), "oldest");
    char text[SENTENCE_BYTES_MAX];
    if (oldest == NULL)
        return;
    describe_job(root, oldest, text);
    say(sentences, "The oldest of them: %s.", text);
}

static void explain_uncreated(const struct json_node *root, const char *id,
                              struct sentences *sentences)
{
    const struct json_node *line = json_get_node(root, "line");
    uint64_t in_flight = json_get_u64(line, "in_flight", 0);
    if (strstr(id, "/final") != NULL) {
        say(sentences,
            "%s does not exist yet: it is the last job of its line, made when all others are "
            "committed.",
            id);
    } else if (fact_is(line, "reason", "window_full")) {
        say(sentences,
            "%s does not exist yet: %" PRIu64 " jobs of its line are in flight, which is all that "
            "search.lookahead allows. Each commit makes room for one.",
            id, in_flight);
    } else {
        say(sentences,
            "%s does not exist yet: the strategy wants the results of the %" PRIu64
            " job%s in flight before it proposes more.",
            id, in_flight, plural(in_flight));
    }
    say_oldest(root, sentences);
}

static void explain_beyond(const struct json_node *root, const char *id,
                           struct sentences *sentences)
{
    const struct json_node *line = json_get_node(root, "line");
    say(sentences,
        "%s is past the end of its line: the budget is %" PRIu64
        " jobs, or the line was stopped earlier (fitness, stagnation, hours).",
        id, json_get_u64(line, "jobs", 0));
    say(sentences, "It is carried out only if the run is resumed with a larger budget or another "
                   "limit.");
}

static void explain_line_waiting(const struct json_node *root, const char *id,
                                 struct sentences *sentences)
{
    say(sentences,
        "%s does not exist yet: its line is not open. %" PRIu64 " of %" PRIu64
        " lines are done and %" PRIu64 " are open, which is all that search.open_lines allows.",
        id, json_get_u64(root, "lines_closed", 0), json_get_u64(root, "lines", 0),
        json_get_u64(root, "lines_open", 0));
}

/* -------------------------------------------------------------------------------- under way */

/* How long jobs take, and whether this one takes longer. */
static void say_usual(const struct json_node *root, const struct json_node *job,
                      struct sentences *sentences)
{
    enum { MUCH = 5, MUCH_MS = 5000 };
    const struct json_node *lease = json_array_at(json_get_node(job, "leases"), 0);
    uint64_t usual = json_get_u64(root, "usual_compute_ms", 0);
    uint64_t since = json_get_u64(lease, "since_ms", 0);
    char text[AGE_BYTES_MAX];
    if (usual == 0 || lease == NULL)
        return;
    format_age(usual, text);
    say(sentences, "Jobs of this run usually take %s%s.", text,
        since > MUCH * usual + MUCH_MS ? ", so this is much longer than usual" : "");
}

static void say_silence(const struct json_node *root, const struct json_node *job,
                        struct sentences *sentences)
{
    char lost[AGE_BYTES_MAX];
    const struct json_node *lease = json_array_at(json_get_node(job, "leases"), 0);
    format_age(json_get_u64(root, "lost_ms", 0), lost);
    if (fact_is(lease, "worker_state", "suspect"))
        say(sentences,
            "After %s of silence that worker counts as lost, and the job goes to another one.",
            lost);
}

static void say_attempts(const struct json_node *job, struct sentences *sentences)
{
    uint64_t deaths = json_get_u64(job, "deaths", 0), failures = json_get_u64(job, "failures", 0);
    uint64_t attempts = json_get_u64(job, "attempts", 0);
    char age[AGE_BYTES_MAX];
    format_age(json_get_u64(job, "age_ms", 0), age);
    if (attempts > 0 && !fact_is(job, "state", "quarantined"))
        say(sentences,
            attempts == 1 ? "It was created %s ago and handed out once."
                          : "It was created %s ago and handed out %" PRIu64 " times.",
            age, attempts);
    else
        say(sentences, "It was created %s ago.", age);
    uint64_t steps = json_get_u64(job, "partial_steps", 0);
    if (steps > 0)
        say(sentences,
            "It was handed over behind step %" PRIu64 "; whoever gets it goes on from there.",
            steps);
    if (deaths + failures > 0 && !fact_is(job, "state", "quarantined"))
        say(sentences,
            "%" PRIu64 " slot process%s died of it and %" PRIu64
            " attempt%s failed; after three of a kind it is given up.",
            deaths, deaths == 1 ? "" : "es", failures, plural(failures));
}

static void say_about_workers(const struct json_node *root, const struct json_node *job,
                              struct sentences *sentences)
{
    uint64_t ahead = json_get_u64(job, "jobs_ahead", 0);
    if (ahead > 0)
        say(sentences, "%" PRIu64 " older job%s go%s first.", ahead, plural(ahead),
            ahead == 1 ? "es" : "");
    if (fact_is(job, "reason", "no_worker"))
        say_no_worker(root, json_get_node(root, "recent_notes"), sentences);
}

static void say_what_goes_before(const struct json_node *root, const struct json_node *job,
                                 struct sentences *sentences)
{
    const struct json_node *line = json_get_node(root, "line");
    const struct json_node *oldest = json_get_node(line, "oldest");
    if (fact_is(job, "state", "held") && fact_is(job, "reason", "turn") && oldest != NULL) {
        char text[SENTENCE_BYTES_MAX];
        describe_job(root, oldest, text);
        say(sentences, "Results are committed in the order of the jobs, and an older one is not "
                       "done:");
        say(sentences, "%s.", text);
        say_how_to_skip(root, json_get_text(oldest, "job", "JOB"), sentences);
    }
}

static void explain_quarantined(const struct json_node *root, const struct json_node *job,
                                struct sentences *sentences)
{
    uint64_t last = json_get_u64(job, "line_last_commit", 0);
    say(sentences, "Its line stops where it would have been committed; other lines go on.");
    say(sentences, "Once its cause is mended, resume the run: the job is tried again. `poison: "
                   "fail` in the experiment commits such jobs as failed instead.");
    say_how_to_skip(root, json_get_text(job, "job", "JOB"), sentences);
    if (last > 0)
        say(sentences,
            "`ratchet rewind %s %" PRIu64 "` goes back to before the last commit of its line%s.",
            json_get_text(root, "directory", "RUN"), last,
            fact_is(root, "asked", "coordinator") ? ", once no coordinator serves the run" : "");
}

static void explain_under_way(const struct json_node *root, const struct json_node *job,
                              struct sentences *sentences)
{
    char text[SENTENCE_BYTES_MAX];
    describe_job(root, job, text);
    say(sentences, "%s.", text);
    if (fact_is(job, "state", "waiting"))
        say_about_workers(root, job, sentences);
    if (fact_is(job, "state", "leased")) {
        say_silence(root, job, sentences);
        say_usual(root, job, sentences);
    }
    say_what_goes_before(root, job, sentences);
    if (fact_is(job, "state", "quarantined"))
        explain_quarantined(root, job, sentences);
    say_attempts(job, sentences);
}

/* ------------------------------------------------------------------------- from the ledger only */

static void explain_without_coordinator(const struct json_node *root, const struct json_node *job,
                                        struct sentences *sentences)
{
    const char *id = json_get_text(job, "job", "?");
    uint64_t commits = json_get_u64(job, "line_commits", 0);
    if (fact_is(job, "state", "never_created")) {
        say(sentences, "%s never was: its line ended after %" PRIu64 " jobs.", id, commits);
        return;
    }
    if (fact_is(job, "state", "quarantined")) {
        say(sentences, "%s is quarantined: nobody could carry it out, and its line stopped there.",
            id);
        explain_quarantined(root, job, sentences);
        return;
    }
    if (fact_is(job, "state", "skipped")) {
        say(sentences,
            "%s is skipped: a user gave it up. It is committed as failed once the run goes on.",
            id);
        return;
    }
    say(sentences, "%s is not committed; %" PRIu64 " job%s of its line %s.", id, commits,
        plural(commits), commits == 1 ? "is" : "are");
    if (fact_is(root, "asked", "coordinator"))
        say(sentences, "Its line has ended or stopped.");
    else if (fact_is(root, "coordinator", "none"))
        say(sentences,
            "No coordinator serves this run, so nothing goes on; the same `ratchet run` or "
            "`ratchet serve` with --dir %s does.",
            json_get_text(root, "directory", "RUN"));
    if (fact_is(root, "state", "poisoned"))
        say(sentences, "The run stopped because of %s.", json_get_text(root, "poison", "a job"));
}

int explain_job(const struct json_node *root, struct sentences *sentences, struct error *error)
{
    const struct json_node *job = json_get_node(root, "job");
    const char *id = json_get_text(job, "job", "?"), *state = json_get_text(job, "state", "");
    if (strcmp(state, "unknown") == 0)
        return error_set(error, -1, "there is no job %s: the run has %" PRIu64 " line%s", id,
                         json_get_u64(root, "lines", 1), plural(json_get_u64(root, "lines", 1)));
    if (strcmp(state, "committed") == 0)
        explain_committed(job, sentences);
    else if (strcmp(state, "not_created") == 0)
        explain_uncreated(root, id, sentences);
    else if (strcmp(state, "beyond_limits") == 0)
        explain_beyond(root, id, sentences);
    else if (strcmp(state, "line_waiting") == 0)
        explain_line_waiting(root, id, sentences);
    else if (strcmp(state, "over") == 0)
        say(sentences,
            "%s is over: committed, or never needed. The ledger knows which: ask with the run's "
            "folder instead of an address.",
            id);
    else if (json_get_node(job, "leases") != NULL)
        explain_under_way(root, job, sentences);
    else
        explain_without_coordinator(root, job, sentences);
    say_last_death(json_get_node(root, "notes"), sentences);
    say_source(root, sentences);
    return 0;
}
