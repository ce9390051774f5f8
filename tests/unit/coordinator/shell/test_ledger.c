/*
 * test_ledger.c: what the ledger promises while nothing goes wrong.
 *
 * Crashes, full disks and damage are in test_ledger_crash.c, readers and strangers in
 * test_ledger_open.c.
 */
#include "ledger_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* How often the log of a ledger was synced: SQLite's calls end up here instead of in the C library.
 */
static int log_syncs;

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    char link[64], name[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    name[length > 0 ? length : 0] = '\0';
    if (length > 4 && strcmp(name + length - 4, "-wal") == 0)
        log_syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

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

static void commit(struct ledger *ledger)
{
    assert_int_equal(ledger_commit(ledger, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
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

/* -------------------------------------------------------------------------------- round trips */

static void header_comes_back(void **state)
{
    struct ledger *ledger = create(*state);
    ledger_close(&ledger);
    assert_null(ledger);
    struct ledger_header given = fixture_header(), read;
    struct error error = {""};
    assert_int_equal(
        ledger_open(fixture_path(*state, "ledger.sqlite"), LEDGER_READ, &read, &ledger, &error),
        LEDGER_OK);
    assert_memory_equal(&read.run, &given.run, sizeof read.run);
    assert_string_equal(read.engine_version, given.engine_version);
    assert_string_equal(read.name, given.name);
    assert_true(digest_equal(&read.experiment_digest, &given.experiment_digest));
    assert_string_equal(read.canonical, given.canonical);
    assert_string_equal(read.yaml, given.yaml);
    expect_records(ledger, 1, 0);
    ledger_close(&ledger);
}

static void records_come_back_bit_for_bit(void **state)
{
    struct ledger *ledger = create(*state);
    for (uint64_t last = 0; last < 2000; last += 10)
        assert_int_equal(fixture_batch(ledger, last, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    expect_records(ledger, 1, 2000);
    ledger_close(&ledger);
    ledger = open_as(*state, LEDGER_READ);
    expect_records(ledger, 1, 2000);
    expect_records(ledger, 1, 2000);
    ledger_close(&ledger);
    ledger = open_as(*state, LEDGER_WRITE);
    assert_int_equal(fixture_batch(ledger, 2000, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    expect_records(ledger, 1, 2010);
    ledger_close(&ledger);
}

static void inputs_and_commits_share_one_order(void **state)
{
    struct ledger *ledger = create(*state);
    begin(ledger);
    for (uint64_t sequence = 1; sequence <= 30; sequence++) {
        struct commit_record record;
        struct input_record input = {
            .sequence = sequence,
            .kind = INPUT_STOP + (enum input_kind)(sequence / 3 % INPUT_LAST),
            .line = (uint32_t)sequence,
        };
        if (input.kind == INPUT_SKIP)
            input.job = sequence == 15 ? JOB_NUMBER_FINAL : 7 * sequence;
        fixture_record(sequence, &record);
        enum ledger_result result = sequence % 3 == 0 ? ledger_put_input(ledger, &input, NULL)
                                                      : ledger_put_commit(ledger, &record, NULL);
        assert_int_equal(result, LEDGER_OK);
    }
    commit(ledger);
    struct ledger_record record;
    for (uint64_t sequence = 1; sequence <= 30; sequence++) {
        assert_int_equal(ledger_next(ledger, &record, NULL), LEDGER_OK);
        assert_int_equal(record.kind, sequence % 3 == 0 ? RECORD_INPUT : RECORD_COMMIT);
        if (record.kind == RECORD_COMMIT) {
            assert_int_equal(record.commit.sequence, sequence);
            continue;
        }
        assert_int_equal(record.input.sequence, sequence);
        assert_int_equal(record.input.line, sequence);
        assert_int_equal(record.input.kind, INPUT_STOP + sequence / 3 % INPUT_LAST);
        bool skip = record.input.kind == INPUT_SKIP;
        assert_int_equal(record.input.job, !skip            ? 0
                                           : sequence == 15 ? JOB_NUMBER_FINAL
                                                            : 7 * sequence);
    }
    assert_int_equal(ledger_next(ledger, &record, NULL), LEDGER_END);
    ledger_close(&ledger);
}

static void one_commit_is_found_by_its_job(void **state)
{
    struct ledger *ledger = create(*state);
    assert_int_equal(fixture_batch(ledger, 0, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    struct commit_record found, expected;
    fixture_record(7, &expected);
    struct job_key key = {.line = 0, .job = 7};
    assert_int_equal(ledger_get_commit(ledger, key, &found, NULL), LEDGER_OK);
    assert_true(fixture_same(&found, &expected));
    key.job = 11;
    assert_int_equal(ledger_get_commit(ledger, key, &found, NULL), LEDGER_END);
    ledger_close(&ledger);
}

static void details_are_replaced(void **state)
{
    struct ledger *ledger = create(*state);
    uint8_t detail[DETAIL_BYTES_MAX], read[DETAIL_BYTES_MAX];
    uint32_t bytes = 1;
    struct job_key key = {.line = 3, .job = JOB_NUMBER_FINAL}, other = {.line = 4, .job = 0};
    memset(detail, 0x5a, sizeof detail);
    begin(ledger);
    assert_int_equal(ledger_put_detail(ledger, key, detail, 5, NULL), LEDGER_OK);
    assert_int_equal(ledger_put_detail(ledger, key, detail, sizeof detail, NULL), LEDGER_OK);
    assert_int_equal(ledger_put_detail(ledger, other, NULL, 0, NULL), LEDGER_OK);
    commit(ledger);
    assert_int_equal(ledger_get_detail(ledger, key, read, &bytes, NULL), LEDGER_OK);
    assert_int_equal(bytes, sizeof detail);
    assert_memory_equal(read, detail, sizeof detail);
    assert_int_equal(ledger_get_detail(ledger, other, read, &bytes, NULL), LEDGER_END);
    other.job = 1;
    assert_int_equal(ledger_get_detail(ledger, other, read, &bytes, NULL), LEDGER_END);
    begin(ledger);
    assert_int_equal(ledger_put_detail(ledger, key, NULL, 0, NULL), LEDGER_OK); /* taken back */
    commit(ledger);
    assert_int_equal(ledger_get_detail(ledger, key, read, &bytes, NULL), LEDGER_END);
    ledger_close(&ledger);
}

static void facts_notes_and_epochs_stay(void **state)
{
    struct ledger *ledger = create(*state);
    uint64_t epoch = 0;
    char value[32];
    struct job_key job = {.line = 1, .job = 2};
    struct ledger_note full = {1, "worker_lost", "w1", &job, "it fell silent", "last words\n"};
    struct ledger_note bare = {2, "line_closed", NULL, NULL, "done", NULL};
    assert_int_equal(ledger_next_epoch(ledger, &epoch, NULL), LEDGER_OK);
    assert_int_equal(epoch, 1);
    begin(ledger);
    assert_int_equal(ledger_put_note(ledger, &full, NULL), LEDGER_OK);
    assert_int_equal(ledger_put_note(ledger, &bare, NULL), LEDGER_OK);
    assert_int_equal(ledger_put_fact(ledger, "digest", "first", NULL), LEDGER_OK);
    commit(ledger);
    assert_int_equal(ledger_put_fact(ledger, "digest", "second", NULL), LEDGER_OK);
    ledger_close(&ledger);
    ledger = open_as(*state, LEDGER_WRITE);
    assert_int_equal(ledger_next_epoch(ledger, &epoch, NULL), LEDGER_OK);
    assert_int_equal(epoch, 2);
    assert_int_equal(ledger_get_fact(ledger, "digest", value, sizeof value, NULL), LEDGER_OK);
    assert_string_equal(value, "second");
    assert_int_equal(ledger_get_fact(ledger, "finished", value, sizeof value, NULL), LEDGER_END);
    struct error error = {""};
    assert_int_equal(ledger_get_fact(ledger, "digest", value, 6, &error), LEDGER_FAILED);
    assert_non_null(strstr(error.text, "digest: value: 6 bytes, expected at most 5"));
    ledger_close(&ledger);
}

static void expect_note(struct ledger *ledger, const char *kind, struct job_key wanted,
                        const char *text)
{
    struct job_key job;
    char read[10];
    assert_int_equal(ledger_get_note(ledger, kind, &job, read, sizeof read, NULL), LEDGER_OK);
    assert_string_equal(read, text);
    assert_int_equal(job.line, wanted.line);
    assert_true(job.job == wanted.job);
}

static void the_last_note_of_a_kind_is_found(void **state)
{
    struct ledger *ledger = create(*state);
    struct job_key job = {.line = 1, .job = 2}, final = {.line = 3, .job = JOB_NUMBER_FINAL};
    const struct ledger_note notes[] = {{1, "poison", NULL, &job, "first", NULL},
                                        {2, "poison", NULL, &final, "longer than that", "tail"},
                                        {1, "other", "w", NULL, "short", NULL}};
    begin(ledger);
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
        assert_int_equal(ledger_put_note(ledger, &notes[i], NULL), LEDGER_OK);
    commit(ledger);
    ledger_close(&ledger);
    ledger = open_as(*state, LEDGER_READ);
    expect_note(ledger, "poison", final, "longer th");
    expect_note(ledger, "other", (struct job_key){0}, "short");
    char text[8];
    assert_int_equal(ledger_get_note(ledger, "none", &job, text, sizeof text, NULL), LEDGER_END);
    ledger_close(&ledger);
}

/* ------------------------------------------------------------------------------------ batches */

static void uncommitted_batch_is_gone(void **state)
{
    struct ledger *ledger = create(*state);
    struct commit_record record;
    assert_int_equal(fixture_batch(ledger, 0, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    begin(ledger);
    fixture_record(11, &record);
    assert_int_equal(ledger_put_commit(ledger, &record, NULL), LEDGER_OK);
    ledger_close(&ledger);
    ledger = open_as(*state, LEDGER_WRITE);
    expect_records(ledger, 1, 10);
    ledger_close(&ledger);
}

/* After a failure: the batch is gone, says so, and the next one works. */
static void expect_failed_batch(struct ledger *ledger, const struct commit_record *record,
                                const char *sentence)
{
    struct error error = {""};
    struct commit_record next;
    begin(ledger);
    fixture_record(11, &next);
    assert_int_equal(ledger_put_commit(ledger, &next, NULL), LEDGER_OK);
    assert_int_equal(ledger_put_commit(ledger, record, &error), LEDGER_FAILED);
    assert_non_null(strstr(error.text, sentence));
    assert_int_equal(ledger_put_commit(ledger, &next, &error), LEDGER_FAILED);
    assert_non_null(strstr(error.text, "failed already"));
    assert_int_equal(ledger_commit(ledger, LEDGER_SURVIVES_KILL, NULL), LEDGER_FAILED);
    expect_records(ledger, 1, 10);
    assert_int_equal(fixture_batch(ledger, 10, LEDGER_SURVIVES_KILL, &error), LEDGER_OK);
    expect_records(ledger, 1, 20);
}

static void second_commit_of_a_job_takes_the_batch_back(void **state)
{
    struct ledger *ledger = create(*state);
    assert_int_equal(fixture_batch(ledger, 0, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    struct commit_record twice;
    fixture_record(12, &twice);
    twice.job.key.job = 5;
    expect_failed_batch(ledger, &twice, "commit 12 (line 0, job 5)");
    ledger_close(&ledger);
}

static void sequence_must_rise(void **state)
{
    struct ledger *ledger = create(*state);
    assert_int_equal(fixture_batch(ledger, 0, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    struct commit_record old;
    fixture_record(10, &old);
    old.job.key.line = 1;
    expect_failed_batch(ledger, &old, "record 10 cannot follow record 11");
    ledger_close(&ledger);
    ledger = open_as(*state, LEDGER_WRITE);
    begin(ledger);
    assert_int_equal(ledger_put_commit(ledger, &old, NULL), LEDGER_FAILED);
    ledger_close(&ledger);
}

static void final_job_replaces_the_former_one(void **state)
{
    struct ledger *ledger = create(*state);
    struct commit_record first, second, middle, read;
    fixture_record(1, &first);
    fixture_record(2, &middle);
    fixture_record(3, &second);
    first.job.key = second.job.key = (struct job_key){.line = 9, .job = JOB_NUMBER_FINAL};
    begin(ledger);
    assert_int_equal(ledger_put_commit(ledger, &first, NULL), LEDGER_OK);
    assert_int_equal(ledger_put_commit(ledger, &middle, NULL), LEDGER_OK);
    assert_int_equal(ledger_put_commit(ledger, &second, NULL), LEDGER_OK);
    commit(ledger);
    assert_int_equal(ledger_get_commit(ledger, first.job.key, &read, NULL), LEDGER_OK);
    assert_true(fixture_same(&read, &second));
    struct ledger_record record;
    assert_int_equal(ledger_next(ledger, &record, NULL), LEDGER_OK);
    assert_true(fixture_same(&record.commit, &middle));
    assert_int_equal(ledger_next(ledger, &record, NULL), LEDGER_OK);
    assert_true(fixture_same(&record.commit, &second));
    assert_int_equal(ledger_next(ledger, &record, NULL), LEDGER_END);
    ledger_close(&ledger);
}

static void only_what_must_survive_a_power_cut_is_synced(void **state)
{
    struct ledger *ledger = create(*state);
    /* The first use of a log syncs its header; that is not what is counted here. */
    assert_int_equal(fixture_batch(ledger, 0, LEDGER_SURVIVES_POWER_CUT, NULL), LEDGER_OK);
    log_syncs = 0;
    for (uint64_t last = 10; last < 100; last += 10)
        assert_int_equal(fixture_batch(ledger, last, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    assert_int_equal(log_syncs, 0);
    assert_int_equal(fixture_batch(ledger, 100, LEDGER_SURVIVES_POWER_CUT, NULL), LEDGER_OK);
    assert_int_equal(log_syncs, 1);
    ledger_close(&ledger);
}

struct children_seen {
    struct ledger_child items[64];
    uint32_t count, most;
};

static int take_child(void *context, const struct ledger_child *child, struct error *error)
{
    struct children_seen *seen = context;
    if (seen->count == seen->most)
        return error_set(error, -1, "enough");
    seen->items[seen->count++] = *child;
    return 0;
}

/* The short walk tells the same as the long one; whoever is called may end it, and ask meanwhile.
 */
static void admitted_children_are_listed(void **state)
{
    fixture_ledger(fixture_path(*state, "ledger.sqlite"), 50);
    struct ledger *ledger = open_as(*state, LEDGER_READ);
    struct children_seen seen = {.most = 64};
    const struct ledger_children children = {take_child, &seen};
    struct ledger_record record;
    struct error error = {""};
    uint32_t admitted = 0;
    assert_int_equal(ledger_each_child(ledger, &children, &error), LEDGER_OK);
    while (ledger_next(ledger, &record, &error) == LEDGER_OK) {
        const struct commit_record *commit = &record.commit;
        if (!commit->admitted || digest_is_zero(&commit->child))
            continue;
        assert_true(admitted < seen.count);
        const struct ledger_child *child = &seen.items[admitted++];
        assert_true(job_key_equal(child->job, commit->job.key));
        assert_true(digest_equal(&child->digest, &commit->child));
        assert_true(child->bytes == commit->child_bytes);
    }
    assert_int_equal(admitted, seen.count);
    assert_true(admitted > 2);
    seen = (struct children_seen){.most = 2};
    assert_int_equal(ledger_each_child(ledger, &children, &error), LEDGER_FAILED);
    assert_string_equal(error.text, "enough");
    assert_int_equal(seen.count, 2);
    ledger_close(&ledger);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(header_comes_back),
        WITH_FOLDER(records_come_back_bit_for_bit),
        WITH_FOLDER(inputs_and_commits_share_one_order),
        WITH_FOLDER(one_commit_is_found_by_its_job),
        WITH_FOLDER(details_are_replaced),
        WITH_FOLDER(admitted_children_are_listed),
        WITH_FOLDER(facts_notes_and_epochs_stay),
        WITH_FOLDER(the_last_note_of_a_kind_is_found),
        WITH_FOLDER(uncommitted_batch_is_gone),
        WITH_FOLDER(second_commit_of_a_job_takes_the_batch_back),
        WITH_FOLDER(sequence_must_rise),
        WITH_FOLDER(final_job_replaces_the_former_one),
        WITH_FOLDER(only_what_must_survive_a_power_cut_is_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
