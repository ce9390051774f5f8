/* test_blob_store_uncache.c: blobs of a flood go to the disk and out of memory, and no others. */
#include "coordinator/shell/blob_store.h"
#include "ledger_fixture.h"

#include <fcntl.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { MIB = 1 << 20, FLOOD = 16, MORE = 20, REST = 64, PATIENCE_S = 60 };

/* What the store's thread asks of the kernel ends up here. */
static sem_t given_back;
static int waited_for = -1; /* the descriptor whose bytes the disk has */
static bool too_early;

__attribute__((visibility("default"))) int sync_file_range(int fd, off_t offset, off_t count,
                                                           unsigned flags)
{
    if ((flags & SYNC_FILE_RANGE_WAIT_AFTER) != 0)
        waited_for = fd;
    return (int)syscall(SYS_sync_file_range, fd, offset, count, flags);
}

__attribute__((visibility("default"))) int posix_fadvise(int fd, off_t offset, off_t count,
                                                         int advice)
{
    too_early |= fd != waited_for || advice != POSIX_FADV_DONTNEED;
    int result = (int)syscall(SYS_fadvise64, fd, offset, count, advice);
    sem_post(&given_back);
    return result;
}

static void expect_given_back(int count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    for (int i = 0; i < count; i++)
        assert_int_equal(sem_timedwait(&given_back, &until), 0);
    assert_false(too_early);
}

static struct digest put_number(struct blob_store *store, uint32_t number)
{
    static uint8_t block[MIB];
    struct digest digest;
    struct error error = {""};
    memcpy(block, &number, sizeof number);
    if (blob_store_put(store, block, sizeof block, &digest, &error) != BLOB_OK)
        fail_msg("%s", error.text);
    return digest;
}

static void gives_back_what_comes_in_a_flood(void **state)
{
    struct blob_store *store;
    struct digest digests[FLOOD + MORE];
    struct error error = {""};
    sem_init(&given_back, 0, 0);
    assert_int_equal(blob_store_open(fixture_path(*state, "blobs"), UINT64_MAX, &store, &error),
                     BLOB_OK);
    for (uint32_t i = 0; i < FLOOD + MORE; i++)
        digests[i] = put_number(store, i);
    expect_given_back(MORE);
    assert_int_equal(sem_trywait(&given_back), -1); /* not those before the flood */
    for (uint32_t i = 0; i < FLOOD + MORE; i++)
        assert_int_equal(blob_store_verify(store, &digests[i], &error), BLOB_OK);

    /* What the other thread is at still counts, so that the rest begins anew; then it ends. */
    assert_int_equal(blob_store_sync_soon(store, &error), BLOB_BUSY);
    put_number(store, 100);
    for (uint32_t i = 1; i < REST; i++) {
        if (i % (FLOOD / 2) == 1)
            assert_int_equal(blob_store_sync(store, &error), BLOB_OK);
        put_number(store, 100 + i);
    }
    expect_given_back(REST);
    put_number(store, 100 + REST);
    blob_store_close(&store);
    assert_int_equal(sem_trywait(&given_back), -1);
    sem_destroy(&given_back);
}

/* A blob that is gone before the thread comes to it is in nobody's way, nor is one that waits. */
static void bears_removal_and_closing(void **state)
{
    struct blob_store *store;
    struct error error = {""};
    sem_init(&given_back, 0, 0);
    assert_int_equal(blob_store_open(fixture_path(*state, "blobs"), UINT64_MAX, &store, &error),
                     BLOB_OK);
    for (uint32_t i = 0; i < FLOOD + MORE; i++) {
        struct digest digest = put_number(store, i);
        if (i % 2 == 1)
            assert_int_equal(blob_store_remove(store, &digest, &error), BLOB_OK);
    }
    blob_store_close(&store);
    assert_int_equal(blob_store_open(fixture_path(*state, "blobs"), UINT64_MAX, &store, &error),
                     BLOB_OK);
    assert_int_equal(blob_store_count(store), (FLOOD + MORE) / 2);
    blob_store_close(&store);
    sem_destroy(&given_back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gives_back_what_comes_in_a_flood, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(bears_removal_and_closing, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
