/*
 * test_ledger_sqlite.c: the ledger as an SQLite file: what people see in it, and what they may not
 * do to it.
 *
 * The only test that speaks SQLite itself.
 */
#include "ledger_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ledger *open_as(const char *path, enum ledger_access access)
{
    struct ledger_header header;
    struct ledger *ledger;
    struct error error = {""};
    if (ledger_open(path, access, &header, &ledger, &error) != LEDGER_OK)
        fail_msg("%s", error.text);
    return ledger;
}

struct image {
    char *bytes;
    size_t count;
};

static struct image load(const char *path)
{
    struct image image;
    assert_int_equal(os_read_file(path, 64 << 20, &image.bytes, &image.count, NULL), 0);
    return image;
}

static void edit(const char *path, const char *sql)
{
    sqlite3 *database;
    char *message = NULL;
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void expect_complaint(const char *path, const char *sql, const char *sentence)
{
    edit(path, sql);
    struct ledger *ledger = open_as(path, LEDGER_READ);
    struct ledger_record record;
    struct error error = {""};
    for (int i = 1; i <= 16; i++)
        assert_int_equal(ledger_next(ledger, &record, &error), LEDGER_OK);
    assert_int_equal(ledger_next(ledger, &record, &error), LEDGER_FAILED);
    if (strstr(error.text, sentence) == NULL || strncmp(error.text, path, strlen(path)) != 0)
        fail_msg("\"%s\" instead of \"%s\"", error.text, sentence);
    ledger_close(&ledger);
}

static void each_wrong_column_is_named(void **state)
{
    static const struct {
        const char *set, *sentence;
    } cases[] = {
        {"child = x'0102030405'", "commit 17: child: 5 bytes, expected 32"},
        {"spec = zeroblob(33)", "commit 17: spec: 33 bytes, expected 32"},
        {"data = x'00'", "commit 17: data: 1 bytes, expected 32"},
        {"line = -1", "commit 17: line: -1, expected 0 .. 999999"},
        {"job = -5", "commit 17: job: -5, expected 0 .. 9223372036854775807"},
        {"kind = 'mutates'", "commit 17: kind: neither mutate nor evaluate"},
        {"outcome = 'fine'", "commit 17: outcome: not an outcome"},
        {"slices = 16", "commit 17: slices: 16, expected 0 .. 15"},
        {"operator = 'an operator with a name of 33 byte'",
         "operator: 34 bytes, expected at most 31"},
        {"params = x'00'", "commit 17: params: not a multiple of 8 bytes"},
        {"params = zeroblob(72)", "commit 17: params: 72 bytes, expected at most 64"},
        {"metrics = x'00'", "commit 17: metrics: not a multiple of 12 bytes"},
        {"metrics = zeroblob(12)", "commit 17: metrics: a metric of unknown kind"},
        {"parent0 = NULL, parent1 = zeroblob(32), parent1_line = 1, parent1_job = 1",
         "commit 17: parent1: a second parent without a first"},
        {"parent0 = zeroblob(32), parent0_line = NULL", "parent0_line: not a whole number"},
        {"admitted = 2", "commit 17: admitted: 2, expected 0 .. 1"},
        {"attempts = 4294967296", "commit 17: attempts: 4294967296, expected 0 .. 4294967295"},
        {"worker = 'a' || char(0) || 'b'", "commit 17: worker: a text with a zero byte in it"},
    };
    char path[512], sql[256];
    snprintf(path, sizeof path, "%s", fixture_path(*state, "ledger.sqlite"));
    fixture_ledger(path, 30);
    struct image image = load(path);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(sql, sizeof sql, "UPDATE commits SET %s WHERE sequence = 17", cases[i].set);
        assert_int_equal(os_write_atomic(path, image.bytes, image.count, 0644, NULL), 0);
        expect_complaint(path, sql, cases[i].sentence);
    }
    assert_int_equal(os_write_atomic(path, image.bytes, image.count, 0644, NULL), 0);
    expect_complaint(path, "INSERT INTO inputs VALUES(17, 'stop', 0, NULL, 0, 0)",
                     "record 17 after record 16: out of order");
    assert_int_equal(os_write_atomic(path, image.bytes, image.count, 0644, NULL), 0);
    expect_complaint(path,
                     "DELETE FROM commits WHERE sequence = 17;"
                     "INSERT INTO inputs VALUES(17, 'go', 0, NULL, 0, 0)",
                     "input 17: kind: neither stop nor cancel nor skip");
    free(image.bytes);
}

/* One of each kind of row, written as a run writes them. */
static void fill_tables(const char *path)
{
    struct ledger_header header = fixture_header();
    struct ledger *ledger;
    struct commit_record record;
    const struct input_record input = {.sequence = 2, .kind = INPUT_STOP};
    fixture_record(1, &record);
    record.job.key = (struct job_key){.line = 0, .job = 3};
    const struct ledger_note note = {.wall_ms = 5,
                                     .kind = "job_quarantined",
                                     .worker = "0011",
                                     .job = &record.job.key,
                                     .text = "its slot died",
                                     .log_tail = "a last line"};
    assert_int_equal(ledger_open(path, LEDGER_CREATE, &header, &ledger, NULL), LEDGER_OK);
    assert_int_equal(ledger_begin(ledger, NULL), LEDGER_OK);
    assert_int_equal(ledger_put_commit(ledger, &record, NULL), LEDGER_OK);
    assert_int_equal(ledger_put_input(ledger, &input, NULL), LEDGER_OK);
    assert_int_equal(ledger_put_detail(ledger, record.job.key, (const uint8_t *)"detail", 6, NULL),
                     LEDGER_OK);
    assert_int_equal(ledger_put_note(ledger, &note, NULL), LEDGER_OK);
    assert_int_equal(ledger_put_fact(ledger, "served_ms", "12", NULL), LEDGER_OK);
    assert_int_equal(ledger_commit(ledger, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    ledger_close(&ledger);
}

/* Whatever any command asks a ledger for: what the first failure says, "" when there is none. */
static void ask_everything(const char *path, struct error *error)
{
    struct ledger_header header;
    struct ledger_record record;
    struct commit_record commit;
    struct ledger *ledger;
    struct job_key job = {.line = 0, .job = 3};
    static uint8_t detail[DETAIL_BYTES_MAX];
    uint32_t bytes;
    char text[512];
    enum ledger_result result;
    error->text[0] = '\0';
    if (ledger_open(path, LEDGER_READ, &header, &ledger, error) != LEDGER_OK)
        return;
    while ((result = ledger_next(ledger, &record, error)) == LEDGER_OK)
        continue;
    if (result == LEDGER_END)
        result = ledger_get_commit(ledger, job, &commit, error);
    if (result == LEDGER_OK)
        result = ledger_get_detail(ledger, job, detail, &bytes, error);
    if (result == LEDGER_OK)
        result = ledger_get_note(ledger, "job_quarantined", &job, text, sizeof text, error);
    if (result == LEDGER_OK)
        ledger_get_fact(ledger, "served_ms", text, sizeof text, error);
    ledger_close(&ledger);
}

static int count_columns(sqlite3 *database, const char *table)
{
    char sql[64];
    sqlite3_stmt *statement;
    snprintf(sql, sizeof sql, "SELECT * FROM %s", table);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    int count = sqlite3_column_count(statement);
    sqlite3_finalize(statement);
    return count;
}

/* A value of the same type, well within any range: the only thing wrong is that it is another. */
static void change_column(const char *path, const char *table, int column)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    char sql[512];
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    snprintf(sql, sizeof sql, "SELECT name FROM pragma_table_info('%s') WHERE cid = %d", table,
             column);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const char *name = (const char *)sqlite3_column_text(statement, 0);
    snprintf(sql, sizeof sql,
             "UPDATE %s SET %s = CASE typeof(%s) WHEN 'integer' THEN %s + 1 WHEN 'real' THEN "
             "CAST(%s = 0 AS REAL) WHEN 'text' THEN substr(%s, 1, length(%s) - 1) || 'z' WHEN "
             "'null' THEN NULL "
             "ELSE CAST(substr(%s, 1, length(%s) - 1) || x'7f' AS BLOB) END",
             table, name, name, name, name, name, name, name, name);
    char *message = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static bool has_value(const char *path, const char *table, int column)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    char sql[64];
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    snprintf(sql, sizeof sql, "SELECT * FROM %s", table);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    bool has = sqlite3_column_type(statement, column) != SQLITE_NULL;
    sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    return has;
}

static void no_column_changes_unnoticed(void **state)
{
    static const char *const tables[] = {"meta", "facts", "commits", "inputs", "details", "notes"};
    char path[512];
    struct error error = {""};
    snprintf(path, sizeof path, "%s", fixture_path(*state, "ledger.sqlite"));
    fill_tables(path);
    struct image image = load(path);
    ask_everything(path, &error);
    assert_string_equal(error.text, "");
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        sqlite3 *database;
        assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
        int columns = count_columns(database, tables[t]);
        assert_int_equal(sqlite3_close(database), SQLITE_OK);
        /* What names a row is left alone: another name is another row, and this one is not there.
         */
        int first = t == 0 || strcmp(tables[t], "notes") == 0 ? 1 : 0;
        if (strcmp(tables[t], "details") == 0)
            first = 2;
        for (int column = first; column < columns; column++) {
            bool is_kind = strcmp(tables[t], "notes") == 0 && column == 2;
            if (is_kind || !has_value(path, tables[t], column))
                continue;
            change_column(path, tables[t], column);
            ask_everything(path, &error);
            if (strncmp(error.text, path, strlen(path)) != 0)
                fail_msg("%s, column %d: \"%s\"", tables[t], column, error.text);
            assert_int_equal(os_write_atomic(path, image.bytes, image.count, 0644, NULL), 0);
        }
    }
    free(image.bytes);
}

/* SQLite itself does not mind: the record of a job is hidden from whoever asks for it by name. */
static void an_index_that_hides_a_row_is_noticed(void **state)
{
    char path[512];
    snprintf(path, sizeof path, "%s", fixture_path(*state, "ledger.sqlite"));
    fill_tables(path);
    edit(path,
         "PRAGMA writable_schema = ON;"
         "CREATE TABLE other(line INTEGER NOT NULL, job INTEGER NOT NULL, UNIQUE(line, job));"
         "INSERT INTO other VALUES(7, 7);"
         "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema"
         " WHERE name = 'sqlite_autoindex_other_1') WHERE name = 'sqlite_autoindex_commits_1';"
         "DELETE FROM sqlite_schema WHERE tbl_name = 'other'");
    struct ledger *ledger = open_as(path, LEDGER_READ);
    struct commit_record record;
    struct error error = {""};
    assert_int_equal(
        ledger_get_commit(ledger, (struct job_key){.line = 0, .job = 3}, &record, &error),
        LEDGER_FAILED);
    assert_non_null(strstr(error.text, "is damaged"));
    ledger_close(&ledger);
    struct ledger_header header;
    assert_int_equal(ledger_open(path, LEDGER_WRITE, &header, &ledger, &error), LEDGER_FAILED);
    assert_non_null(strstr(error.text, "is damaged"));
}

static void other_tables_are_not_taken_for_a_ledger(void **state)
{
    char path[512];
    snprintf(path, sizeof path, "%s", fixture_path(*state, "ledger.sqlite"));
    fixture_ledger(path, 10);
    /* What users add for their own questions is no harm. */
    edit(path, "CREATE INDEX by_worker ON commits(worker); CREATE TABLE mine(x)");
    struct ledger *ledger = open_as(path, LEDGER_WRITE);
    ledger_close(&ledger);
    edit(path, "ALTER TABLE notes ADD COLUMN more TEXT");
    struct ledger_header header;
    struct error error;
    assert_int_equal(ledger_open(path, LEDGER_READ, &header, &ledger, &error), LEDGER_FOREIGN);
    assert_non_null(strstr(error.text, "not the table that a ledger has: notes"));
    edit(path, "DROP TABLE notes");
    assert_int_equal(ledger_open(path, LEDGER_READ, &header, &ledger, &error), LEDGER_FOREIGN);
    assert_non_null(strstr(error.text, "lacks a table: notes"));
}

/* What `.schema` and a curious user see. */
static void people_can_query_it(void **state)
{
    char path[512];
    snprintf(path, sizeof path, "%s", fixture_path(*state, "ledger.sqlite"));
    struct ledger_header header = fixture_header();
    struct ledger *ledger;
    assert_int_equal(ledger_open(path, LEDGER_CREATE, &header, &ledger, NULL), LEDGER_OK);
    struct commit_record record;
    fixture_record(1, &record);
    record.job.key = (struct job_key){.line = 2, .job = 5};
    record.admitted = true;
    record.fitness = 0.5;
    strcpy(record.job.call.name, "noise");
    record.job.call.param_count = 1;
    record.job.call.params[0] = 0.1;
    record.metric_count = 1;
    record.metrics[0] = (struct metric){METRIC_SELECT_ACCURACY, 0.75};
    assert_int_equal(ledger_begin(ledger, NULL), LEDGER_OK);
    assert_int_equal(ledger_put_commit(ledger, &record, NULL), LEDGER_OK);
    assert_int_equal(ledger_commit(ledger, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    ledger_close(&ledger);
    sqlite3 *database;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database,
                                        "SELECT id || ' ' || operator || ' ' || params_text || ' ' "
                                        "|| fitness || ' ' || select_accuracy || ' ' || "
                                        "ifnull(select_loss, '-') FROM individuals",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal(sqlite3_column_text(statement, 0), "2/5 noise scale=0.1 0.5 0.75 -");
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

/* Every column that may be NULL is filled, or none is. */
static void make_record(uint64_t sequence, uint32_t filled, struct commit_record *record)
{
    fixture_record(sequence, record);
    record->job.call.param_count = filled;
    record->job.parent_count = filled * JOB_PARENTS_MAX;
    record->fitness = filled ? 0.5 : (double)NAN;
    record->metric_count = filled * METRIC_LAST;
    for (uint32_t i = 0; i < record->metric_count; i++)
        record->metrics[i] = (struct metric){.id = i + 1, .value = i};
    memset(&record->job.data, filled ? 1 : 0, sizeof record->job.data);
    memset(&record->child, filled ? 1 : 0, sizeof record->child);
}

static void a_commit_shows_nothing_of_the_one_before(void **state)
{
    char path[512];
    snprintf(path, sizeof path, "%s", fixture_path(*state, "ledger.sqlite"));
    struct ledger_header header = fixture_header();
    struct ledger *ledger;
    assert_int_equal(ledger_open(path, LEDGER_CREATE, &header, &ledger, NULL), LEDGER_OK);
    assert_int_equal(ledger_begin(ledger, NULL), LEDGER_OK);
    for (uint64_t i = 1; i <= 4; i++) {
        struct commit_record record;
        make_record(i, (uint32_t)(i % 2), &record);
        assert_int_equal(ledger_put_commit(ledger, &record, NULL), LEDGER_OK);
    }
    assert_int_equal(ledger_commit(ledger, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    ledger_close(&ledger);
    static const char *const columns[] = {
        "params",       "params_text",      "data",           "parent0",       "parent0_line",
        "parent0_job",  "parent1",          "parent1_line",   "parent1_job",   "fitness",
        "metrics",      "train_loss",       "train_accuracy", "select_loss",   "select_accuracy",
        "confirm_loss", "confirm_accuracy", "test_loss",      "test_accuracy", "child",
    };
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        char sql[128];
        sqlite3_stmt *statement;
        snprintf(sql, sizeof sql, "SELECT group_concat(%s IS NULL) FROM commits", columns[i]);
        assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        if (strcmp((const char *)sqlite3_column_text(statement, 0), "0,1,0,1") != 0)
            fail_msg("%s: %s", columns[i], sqlite3_column_text(statement, 0));
        sqlite3_finalize(statement);
    }
    sqlite3_close(database);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(each_wrong_column_is_named),
        WITH_FOLDER(no_column_changes_unnoticed),
        WITH_FOLDER(an_index_that_hides_a_row_is_noticed),
        WITH_FOLDER(other_tables_are_not_taken_for_a_ledger),
        WITH_FOLDER(people_can_query_it),
        WITH_FOLDER(a_commit_shows_nothing_of_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
