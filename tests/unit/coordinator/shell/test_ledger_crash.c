/*
 * test_ledger_crash.c: the ledger on bad days: kill -9, full disks, damaged files.
 */
#include "ledger_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* Reads all there is and holds it against what was written: how many; -1: something else was read.
 */
static int64_t count_records(struct ledger *ledger)
{
    struct ledger_record record;
    struct commit_record expected;
    int64_t count = 0;
    if (ledger_rewind(ledger, NULL) != LEDGER_OK)
        return -1;
    enum ledger_result result;
    while ((result = ledger_next(ledger, &record, NULL)) == LEDGER_OK) {
        fixture_record((uint64_t)++count, &expected);
        if (record.kind != RECORD_COMMIT || !fixture_same(&record.commit, &expected))
            return -1;
    }
    return result == LEDGER_END ? count : -1;
}

/* ------------------------------------------------------------------------------------ kill -9 */

/* Appends batches for ever and writes a byte into `fd` after each. Returns only on failure. */
static void append_for_ever(const char *path, int fd, uint64_t random)
{
    struct ledger_header header;
    struct ledger *ledger;
    if (ledger_open(path, LEDGER_WRITE, &header, &ledger, NULL) != LEDGER_OK)
        return;
    int64_t last = count_records(ledger);
    for (; last >= 0; last += 10) {
        enum ledger_sync sync =
            fixture_below(&random, 8) == 0 ? LEDGER_SURVIVES_POWER_CUT : LEDGER_SURVIVES_KILL;
        if (fixture_batch(ledger, (uint64_t)last, sync, NULL) != LEDGER_OK ||
            write(fd, ".", 1) != 1)
            return;
    }
}

/* Kills a writer once it has said `patience` times that a batch is committed; returns how many it
 * had said in the end. */
static int64_t kill_a_writer(const char *path, uint32_t patience, uint64_t random)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        append_for_ever(path, ends[1], random);
        _exit(1);
    }
    close(ends[1]);
    char byte;
    int64_t said = 0;
    while (said < patience && read(ends[0], &byte, 1) == 1)
        said++;
    kill(child, SIGKILL);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    while (read(ends[0], &byte, 1) == 1)
        said++;
    close(ends[0]);
    return said;
}

static void killed_writer_leaves_whole_batches(void **state)
{
    const char *path = fixture_path(*state, "ledger.sqlite");
    char kept[512];
    snprintf(kept, sizeof kept, "%s", path);
    fixture_ledger(kept, 0);
    uint64_t random = 1;
    int64_t known = 0;
    for (int round = 0; round < 25; round++) {
        known += 10 * kill_a_writer(kept, fixture_below(&random, 40), random);
        struct ledger *ledger = open_as(kept, LEDGER_READ);
        int64_t found = count_records(ledger);
        ledger_close(&ledger);
        assert_int_equal(found % 10, 0);
        /* One batch more may be there: committed, but the writer could not say so any more. */
        assert_true(found == known || found == known + 10);
        known = found;
    }
}

/* ---------------------------------------------------------------------------------- full disk */

/* Fills up; then expects the last whole batch, and that the ledger goes on once there is room. */
static int fill_up(const char *path, void (*make_room)(const char *path))
{
    struct ledger_header header = fixture_header();
    struct ledger *ledger;
    struct error error = {""};
    if (ledger_open(path, LEDGER_CREATE, &header, &ledger, &error) != LEDGER_OK)
        return 1;
    uint64_t last = 0;
    enum ledger_result result;
    while ((result = fixture_batch(ledger, last, LEDGER_SURVIVES_KILL, &error)) == LEDGER_OK)
        last += 10;
    if (result != LEDGER_FULL || strstr(error.text, "the disk is full") == NULL) {
        fprintf(stderr, "%d: %s\n", (int)result, error.text);
        return 2;
    }
    if (last == 0 || count_records(ledger) != (int64_t)last)
        return 3;
    if (ledger_begin(ledger, NULL) == LEDGER_OK &&
        ledger_commit(ledger, LEDGER_SURVIVES_KILL, NULL) != LEDGER_OK)
        return 4;
    make_room(path);
    if (fixture_batch(ledger, last, LEDGER_SURVIVES_POWER_CUT, NULL) != LEDGER_OK)
        return 5;
    ledger_close(&ledger);
    if (ledger_open(path, LEDGER_READ, &header, &ledger, NULL) != LEDGER_OK)
        return 6;
    int status = count_records(ledger) == (int64_t)last + 10 ? 0 : 7;
    ledger_close(&ledger);
    return status;
}

static void lift_limit(const char *path)
{
    (void)path;
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static int fill_up_under_limit(const struct fixture *fixture)
{
    struct rlimit limit;
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || getrlimit(RLIMIT_FSIZE, &limit) != 0)
        return FIXTURE_CANNOT_TRY;
    limit.rlim_cur = 600000;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return FIXTURE_CANNOT_TRY;
    return fill_up(fixture_path(fixture, "ledger.sqlite"), lift_limit);
}

static void grow_disk(const char *path)
{
    (void)path;
    mount("tmpfs", ".", "tmpfs", MS_REMOUNT, "size=8m");
}

static int fill_up_small_disk(const struct fixture *fixture)
{
    if (fixture_mount(fixture, "size=600k") != 0)
        return FIXTURE_CANNOT_TRY;
    return fill_up("ledger.sqlite", grow_disk);
}

/* No half-made ledger remains, and the same call works when there is room. */
static int be_born_on_a_tiny_disk(const struct fixture *fixture)
{
    struct ledger_header header = fixture_header();
    struct ledger *ledger;
    struct error error;
    if (fixture_mount(fixture, "size=40k") != 0)
        return FIXTURE_CANNOT_TRY;
    if (ledger_open("ledger.sqlite", LEDGER_CREATE, &header, &ledger, &error) != LEDGER_FULL)
        return 1;
    if (access("ledger.sqlite", F_OK) == 0 || access("ledger.sqlite.new", F_OK) == 0)
        return 2;
    grow_disk("ledger.sqlite");
    if (ledger_open("ledger.sqlite", LEDGER_CREATE, &header, &ledger, &error) != LEDGER_OK)
        return 3;
    ledger_close(&ledger);
    return 0;
}

static void file_size_limit_takes_a_batch_back(void **state)
{
    fixture_expect_child(fill_up_under_limit, *state, "limits cannot be changed here");
}

static void full_disk_takes_a_batch_back(void **state)
{
    fixture_expect_child(fill_up_small_disk, *state, "no small disk can be mounted here");
}

static void full_disk_leaves_no_half_ledger(void **state)
{
    fixture_expect_child(be_born_on_a_tiny_disk, *state, "no small disk can be mounted here");
}

/* ------------------------------------------------------------------------------------- damage */

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

/* Writes the image with something wrong at a random place: cut off, bits flipped, a page swept. */
static void store_damaged(const char *path, const struct image *image, uint64_t *random)
{
    char *bytes = malloc(image->count);
    assert_non_null(bytes);
    memcpy(bytes, image->bytes, image->count);
    size_t count = image->count;
    uint32_t kind = fixture_below(random, 4);
    size_t place = fixture_below(random, (uint32_t)count);
    if (kind == 0)
        count = place;
    for (size_t i = 0; i < 16 && kind == 1; i++)
        bytes[fixture_below(random, (uint32_t)count)] ^= (char)(1 + fixture_below(random, 255));
    for (size_t i = place; i < count && i < place + 4096 && kind == 2; i++)
        bytes[i] = (char)fixture_random(random);
    if (kind == 3)
        bytes[place] ^= (char)(1 << fixture_below(random, 8));
    assert_int_equal(os_write_atomic(path, bytes, count, 0644, NULL), 0);
    free(bytes);
}

static void forget(const char *path)
{
    char name[600];
    snprintf(name, sizeof name, "%s-shm", path);
    unlink(name);
    snprintf(name, sizeof name, "%s-wal", path);
    unlink(name);
}

static void expect_valid(const struct commit_record *record)
{
    assert_true(record->job.key.line < LINES_MAX && record->job.key.job <= JOB_NUMBER_FINAL);
    assert_true(record->job.kind == JOB_MUTATE || record->job.kind == JOB_EVALUATE);
    assert_true(record->job.slices <= SLICE_ALL);
    assert_true(record->job.parent_count <= JOB_PARENTS_MAX);
    assert_true(record->job.call.param_count <= OPERATOR_PARAMS_MAX);
    assert_true(record->metric_count <= METRICS_MAX);
    for (uint32_t i = 0; i < record->metric_count; i++)
        assert_non_null(metric_name(record->metrics[i].id));
    assert_non_null(outcome_name(record->outcome));
    assert_true(strlen(record->job.call.name) < sizeof record->job.call.name);
    assert_true(strlen(record->worker) < sizeof record->worker);
    assert_true(strlen(record->host) < sizeof record->host);
}

/* Everything that can be asked of a ledger. Whatever it answers, it answers; a failure has words.
 */
static void use_damaged(const char *path, enum ledger_access access)
{
    struct ledger_header header;
    struct ledger *ledger;
    struct error error = {""};
    if (ledger_open(path, access, &header, &ledger, &error) != LEDGER_OK) {
        assert_true(strlen(error.text) > strlen(path));
        return;
    }
    struct ledger_record record;
    uint64_t last = 0;
    enum ledger_result result;
    while ((result = ledger_next(ledger, &record, &error)) == LEDGER_OK) {
        uint64_t sequence =
            record.kind == RECORD_COMMIT ? record.commit.sequence : record.input.sequence;
        assert_true(sequence > last);
        last = sequence;
        if (record.kind == RECORD_COMMIT)
            expect_valid(&record.commit);
    }
    assert_true(result == LEDGER_END || strlen(error.text) > strlen(path));
    char value[64];
    uint8_t detail[DETAIL_BYTES_MAX];
    uint32_t bytes;
    struct job_key job = {.line = 0, .job = 150};
    if (ledger_get_commit(ledger, job, &record.commit, &error) == LEDGER_OK)
        expect_valid(&record.commit);
    (void)ledger_get_detail(ledger, job, detail, &bytes, &error);
    (void)ledger_get_fact(ledger, "digest", value, sizeof value, &error);
    if (access == LEDGER_WRITE && last < INT64_MAX - 10)
        (void)fixture_batch(ledger, last, LEDGER_SURVIVES_KILL, &error);
    ledger_close(&ledger);
}

static void damaged_file_gives_an_error_or_valid_records(void **state)
{
    char whole[512], damaged[512];
    snprintf(whole, sizeof whole, "%s", fixture_path(*state, "whole.sqlite"));
    snprintf(damaged, sizeof damaged, "%s", fixture_path(*state, "damaged.sqlite"));
    fixture_ledger(whole, 300);
    struct image image = load(whole);
    uint64_t random = 2;
    for (int round = 0; round < 200; round++) {
        store_damaged(damaged, &image, &random);
        use_damaged(damaged, LEDGER_READ);
        use_damaged(damaged, LEDGER_WRITE);
        forget(damaged);
    }
    free(image.bytes);
}

static void damaged_log_gives_whole_batches(void **state)
{
    char path[512], log[600];
    snprintf(path, sizeof path, "%s", fixture_path(*state, "ledger.sqlite"));
    snprintf(log, sizeof log, "%s-wal", path);
    fixture_ledger(path, 50);
    struct ledger *ledger = open_as(path, LEDGER_WRITE);
    for (uint64_t last = 50; last < 200; last += 10)
        assert_int_equal(fixture_batch(ledger, last, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    struct image file = load(path), image = load(log);
    ledger_close(&ledger);
    uint64_t random = 3;
    for (int round = 0; round < 100; round++) {
        assert_int_equal(os_write_atomic(path, file.bytes, file.count, 0644, NULL), 0);
        store_damaged(log, &image, &random);
        ledger = open_as(path, LEDGER_READ);
        int64_t found = count_records(ledger);
        ledger_close(&ledger);
        assert_true(found >= 50 && found <= 200 && found % 10 == 0);
        forget(path);
    }
    free(file.bytes);
    free(image.bytes);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(killed_writer_leaves_whole_batches),
        WITH_FOLDER(file_size_limit_takes_a_batch_back),
        WITH_FOLDER(full_disk_takes_a_batch_back),
        WITH_FOLDER(full_disk_leaves_no_half_ledger),
        WITH_FOLDER(damaged_file_gives_an_error_or_valid_records),
        WITH_FOLDER(damaged_log_gives_whole_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
