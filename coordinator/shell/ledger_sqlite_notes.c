/*
 * ledger_sqlite_notes.c: see ledger.h. What is read for people alone: notes, and how long jobs
 * took.
 *
 * Nothing is decided by these rows, so nothing is refused for what stands in them: what is not a
 * text is an empty one, what is too long is cut.
 */
#include "coordinator/shell/ledger_sqlite.h"

#include <stdio.h>

static void copy_text(sqlite3_stmt *statement, int column, char *text, size_t size)
{
    const unsigned char *found = sqlite3_column_text(statement, column);
    snprintf(text, size, "%s", found == NULL ? "" : (const char *)found);
}

static uint64_t number_at(sqlite3_stmt *statement, int column)
{
    sqlite3_int64 number = sqlite3_column_int64(statement, column);
    return number > 0 ? (uint64_t)number : 0;
}

static void read_note(sqlite3_stmt *statement, struct kept_note *note)
{
    *note = (struct kept_note){.wall_ms = number_at(statement, NOTE_WALL_MS)};
    copy_text(statement, NOTE_KIND, note->kind, sizeof note->kind);
    copy_text(statement, NOTE_WORKER, note->worker, sizeof note->worker);
    copy_text(statement, NOTE_TEXT, note->text, sizeof note->text);
    copy_text(statement, NOTE_LOG_TAIL, note->log_tail, sizeof note->log_tail);
    uint64_t line = number_at(statement, NOTE_LINE);
    note->has_job = sqlite3_column_type(statement, NOTE_JOB) != SQLITE_NULL && line < LINES_MAX;
    note->job.line = note->has_job ? (uint32_t)line : 0;
    note->job.job = note->has_job ? number_at(statement, NOTE_JOB) : 0;
}

static enum ledger_statement statement_of(enum note_subject subject)
{
    switch (subject) {
    case NOTES_OF_JOB:
        return STATEMENT_READ_NOTES_OF_JOB;
    case NOTES_OF_WORKER:
        return STATEMENT_READ_NOTES_OF_WORKER;
    case NOTES_OF_RUN:
        break;
    }
    return STATEMENT_READ_NOTES;
}

/* LEDGER_END past the last row. */
static enum ledger_result next_row(struct ledger *ledger, sqlite3_stmt *statement,
                                   struct error *error)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return LEDGER_OK;
    return code == SQLITE_DONE ? LEDGER_END : ledger_explain(ledger, "cannot be read", error);
}

enum ledger_result ledger_find_notes(struct ledger *ledger, const struct note_query *query,
                                     struct kept_note *notes, uint32_t max, uint32_t *count,
                                     struct error *error)
{
    enum ledger_statement statement = statement_of(query->subject);
    sqlite3_stmt *prepared = ledger->statements[statement];
    sqlite3_bind_int64(prepared, 1, max);
    if (query->subject == NOTES_OF_JOB) {
        sqlite3_bind_int64(prepared, 2, query->job.line);
        sqlite3_bind_int64(prepared, 3, (sqlite3_int64)query->job.job);
    }
    if (query->subject == NOTES_OF_WORKER)
        sqlite3_bind_text(prepared, 2, query->worker, -1, SQLITE_STATIC);
    enum ledger_result result = LEDGER_OK;
    *count = 0;
    while (*count < max && (result = next_row(ledger, prepared, error)) == LEDGER_OK)
        read_note(prepared, &notes[(*count)++]);
    ledger_reset(ledger, statement);
    return result == LEDGER_END ? LEDGER_OK : result;
}

enum ledger_result ledger_last_compute_ms(struct ledger *ledger, uint64_t *times, uint32_t max,
                                          uint32_t *count, struct error *error)
{
    sqlite3_stmt *prepared = ledger->statements[STATEMENT_READ_COMPUTE];
    sqlite3_bind_int64(prepared, 1, max);
    enum ledger_result result = LEDGER_OK;
    *count = 0;
    while (*count < max && (result = next_row(ledger, prepared, error)) == LEDGER_OK)
        times[(*count)++] = number_at(prepared, 0);
    ledger_reset(ledger, STATEMENT_READ_COMPUTE);
    return result == LEDGER_END ? LEDGER_OK : result;
}
