/* test_ledger_notes.c: notes are found by job, by worker and for the run; how long jobs took. */
#include "ledger_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char first[] = "aabbccdd00000000000000000000000a";
static const char second[] = "aabbccee00000000000000000000000b";

static struct ledger *create(const struct fixture *fixture)
{
    struct ledger *ledger = NULL;
    struct ledger_header header = fixture_header();
    struct error error;
    if (ledger_open(fixture_path(fixture, "ledger"), LEDGER_CREATE, &header, &ledger, &error) !=
        LEDGER_OK)
        fail_msg("%s", error.text);
    return ledger;
}

/* The log of two workers, one name the beginning of the other, and two jobs. */
static void write_log(struct ledger *ledger)
{
    static const struct job_key one = {0, 1}, last = {2, JOB_NUMBER_FINAL};
    const struct ledger_note notes[] = {
        {10, "worker_joined", first, NULL, "worker pool on a: joined with 1 slot", NULL},
        {20, "worker_joined", second, NULL, "worker pool2 on b: joined with 1 slot", NULL},
        {30, "slot_died", first, &one, "worker pool: slot 0 died by signal 11", "last\nwords\n"},
        {40, "opinion_differs", second, &one, "fitness 1 by worker pool, 2 by worker pool2", NULL},
        {50, "line_closed", NULL, &last, "line 2: closed after 3 commits", NULL},
        {60, "worker_refused", NULL, NULL, "another protocol", NULL},
    };
    assert_int_equal(ledger_begin(ledger, NULL), LEDGER_OK);
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
        assert_int_equal(ledger_put_note(ledger, &notes[i], NULL), LEDGER_OK);
    assert_int_equal(ledger_commit(ledger, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
}

/* The times of the notes that a query finds, as they come. */
static void expect(struct ledger *ledger, struct note_query query, const uint64_t *times)
{
    struct kept_note notes[8];
    uint32_t count = 0;
    assert_int_equal(ledger_find_notes(ledger, &query, notes, 8, &count, NULL), LEDGER_OK);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(notes[i].wall_ms, times[i]);
    assert_int_equal(times[count], 0);
}

static void notes_are_found_the_latest_first(void **state)
{
    struct ledger *ledger = create(*state);
    write_log(ledger);
    expect(ledger, (struct note_query){.subject = NOTES_OF_RUN},
           (const uint64_t[]){60, 40, 30, 20, 10, 0});
    expect(ledger, (struct note_query){.subject = NOTES_OF_JOB, .job = {0, 1}},
           (const uint64_t[]){40, 30, 0});
    expect(ledger, (struct note_query){.subject = NOTES_OF_JOB, .job = {2, JOB_NUMBER_FINAL}},
           (const uint64_t[]){50, 0});
    expect(ledger, (struct note_query){.subject = NOTES_OF_JOB, .job = {1, 1}},
           (const uint64_t[]){0});
    expect(ledger, (struct note_query){.subject = NOTES_OF_WORKER, .worker = "pool"},
           (const uint64_t[]){30, 10, 0});
    expect(ledger, (struct note_query){.subject = NOTES_OF_WORKER, .worker = "aabbccee"},
           (const uint64_t[]){40, 20, 0});
    expect(ledger, (struct note_query){.subject = NOTES_OF_WORKER, .worker = "aabbcc"},
           (const uint64_t[]){40, 30, 20, 10, 0});
    expect(ledger, (struct note_query){.subject = NOTES_OF_WORKER, .worker = "aab"},
           (const uint64_t[]){0});
    expect(ledger, (struct note_query){.subject = NOTES_OF_WORKER, .worker = ""},
           (const uint64_t[]){0});
    expect(ledger, (struct note_query){.subject = NOTES_OF_WORKER, .worker = "' OR 1 --"},
           (const uint64_t[]){0});
    ledger_close(&ledger);
}

static void a_note_comes_back_whole(void **state)
{
    struct ledger *ledger = create(*state);
    write_log(ledger);
    struct kept_note notes[2];
    uint32_t count = 0;
    struct note_query query = {.subject = NOTES_OF_WORKER, .worker = "pool"};
    assert_int_equal(ledger_find_notes(ledger, &query, notes, 1, &count, NULL), LEDGER_OK);
    assert_int_equal(count, 1); /* no more than there is room for */
    assert_string_equal(notes[0].kind, "slot_died");
    assert_string_equal(notes[0].worker, first);
    assert_true(notes[0].has_job);
    assert_int_equal(notes[0].job.job, 1);
    assert_string_equal(notes[0].text, "worker pool: slot 0 died by signal 11");
    assert_string_equal(notes[0].log_tail, "last\nwords\n");
    query = (struct note_query){.subject = NOTES_OF_RUN};
    assert_int_equal(ledger_find_notes(ledger, &query, notes, 2, &count, NULL), LEDGER_OK);
    assert_int_equal(count, 2);
    assert_false(notes[0].has_job);
    assert_string_equal(notes[0].worker, "");
    assert_string_equal(notes[0].log_tail, "");
    ledger_close(&ledger);
}

static void the_last_times_come_first(void **state)
{
    struct ledger *ledger = create(*state);
    assert_int_equal(ledger_begin(ledger, NULL), LEDGER_OK);
    for (uint64_t i = 1; i <= 5; i++) {
        struct commit_record record;
        fixture_record(i, &record);
        record.job.kind = i == 2 ? JOB_EVALUATE : JOB_MUTATE;
        record.outcome = i == 4 ? OUTCOME_FAILED : OUTCOME_OK;
        record.compute_ms = (uint32_t)(100 * i);
        assert_int_equal(ledger_put_commit(ledger, &record, NULL), LEDGER_OK);
    }
    assert_int_equal(ledger_commit(ledger, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    uint64_t times[2];
    uint32_t count = 0;
    assert_int_equal(ledger_last_compute_ms(ledger, times, 2, &count, NULL), LEDGER_OK);
    assert_int_equal(count, 2);
    assert_int_equal(times[0], 500);
    assert_int_equal(times[1], 300);
    ledger_close(&ledger);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(notes_are_found_the_latest_first),
        WITH_FOLDER(a_note_comes_back_whole),
        WITH_FOLDER(the_last_times_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
