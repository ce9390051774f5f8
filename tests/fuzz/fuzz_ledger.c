/*
 * fuzz_ledger.c: a ledger whose rows hold any value of any type.
 *
 * The input is a list of edits to a sound ledger that lies in memory, in tables without types and
 * constraints, as damaged pages would be: a cell is replaced, a row doubled or removed. Every
 * reader of rows is then let loose on it. A refusal must come with a sentence; what is taken must
 * be in range, and writing it anew must give the same record. The first byte says whether the
 * edited rows get the checksum that belongs to them: without it, little would ever be taken.
 */
#include "coordinator/shell/ledger_sqlite.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS_MAX = COMMIT_COLUMNS, EDITS_MAX = 16, COMMITS = 3, LINE = 1, JOB = 7 };

/* In memory; `rows` of the sound ledger, whose rowids count from 1. */
struct table {
    const char *name, *keys; /* what the writer's ON CONFLICT needs */
    int columns, rows;
    char column_names[COLUMNS_MAX][32];
    int first_summed; /* the last column is the sum of those from this one on */
    sqlite3_stmt *update[COLUMNS_MAX], *read, *put_sum, *copy, *drop;
};

static struct table tables[] = {
    {.name = "commits"},
    {.name = "inputs"},
    {.name = "details", .keys = ", PRIMARY KEY(line, job)"},
    {.name = "notes", .first_summed = 1},
    {.name = "facts", .keys = ", PRIMARY KEY(name)"},
    {.name = "meta"},
};

enum { TABLES = sizeof tables / sizeof tables[0] };

static struct ledger ledger;

/* ----------------------------------------------------------------------------- the sound ledger */

static struct digest digest_with(uint8_t byte)
{
    struct digest digest;
    memset(digest.bytes, byte, sizeof digest.bytes);
    return digest;
}

static struct commit_record record_of(uint64_t sequence)
{
    struct commit_record record;
    memset(&record, 0, sizeof record);
    record.sequence = sequence;
    record.job.key = (struct job_key){LINE, JOB + sequence};
    record.job.kind = JOB_MUTATE;
    record.job.slices = SLICE_SELECT;
    record.job.seed = UINT64_MAX;
    record.job.spec = digest_with(1);
    record.job.data = digest_with(2);
    snprintf(record.job.call.name, sizeof record.job.call.name, "noise");
    record.job.call.param_count = 1;
    record.job.call.params[0] = 0.25;
    record.job.parent_count = sequence > 1 ? 2 : 0;
    for (uint32_t i = 0; i < record.job.parent_count; i++) {
        record.job.parents[i] = digest_with((uint8_t)(3 + i));
        record.parent_ids[i] = (struct job_key){LINE, i};
    }
    record.description = job_digest(&record.job);
    record.outcome = OUTCOME_OK;
    record.fitness = -0.5;
    record.metric_count = 2;
    record.metrics[0] = (struct metric){.id = 1, .value = 0.5};
    record.metrics[1] = (struct metric){.id = METRIC_LAST, .value = -0.0};
    record.child = digest_with(5);
    record.child_bytes = 64;
    record.admitted = record.champion = true;
    record.chain = digest_with(6);
    snprintf(record.worker, sizeof record.worker, "anna");
    snprintf(record.numeric, sizeof record.numeric, "portable");
    return record;
}

static void must(bool went_well)
{
    if (!went_well)
        abort();
}

/* By the ledger's own hand, in a file. */
static void write_sound(const char *path)
{
    const struct ledger_header header = {.name = "x", .canonical = "a = b\n", .yaml = "a: b\n"};
    const struct job_key job = {LINE, JOB + 1};
    const struct ledger_note note = {.kind = "job_quarantined",
                                     .worker = "0011aabb",
                                     .job = &job,
                                     .text = "worker anna: died",
                                     .log_tail = "abort"};
    struct ledger_header made = header;
    struct ledger *file;
    must(ledger_open(path, LEDGER_CREATE, &made, &file, NULL) == LEDGER_OK);
    must(ledger_begin(file, NULL) == LEDGER_OK);
    for (uint64_t i = 1; i <= COMMITS; i++) {
        struct commit_record record = record_of(i);
        must(ledger_put_commit(file, &record, NULL) == LEDGER_OK);
    }
    for (uint64_t i = COMMITS + 1; i <= COMMITS + 2; i++) {
        const struct input_record input = {.sequence = i,
                                           .kind = i % 2 == 0 ? INPUT_STOP : INPUT_SKIP,
                                           .line = LINE,
                                           .job = i % 2 == 0 ? 0 : JOB};
        must(ledger_put_input(file, &input, NULL) == LEDGER_OK);
    }
    must(ledger_put_detail(file, job, (const uint8_t *)"detail", 6, NULL) == LEDGER_OK &&
         ledger_put_note(file, &note, NULL) == LEDGER_OK &&
         ledger_put_fact(file, "digest", "00", NULL) == LEDGER_OK &&
         ledger_put_fact(file, "served_ms", "12", NULL) == LEDGER_OK &&
         ledger_commit(file, LEDGER_SURVIVES_KILL, NULL) == LEDGER_OK);
    ledger_close(&file);
}

static void run_sql(const char *sql)
{
    must(sqlite3_exec(ledger.database, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement;
    must(sqlite3_prepare_v3(ledger.database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                            NULL) == SQLITE_OK);
    return statement;
}

static void read_columns(struct table *table)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT name FROM pragma_table_info('%s', 'sound')", table->name);
    sqlite3_stmt *statement = prepare(sql);
    while (sqlite3_step(statement) == SQLITE_ROW)
        snprintf(table->column_names[table->columns++], sizeof table->column_names[0], "%s",
                 (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    must(table->columns > 0);
}

/* The same columns without types. */
static void copy_table(struct table *table)
{
    char sql[2048], columns[1024] = "";
    for (int i = 0; i < table->columns; i++)
        snprintf(columns + strlen(columns), sizeof columns - strlen(columns), "%s%s",
                 i > 0 ? ", " : "", table->column_names[i]);
    snprintf(sql, sizeof sql, "CREATE TABLE %s(%s%s); INSERT INTO %s(%s) SELECT %s FROM sound.%s",
             table->name, columns, table->keys == NULL ? "" : table->keys, table->name, columns,
             columns, table->name);
    run_sql(sql);
    table->rows = sqlite3_changes(ledger.database);
}

static void prepare_edits(struct table *table)
{
    char sql[1024];
    const char *name = table->name, *sum = table->column_names[table->columns - 1];
    for (int i = 0; i < table->columns; i++) {
        snprintf(sql, sizeof sql, "UPDATE %s SET %s = ?1 WHERE rowid = ?2", name,
                 table->column_names[i]);
        table->update[i] = prepare(sql);
    }
    snprintf(sql, sizeof sql, "SELECT * FROM %s WHERE rowid = ?1", name);
    table->read = prepare(sql);
    snprintf(sql, sizeof sql, "UPDATE %s SET %s = ?1 WHERE rowid = ?2", name, sum);
    table->put_sum = prepare(sql);
    snprintf(sql, sizeof sql, "INSERT INTO %s SELECT * FROM %s WHERE rowid = ?1", name, name);
    table->copy = prepare(sql);
    snprintf(sql, sizeof sql, "DELETE FROM %s WHERE rowid = ?1", name);
    table->drop = prepare(sql);
}

/* Once for all inputs: each leaves the tables as they were. */
static void make_ledger(void)
{
    char folder[512], path[600], sql[700];
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/ratchet-fuzz-XXXXXX", base == NULL ? "/tmp" : base);
    must(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/ledger.sqlite", folder);
    write_sound(path);
    must(sqlite3_open(":memory:", &ledger.database) == SQLITE_OK);
    snprintf(sql, sizeof sql, "ATTACH '%s' AS sound", path);
    run_sql(sql);
    for (size_t i = 0; i < TABLES; i++) {
        read_columns(&tables[i]);
        copy_table(&tables[i]);
        prepare_edits(&tables[i]);
    }
    run_sql("DETACH sound");
    must(ledger_clear_name(path, NULL) == LEDGER_OK && rmdir(folder) == 0);
    for (int i = 0; i < STATEMENTS; i++)
        ledger.statements[i] = prepare(ledger_statement_sql((enum ledger_statement)i));
    ledger.access = LEDGER_WRITE; /* so that reading opens no transaction of its own */
    ledger.is_checked = true;     /* pages in memory are sound */
    ledger.commits.statement = STATEMENT_READ_COMMITS;
    ledger.inputs.statement = STATEMENT_READ_INPUTS;
    snprintf(ledger.path, sizeof ledger.path, "x.sqlite");
}

/* --------------------------------------------------------------------------------------- edits */

struct input {
    const uint8_t *bytes;
    size_t left;
};

static uint8_t take(struct input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->bytes++;
}

static uint64_t take_word(struct input *input)
{
    uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word |= (uint64_t)take(input) << (8 * i);
    return word;
}

/* A length byte and so many bytes; longer ones are the same byte again and again. */
static void bind_run(struct input *input, sqlite3_stmt *statement, uint8_t kind)
{
    static char run[1 << 13];
    size_t length = take(input);
    if (kind >= 8) {
        length = length * 33 < sizeof run ? length * 33 : sizeof run;
        memset(run, take(input), length);
    } else {
        for (size_t i = 0; i < length; i++)
            run[i] = (char)take(input);
    }
    if (kind % 2 == 0)
        sqlite3_bind_text(statement, 1, run, (int)length, SQLITE_TRANSIENT);
    else
        sqlite3_bind_blob(statement, 1, run, (int)length, SQLITE_TRANSIENT);
}

static void bind_cell(struct input *input, sqlite3_stmt *statement)
{
    uint8_t kind = take(input) % 10;
    uint64_t word;
    double real;
    switch (kind) {
    case 0:
        sqlite3_bind_null(statement, 1);
        break;
    case 1:
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)take_word(input));
        break;
    case 2:
        sqlite3_bind_int64(statement, 1, (int8_t)take(input));
        break;
    case 3:
        word = take_word(input);
        memcpy(&real, &word, sizeof real);
        sqlite3_bind_double(statement, 1, real);
        break;
    default:
        bind_run(input, statement, kind);
        break;
    }
}

static void finish(sqlite3_stmt *statement)
{
    sqlite3_step(statement); /* a second row of one key is not taken, which is no matter */
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

static uint64_t sum_of_cell(sqlite3_stmt *statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        return cell_sum_whole((uint64_t)sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
        return cell_sum_real(sqlite3_column_double(statement, column));
    case SQLITE_TEXT:
        return cell_sum_text((const char *)sqlite3_column_text(statement, column));
    case SQLITE_BLOB:
        return cell_sum_blob(sqlite3_column_blob(statement, column),
                             (size_t)sqlite3_column_bytes(statement, column));
    default:
        return cell_sum_null();
    }
}

static void mend_sum(const struct table *table, sqlite3_int64 row)
{
    uint64_t cells[COLUMNS_MAX];
    int count = 0;
    sqlite3_bind_int64(table->read, 1, row);
    if (sqlite3_step(table->read) == SQLITE_ROW)
        for (int i = table->first_summed; i + 1 < table->columns; i++)
            cells[count++] = sum_of_cell(table->read, i);
    sqlite3_reset(table->read);
    sqlite3_bind_int64(table->put_sum, 1, (sqlite3_int64)cells_sum(cells, count));
    sqlite3_bind_int64(table->put_sum, 2, row);
    finish(table->put_sum);
}

enum { MEND_SUMS = 1, DOUBLE_ROW = 6, DROP_ROW = 7, DEEDS = 8 };

static void edit(struct input *input, uint8_t flags)
{
    uint8_t what = take(input);
    const struct table *table = &tables[what / DEEDS % TABLES];
    sqlite3_int64 row = 1 + take(input) % table->rows;
    uint8_t deed = what % DEEDS;
    if (deed == DOUBLE_ROW || deed == DROP_ROW) {
        sqlite3_stmt *statement = deed == DROP_ROW ? table->drop : table->copy;
        sqlite3_bind_int64(statement, 1, row);
        finish(statement);
        return;
    }
    sqlite3_stmt *update = table->update[take(input) % table->columns];
    bind_cell(input, update);
    sqlite3_bind_int64(update, 2, row);
    finish(update);
    if ((flags & MEND_SUMS) != 0)
        mend_sum(table, row);
}

/* --------------------------------------------------------------------------------------- checks */

static void check_refusal(enum ledger_result result, const struct error *error)
{
    assert(result == LEDGER_OK || result == LEDGER_END || result == LEDGER_FAILED);
    assert(result != LEDGER_FAILED || error->text[0] != '\0');
}

static void check_text(const char *text, size_t size)
{
    assert(memchr(text, '\0', size) != NULL);
}

static void check_commit(const struct commit_record *record)
{
    const struct job *job = &record->job;
    assert(record->sequence > 0 && record->sequence <= INT64_MAX);
    assert(job->key.line < LINES_MAX && job->key.job <= JOB_NUMBER_FINAL);
    assert(job->kind == JOB_MUTATE || job->kind == JOB_EVALUATE);
    assert(job->parent_count <= JOB_PARENTS_MAX && record->metric_count <= METRICS_MAX);
    assert(job->call.param_count <= OPERATOR_PARAMS_MAX && outcome_name(record->outcome) != NULL);
    for (uint32_t i = 0; i < record->metric_count; i++)
        assert(metric_name(record->metrics[i].id) != NULL);
    check_text(job->call.name, sizeof job->call.name);
    check_text(record->worker, sizeof record->worker);
    check_text(record->host, sizeof record->host);
    check_text(record->numeric, sizeof record->numeric);
    (void)job_digest(job);
}

static void check_input(const struct input_record *record)
{
    assert(record->kind >= INPUT_STOP && record->kind <= INPUT_LAST);
    assert(record->line < LINES_MAX && record->job <= JOB_NUMBER_FINAL);
    assert(record->kind == INPUT_SKIP || record->job == 0);
}

/* What was read is written and read again; the ledger has nothing else then. */
static void check_rewritten(const struct ledger_record *first)
{
    struct ledger_record again;
    struct error error = {""};
    run_sql("DELETE FROM commits; DELETE FROM inputs");
    ledger.batch = BATCH_OPEN;
    ledger.last_sequence = 0;
    enum ledger_result result = first->kind == RECORD_COMMIT
                                    ? ledger_put_commit(&ledger, &first->commit, &error)
                                    : ledger_put_input(&ledger, &first->input, &error);
    ledger.batch = BATCH_NONE;
    memset(&again, 0, sizeof again);
    assert(result == LEDGER_OK && ledger_rewind(&ledger, &error) == LEDGER_OK &&
           ledger_next(&ledger, &again, &error) == LEDGER_OK && again.kind == first->kind);
    if (first->kind == RECORD_COMMIT) {
        assert(memcmp(&again.commit, &first->commit, sizeof again.commit) == 0);
        return;
    }
    assert(again.input.sequence == first->input.sequence && again.input.kind == first->input.kind &&
           again.input.line == first->input.line && again.input.job == first->input.job);
}

/* All records in their order; the last one that was taken is left in *kept. */
static bool read_records(struct ledger_record *kept)
{
    struct ledger_record record;
    struct error error = {""};
    uint64_t sequence = 0;
    bool found = false;
    enum ledger_result result = ledger_rewind(&ledger, &error);
    while (result == LEDGER_OK && (result = ledger_next(&ledger, &record, &error)) == LEDGER_OK) {
        uint64_t next =
            record.kind == RECORD_COMMIT ? record.commit.sequence : record.input.sequence;
        assert(next > sequence);
        sequence = next;
        if (record.kind == RECORD_COMMIT)
            check_commit(&record.commit);
        else
            check_input(&record.input);
        *kept = record;
        found = true;
    }
    check_refusal(result, &error);
    (void)ledger_committed_wall_ms(&ledger);
    return found;
}

static void read_rows(void)
{
    static uint8_t detail[DETAIL_BYTES_MAX];
    const struct job_key job = {LINE, JOB + 1};
    struct commit_record record;
    struct error error = {""};
    uint32_t bytes = 0;
    enum ledger_result result = ledger_get_commit(&ledger, job, &record, &error);
    check_refusal(result, &error);
    if (result == LEDGER_OK) {
        assert(job_key_equal(record.job.key, job));
        check_commit(&record);
    }
    error.text[0] = '\0';
    result = ledger_get_detail(&ledger, job, detail, &bytes, &error);
    check_refusal(result, &error);
    assert(result != LEDGER_OK || (bytes > 0 && bytes <= DETAIL_BYTES_MAX));
}

static void read_facts_and_notes(void)
{
    enum { SHORT = 8, NOTES = 4 };
    static struct kept_note notes[NOTES];
    char text[SHORT];
    struct job_key job;
    struct error error = {""};
    uint32_t count = 0;
    enum ledger_result result = ledger_get_fact(&ledger, "digest", text, sizeof text, &error);
    check_refusal(result, &error);
    if (result == LEDGER_OK)
        check_text(text, sizeof text);
    error.text[0] = '\0';
    result = ledger_get_note(&ledger, "job_quarantined", &job, text, sizeof text, &error);
    check_refusal(result, &error);
    for (enum note_subject subject = NOTES_OF_RUN; subject <= NOTES_OF_WORKER; subject++) {
        const struct note_query query = {
            .subject = subject, .job = {LINE, JOB + 1}, .worker = "anna"};
        error.text[0] = '\0';
        check_refusal(ledger_find_notes(&ledger, &query, notes, NOTES, &count, &error), &error);
        assert(count <= NOTES);
        for (uint32_t i = 0; i < count; i++) {
            check_text(notes[i].kind, sizeof notes[i].kind);
            check_text(notes[i].text, sizeof notes[i].text);
            check_text(notes[i].log_tail, sizeof notes[i].log_tail);
        }
    }
    uint64_t times[NOTES];
    error.text[0] = '\0';
    check_refusal(ledger_last_compute_ms(&ledger, times, NOTES, &count, &error), &error);
    assert(count <= NOTES);
}

static void read_meta(void)
{
    struct ledger_header header;
    struct error error = {""};
    uint64_t epoch = 0;
    check_refusal(ledger_check_meta(&ledger, &error), &error);
    error.text[0] = '\0';
    check_refusal(ledger_check_facts(&ledger, &error), &error);
    error.text[0] = '\0';
    enum ledger_result result = ledger_read_header(&ledger, &header, &error);
    check_refusal(result, &error);
    if (result == LEDGER_OK) {
        check_text(header.name, sizeof header.name);
        check_text(header.engine_version, sizeof header.engine_version);
        assert(header.canonical != NULL && header.yaml != NULL);
    }
    error.text[0] = '\0';
    check_refusal(ledger_read_epoch(&ledger, &epoch, &error), &error);
    assert(epoch < INT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct ledger_record kept;
    if (ledger.database == NULL)
        make_ledger();
    memset(&kept, 0, sizeof kept);
    uint8_t flags = take(&input);
    run_sql("BEGIN");
    for (int i = 0; i < EDITS_MAX && input.left > 0; i++)
        edit(&input, flags);
    read_meta();
    read_facts_and_notes();
    read_rows();
    if (read_records(&kept))
        check_rewritten(&kept);
    ledger_reset(&ledger, STATEMENT_READ_COMMITS);
    ledger_reset(&ledger, STATEMENT_READ_INPUTS);
    run_sql("ROLLBACK");
    return 0;
}
