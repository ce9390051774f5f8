/*
 * test_ledger_open.c: who may open what: readers beside a writer, folders that are read-only,
 * strangers.
 */
#include "ledger_fixture.h"

#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct ledger *create(const struct fixture *fixture)
{
    struct ledger_header header = fixture_header();
    struct ledger *ledger;
    struct error error = {""};
    assert_int_equal(ledger_open(fixture_path(fixture, "ledger.sqlite"), LEDGER_CREATE, &header,
                                 &ledger, &error),
                     LEDGER_OK);
    return ledger;
}

static struct ledger *open_as(const struct fixture *fixture, enum ledger_access access)
{
    struct ledger_header header;
    struct ledger *ledger;
    struct error error = {""};
    enum ledger_result result =
        ledger_open(fixture_path(fixture, "ledger.sqlite"), access, &header, &ledger, &error);
    if (result != LEDGER_OK)
        fail_msg("%s", error.text);
    return ledger;
}

static void begin(struct ledger *ledger)
{
    assert_int_equal(ledger_begin(ledger, NULL), LEDGER_OK);
}

/* Expects exactly the records first..last next, and nothing else. */
static void expect_records(struct ledger *ledger, uint64_t first, uint64_t last)
{
    struct ledger_record record;
    struct commit_record expected;
    struct error error = {""};
    assert_int_equal(ledger_rewind(ledger, &error), LEDGER_OK);
    for (uint64_t sequence = first; sequence <= last; sequence++) {
        if (ledger_next(ledger, &record, &error) != LEDGER_OK)
            fail_msg("record %llu: %s", (unsigned long long)sequence, error.text);
        fixture_record(sequence, &expected);
        assert_int_equal(record.kind, RECORD_COMMIT);
        assert_true(fixture_same(&record.commit, &expected));
    }
    assert_int_equal(ledger_next(ledger, &record, &error), LEDGER_END);
    assert_int_equal(ledger_next(ledger, &record, &error), LEDGER_END);
}

/* ------------------------------------------------------------------------------------ readers */

static void reader_sees_one_moment(void **state)
{
    struct ledger *writer = create(*state);
    assert_int_equal(fixture_batch(writer, 0, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    struct ledger *reader = open_as(*state, LEDGER_READ);
    struct ledger_record record;
    assert_int_equal(ledger_next(reader, &record, NULL), LEDGER_OK);
    assert_int_equal(fixture_batch(writer, 10, LEDGER_SURVIVES_POWER_CUT, NULL), LEDGER_OK);
    for (int i = 2; i <= 10; i++)
        assert_int_equal(ledger_next(reader, &record, NULL), LEDGER_OK);
    assert_int_equal(ledger_next(reader, &record, NULL), LEDGER_END);
    expect_records(reader, 1, 20);
    begin(writer);
    struct commit_record open_record;
    fixture_record(21, &open_record);
    assert_int_equal(ledger_put_commit(writer, &open_record, NULL), LEDGER_OK);
    expect_records(reader, 1, 20);
    ledger_close(&writer);
    expect_records(reader, 1, 20);
    ledger_close(&reader);
}

static int become_nobody(void)
{
    return geteuid() != 0                                                        ? 0
           : setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0 ? -1
                                                                                 : 0;
}

static int read_as_nobody(const struct fixture *fixture)
{
    struct ledger_header header;
    struct ledger *ledger;
    struct ledger_record record;
    if (become_nobody() != 0)
        return FIXTURE_CANNOT_TRY;
    const char *path = fixture_path(fixture, "ledger.sqlite");
    if (ledger_open(path, LEDGER_READ, &header, &ledger, NULL) != LEDGER_OK)
        return 1;
    int count = 0;
    while (ledger_next(ledger, &record, NULL) == LEDGER_OK)
        count++;
    ledger_close(&ledger);
    if (count != 20)
        return 2;
    return ledger_open(path, LEDGER_WRITE, &header, &ledger, NULL) == LEDGER_FAILED ? 0 : 3;
}

static void closed_ledger_can_be_read_where_nothing_may_be_written(void **state)
{
    const struct fixture *fixture = *state;
    fixture_ledger(fixture_path(fixture, "ledger.sqlite"), 20);
    assert_int_equal(chmod(fixture_path(fixture, "ledger.sqlite"), 0444), 0);
    assert_int_equal(chmod(fixture->folder, 0555), 0);
    fixture_expect_child(read_as_nobody, fixture, "root cannot give up its rights here");
}

static int die_with_log(const struct fixture *fixture)
{
    fixture_ledger(fixture_path(fixture, "ledger.sqlite"), 10);
    struct ledger *ledger = open_as(fixture, LEDGER_WRITE);
    if (fixture_batch(ledger, 10, LEDGER_SURVIVES_KILL, NULL) == LEDGER_OK)
        raise(SIGKILL);
    return 1;
}

static int fail_to_read_as_nobody(const struct fixture *fixture)
{
    struct ledger_header header;
    struct ledger *ledger;
    struct error error = {""};
    if (become_nobody() != 0)
        return FIXTURE_CANNOT_TRY;
    enum ledger_result result =
        ledger_open(fixture_path(fixture, "ledger.sqlite"), LEDGER_READ, &header, &ledger, &error);
    return result == LEDGER_FAILED && strstr(error.text, "was not closed properly") != NULL ? 0 : 1;
}

static void log_left_by_a_dead_writer_is_read_or_asked_for(void **state)
{
    const struct fixture *fixture = *state;
    assert_int_equal(fixture_in_child(die_with_log, fixture), 128 + SIGKILL);
    assert_int_equal(unlink(fixture_path(fixture, "ledger.sqlite-shm")), 0);
    assert_int_equal(chmod(fixture->folder, 0555), 0);
    fixture_expect_child(fail_to_read_as_nobody, fixture, "root cannot give up its rights here");
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    struct ledger *ledger = open_as(fixture, LEDGER_READ);
    expect_records(ledger, 1, 20);
    ledger_close(&ledger);
}

/* ---------------------------------------------------------------------------------- strangers */

static void expect_refusal(const char *path, enum ledger_result expected, const char *sentence)
{
    for (int access = LEDGER_WRITE; access <= LEDGER_READ; access++) {
        struct ledger_header header;
        struct ledger *ledger;
        struct error error = {""};
        enum ledger_result result =
            ledger_open(path, (enum ledger_access)access, &header, &ledger, &error);
        if (result != expected || strstr(error.text, sentence) == NULL)
            fail_msg("%d, \"%s\" instead of %d, \"%s\"", (int)result, error.text, (int)expected,
                     sentence);
        assert_non_null(strstr(error.text, path));
        assert_null(ledger);
    }
}

static void write_file(const char *path, const void *bytes, size_t count)
{
    assert_int_equal(os_write_atomic(path, bytes, count, 0644, NULL), 0);
}

static void what_is_no_ledger_is_refused(void **state)
{
    char text[8192];
    memset(text, 'x', sizeof text);
    expect_refusal(fixture_path(*state, "none"), LEDGER_FAILED, "No such file");
    expect_refusal(((struct fixture *)*state)->folder, LEDGER_FOREIGN, "not a regular file");
    write_file(fixture_path(*state, "empty"), "", 0);
    expect_refusal(fixture_path(*state, "empty"), LEDGER_FOREIGN, "it is empty");
    write_file(fixture_path(*state, "short"), "hello\n", 6);
    expect_refusal(fixture_path(*state, "short"), LEDGER_FOREIGN, "not an SQLite file");
    write_file(fixture_path(*state, "text"), text, sizeof text);
    expect_refusal(fixture_path(*state, "text"), LEDGER_FOREIGN, "not an SQLite file");
    write_file(fixture_path(*state, "file:odd?name"), text, sizeof text);
    expect_refusal(fixture_path(*state, "file:odd?name"), LEDGER_FOREIGN, "not an SQLite file");
}

/* Changes four bytes of the header of a database: 60: user_version, 68: application_id. */
static void set_mark(const char *path, long offset, uint8_t last)
{
    const uint8_t bytes[4] = {0, 0, 0, last};
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0 && pwrite(fd, bytes, sizeof bytes, offset) == 4 && close(fd) == 0);
}

static void other_formats_and_applications_are_refused(void **state)
{
    const char *path = fixture_path(*state, "ledger.sqlite");
    fixture_ledger(path, 10);
    set_mark(path, 60, 1);
    expect_refusal(path, LEDGER_FOREIGN, "is a ledger of format 1, this program reads format 5");
    set_mark(path, 60, 2);
    set_mark(path, 68, 9);
    expect_refusal(path, LEDGER_FOREIGN, "is not a ledger of Ratchet");
}

static void a_ledger_is_made_once_and_whole(void **state)
{
    const char *path = fixture_path(*state, "ledger.sqlite");
    struct ledger_header header = fixture_header();
    struct ledger *ledger;
    struct error error = {""};
    /* What crashes may have left: half a birth, and the log of a ledger that was deleted. */
    write_file(fixture_path(*state, "ledger.sqlite.new"), "half", 4);
    write_file(fixture_path(*state, "ledger.sqlite-wal"), "old log", 7);
    fixture_ledger(path, 10);
    assert_int_equal(access(fixture_path(*state, "ledger.sqlite.new"), F_OK), -1);
    assert_int_equal(access(fixture_path(*state, "ledger.sqlite-wal"), F_OK), -1);
    assert_int_equal(ledger_open(path, LEDGER_CREATE, &header, &ledger, &error), LEDGER_FAILED);
    assert_non_null(strstr(error.text, "is there already"));
    ledger = open_as(*state, LEDGER_READ);
    expect_records(ledger, 1, 10);
    ledger_close(&ledger);
    path = fixture_path(*state, "no/such/folder");
    assert_int_equal(ledger_open(path, LEDGER_CREATE, &header, &ledger, &error), LEDGER_FAILED);
    assert_non_null(strstr(error.text, path));
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(reader_sees_one_moment),
        WITH_FOLDER(closed_ledger_can_be_read_where_nothing_may_be_written),
        WITH_FOLDER(log_left_by_a_dead_writer_is_read_or_asked_for),
        WITH_FOLDER(what_is_no_ledger_is_refused),
        WITH_FOLDER(other_formats_and_applications_are_refused),
        WITH_FOLDER(a_ledger_is_made_once_and_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
