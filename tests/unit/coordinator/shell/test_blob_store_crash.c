/*
 * test_blob_store_crash.c: the blob store on bad days: kill -9 and full disks.
 */
#include "ledger_fixture.h"

#include "coordinator/shell/blob_store.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct blob_store *open_store(const struct fixture *fixture, uint64_t bytes_max)
{
    struct blob_store *store;
    struct error error;
    if (blob_store_open(fixture_path(fixture, "blobs"), bytes_max, &store, &error) != BLOB_OK)
        fail_msg("%s", error.text);
    return store;
}

static int count_temporary(const struct fixture *fixture)
{
    DIR *folder = opendir(fixture_path(fixture, "blobs"));
    assert_non_null(folder);
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += strncmp(entry->d_name, "tmp-", 4) == 0;
    closedir(folder);
    return count;
}

/* Writes blobs of up to 64 KiB for ever, saying after each that it is there. */
static void write_for_ever(const struct fixture *fixture, int fd)
{
    struct blob_store *store;
    uint64_t random = (uint64_t)getpid();
    static uint64_t bytes[8192];
    if (blob_store_open(fixture_path(fixture, "blobs"), UINT64_MAX, &store, NULL) != BLOB_OK)
        return;
    for (;;) {
        size_t count = fixture_below(&random, sizeof bytes);
        for (size_t i = 0; i < count / 8 + 1 && i < 8192; i++)
            bytes[i] = fixture_random(&random);
        struct digest digest;
        if (blob_store_put(store, bytes, count, &digest, NULL) != BLOB_OK ||
            write(fd, digest.bytes, DIGEST_BYTES) != DIGEST_BYTES)
            return;
    }
}

static void expect_there(struct blob_store *store, int fd)
{
    struct digest digest;
    while (read(fd, digest.bytes, DIGEST_BYTES) == DIGEST_BYTES)
        assert_true(blob_store_has(store, &digest));
}

static bool verify_one(const void *context, const struct digest *digest)
{
    struct blob_store *store = *(struct blob_store *const *)context;
    assert_int_equal(blob_store_verify(store, digest, NULL), BLOB_OK);
    return true;
}

static void killed_writer_leaves_whole_blobs(void **state)
{
    uint64_t random = 5;
    for (int round = 0; round < 15; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(ends[0]);
            write_for_ever(*state, ends[1]);
            _exit(1);
        }
        close(ends[1]);
        char piece[DIGEST_BYTES];
        for (uint32_t i = fixture_below(&random, 20); i > 0; i--)
            assert_int_equal(read(ends[0], piece, sizeof piece), sizeof piece);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        struct blob_store *store = open_store(*state, UINT64_MAX);
        expect_there(store, ends[0]);
        assert_int_equal(blob_store_sweep(store, verify_one, &store), 0);
        assert_int_equal(count_temporary(*state), 0);
        blob_store_close(&store);
        close(ends[0]);
    }
}

/* ---------------------------------------------------------------------------------- full disk */

/* Fills the disk; then expects BLOB_FULL with nothing left behind, and that removing makes room. */
static int fill_up(const struct fixture *fixture)
{
    struct blob_store *store;
    static char bytes[100000];
    struct digest digest, first = {{0}};
    struct error error = {""};
    if (blob_store_open(fixture_path(fixture, "blobs"), UINT64_MAX, &store, &error) != BLOB_OK)
        return 1;
    enum blob_result result = BLOB_OK;
    for (int i = 0; i < 100 && result == BLOB_OK; i++) {
        bytes[0] = (char)i;
        result = blob_store_put(store, bytes, sizeof bytes, &digest, &error);
        if (i == 0)
            first = digest;
    }
    if (result != BLOB_FULL || blob_store_count(store) == 0 || count_temporary(fixture) != 0)
        return 2;
    if (blob_store_has(store, &digest) || strlen(error.text) == 0)
        return 3;
    if (blob_store_remove(store, &first, NULL) != BLOB_OK ||
        blob_store_put(store, bytes, sizeof bytes, &digest, NULL) != BLOB_OK)
        return 4;
    blob_store_close(&store);
    return 0;
}

static int fill_up_small_disk(const struct fixture *fixture)
{
    return fixture_mount(fixture, "size=1m") == 0 ? fill_up(fixture) : FIXTURE_CANNOT_TRY;
}

static int write_under_limit(const struct fixture *fixture)
{
    struct rlimit limit = {50000, 50000};
    struct blob_store *store;
    static char bytes[100000];
    struct digest digest;
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return FIXTURE_CANNOT_TRY;
    if (blob_store_open(fixture_path(fixture, "blobs"), UINT64_MAX, &store, NULL) != BLOB_OK)
        return 1;
    if (blob_store_put(store, bytes, sizeof bytes, &digest, NULL) != BLOB_FULL)
        return 2;
    if (count_temporary(fixture) != 0 || blob_store_bytes(store) != 0)
        return 3;
    blob_store_close(&store);
    return 0;
}

static void full_disk_leaves_nothing_behind(void **state)
{
    fixture_expect_child(fill_up_small_disk, *state, "no small disk can be mounted here");
}

static void file_size_limit_leaves_nothing_behind(void **state)
{
    fixture_expect_child(write_under_limit, *state, "limits cannot be changed here");
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(killed_writer_leaves_whole_blobs),
        WITH_FOLDER(full_disk_leaves_nothing_behind),
        WITH_FOLDER(file_size_limit_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
