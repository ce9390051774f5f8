/* replay_worker.c: see replay_worker.h. */
#include "coordinator/replay/replay_worker.h"

#include <stdlib.h>
#include <string.h>

/* What the core says of a worker begins with "worker NAME", and a blank or a colon. */
static bool is_told_of(const char *text, const char *name)
{
    static const char OPENING[] = "worker ";
    size_t length = strlen(name);
    if (strncmp(text, OPENING, sizeof OPENING - 1) != 0)
        return false;
    text += sizeof OPENING - 1;
    return strncmp(text, name, length) == 0 && (text[length] == ' ' || text[length] == ':');
}

/* The last note of the instance that begins so; "" when there is none. */
static int find_note(struct reader *reader, const char *who, struct kept_note *note,
                     struct error *error)
{
    const struct note_query query = {.subject = NOTES_OF_WORKER, .worker = who};
    uint32_t count = 0;
    note->text[0] = '\0';
    return ledger_find_notes(reader->ledger, &query, note, 1, &count, error) == LEDGER_FAILED ? -1
                                                                                              : 0;
}

static bool is_theirs(const struct commit_record *record, const char *who,
                      const struct kept_note *note)
{
    if (record->outcome == OUTCOME_FAILED || record->worker[0] == '\0')
        return false;
    return strcmp(record->worker, who) == 0 || is_told_of(note->text, record->worker);
}

static int append(struct worker_commits *commits, struct job_key key, struct error *error)
{
    enum { CHUNK = 1024 };
    if (commits->count % CHUNK == 0) {
        size_t bytes = (commits->count + CHUNK) * sizeof *commits->keys;
        struct job_key *keys = realloc(commits->keys, bytes);
        if (keys == NULL)
            return error_set(error, -1, "no memory for the worker's commits");
        commits->keys = keys;
    }
    commits->keys[commits->count++] = key;
    return 0;
}

static int collect(struct reader *reader, const char *who, struct worker_commits *commits,
                   struct error *error)
{
    struct kept_note note;
    struct commit_record record;
    int more = -1;
    if (find_note(reader, who, &note, error) != 0 || reader_rewind(reader, error) != 0)
        return -1;
    while ((more = reader_next_commit(reader, &record, error)) > 0) {
        if (!is_theirs(&record, who, &note))
            continue;
        memcpy(commits->name, record.worker, sizeof commits->name);
        if (append(commits, record.job.key, error) != 0)
            return -1;
    }
    return more;
}

int worker_commits_find(struct reader *reader, const char *who, struct worker_commits *commits,
                        struct error *error)
{
    *commits = (struct worker_commits){.count = 0};
    int rc = collect(reader, who, commits, error);
    if (rc == 0 && commits->count == 0)
        rc = error_set(error, -1, "%.200s: nothing was committed by a worker '%.100s'",
                       reader->path, who);
    if (rc != 0)
        worker_commits_free(commits);
    return rc;
}

void worker_commits_free(struct worker_commits *commits)
{
    free(commits->keys);
    *commits = (struct worker_commits){.count = 0};
}

/* -------------------------------------------------------------------------------------- replay */

static int read_commit(struct reader *reader, struct job_key key, struct commit_record *record,
                       struct error *error)
{
    char id[ID_BYTES_MAX];
    int found = reader_get(reader, key, record, error);
    if (found > 0)
        return 0;
    format_id(key, id);
    return found < 0 ? -1 : error_set(error, -1, "%s: job %s has gone", reader->path, id);
}

static enum replay_result replay_one(struct reader *reader, struct job_key key,
                                     const struct replay_options *options,
                                     struct worker_outcome *outcome, struct error *error)
{
    struct commit_record record;
    struct replay_outcome one;
    if (read_commit(reader, key, &record, error) != 0)
        return REPLAY_FAILED;
    enum replay_result result = replay(reader, &record, options, &one, error);
    outcome->jobs += one.jobs;
    outcome->compute_ms += one.compute_ms;
    outcome->commits += result == REPLAY_EQUAL;
    outcome->difference = one.difference;
    struct error why;
    if (result == REPLAY_DIFFERS &&
        read_commit(reader, one.difference.key, &outcome->wrong, &why) != 0) {
        *error = why;
        return REPLAY_FAILED;
    }
    return result;
}

enum replay_result worker_commits_replay(struct reader *reader,
                                         const struct worker_commits *commits,
                                         const struct replay_options *options,
                                         struct worker_outcome *outcome, struct error *error)
{
    struct replay_options each = *options;
    each.progressed = NULL;
    each.take_child = NULL;
    enum replay_result result = REPLAY_EQUAL;
    *outcome = (struct worker_outcome){0};
    for (size_t i = 0; i < commits->count && result == REPLAY_EQUAL; i++) {
        if (options->progressed != NULL)
            options->progressed(options->context, i, commits->count);
        result = replay_one(reader, commits->keys[i], &each, outcome, error);
    }
    if (options->progressed != NULL)
        options->progressed(options->context, commits->count, commits->count);
    return result;
}
