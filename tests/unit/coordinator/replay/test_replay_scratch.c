/* test_replay_scratch.c: a run's blobs are verified and left alone; the scratch folder goes. */
#include "replay_fixture.h"

#include "common/os_signal.h"
#include "coordinator/replay/replay_scratch.h"
#include "proto/slot_folder.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void open_scratch(struct replay_scratch *scratch)
{
    struct error error = {0};
    if (replay_scratch_open(scratch, &error) != 0)
        fail_msg("%s", error.text);
}

static void expect_blob(const struct replay_scratch *scratch, const struct digest *digest,
                        const char *text)
{
    uint8_t *bytes;
    size_t count;
    assert_int_equal(replay_scratch_read(scratch, digest, &bytes, &count, NULL), 0);
    assert_int_equal(count, strlen(text));
    assert_memory_equal(bytes, text, count);
    free(bytes);
}

static void test_the_folder_comes_and_goes(void **state)
{
    const struct replay_fixture *fixture = *state;
    struct replay_scratch scratch;
    struct stat status;
    open_scratch(&scratch);
    assert_int_equal(strncmp(scratch.path, fixture->folder, strlen(fixture->folder)), 0);
    assert_int_equal(stat(scratch.path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(faccessat(scratch.folder, "incoming/slot-0", W_OK, 0), 0);
    replay_scratch_close(&scratch);
    assert_int_equal(stat(scratch.path, &status), -1);
    assert_int_equal(replay_fixture_count(fixture->folder), 1);
    setenv("TMPDIR", "/nowhere/at/all", 1);
    struct error error = {0};
    assert_int_equal(replay_scratch_open(&scratch, &error), -1);
    assert_non_null(strstr(error.text, "/nowhere/at/all"));
    setenv("TMPDIR", fixture->folder, 1);
}

static void test_whole_blobs_are_brought(void **state)
{
    const struct replay_fixture *fixture = *state;
    struct replay_scratch scratch;
    struct digest digest = replay_fixture_blob(fixture, "weights"), empty;
    open_scratch(&scratch);
    assert_int_equal(replay_scratch_bring(&scratch, fixture->run, &digest, NULL), RUN_BLOB_WHOLE);
    expect_blob(&scratch, &digest, "weights");
    /* From now on the run is not asked. */
    replay_fixture_damage(fixture, &digest, "nothing");
    assert_int_equal(replay_scratch_bring(&scratch, fixture->run, &digest, NULL), RUN_BLOB_WHOLE);
    replay_scratch_drop(&scratch, &digest);
    assert_int_equal(replay_scratch_bring(&scratch, fixture->run, &digest, NULL), RUN_BLOB_DAMAGED);
    empty = replay_fixture_blob(fixture, "");
    assert_int_equal(replay_scratch_bring(&scratch, fixture->run, &empty, NULL), RUN_BLOB_WHOLE);
    expect_blob(&scratch, &empty, "");
    replay_scratch_close(&scratch);
}

static void test_what_is_no_blob_is_not_brought(void **state)
{
    const struct replay_fixture *fixture = *state;
    struct replay_scratch scratch;
    struct digest digest = digest_of("weights", 7);
    struct error error = {0};
    char hex[DIGEST_HEX_BYTES], path[512];
    uint8_t *bytes;
    size_t count;
    open_scratch(&scratch);
    assert_int_equal(replay_scratch_bring(&scratch, fixture->run, &digest, &error),
                     RUN_BLOB_ABSENT);
    assert_non_null(strstr(error.text, "No such file"));
    replay_fixture_damage(fixture, &digest, "weight5");
    assert_int_equal(replay_scratch_bring(&scratch, fixture->run, &digest, &error),
                     RUN_BLOB_DAMAGED);
    assert_non_null(strstr(error.text, "do not hash to its name"));
    assert_int_equal(run_blob_read(fixture->run, &digest, &bytes, &count, &error),
                     RUN_BLOB_DAMAGED);
    digest_to_hex(&digest, hex);
    snprintf(path, sizeof path, "%s/blobs/%.2s/%s", fixture->run, hex, hex + 2);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(replay_scratch_bring(&scratch, fixture->run, &digest, &error),
                     RUN_BLOB_DAMAGED);
    rmdir(path);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody waits for a writer */
    assert_int_equal(run_blob_read(fixture->run, &digest, &bytes, &count, &error),
                     RUN_BLOB_DAMAGED);
    /* Nothing of all that is left in the slot's folder. */
    char name[SLOT_FOLDER_NAME_BYTES];
    slot_folder_blob(&digest, name);
    assert_int_equal(faccessat(scratch.folder, name, F_OK, 0), -1);
    assert_int_equal(faccessat(scratch.folder, "incoming/blob", F_OK, 0), -1);
    replay_scratch_close(&scratch);
}

static void test_blobs_are_read_whole(void **state)
{
    const struct replay_fixture *fixture = *state;
    struct digest digest = replay_fixture_blob(fixture, "weights");
    uint8_t *bytes;
    size_t count;
    assert_int_equal(run_blob_read(fixture->run, &digest, &bytes, &count, NULL), RUN_BLOB_WHOLE);
    assert_int_equal(count, 7);
    assert_memory_equal(bytes, "weights", 7);
    free(bytes);
}

static void write_child(const struct replay_scratch *scratch, const struct digest *digest,
                        const char *text)
{
    char name[SLOT_FOLDER_NAME_BYTES], path[OS_PATH_BYTES_MAX];
    slot_folder_child(0, digest, name);
    assert_int_equal(os_path_join(path, sizeof path, scratch->path, name, NULL), 0);
    assert_int_equal(os_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static void test_children_are_held_against_their_names(void **state)
{
    struct replay_scratch scratch;
    struct digest digest = digest_of("child", 5);
    struct error error = {0};
    (void)state;
    open_scratch(&scratch);
    assert_int_equal(replay_scratch_adopt(&scratch, &digest, 5, &error), -1);
    write_child(&scratch, &digest, "chi1d");
    assert_int_equal(replay_scratch_adopt(&scratch, &digest, 5, &error), -1);
    assert_non_null(strstr(error.text, "another checkpoint than it said"));
    write_child(&scratch, &digest, "child");
    assert_int_equal(replay_scratch_adopt(&scratch, &digest, 6, &error), -1);
    assert_int_equal(replay_scratch_adopt(&scratch, &digest, 5, &error), 0);
    expect_blob(&scratch, &digest, "child");
    replay_scratch_close(&scratch);
}

static void test_a_signal_ends_the_copying(void **state)
{
    const struct replay_fixture *fixture = *state;
    struct replay_scratch scratch;
    struct digest digest = replay_fixture_blob(fixture, "weights");
    sigset_t stops;
    int got;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigprocmask(SIG_BLOCK, &stops, NULL);
    open_scratch(&scratch);
    assert_int_equal(signal_stop_waiting(), 0);
    raise(SIGTERM);
    assert_int_equal(signal_stop_waiting(), SIGTERM);
    assert_int_equal(replay_scratch_bring(&scratch, fixture->run, &digest, NULL), RUN_BLOB_FAILED);
    replay_scratch_close(&scratch);
    assert_int_equal(sigwait(&stops, &got), 0);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, replay_fixture_setup, replay_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_folder_comes_and_goes),      TEST(test_whole_blobs_are_brought),
        TEST(test_what_is_no_blob_is_not_brought), TEST(test_children_are_held_against_their_names),
        TEST(test_blobs_are_read_whole),           TEST(test_a_signal_ends_the_copying),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
