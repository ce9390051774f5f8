/* test_ledger_sqlite_salvage.c: what is kept of a damaged ledger, and what its log lost. */
#include "coordinator/shell/ledger_sqlite.h"
#include "ledger_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { RECORDS = 30, DETAILED = 7 };

static struct ledger *open_as(const char *path, enum ledger_access access)
{
    struct ledger_header header;
    struct ledger *ledger;
    struct error error = {""};
    if (ledger_open(path, access, &header, &ledger, &error) != LEDGER_OK)
        fail_msg("%s", error.text);
    return ledger;
}

/* A ledger with records, a detail, facts and two lives behind it. */
static void make(const char *path)
{
    struct commit_record record;
    uint64_t epoch;
    fixture_ledger(path, RECORDS);
    fixture_record(DETAILED, &record);
    struct ledger *ledger = open_as(path, LEDGER_WRITE);
    assert_int_equal(ledger_next_epoch(ledger, &epoch, NULL), LEDGER_OK);
    assert_int_equal(ledger_next_epoch(ledger, &epoch, NULL), LEDGER_OK);
    assert_int_equal(ledger_begin(ledger, NULL), LEDGER_OK);
    assert_int_equal(ledger_put_detail(ledger, record.job.key, (const uint8_t *)"detail", 6, NULL),
                     LEDGER_OK);
    assert_int_equal(ledger_put_fact(ledger, "served_ms", "12", NULL), LEDGER_OK);
    assert_int_equal(ledger_put_fact(ledger, "finished", "99", NULL), LEDGER_OK);
    assert_int_equal(ledger_commit(ledger, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    ledger_close(&ledger);
}

static void edit(const char *path, const char *sql)
{
    sqlite3 *database;
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

/* Refuses the record whose number *context is. */
static int fits(void *context, const struct ledger_record *record, struct error *error)
{
    const uint64_t *refused = context;
    if (record->kind == RECORD_COMMIT && record->commit.sequence == *refused)
        return error_set(error, -1, "it is not wanted");
    return 0;
}

static struct ledger_salvaged salvage(const char *path, const char *fresh, uint64_t refused)
{
    struct ledger_salvaged salvaged;
    struct error error = {""};
    const struct ledger_salvage_plan plan = {.fresh = fresh, .fits = fits, .context = &refused};
    struct ledger *ledger = open_as(path, LEDGER_SALVAGE);
    if (ledger_salvage(ledger, &plan, &salvaged, &error) != LEDGER_OK)
        fail_msg("%s", error.text);
    ledger_close(&ledger);
    return salvaged;
}

/* It has the first `count` records as they were, and what a run needs to go on. */
static void expect_kept(const char *fresh, uint64_t count)
{
    struct ledger *ledger = open_as(fresh, LEDGER_WRITE);
    struct ledger_record record;
    struct commit_record wanted;
    char text[64];
    uint64_t epoch;
    uint32_t bytes;
    static uint8_t detail[DETAIL_BYTES_MAX];
    for (uint64_t i = 1; i <= count; i++) {
        assert_int_equal(ledger_next(ledger, &record, NULL), LEDGER_OK);
        fixture_record(i, &wanted);
        assert_true(fixture_same(&record.commit, &wanted));
        assert_true(ledger_committed_wall_ms(ledger) > 0);
    }
    assert_int_equal(ledger_next(ledger, &record, NULL), LEDGER_END);
    fixture_record(DETAILED, &wanted);
    assert_int_equal(ledger_get_detail(ledger, wanted.job.key, detail, &bytes, NULL), LEDGER_OK);
    assert_memory_equal(detail, "detail", 6);
    assert_int_equal(ledger_get_fact(ledger, "served_ms", text, sizeof text, NULL), LEDGER_OK);
    assert_string_equal(text, "12");
    assert_int_equal(ledger_get_fact(ledger, "finished", text, sizeof text, NULL), LEDGER_END);
    assert_int_equal(ledger_next_epoch(ledger, &epoch, NULL), LEDGER_OK);
    assert_int_equal(epoch, 3);
    ledger_close(&ledger);
}

static void a_sound_ledger_is_told_so(void **state)
{
    char path[512], fresh[512];
    snprintf(path, sizeof path, "%s", fixture_path(*state, "ledger.sqlite"));
    snprintf(fresh, sizeof fresh, "%s", fixture_path(*state, "fresh"));
    make(path);
    struct ledger_salvaged salvaged = salvage(path, fresh, 0);
    assert_true(salvaged.is_sound);
    assert_int_equal(salvaged.commits, RECORDS);
    assert_string_equal(salvaged.reason.text, "");
    expect_kept(fresh, RECORDS);
}

static void what_is_before_the_damage_is_kept(void **state)
{
    char path[512], fresh[512];
    snprintf(path, sizeof path, "%s", fixture_path(*state, "ledger.sqlite"));
    snprintf(fresh, sizeof fresh, "%s", fixture_path(*state, "fresh"));
    make(path);
    edit(path, "UPDATE commits SET host = host || 'x' WHERE sequence = 17");
    struct ledger_salvaged salvaged = salvage(path, fresh, 0);
    assert_false(salvaged.is_sound);
    assert_int_equal(salvaged.commits, 16);
    assert_non_null(strstr(salvaged.reason.text, "commit 17"));
    expect_kept(fresh, 16);
    /* A second time, over what the first left, and with less. */
    salvaged = salvage(path, fresh, 12);
    assert_int_equal(salvaged.commits, 11);
    assert_string_equal(salvaged.reason.text, "it is not wanted");
    expect_kept(fresh, 11);
}

/* Goes back to before record `before` of a ledger that is in order. */
static enum ledger_result cut(const char *path, const char *fresh, uint64_t before,
                              struct ledger_salvaged *salvaged, struct error *error)
{
    uint64_t refused = 0;
    const struct ledger_salvage_plan plan = {
        .fresh = fresh, .before = before, .fits = fits, .context = &refused};
    struct ledger *ledger = open_as(path, LEDGER_READ);
    enum ledger_result result = ledger_salvage(ledger, &plan, salvaged, error);
    ledger_close(&ledger);
    return result;
}

static void a_sound_ledger_is_cut_where_one_says(void **state)
{
    char path[512], fresh[512];
    struct ledger_salvaged salvaged;
    struct error error = {""};
    struct commit_record first;
    snprintf(path, sizeof path, "%s", fixture_path(*state, "ledger.sqlite"));
    snprintf(fresh, sizeof fresh, "%s", fixture_path(*state, "fresh"));
    make(path);
    fixture_record(12, &first);
    assert_int_equal(cut(path, fresh, 12, &salvaged, &error), LEDGER_OK);
    assert_int_equal(salvaged.commits, 11);
    assert_int_equal(salvaged.commits_dropped, RECORDS - 11);
    assert_true(job_key_equal(salvaged.first_dropped, first.job.key));
    expect_kept(fresh, 11);
    /* Who goes back loses no more than he says, also of what he drops. */
    edit(path, "UPDATE commits SET host = host || 'x' WHERE sequence = 17");
    assert_int_equal(cut(path, fresh, 12, &salvaged, &error), LEDGER_FAILED);
    assert_non_null(strstr(error.text, "commit 17"));
    assert_int_not_equal(access(fresh, F_OK), 0);
}

static void damage_beside_the_records_costs_none(void **state)
{
    char path[512], fresh[512];
    snprintf(path, sizeof path, "%s", fixture_path(*state, "ledger.sqlite"));
    snprintf(fresh, sizeof fresh, "%s", fixture_path(*state, "fresh"));
    make(path);
    edit(path, "UPDATE facts SET value = '98' WHERE name = 'finished'");
    struct ledger_header header;
    struct ledger *ledger;
    assert_int_equal(ledger_open(path, LEDGER_WRITE, &header, &ledger, NULL), LEDGER_FAILED);
    struct ledger_salvaged salvaged = salvage(path, fresh, 0);
    assert_false(salvaged.is_sound);
    assert_int_equal(salvaged.facts_lost, 1);
    assert_int_equal(salvaged.commits, RECORDS);
    expect_kept(fresh, RECORDS);
}

/* ---------------------------------------------------------------------------------------- log */

/* Copies of a ledger that is open, as a killed process leaves it: the name of the copy in `copy`.
 */
static void copy_with_log(void **state, char copy[512], char log[512])
{
    static const char *const suffixes[] = {"", "-wal"};
    char path[512];
    uint64_t epoch;
    snprintf(path, sizeof path, "%s", fixture_path(*state, "ledger.sqlite"));
    snprintf(copy, 512, "%s", fixture_path(*state, "copy"));
    snprintf(log, 512, "%s-wal", copy);
    fixture_ledger(path, RECORDS);
    struct ledger *ledger = open_as(path, LEDGER_WRITE);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ledger_next_epoch(ledger, &epoch, NULL), LEDGER_OK);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char from[600], to[600], *bytes;
        size_t count;
        snprintf(from, sizeof from, "%s%s", path, suffixes[i]);
        snprintf(to, sizeof to, "%s%s", copy, suffixes[i]);
        assert_int_equal(os_read_file(from, 64 << 20, &bytes, &count, NULL), 0);
        assert_int_equal(os_write_atomic(to, bytes, count, 0644, NULL), 0);
        free(bytes);
    }
    ledger_close(&ledger);
}

static void expect_log(const char *copy, uint64_t pages_lost, bool is_void)
{
    struct ledger *ledger = open_as(copy, LEDGER_WRITE);
    assert_int_equal(ledger_log_found(ledger)->pages_lost, pages_lost);
    assert_int_equal(ledger_log_found(ledger)->is_void, is_void);
    ledger_close(&ledger);
}

static void a_log_that_is_whole_lost_nothing(void **state)
{
    char copy[512], log[512];
    copy_with_log(state, copy, log);
    struct ledger_log found;
    ledger_examine_log(copy, &found);
    assert_int_equal(found.pages, 5);
    expect_log(copy, 0, false);
    /* Closed by the test above, it has no log any more. */
    expect_log(copy, 0, false);
}

static void what_a_log_lost_is_counted(void **state)
{
    char copy[512], log[512], *bytes;
    size_t count;
    copy_with_log(state, copy, log);
    assert_int_equal(os_read_file(log, 64 << 20, &bytes, &count, NULL), 0);
    struct ledger_log found;
    bytes[count - 1] ^= 1; /* the last page */
    assert_int_equal(os_write_atomic(log, bytes, count, 0644, NULL), 0);
    ledger_examine_log(copy, &found);
    assert_int_equal(found.pages_lost, 1);
    bytes[count / 2] ^= 1; /* the third, and what is behind it */
    assert_int_equal(os_write_atomic(log, bytes, count, 0644, NULL), 0);
    ledger_examine_log(copy, &found);
    assert_int_equal(found.pages_lost, 3);
    assert_int_equal(os_write_atomic(log, bytes, count / 2, 0644, NULL), 0);
    ledger_examine_log(copy, &found);
    assert_int_equal(found.pages_lost, 1);
    bytes[13] ^= 1; /* the header's */
    assert_int_equal(os_write_atomic(log, bytes, count, 0644, NULL), 0);
    expect_log(copy, 0, true);
    free(bytes);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(a_sound_ledger_is_told_so),
        WITH_FOLDER(a_sound_ledger_is_cut_where_one_says),
        WITH_FOLDER(what_is_before_the_damage_is_kept),
        WITH_FOLDER(damage_beside_the_records_costs_none),
        WITH_FOLDER(a_log_that_is_whole_lost_nothing),
        WITH_FOLDER(what_a_log_lost_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
