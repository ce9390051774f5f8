/*
 * ledger_sqlite_read.c: see ledger.h. Which rows are read: all for replay, one commit, facts, the
 * header.
 *
 * Replay merges two tables by sequence. A reader does that inside one transaction, so that it sees
 * the run as it was at one moment; the writer needs none, nobody else writes.
 */
#include "coordinator/shell/ledger_sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a statement stands on; its first column is the record's sequence. */
static struct row row_of(struct ledger *ledger, enum ledger_statement statement, const char *kind,
                         struct error *error)
{
    sqlite3_stmt *prepared = ledger->statements[statement];
    return (struct row){.path = ledger->path,
                        .statement = prepared,
                        .kind = kind,
                        .number = (uint64_t)sqlite3_column_int64(prepared, 0),
                        .error = error};
}

static enum ledger_result read_commit(struct ledger *ledger, enum ledger_statement statement,
                                      struct commit_record *record, struct error *error)
{
    struct row row = row_of(ledger, statement, "commit", error);
    row_commit(&row, record);
    /* For people alone: whatever stands there, no run is refused for it. */
    sqlite3_int64 wall_ms = sqlite3_column_int64(row.statement, COMMIT_COMMITTED_WALL_MS);
    ledger->read_wall_ms = wall_ms > 0 ? (uint64_t)wall_ms : 0;
    return row.damaged ? LEDGER_FAILED : LEDGER_OK;
}

uint64_t ledger_committed_wall_ms(const struct ledger *ledger)
{
    return ledger->read_wall_ms;
}

static enum ledger_result read_input(struct ledger *ledger, struct input_record *record,
                                     struct error *error)
{
    struct row row = row_of(ledger, STATEMENT_READ_INPUTS, "input", error);
    row_input(&row, record);
    return row.damaged ? LEDGER_FAILED : LEDGER_OK;
}

/* ------------------------------------------------------------------------------------- replay */

/* Goes on to the next row, unless the present one was not given yet. */
static enum ledger_result advance(struct ledger *ledger, struct ledger_cursor *cursor,
                                  struct error *error)
{
    if (!cursor->was_used)
        return LEDGER_OK;
    int code = sqlite3_step(ledger->statements[cursor->statement]);
    cursor->has_row = code == SQLITE_ROW;
    cursor->was_used = false;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return ledger_explain(ledger, "cannot be read", error);
    return LEDGER_OK;
}

/* Lets go of the rows and, for a reader, of the moment in which it saw the file. */
static void stop_reading(struct ledger *ledger)
{
    ledger_reset(ledger, ledger->commits.statement);
    ledger_reset(ledger, ledger->inputs.statement);
    if (ledger->access == LEDGER_READ && !sqlite3_get_autocommit(ledger->database)) {
        sqlite3_step(ledger->statements[STATEMENT_COMMIT]);
        ledger_reset(ledger, STATEMENT_COMMIT);
    }
}

enum ledger_result ledger_rewind(struct ledger *ledger, struct error *error)
{
    stop_reading(ledger);
    if (ledger_check_pages(ledger, error) != LEDGER_OK)
        return LEDGER_FAILED;
    ledger->commits.was_used = ledger->inputs.was_used = true;
    ledger->commits.has_row = ledger->inputs.has_row = false;
    ledger->read_sequence = 0;
    ledger->reading = READING_NONE;
    enum ledger_result result = LEDGER_OK;
    if (ledger->access == LEDGER_READ)
        result = ledger_execute(ledger, STATEMENT_BEGIN_READING, "cannot be read", error);
    if (result == LEDGER_OK)
        ledger->reading = READING_ROWS;
    return result;
}

/* UINT64_MAX past the last row. */
static uint64_t sequence_at(const struct ledger *ledger, const struct ledger_cursor *cursor)
{
    if (!cursor->has_row)
        return UINT64_MAX;
    return (uint64_t)sqlite3_column_int64(ledger->statements[cursor->statement], 0);
}

static enum ledger_result next_record(struct ledger *ledger, struct ledger_record *record,
                                      struct error *error)
{
    enum ledger_result result = advance(ledger, &ledger->commits, error);
    if (result == LEDGER_OK)
        result = advance(ledger, &ledger->inputs, error);
    if (result != LEDGER_OK)
        return result;
    if (!ledger->commits.has_row && !ledger->inputs.has_row)
        return LEDGER_END;
    uint64_t commit = sequence_at(ledger, &ledger->commits);
    uint64_t input = sequence_at(ledger, &ledger->inputs);
    uint64_t sequence = commit < input ? commit : input;
    if (sequence <= ledger->read_sequence || sequence > INT64_MAX || commit == input)
        return ledger_fail(error, LEDGER_FAILED,
                           "%s: record %" PRId64 " after record %" PRIu64 ": out of order",
                           ledger->path, (int64_t)sequence, ledger->read_sequence);
    ledger->read_sequence = sequence;
    if (commit < input) {
        record->kind = RECORD_COMMIT;
        ledger->commits.was_used = true;
        return read_commit(ledger, STATEMENT_READ_COMMITS, &record->commit, error);
    }
    record->kind = RECORD_INPUT;
    ledger->inputs.was_used = true;
    return read_input(ledger, &record->input, error);
}

enum ledger_result ledger_next(struct ledger *ledger, struct ledger_record *record,
                               struct error *error)
{
    if (ledger->reading == READING_ENDED)
        return LEDGER_END;
    enum ledger_result result = LEDGER_OK;
    if (ledger->reading == READING_NONE)
        result = ledger_rewind(ledger, error);
    if (result == LEDGER_OK)
        result = next_record(ledger, record, error);
    if (result == LEDGER_OK)
        return result;
    stop_reading(ledger);
    ledger->reading = result == LEDGER_END ? READING_ENDED : READING_NONE;
    return result;
}

/* ------------------------------------------------------------------------------------- single */

/*
 * Steps a query for one row: LEDGER_END when there is none, which a damaged index would say, too.
 * The caller resets it.
 */
static enum ledger_result step_one(struct ledger *ledger, enum ledger_statement statement,
                                   struct error *error)
{
    int code = sqlite3_step(ledger->statements[statement]);
    if (code == SQLITE_ROW)
        return LEDGER_OK;
    if (code != SQLITE_DONE)
        return ledger_explain(ledger, "cannot be read", error);
    enum ledger_result result = ledger_check_pages(ledger, error);
    return result == LEDGER_OK ? LEDGER_END : result;
}

static enum ledger_result step_job(struct ledger *ledger, enum ledger_statement statement,
                                   struct job_key job, struct error *error)
{
    sqlite3_stmt *prepared = ledger->statements[statement];
    sqlite3_bind_int64(prepared, 1, job.line);
    sqlite3_bind_int64(prepared, 2, (sqlite3_int64)job.job);
    return step_one(ledger, statement, error);
}

/* The index leads to a row that is in order, but not to the one that was asked for. */
static enum ledger_result led_astray(const struct ledger *ledger, struct error *error)
{
    return ledger_fail(error, LEDGER_FAILED, "%s: an index is damaged: it leads to another row",
                       ledger->path);
}

enum ledger_result ledger_get_commit(struct ledger *ledger, struct job_key job,
                                     struct commit_record *record, struct error *error)
{
    enum ledger_result result = step_job(ledger, STATEMENT_READ_COMMIT, job, error);
    if (result == LEDGER_OK)
        result = read_commit(ledger, STATEMENT_READ_COMMIT, record, error);
    if (result == LEDGER_OK && !job_key_equal(record->job.key, job))
        result = led_astray(ledger, error);
    ledger_reset(ledger, STATEMENT_READ_COMMIT);
    return result;
}

enum ledger_result ledger_get_detail(struct ledger *ledger, struct job_key job, uint8_t *detail,
                                     uint32_t *bytes, struct error *error)
{
    enum ledger_result result = step_job(ledger, STATEMENT_READ_DETAIL, job, error);
    if (result == LEDGER_OK) {
        struct row row = row_of(ledger, STATEMENT_READ_DETAIL, "detail of job", error);
        row.number = job.job;
        struct job_key found = {.line = (uint32_t)row_at_most(&row, 0, UINT32_MAX),
                                .job = row_at_most(&row, 1, JOB_NUMBER_FINAL)};
        *bytes = row_bytes(&row, 2, detail, DETAIL_BYTES_MAX);
        row_check_sum(&row, 4);
        result = row.damaged ? LEDGER_FAILED : *bytes > 0 ? LEDGER_OK : LEDGER_END;
        if (!row.damaged && !job_key_equal(found, job))
            result = led_astray(ledger, error);
    }
    ledger_reset(ledger, STATEMENT_READ_DETAIL);
    return result;
}

enum ledger_result ledger_get_fact(struct ledger *ledger, const char *name, char *value,
                                   size_t size, struct error *error)
{
    sqlite3_bind_text(ledger->statements[STATEMENT_READ_FACT], 1, name, -1, SQLITE_STATIC);
    enum ledger_result result = step_one(ledger, STATEMENT_READ_FACT, error);
    if (result == LEDGER_OK) {
        struct row row = row_of(ledger, STATEMENT_READ_FACT, name, error);
        row.number = ROW_UNNUMBERED;
        row_text(&row, 1, value, size);
        row_check_sum(&row, 3);
        result = row.damaged ? LEDGER_FAILED : LEDGER_OK;
    }
    ledger_reset(ledger, STATEMENT_READ_FACT);
    return result;
}

enum ledger_result ledger_get_note(struct ledger *ledger, const char *kind, struct job_key *job,
                                   char *text, size_t size, struct error *error)
{
    sqlite3_bind_text(ledger->statements[STATEMENT_READ_NOTE], 1, kind, -1, SQLITE_STATIC);
    enum ledger_result result = step_one(ledger, STATEMENT_READ_NOTE, error);
    if (result == LEDGER_OK) {
        struct row row = row_of(ledger, STATEMENT_READ_NOTE, "note", error);
        row.number = ROW_UNNUMBERED;
        const char *found = row_borrow_text(&row, NOTE_TEXT);
        if (found != NULL)
            snprintf(text, size, "%s", found);
        *job = (struct job_key){0};
        if (!row_is_null(&row, NOTE_LINE)) {
            job->line = (uint32_t)row_at_most(&row, NOTE_LINE, UINT32_MAX);
            job->job = row_at_most(&row, NOTE_JOB, JOB_NUMBER_FINAL);
        }
        row_check_sum(&row, NOTE_COLUMNS);
        result = row.damaged ? LEDGER_FAILED : LEDGER_OK;
    }
    ledger_reset(ledger, STATEMENT_READ_NOTE);
    return result;
}

/* ------------------------------------------------------------------------------------- header */

/* Stands on the value called `name` of meta; its absence is damage. The caller resets. */
static struct row find_meta(struct ledger *ledger, const char *name, struct error *error)
{
    sqlite3_stmt *prepared = ledger->statements[STATEMENT_READ_META];
    sqlite3_bind_text(prepared, 1, name, -1, SQLITE_STATIC);
    enum ledger_result result = step_one(ledger, STATEMENT_READ_META, error);
    if (result == LEDGER_END)
        error_set(error, LEDGER_FAILED, "%s: meta lacks %s", ledger->path, name);
    return (struct row){.path = ledger->path,
                        .statement = prepared,
                        .kind = name,
                        .number = ROW_UNNUMBERED,
                        .damaged = result != LEDGER_OK,
                        .error = error};
}

static enum ledger_result leave_meta(struct ledger *ledger, const struct row *row)
{
    ledger_reset(ledger, STATEMENT_READ_META);
    return row->damaged ? LEDGER_FAILED : LEDGER_OK;
}

static enum ledger_result read_meta_blob(struct ledger *ledger, const char *name, uint8_t *bytes,
                                         uint32_t count, struct error *error)
{
    struct row row = find_meta(ledger, name, error);
    if (!row.damaged)
        row_bytes_exactly(&row, 1, bytes, count);
    return leave_meta(ledger, &row);
}

static enum ledger_result read_meta_text(struct ledger *ledger, const char *name, char *text,
                                         size_t size, struct error *error)
{
    struct row row = find_meta(ledger, name, error);
    if (!row.damaged)
        row_text(&row, 1, text, size);
    return leave_meta(ledger, &row);
}

/* *text is the ledger's, and replaces what was there. */
static enum ledger_result read_meta_long(struct ledger *ledger, const char *name, char **text,
                                         struct error *error)
{
    struct row row = find_meta(ledger, name, error);
    const char *found = row.damaged ? NULL : row_borrow_text(&row, 1);
    char *copy = found == NULL ? NULL : strdup(found);
    if (found != NULL && copy == NULL)
        row_report(&row, 1, "out of memory");
    if (copy != NULL) {
        free(*text);
        *text = copy;
    }
    return leave_meta(ledger, &row);
}

enum ledger_result ledger_read_epoch(struct ledger *ledger, uint64_t *epoch, struct error *error)
{
    struct row row = find_meta(ledger, "epoch", error);
    if (!row.damaged)
        *epoch = row_at_most(&row, 1, INT64_MAX - 1);
    return leave_meta(ledger, &row);
}

enum ledger_result ledger_read_header(struct ledger *ledger, struct ledger_header *header,
                                      struct error *error)
{
    memset(header, 0, sizeof *header);
    enum ledger_result result =
        read_meta_blob(ledger, "run", header->run.bytes, sizeof header->run.bytes, error);
    if (result == LEDGER_OK)
        result = read_meta_text(ledger, "engine_version", header->engine_version,
                                sizeof header->engine_version, error);
    if (result == LEDGER_OK)
        result = read_meta_text(ledger, "name", header->name, sizeof header->name, error);
    if (result == LEDGER_OK)
        result = read_meta_blob(ledger, "experiment_digest", header->experiment_digest.bytes,
                                DIGEST_BYTES, error);
    if (result == LEDGER_OK)
        result = read_meta_long(ledger, "canonical", &ledger->canonical, error);
    if (result == LEDGER_OK)
        result = read_meta_long(ledger, "yaml", &ledger->yaml, error);
    header->canonical = ledger->canonical;
    header->yaml = ledger->yaml;
    return result;
}
