/* why_facts.c: see why_facts.h. */
#include "coordinator/commands/why_facts.h"

#include "common/os_clock.h"
#include "coordinator/commands/admission.h"
#include "coordinator/commands/ask.h"
#include "coordinator/commands/command.h"
#include "coordinator/commands/record_output.h"
#include "coordinator/commands/why_words.h"
#include "coordinator/reading/settings_text.h"
#include "coordinator/shell/run_directory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TIMES_READ = 101, /* of jobs, to know what is usual */
    TIMES_LEAST = 5,
};

/* --------------------------------------------------------------------------- from the ledger */

static struct json_node *note_node(const struct kept_note *note, uint64_t now_ms)
{
    struct json_node *node = json_node_object();
    json_set_u64(node, "wall_ms", note->wall_ms);
    json_set_u64(node, "ago_ms", now_ms > note->wall_ms ? now_ms - note->wall_ms : 0);
    json_set_text(node, "kind", note->kind);
    char id[ID_BYTES_MAX];
    format_id(note->job, id);
    json_set_text(node, "job", note->has_job ? id : NULL);
    char instance[9];
    snprintf(instance, sizeof instance, "%.8s", note->worker);
    json_set_text(node, "instance", instance[0] != '\0' ? instance : NULL);
    json_set_text(node, "text", note->text);
    json_set_text(node, "log_tail", note->log_tail[0] != '\0' ? note->log_tail : NULL);
    return node;
}

/* The latest first. */
static int set_notes(struct reader *reader, const struct note_query *query, const char *key,
                     struct json_node *root, struct error *error)
{
    struct kept_note *notes = calloc(NOTES_TOLD, sizeof *notes);
    assert(notes != NULL);
    uint32_t count = 0;
    uint64_t now_ms = clock_wall_ms();
    enum ledger_result result =
        ledger_find_notes(reader->ledger, query, notes, NOTES_TOLD, &count, error);
    struct json_node *list = json_node_array();
    for (uint32_t i = 0; i < count; i++)
        json_append_node(list, note_node(&notes[i], now_ms));
    json_set_node(root, key, list);
    free(notes);
    return result == LEDGER_OK ? 0 : -1;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* What jobs of this run take: the median of the last ones. Nothing while there are few. */
static int set_usual_time(struct reader *reader, struct json_node *root, struct error *error)
{
    uint64_t times[TIMES_READ];
    uint32_t count = 0;
    if (ledger_last_compute_ms(reader->ledger, times, TIMES_READ, &count, error) != LEDGER_OK)
        return -1;
    if (count < TIMES_LEAST)
        return 0;
    qsort(times, count, sizeof times[0], by_size);
    json_set_u64(root, "usual_compute_ms", times[count / 2]);
    return 0;
}

static struct json_node *admission_node(const struct admission *admission)
{
    struct json_node *node = json_node_object();
    char id[ID_BYTES_MAX];
    json_set_text(node, "rule", admission_rule_name(admission->rule));
    json_set_u64(node, "kept", admission->kept);
    json_set_u64(node, "capacity", admission->capacity);
    if (admission->rule == ADMISSION_EPSILON)
        json_set_f64(node, "epsilon", admission->epsilon);
    if (admission->has_rival) {
        format_id(admission->rival, id);
        json_set_text(node, "rival", id);
        json_set_f64(node, "rival_fitness", admission->rival_fitness);
    }
    if (admission->has_champion) {
        format_id(admission->champion, id);
        json_set_text(node, "champion_before", id);
        json_set_f64(node, "champion_before_fitness", admission->champion_fitness);
    }
    return node;
}

/* What the notes said last of the job's being given up: by its attempts, or by a user. */
static const char *given_up(const struct json_node *root)
{
    const struct json_node *notes = json_get_node(root, "notes");
    for (size_t i = 0; i < json_array_count(notes); i++) {
        const char *kind = json_get_text(json_array_at(notes, i), "kind", "");
        if (strcmp(kind, "job_quarantined") == 0)
            return "quarantined";
        if (strcmp(kind, "job_skipped") == 0)
            return "skipped";
    }
    return "";
}

static int set_commit(struct reader *reader, const struct commit_record *record,
                      struct json_node *root, struct error *error)
{
    struct admission admission;
    uint64_t committed_wall_ms = ledger_committed_wall_ms(reader->ledger);
    if (admission_explain(reader, record, &admission, error) != 0)
        return -1;
    struct json_node *job = json_node_object(), *commit = summary_node(record);
    char id[ID_BYTES_MAX], strategy[NAME_BYTES_MAX];
    format_id(record->job.key, id);
    settings_find(reader->header.canonical, "strategy.name", strategy, sizeof strategy);
    json_set_text(commit, "outcome", outcome_name(record->outcome));
    json_set_text(commit, "strategy", strategy);
    json_set_text(commit, "worker", record->worker);
    json_set_text(commit, "host", record->host);
    json_set_u64(commit, "attempts", record->attempts);
    json_set_u64(commit, "opinions", record->opinions);
    json_set_u64(commit, "compute_ms", record->compute_ms);
    json_set_u64(commit, "waited_ms", record->waited_ms);
    json_set_u64(commit, "sequence", record->sequence);
    json_set_u64(commit, "committed_wall_ms", committed_wall_ms);
    json_set_text(job, "job", id);
    json_set_text(job, "state", "committed");
    json_set_node(job, "commit", commit);
    json_set_node(job, "admission", admission_node(&admission));
    if (record->outcome == OUTCOME_FAILED)
        json_set_text(job, "given_up", given_up(root));
    json_set_node(root, "job", job);
    return 0;
}

/* Jobs of the line in the ledger, its final one not counted, and its last commit. */
struct line_count {
    uint64_t commits, last_sequence;
};

static int count_line(struct reader *reader, uint32_t line, struct line_count *count,
                      struct error *error)
{
    struct commit_record record;
    int rc;
    *count = (struct line_count){0};
    if (reader_rewind(reader, error) != 0)
        return -1;
    while ((rc = reader_next_commit(reader, &record, error)) > 0) {
        if (record.job.key.line != line || record.job.key.job == JOB_NUMBER_FINAL)
            continue;
        count->commits++;
        count->last_sequence = record.sequence;
    }
    return rc;
}

/* Of a job that is neither committed nor in flight. `root` has its notes. */
static int set_uncommitted(struct reader *reader, struct job_key key, struct json_node *root,
                           struct error *error)
{
    char id[ID_BYTES_MAX];
    struct line_count count;
    if (count_line(reader, key.line, &count, error) != 0)
        return -1;
    const char *gone = given_up(root);
    format_id(key, id);
    /* An older note may be of a life that was resumed since. */
    bool stalled = fact_is(root, "state", "poisoned") ||
                   fact_is(json_get_node(root, "line"), "state", "stalled");
    struct json_node *job = json_node_object();
    json_set_text(job, "job", id);
    json_set_text(job, "state",
                  key.line >= reader->lines            ? "unknown"
                  : fact_is(root, "state", "finished") ? "never_created"
                  : strcmp(gone, "skipped") == 0       ? "skipped"
                  : stalled && gone[0] != '\0'         ? "quarantined"
                                                       : "not_committed");
    json_set_u64(job, "line_commits", count.commits);
    if (count.last_sequence > 0)
        json_set_u64(job, "line_last_commit", count.last_sequence);
    json_set_node(root, "job", job);
    return 0;
}

/* The ledger has the last word on what was committed; on what is in flight the coordinator has. */
static int add_job(const struct why_question *question, struct reader *reader,
                   struct json_node *root, struct error *error)
{
    struct job_key key = question->request.job;
    struct commit_record record;
    const struct note_query query = {.subject = NOTES_OF_JOB, .job = key};
    if (set_notes(reader, &query, "notes", root, error) != 0)
        return -1;
    int found = reader_get(reader, key, &record, error);
    if (found < 0 || (found > 0 && set_commit(reader, &record, root, error) != 0))
        return -1;
    const struct json_node *job = json_get_node(root, "job");
    if (found == 0 && (job == NULL || fact_is(job, "state", "over")) &&
        set_uncommitted(reader, key, root, error) != 0)
        return -1;
    return set_usual_time(reader, root, error);
}

static int add_worker(const struct why_question *question, struct reader *reader,
                      struct json_node *root, struct error *error)
{
    const struct note_query query = {
        .subject = NOTES_OF_WORKER,
        .worker = question->request.worker,
    };
    if (set_notes(reader, &query, "notes", root, error) != 0)
        return -1;
    return set_usual_time(reader, root, error);
}

static int add_run(struct reader *reader, struct json_node *root, struct error *error)
{
    const struct note_query query = {.subject = NOTES_OF_RUN};
    if (set_notes(reader, &query, "notes", root, error) != 0)
        return -1;
    return set_usual_time(reader, root, error);
}

/* How the run stands without its coordinator. */
static int set_state(struct reader *reader, struct json_node *root, struct error *error)
{
    struct commit_counts counts;
    char finished[32], digest[DIGEST_HEX_BYTES], poison[REASON_BYTES_MAX];
    if (reader_count(reader, &counts, error) != 0)
        return -1;
    reader_fact(reader, "finished", finished, sizeof finished);
    reader_fact(reader, "digest", digest, sizeof digest);
    reader_poison(reader, poison, sizeof poison);
    json_set_text(root, "state",
                  finished[0] != '\0' ? "finished"
                  : poison[0] != '\0' ? "poisoned"
                                      : "stopped");
    if (finished[0] != '\0')
        json_set_u64(root, "finished_wall_ms", strtoull(finished, NULL, 10));
    if (poison[0] != '\0')
        json_set_text(root, "poison", poison);
    json_set_text(root, "digest", digest[0] != '\0' ? digest : NULL);
    json_set_u64(root, "commits", counts.commits);
    json_set_u64(root, "lines", reader->lines);
    return 0;
}

/* What tells about workers where there are none: those that were lost, refused or left. */
static int add_workers_gone(struct reader *reader, struct json_node *root, struct error *error)
{
    const struct note_query query = {.subject = NOTES_OF_RUN};
    return set_notes(reader, &query, "recent_notes", root, error);
}

static int add_ledger(const struct why_question *question, struct reader *reader,
                      struct json_node *root, struct error *error)
{
    if (strcmp(json_get_text(root, "asked", ""), "coordinator") != 0 &&
        set_state(reader, root, error) != 0)
        return -1;
    if (question->request.subject == STATUS_WHY_RUN)
        return add_run(reader, root, error);
    if (add_workers_gone(reader, root, error) != 0)
        return -1;
    return question->request.subject == STATUS_WHY_JOB ? add_job(question, reader, root, error)
                                                       : add_worker(question, reader, root, error);
}

/* ---------------------------------------------------------------------- from the coordinator */

/* NULL with the reason. */
static struct json_node *ask(const char *endpoint, const struct why_question *question,
                             struct error *error)
{
    struct json_node *root = coordinator_ask(endpoint, &question->request, error);
    if (root != NULL && json_get_text(root, "subject", NULL) == NULL) {
        json_node_free(&root);
        error_set(error, -1, "%s is of a release that does not know `why`; use the same release",
                  endpoint);
    }
    if (root != NULL)
        json_set_text(root, "address", endpoint);
    return root;
}

static struct json_node *without_coordinator(const struct why_question *question,
                                             const struct reader *reader, const char *coordinator)
{
    static const char *const subjects[] = {
        [STATUS_WHY_RUN] = "run", [STATUS_WHY_JOB] = "job", [STATUS_WHY_WORKER] = "worker"};
    struct json_node *root = json_node_object();
    json_set_text(root, "name", reader->header.name);
    json_set_text(root, "directory", question->run);
    json_set_text(root, "asked", "ledger");
    json_set_text(root, "coordinator", coordinator);
    json_set_text(root, "subject", subjects[question->request.subject]);
    if (question->request.subject == STATUS_WHY_WORKER) {
        json_set_text(root, "asked_for", question->request.worker);
        json_set_node(root, "found", json_node_array());
    }
    return root;
}

struct json_node *why_facts(const struct why_question *question, struct reader *reader,
                            int *exit_code, struct error *error)
{
    struct json_node *root = NULL;
    char endpoint[ENDPOINT_BYTES_MAX];
    *exit_code = EXIT_UNREACHABLE;
    if (reader == NULL) {
        root = ask(question->run, question, error);
        if (root != NULL)
            json_set_text(root, "run", question->run);
        return root;
    }
    *exit_code = EXIT_FAILED;
    /* A coordinator that was killed leaves its address behind; nobody answers there. */
    bool served = run_directory_is_served(question->run);
    if (served && run_directory_read_endpoint(question->run, endpoint))
        root = ask(endpoint, question, error);
    if (root == NULL)
        root = without_coordinator(question, reader, served ? "not answering" : "none");
    json_set_text(root, "run", question->run);
    if (add_ledger(question, reader, root, error) != 0)
        json_node_free(&root);
    return root;
}
