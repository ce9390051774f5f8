/*
 * ledger_sqlite_schema.c: the tables of a ledger, and the birth of the file.
 *
 * The tables explain themselves: `sqlite3 ledger.sqlite .schema` prints the comments below. Their
 * text is also the check: a file whose tables read otherwise is not taken for a ledger of this
 * version. So any change here, be it to a comment, raises SCHEMA_VERSION.
 *
 * A ledger is made under another name, closed, and renamed when it is complete: no crash leaves
 * half of one under the name that counts.
 */
#include "common/os_clock.h"
#include "coordinator/shell/ledger_sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    APPLICATION_ID = 0x52746368, /* "Rtch" */
    SCHEMA_VERSION = 5,
};

struct schema_entry {
    const char *name;
    const char *sql;
};

static const struct schema_entry schema[] = {
    {"meta",
     "CREATE TABLE meta( -- what was fixed when the run was created\n"
     "    name TEXT PRIMARY KEY NOT NULL,\n"
     "    value ANY NOT NULL, -- run and experiment_digest: blobs; epoch: lives of the "
     "coordinator\n"
     "    sum INTEGER NOT NULL -- checksum of the row, here and below: of its other columns\n"
     ") STRICT, WITHOUT ROWID"},
    {"facts", "CREATE TABLE facts( -- what became known later: finished, digest, ...\n"
              "    name TEXT PRIMARY KEY NOT NULL,\n"
              "    value TEXT NOT NULL,\n"
              "    sum INTEGER NOT NULL\n"
              ") STRICT, WITHOUT ROWID"},
    {"commits",
     "CREATE TABLE commits( -- results that entered a line's state; replay reads them in this "
     "order\n"
     "    sequence INTEGER PRIMARY KEY, -- shared with inputs; gaps are allowed\n"
     "    line INTEGER NOT NULL,\n"
     "    job INTEGER NOT NULL, -- number in its line; 9223372036854775807: the final evaluation\n"
     "    kind TEXT NOT NULL, -- mutate | evaluate\n"
     "    operator TEXT NOT NULL, -- empty when kind is evaluate\n"
     "    operator_index INTEGER NOT NULL, -- in the experiment's list; 4294967295: a founder's\n"
     "    params BLOB, -- the operator's: doubles, little endian\n"
     "    params_text TEXT, -- the same for people\n"
     "    slices INTEGER NOT NULL, -- bits: 1 train, 2 select, 4 confirm, 8 test\n"
     "    seed INTEGER NOT NULL, -- 64 bits without sign, shown with one\n"
     "    stream INTEGER NOT NULL, -- likewise\n"
     "    spec BLOB NOT NULL, -- digest of the evaluator's settings\n"
     "    data BLOB, -- digest of the data set; NULL: the evaluator needs none\n"
     "    parent0 BLOB, -- digest of the parent's checkpoint\n"
     "    parent0_line INTEGER, -- the job that made it\n"
     "    parent0_job INTEGER,\n"
     "    parent1 BLOB,\n"
     "    parent1_line INTEGER,\n"
     "    parent1_job INTEGER,\n"
     "    depth INTEGER NOT NULL, -- generations since the founder, along parent0\n"
     "    description BLOB NOT NULL, -- digest of the job\n"
     "    outcome TEXT NOT NULL, -- ok | diverged | failed\n"
     "    fitness REAL, -- larger is better; NULL: not a number, the worst\n"
     "    fitness_bits INTEGER NOT NULL, -- the exact value: IEEE 754 bits\n"
     "    metrics BLOB, -- the exact values: id (4 bytes), IEEE 754 bits (8), little endian\n"
     "    train_loss REAL, -- from here to test_accuracy: the same for people\n"
     "    train_accuracy REAL,\n"
     "    select_loss REAL,\n"
     "    select_accuracy REAL,\n"
     "    confirm_loss REAL,\n"
     "    confirm_accuracy REAL,\n"
     "    test_loss REAL,\n"
     "    test_accuracy REAL,\n"
     "    child BLOB, -- digest of the checkpoint that the job made\n"
     "    child_bytes INTEGER NOT NULL,\n"
     "    steps INTEGER NOT NULL, -- optimiser steps\n"
     "    admitted INTEGER NOT NULL, -- 1: entered the population\n"
     "    champion INTEGER NOT NULL, -- 1: better than all before in its line\n"
     "    chain BLOB NOT NULL, -- digest of the line's history up to here\n"
     "    attempts INTEGER NOT NULL, -- how often it was handed out; from here on: never part of a "
     "digest\n"
     "    opinions INTEGER NOT NULL, -- how often for a second opinion\n"
     "    compute_ms INTEGER NOT NULL,\n"
     "    waited_ms INTEGER NOT NULL, -- from creation to commit\n"
     "    worker TEXT NOT NULL,\n"
     "    host TEXT NOT NULL,\n"
     "    numeric TEXT NOT NULL, -- class in which the worker computed\n"
     "    committed_wall_ms INTEGER NOT NULL, -- since 1970-01-01 UTC\n"
     "    sum INTEGER NOT NULL,\n"
     "    UNIQUE(line, job)\n"
     ") STRICT"},
    {"inputs",
     "CREATE TABLE inputs( -- what people and clocks decided; replay merges them by sequence\n"
     "    sequence INTEGER PRIMARY KEY,\n"
     "    kind TEXT NOT NULL, -- stop: the line creates no more jobs; cancel: it was not open yet; "
     "skip: the job is committed as failed\n"
     "    line INTEGER NOT NULL,\n"
     "    job INTEGER, -- of a skip\n"
     "    entered_wall_ms INTEGER NOT NULL,\n"
     "    sum INTEGER NOT NULL\n"
     ") STRICT"},
    {"details",
     "CREATE TABLE details( -- what an evaluator said about a job: mask, confusion matrix\n"
     "    line INTEGER NOT NULL,\n"
     "    job INTEGER NOT NULL,\n"
     "    detail BLOB NOT NULL,\n"
     "    sum INTEGER NOT NULL,\n"
     "    PRIMARY KEY(line, job)\n"
     ") STRICT"},
    {"notes", "CREATE TABLE notes( -- the run's log; decides nothing\n"
              "    id INTEGER PRIMARY KEY,\n"
              "    wall_ms INTEGER NOT NULL, -- since 1970-01-01 UTC\n"
              "    kind TEXT NOT NULL, -- worker_lost, ...\n"
              "    worker TEXT,\n"
              "    line INTEGER,\n"
              "    job INTEGER,\n"
              "    text TEXT NOT NULL,\n"
              "    log_tail TEXT, -- the last lines that a dead process wrote\n"
              "    sum INTEGER NOT NULL -- the id is no part of it\n"
              ") STRICT"},
    {"individuals",
     "CREATE VIEW individuals AS -- whoever was admitted to a population\n"
     "SELECT line || '/' || job AS id, sequence, line, job, operator, params_text,\n"
     "    parent0_line || '/' || parent0_job AS parent0, parent1_line || '/' || parent1_job AS "
     "parent1,\n"
     "    depth, fitness, select_accuracy, select_loss, confirm_accuracy, confirm_loss,\n"
     "    champion, lower(hex(child)) AS checkpoint, child_bytes AS bytes, steps, worker, host\n"
     "FROM commits WHERE admitted"},
};

/* In the order of enum commit_column. */
#define COMMIT_COLUMN_NAMES                                                                        \
    "sequence, line, job, kind, operator, operator_index, params, params_text, slices, seed, "     \
    "stream, spec, data, parent0, parent0_line, parent0_job, parent1, parent1_line, parent1_job, " \
    "depth, description, outcome, fitness, fitness_bits, metrics, train_loss, train_accuracy, "    \
    "select_loss, select_accuracy, confirm_loss, confirm_accuracy, test_loss, test_accuracy, "     \
    "child, child_bytes, steps, admitted, champion, chain, attempts, opinions, compute_ms, "       \
    "waited_ms, worker, host, numeric, committed_wall_ms, sum"

/* In the order of enum note_column. */
#define NOTE_COLUMN_NAMES "wall_ms, kind, worker, line, job, text, log_tail, sum"
#define LATEST_FIRST " ORDER BY id DESC LIMIT ?1"

static const char *const statements[STATEMENTS] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_READ_META] = "SELECT name, value, sum FROM meta WHERE name = ?1",
    [STATEMENT_RAISE_EPOCH] = "UPDATE meta SET value = ?2, sum = ?3 WHERE name = ?1",
    [STATEMENT_LAST_SEQUENCE] = "SELECT max(ifnull((SELECT max(sequence) FROM commits), 0), "
                                "ifnull((SELECT max(sequence) FROM inputs), 0))",
    [STATEMENT_CHECK_PAGES] = "PRAGMA integrity_check(1)",
    [STATEMENT_CHECK_META] = "SELECT name, value, sum FROM meta",
    [STATEMENT_CHECK_FACTS] = "SELECT name, value, sum FROM facts",
    [STATEMENT_PUT_COMMIT] =
        "INSERT INTO commits(" COMMIT_COLUMN_NAMES ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
        "?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, "
        "?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39, ?40, ?41, ?42, ?43, ?44, ?45, "
        "?46, ?47, ?48)",
    [STATEMENT_DROP_COMMIT] = "DELETE FROM commits WHERE line = ?1 AND job = ?2",
    [STATEMENT_PUT_INPUT] = "INSERT INTO inputs(sequence, kind, line, job, entered_wall_ms, sum) "
                            "VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [STATEMENT_DROP_STOPS] = "DELETE FROM inputs WHERE kind <> 'skip'",
    [STATEMENT_PUT_DETAIL] = "INSERT INTO details(line, job, detail, sum) VALUES(?1, ?2, ?3, ?4) "
                             "ON CONFLICT(line, job) DO UPDATE SET detail = excluded.detail, "
                             "sum = excluded.sum",
    [STATEMENT_PUT_NOTE] = "INSERT INTO notes(wall_ms, kind, worker, line, job, text, log_tail, "
                           "sum) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [STATEMENT_PUT_FACT] = "INSERT INTO facts(name, value, sum) VALUES(?1, ?2, ?3) "
                           "ON CONFLICT(name) DO UPDATE SET value = excluded.value, "
                           "sum = excluded.sum",
    [STATEMENT_BEGIN_READING] = "BEGIN",
    [STATEMENT_READ_COMMITS] = "SELECT " COMMIT_COLUMN_NAMES " FROM commits ORDER BY sequence",
    [STATEMENT_READ_INPUTS] = "SELECT sequence, kind, line, job, entered_wall_ms, sum FROM inputs "
                              "ORDER BY sequence",
    [STATEMENT_READ_CHILDREN] = "SELECT sequence, line, job, child, child_bytes FROM commits "
                                "WHERE admitted AND child IS NOT NULL ORDER BY sequence",
    [STATEMENT_READ_COMMIT] =
        "SELECT " COMMIT_COLUMN_NAMES " FROM commits WHERE line = ?1 AND job = ?2",
    [STATEMENT_READ_DETAIL] =
        "SELECT line, job, detail, sum FROM details WHERE line = ?1 AND job = ?2",
    [STATEMENT_READ_FACT] = "SELECT name, value, sum FROM facts WHERE name = ?1",
    [STATEMENT_READ_NOTE] = "SELECT " NOTE_COLUMN_NAMES " FROM notes"
                            " WHERE kind = ?1 ORDER BY id DESC LIMIT 1",
    [STATEMENT_READ_NOTES] =
        "SELECT " NOTE_COLUMN_NAMES " FROM notes WHERE kind <> 'line_closed'" LATEST_FIRST,
    [STATEMENT_READ_NOTES_OF_JOB] =
        "SELECT " NOTE_COLUMN_NAMES " FROM notes WHERE line = ?2 AND job = ?3" LATEST_FIRST,
    /* What the core says of a worker begins with its name. */
    [STATEMENT_READ_NOTES_OF_WORKER] =
        "SELECT " NOTE_COLUMN_NAMES " FROM notes WHERE (length(?2) >= 4 AND"
        " substr(worker, 1, length(?2)) = ?2) OR (substr(text, 1, 7 + length(?2)) = 'worker ' || ?2"
        " AND substr(text, 8 + length(?2), 1) IN (' ', ':'))" LATEST_FIRST,
    [STATEMENT_READ_COMPUTE] = "SELECT compute_ms FROM commits WHERE kind = 'mutate' AND "
                               "outcome <> 'failed' ORDER BY sequence DESC LIMIT ?1",
};

_Static_assert(COMMIT_COLUMNS == 48, "the columns of commits are counted by hand above");

const char *ledger_statement_sql(enum ledger_statement statement)
{
    return statements[statement];
}

enum { SCHEMA_ENTRIES = sizeof schema / sizeof schema[0] };

/* -------------------------------------------------------------------------------------- birth */

struct birth {
    sqlite3 *database;
    const char *path;
    struct error *error;
};

static enum ledger_result birth_failed(const struct birth *birth)
{
    enum ledger_result result = ledger_result_of(birth->database);
    return ledger_fail(birth->error, result, "%s: cannot make the ledger: %s", birth->path,
                       sqlite3_errmsg(birth->database));
}

static enum ledger_result birth_run(const struct birth *birth, const char *sql)
{
    errno = 0;
    if (sqlite3_exec(birth->database, sql, NULL, NULL, NULL) != SQLITE_OK)
        return birth_failed(birth);
    return LEDGER_OK;
}

/* Steps with the name and the sum; the value is bound already. */
static int put_meta(sqlite3_stmt *put, const char *name, uint64_t value_sum)
{
    const uint64_t cells[] = {cell_sum_text(name), value_sum};
    sqlite3_bind_text(put, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(put, 3, (sqlite3_int64)cells_sum(cells, 2));
    return sqlite3_step(put) != SQLITE_DONE || sqlite3_reset(put) != SQLITE_OK;
}

static int put_meta_text(sqlite3_stmt *put, const char *name, const char *value)
{
    sqlite3_bind_text(put, 2, value, -1, SQLITE_STATIC);
    return put_meta(put, name, cell_sum_text(value));
}

static int put_meta_blob(sqlite3_stmt *put, const char *name, const uint8_t *bytes, int count)
{
    sqlite3_bind_blob(put, 2, bytes, count, SQLITE_STATIC);
    return put_meta(put, name, cell_sum_blob(bytes, (size_t)count));
}

static int put_meta_whole(sqlite3_stmt *put, const char *name, uint64_t value)
{
    sqlite3_bind_int64(put, 2, (sqlite3_int64)value);
    return put_meta(put, name, cell_sum_whole(value));
}

static enum ledger_result put_header(const struct birth *birth, const struct ledger_header *header)
{
    sqlite3_stmt *put;
    if (sqlite3_prepare_v2(birth->database, "INSERT INTO meta(name, value, sum) VALUES(?1, ?2, ?3)",
                           -1, &put, NULL) != SQLITE_OK)
        return birth_failed(birth);
    int failed =
        put_meta_blob(put, "run", header->run.bytes, sizeof header->run.bytes) ||
        put_meta_text(put, "engine_version", header->engine_version) ||
        put_meta_text(put, "name", header->name) ||
        put_meta_blob(put, "experiment_digest", header->experiment_digest.bytes, DIGEST_BYTES) ||
        put_meta_text(put, "canonical", header->canonical) ||
        put_meta_text(put, "yaml", header->yaml) ||
        put_meta_whole(put, "created_wall_ms", clock_wall_ms()) || put_meta_whole(put, "epoch", 0);
    enum ledger_result result = failed ? birth_failed(birth) : LEDGER_OK;
    sqlite3_finalize(put);
    return result;
}

static enum ledger_result fill_new(const struct birth *birth, const struct ledger_header *header)
{
    char marks[128];
    snprintf(marks, sizeof marks, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             APPLICATION_ID, SCHEMA_VERSION);
    enum ledger_result result = birth_run(birth, "PRAGMA synchronous = FULL; BEGIN");
    if (result == LEDGER_OK)
        result = birth_run(birth, marks);
    for (int i = 0; i < SCHEMA_ENTRIES && result == LEDGER_OK; i++)
        result = birth_run(birth, schema[i].sql);
    if (result == LEDGER_OK)
        result = put_header(birth, header);
    /* The mode is a property of the file; it cannot change inside a transaction. */
    if (result == LEDGER_OK)
        result = birth_run(birth, "COMMIT; PRAGMA journal_mode = WAL");
    return result;
}

enum ledger_result ledger_clear_name(const char *path, struct error *error)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char name[OS_PATH_BYTES_MAX + 16];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        if (unlink(name) != 0 && errno != ENOENT)
            return ledger_fail(error, LEDGER_FAILED, "%s: cannot remove it: %s", name,
                               strerror(errno));
    }
    return LEDGER_OK;
}

static enum ledger_result sync_folder_of(const char *path, struct error *error)
{
    char folder[OS_PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
             slash == NULL ? "." : path);
    return os_sync_directory(folder, error) == 0 ? LEDGER_OK : LEDGER_FAILED;
}

enum ledger_result ledger_create_file(const char *path, const struct ledger_header *header,
                                      struct error *error)
{
    struct stat status;
    if (lstat(path, &status) == 0)
        return ledger_fail(error, LEDGER_FAILED, "%s: is there already", path);
    char fresh[OS_PATH_BYTES_MAX];
    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new", path) >= sizeof fresh)
        return ledger_fail(error, LEDGER_FAILED, "%.200s...: path too long", path);
    enum ledger_result result = ledger_clear_name(path, error);
    if (result == LEDGER_OK)
        result = ledger_clear_name(fresh, error);
    if (result != LEDGER_OK)
        return result;
    struct birth birth = {.path = path, .error = error};
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    ledger_prepare_sqlite();
    if (sqlite3_open_v2(fresh, &birth.database, flags, NULL) != SQLITE_OK)
        result = birth_failed(&birth);
    else
        result = fill_new(&birth, header);
    /* The last to close also writes the log back and removes it. */
    if (sqlite3_close(birth.database) != SQLITE_OK && result == LEDGER_OK)
        result = ledger_fail(error, LEDGER_FAILED, "%s: cannot be closed", fresh);
    if (result == LEDGER_OK && rename(fresh, path) != 0)
        result = ledger_fail(error, LEDGER_FAILED, "%s: cannot rename it to %s: %s", fresh, path,
                             strerror(errno));
    if (result != LEDGER_OK) {
        ledger_clear_name(fresh, NULL);
        return result;
    }
    return sync_folder_of(path, error);
}

/* -------------------------------------------------------------------------------------- check */

/* The whole number that a pragma answers with. */
static enum ledger_result read_mark(struct ledger *ledger, const char *pragma, int *value,
                                    struct error *error)
{
    sqlite3_stmt *statement = NULL;
    enum ledger_result result = LEDGER_OK;
    if (sqlite3_prepare_v2(ledger->database, pragma, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        result = ledger_explain(ledger, "cannot be read", error);
    else
        *value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return result;
}

static enum ledger_result foreign(const struct ledger *ledger, const char *why, const char *name,
                                  struct error *error)
{
    return ledger_fail(error, LEDGER_FOREIGN, "%s: %s: %.64s", ledger->path, why, name);
}

static enum ledger_result check_tables(struct ledger *ledger, sqlite3_stmt *statement,
                                       struct error *error)
{
    uint32_t found = 0;
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        const char *sql = (const char *)sqlite3_column_text(statement, 1);
        if (name == NULL)
            return foreign(ledger, "a damaged list of tables", "sqlite_schema", error);
        for (uint32_t i = 0; i < SCHEMA_ENTRIES; i++) {
            if (strcmp(name, schema[i].name) != 0)
                continue;
            if (sql == NULL || strcmp(sql, schema[i].sql) != 0)
                return foreign(ledger, "not the table that a ledger has", name, error);
            found |= 1u << i;
        }
    }
    if (code != SQLITE_DONE)
        return ledger_explain(ledger, "the list of tables cannot be read", error);
    for (uint32_t i = 0; i < SCHEMA_ENTRIES; i++)
        if (!(found >> i & 1))
            return foreign(ledger, "lacks a table", schema[i].name, error);
    return LEDGER_OK;
}

enum ledger_result ledger_check_schema(struct ledger *ledger, struct error *error)
{
    int application = 0, version = 0;
    enum ledger_result result = read_mark(ledger, "PRAGMA application_id", &application, error);
    if (result == LEDGER_OK)
        result = read_mark(ledger, "PRAGMA user_version", &version, error);
    if (result != LEDGER_OK)
        return result;
    if (application != APPLICATION_ID)
        return ledger_fail(error, LEDGER_FOREIGN, "%s: is not a ledger of Ratchet", ledger->path);
    if (version != SCHEMA_VERSION)
        return ledger_fail(
            error, LEDGER_FOREIGN,
            "%s: is a ledger of format %d, this program reads format %d: use the version of "
            "Ratchet that wrote it, or start the run anew in another directory",
            ledger->path, version, SCHEMA_VERSION);
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(ledger->database, "SELECT name, sql FROM sqlite_schema", -1, &statement,
                           NULL) != SQLITE_OK)
        result = ledger_explain(ledger, "the list of tables cannot be read", error);
    else
        result = check_tables(ledger, statement, error);
    sqlite3_finalize(statement);
    return result;
}
