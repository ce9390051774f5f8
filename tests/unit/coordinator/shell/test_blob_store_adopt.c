/* test_blob_store_adopt.c: files of other programs that become blobs, or go. */
#include "ledger_fixture.h"

#include "coordinator/shell/blob_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LARGE = 3 * 1024 * 1024 + 5 }; /* more than is read at a time */

static struct blob_store *open_store(const struct fixture *fixture, uint64_t bytes_max)
{
    struct blob_store *store;
    struct error error = {""};
    if (blob_store_open(fixture_path(fixture, "blobs"), bytes_max, &store, &error) != BLOB_OK)
        fail_msg("%s", error.text);
    return store;
}

static void stage(struct blob_store *store, char path[OS_PATH_BYTES_MAX], const char *bytes,
                  size_t count)
{
    struct error error = {""};
    assert_int_equal(blob_store_staging(store, path, OS_PATH_BYTES_MAX, &error), BLOB_OK);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(os_write_atomic(path, bytes, count, 0600, NULL), 0);
}

static void a_file_becomes_a_blob(void **state)
{
    struct blob_store *store = open_store(*state, UINT64_MAX);
    char path[OS_PATH_BYTES_MAX], *bytes = malloc(LARGE), *again = malloc(LARGE);
    struct error error = {""};
    size_t count;
    uint64_t total;
    assert_true(bytes != NULL && again != NULL);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)(i * i >> 7);
    struct digest digest = digest_of(bytes, LARGE);
    stage(store, path, bytes, LARGE);
    if (blob_store_adopt(store, path, &digest, &error) != BLOB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(blob_store_has(store, &digest));
    assert_true(blob_store_bytes(store) == LARGE && blob_store_count(store) == 1);
    assert_int_equal(blob_store_read(store, &digest, 0, again, LARGE, &count, &total, &error),
                     BLOB_OK);
    assert_true(count == LARGE && memcmp(bytes, again, LARGE) == 0);
    assert_int_equal(blob_store_sync(store, &error), BLOB_OK);
    /* What is there already is no second blob. */
    stage(store, path, bytes, LARGE);
    assert_int_equal(blob_store_adopt(store, path, &digest, &error), BLOB_OK);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(blob_store_bytes(store) == LARGE);
    blob_store_close(&store);
    free(bytes);
    free(again);
}

static void other_bytes_go(void **state)
{
    struct blob_store *store = open_store(*state, UINT64_MAX);
    char path[OS_PATH_BYTES_MAX];
    struct digest digest = digest_of("abc", 3);
    stage(store, path, "abd", 3);
    assert_int_equal(blob_store_adopt(store, path, &digest, NULL), BLOB_CORRUPT);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(blob_store_count(store) == 0 && blob_store_bytes(store) == 0);
    blob_store_close(&store);
}

static void there_must_be_room(void **state)
{
    struct blob_store *store = open_store(*state, 5);
    char path[OS_PATH_BYTES_MAX];
    struct digest digest = digest_of("abcdef", 6), small = digest_of("abcde", 5);
    struct error error = {""};
    stage(store, path, "abcdef", 6);
    assert_int_equal(blob_store_adopt(store, path, &digest, &error), BLOB_FULL);
    assert_non_null(strstr(error.text, "disk_max"));
    assert_int_equal(access(path, F_OK), -1);
    stage(store, path, "abcde", 5); /* the refused one left no trace in the count */
    assert_int_equal(blob_store_adopt(store, path, &small, &error), BLOB_OK);
    blob_store_close(&store);
}

static void a_file_that_is_none(void **state)
{
    struct blob_store *store = open_store(*state, UINT64_MAX);
    char path[OS_PATH_BYTES_MAX];
    struct digest digest = digest_of("abc", 3);
    assert_int_equal(blob_store_staging(store, path, sizeof path, NULL), BLOB_OK);
    assert_int_equal(blob_store_adopt(store, path, &digest, NULL), BLOB_FAILED);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(blob_store_adopt(store, path, &digest, NULL), BLOB_FAILED);
    assert_int_equal(access("/etc/passwd", F_OK), 0);
    blob_store_close(&store);
}

/* Also the unfinished file of a program that writes atomically. */
static void what_was_not_adopted_goes_with_the_next_opening(void **state)
{
    struct blob_store *store = open_store(*state, UINT64_MAX);
    char path[OS_PATH_BYTES_MAX], hidden[OS_PATH_BYTES_MAX];
    stage(store, path, "abc", 3);
    char *name = strrchr(path, '/') + 1;
    snprintf(hidden, sizeof hidden, "%.*s.%.40s.tmp-Ab12", (int)(name - path), path, name);
    assert_int_equal(os_write_atomic(hidden, "ab", 2, 0600, NULL), 0);
    blob_store_close(&store);
    store = open_store(*state, UINT64_MAX);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(hidden, F_OK), -1);
    blob_store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_becomes_a_blob, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(other_bytes_go, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(there_must_be_room, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_none, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(what_was_not_adopted_goes_with_the_next_opening,
                                        fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
