/*
 * test_blob_store.c: blobs are whole or absent, counted right, and never outside their folder.
 */
#include "ledger_fixture.h"

#include "coordinator/shell/blob_store.h"
#include "coordinator/shell/blob_store_index.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* How often something was made durable: the store's calls end up here. */
static int file_syncs, folder_syncs, system_syncs;

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    file_syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
    folder_syncs++;
    return (int)syscall(SYS_fsync, fd);
}

__attribute__((visibility("default"))) int syncfs(int fd)
{
    system_syncs++;
    return (int)syscall(SYS_syncfs, fd);
}

static struct blob_store *open_store(const struct fixture *fixture, uint64_t bytes_max)
{
    struct blob_store *store;
    struct error error;
    if (blob_store_open(fixture_path(fixture, "blobs"), bytes_max, &store, &error) != BLOB_OK)
        fail_msg("%s", error.text);
    return store;
}

static struct digest put_text(struct blob_store *store, const char *text)
{
    struct digest digest;
    assert_int_equal(blob_store_put(store, text, strlen(text), &digest, NULL), BLOB_OK);
    return digest;
}

/* Where the blob lies. */
static const char *path_of(const struct fixture *fixture, const struct digest *digest)
{
    char hex[DIGEST_HEX_BYTES], name[128];
    digest_to_hex(digest, hex);
    snprintf(name, sizeof name, "blobs/%.2s/%s", hex, hex + 2);
    return fixture_path(fixture, name);
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

static enum blob_result read_all(struct blob_store *store, const struct digest *digest, char *bytes,
                                 size_t size, size_t *count)
{
    uint64_t total;
    return blob_store_read(store, digest, 0, bytes, size, count, &total, NULL);
}

/* ------------------------------------------------------------------------------- put and read */

static void blobs_come_back_also_after_reopening(void **state)
{
    struct blob_store *store = open_store(*state, UINT64_MAX);
    char text[64], read[64];
    size_t count;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 300; i++) {
            snprintf(text, sizeof text, "blob %d", i);
            struct digest digest = digest_of(text, strlen(text)), put;
            assert_int_equal(blob_store_has(store, &digest), round > 0);
            assert_int_equal(blob_store_put(store, text, strlen(text), &put, NULL), BLOB_OK);
            assert_true(digest_equal(&digest, &put));
            assert_true(blob_store_has(store, &digest));
            assert_int_equal(read_all(store, &digest, read, sizeof read, &count), BLOB_OK);
            assert_int_equal(count, strlen(text));
            assert_memory_equal(read, text, count);
            assert_int_equal(blob_store_verify(store, &digest, NULL), BLOB_OK);
        }
        assert_int_equal(blob_store_count(store), 300);
        assert_int_equal(blob_store_bytes(store), 10 * 6 + 90 * 7 + 200 * 8);
        blob_store_close(&store);
        store = open_store(*state, UINT64_MAX);
    }
    blob_store_close(&store);
    assert_null(store);
}

static void reading_in_pieces(void **state)
{
    struct blob_store *store = open_store(*state, UINT64_MAX);
    struct digest digest = put_text(store, "0123456789"), none = {{1}};
    char bytes[8];
    size_t count;
    uint64_t total;
    assert_int_equal(blob_store_read(store, &digest, 3, bytes, 4, &count, &total, NULL), BLOB_OK);
    assert_int_equal(count, 4);
    assert_int_equal(total, 10);
    assert_memory_equal(bytes, "3456", 4);
    assert_int_equal(blob_store_read(store, &digest, 8, bytes, 8, &count, &total, NULL), BLOB_OK);
    assert_int_equal(count, 2);
    assert_int_equal(blob_store_read(store, &digest, 10, bytes, 8, &count, &total, NULL), BLOB_OK);
    assert_int_equal(count, 0);
    assert_int_equal(blob_store_read(store, &digest, UINT64_MAX, bytes, 8, &count, &total, NULL),
                     BLOB_OK);
    assert_int_equal(count, 0);
    assert_int_equal(blob_store_read(store, &none, 0, bytes, 8, &count, &total, NULL), BLOB_ABSENT);
    struct digest empty = put_text(store, "");
    assert_int_equal(read_all(store, &empty, bytes, 8, &count), BLOB_OK);
    assert_int_equal(count, 0);
    blob_store_close(&store);
    store = open_store(*state, UINT64_MAX);
    assert_true(blob_store_has(store, &empty));
    blob_store_close(&store);
}

/* ------------------------------------------------------------------------------------ writers */

static void writer_publishes_what_was_expected(void **state)
{
    struct blob_store *store = open_store(*state, UINT64_MAX);
    struct digest digest = digest_of("one two", 7), other = digest_of("x", 1);
    struct blob_writer *writer, *second;
    struct error error = {""};
    char hex[DIGEST_HEX_BYTES];
    assert_int_equal(blob_writer_open(store, &writer, NULL), BLOB_OK);
    assert_int_equal(blob_writer_open(store, &second, NULL), BLOB_OK);
    assert_int_equal(blob_writer_append(writer, "one ", 4, NULL), BLOB_OK);
    assert_int_equal(blob_writer_append(second, "one two", 7, NULL), BLOB_OK);
    assert_int_equal(blob_writer_append(writer, "two", 3, NULL), BLOB_OK);
    assert_false(blob_store_has(store, &digest));
    assert_int_equal(blob_writer_publish(&writer, &digest, NULL), BLOB_OK);
    assert_null(writer);
    assert_true(blob_store_has(store, &digest));
    /* The same blob from somebody else is welcome, and counts once. */
    assert_int_equal(blob_writer_publish(&second, &digest, NULL), BLOB_OK);
    assert_int_equal(blob_store_bytes(store), 7);
    assert_int_equal(blob_writer_open(store, &writer, NULL), BLOB_OK);
    assert_int_equal(blob_writer_append(writer, "y", 1, NULL), BLOB_OK);
    assert_int_equal(blob_writer_publish(&writer, &other, &error), BLOB_CORRUPT);
    assert_null(writer);
    digest_to_hex(&other, hex);
    assert_non_null(strstr(error.text, hex));
    assert_false(blob_store_has(store, &other));
    assert_int_equal(blob_writer_open(store, &writer, NULL), BLOB_OK);
    blob_writer_abandon(&writer);
    assert_null(writer);
    assert_int_equal(count_temporary(*state), 0);
    blob_store_close(&store);
}

static void limit_counts_what_is_coming(void **state)
{
    struct blob_store *store = open_store(*state, 10);
    struct blob_writer *first, *second;
    struct digest digest;
    struct error error = {""};
    assert_int_equal(blob_writer_open(store, &first, NULL), BLOB_OK);
    assert_int_equal(blob_writer_open(store, &second, NULL), BLOB_OK);
    assert_int_equal(blob_writer_append(first, "123456", 6, NULL), BLOB_OK);
    assert_int_equal(blob_writer_append(second, "12345", 5, &error), BLOB_FULL);
    assert_non_null(strstr(error.text, "disk_max"));
    assert_int_equal(blob_writer_append(second, "1234", 4, NULL), BLOB_OK);
    assert_int_equal(blob_store_put(store, "x", 1, &digest, NULL), BLOB_FULL);
    blob_writer_abandon(&first);
    assert_int_equal(blob_store_put(store, "654321", 6, &digest, NULL), BLOB_OK);
    assert_int_equal(blob_store_put(store, "654321", 6, &digest, NULL), BLOB_OK);
    blob_writer_abandon(&second);
    assert_int_equal(blob_store_bytes(store), 6);
    assert_int_equal(blob_store_put(store, "12345", 5, &digest, NULL), BLOB_FULL);
    assert_int_equal(blob_store_put(store, "1234", 4, &digest, NULL), BLOB_OK);
    assert_int_equal(count_temporary(*state), 0);
    blob_store_close(&store);
    /* A smaller limit than what is there: nothing more comes in, nothing is lost. */
    store = open_store(*state, 3);
    assert_int_equal(blob_store_put(store, "", 0, &digest, NULL), BLOB_FULL);
    assert_int_equal(blob_store_count(store), 2);
    blob_store_close(&store);
}

/* ------------------------------------------------------------------------------------ removal */

static bool keep_even(const void *context, const struct digest *digest)
{
    (void)context;
    return digest->bytes[31] % 2 == 0;
}

static void removing_and_sweeping(void **state)
{
    struct blob_store *store = open_store(*state, UINT64_MAX);
    char text[32];
    struct digest digests[1000];
    uint64_t even = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "%d", i);
        digests[i] = put_text(store, text);
        even += keep_even(NULL, &digests[i]);
    }
    assert_int_equal(blob_store_sweep(store, keep_even, NULL), 1000 - even);
    assert_int_equal(blob_store_count(store), even);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000; i++)
            assert_int_equal(blob_store_has(store, &digests[i]), keep_even(NULL, &digests[i]));
        blob_store_close(&store);
        store = open_store(*state, UINT64_MAX);
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(blob_store_remove(store, &digests[i], NULL),
                         keep_even(NULL, &digests[i]) ? BLOB_OK : BLOB_ABSENT);
    assert_int_equal(blob_store_bytes(store), 0);
    assert_int_equal(blob_store_count(store), 0);
    blob_store_close(&store);
}

/* The index against a plain array, with digests that collide on purpose. */
static void index_agrees_with_a_plain_list(void **state)
{
    (void)state;
    struct blob_index index = {0};
    bool present[256] = {false};
    uint64_t random = 4, bytes = 0;
    for (int step = 0; step < 100000; step++) {
        uint32_t choice = fixture_below(&random, 256);
        struct digest digest = {{(uint8_t)(choice % 8)}};
        digest.bytes[20] = (uint8_t)choice;
        assert_int_equal(blob_index_find(&index, &digest) != NULL, present[choice]);
        if (present[choice]) {
            blob_index_remove(&index, &digest);
            bytes -= choice;
        } else {
            assert_int_equal(blob_index_reserve(&index), 0);
            blob_index_insert(&index, &digest, choice);
            bytes += choice;
        }
        present[choice] = !present[choice];
        assert_int_equal(index.bytes, bytes);
    }
    blob_index_fini(&index);
}

/* ------------------------------------------------------------------------------------- damage */

static void overwrite(const char *path, const char *bytes, size_t count)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0644);
    assert_true(fd >= 0 && write(fd, bytes, count) == (ssize_t)count && close(fd) == 0);
}

static void damage_is_noticed(void **state)
{
    struct blob_store *store = open_store(*state, UINT64_MAX);
    struct digest digest = put_text(store, "0123456789");
    char bytes[16];
    size_t count;
    uint64_t total;
    overwrite(path_of(*state, &digest), "0123456780", 10);
    assert_int_equal(read_all(store, &digest, bytes, sizeof bytes, &count), BLOB_CORRUPT);
    assert_int_equal(count, 0);
    assert_int_equal(blob_store_verify(store, &digest, NULL), BLOB_CORRUPT);
    overwrite(path_of(*state, &digest), "012", 3);
    assert_int_equal(blob_store_read(store, &digest, 1, bytes, 2, &count, &total, NULL),
                     BLOB_CORRUPT);
    assert_int_equal(unlink(path_of(*state, &digest)), 0);
    assert_int_equal(read_all(store, &digest, bytes, sizeof bytes, &count), BLOB_ABSENT);
    assert_int_equal(blob_store_verify(store, &digest, NULL), BLOB_ABSENT);
    assert_int_equal(blob_store_remove(store, &digest, NULL), BLOB_OK);
    digest = put_text(store, "0123456789");
    assert_int_equal(blob_store_verify(store, &digest, NULL), BLOB_OK);
    blob_store_close(&store);
    /* What a power cut makes of a blob that was not synced. */
    overwrite(path_of(*state, &digest), "", 0);
    store = open_store(*state, UINT64_MAX);
    assert_false(blob_store_has(store, &digest));
    blob_store_close(&store);
}

static void links_are_not_followed(void **state)
{
    struct blob_store *store = open_store(*state, UINT64_MAX);
    struct digest digest = digest_of("outside", 7);
    char hex[DIGEST_HEX_BYTES], folder[32], outside[512], bytes[16];
    size_t count;
    digest_to_hex(&digest, hex);
    snprintf(folder, sizeof folder, "blobs/%.2s", hex);
    snprintf(outside, sizeof outside, "%s", fixture_path(*state, "outside"));
    assert_int_equal(mkdir(outside, 0755), 0);
    assert_int_equal(symlink(outside, fixture_path(*state, folder)), 0);
    /* A folder that is a link: nothing is written through it. */
    assert_int_equal(blob_store_put(store, "outside", 7, &digest, NULL), BLOB_FAILED);
    assert_int_equal(rmdir(outside), 0);
    assert_int_equal(unlink(fixture_path(*state, folder)), 0);
    assert_int_equal(blob_store_put(store, "outside", 7, &digest, NULL), BLOB_OK);
    /* A blob that is a link: it is not read. */
    overwrite(outside, "outside", 7);
    assert_int_equal(unlink(path_of(*state, &digest)), 0);
    assert_int_equal(symlink(outside, path_of(*state, &digest)), 0);
    assert_int_equal(read_all(store, &digest, bytes, sizeof bytes, &count), BLOB_FAILED);
    blob_store_close(&store);
    store = open_store(*state, UINT64_MAX);
    assert_false(blob_store_has(store, &digest));
    /* Publishing replaces the link, not what it points to. */
    assert_int_equal(blob_store_put(store, "outside", 7, &digest, NULL), BLOB_OK);
    assert_int_equal(read_all(store, &digest, bytes, sizeof bytes, &count), BLOB_OK);
    struct stat status;
    assert_int_equal(lstat(path_of(*state, &digest), &status), 0);
    assert_true(S_ISREG(status.st_mode));
    blob_store_close(&store);
}

static void leftovers_and_strangers(void **state)
{
    assert_int_equal(mkdir(fixture_path(*state, "blobs"), 0755), 0);
    assert_int_equal(mkdir(fixture_path(*state, "blobs/ab"), 0755), 0);
    assert_int_equal(mkdir(fixture_path(*state, "blobs/AB"), 0755), 0);
    overwrite(fixture_path(*state, "blobs/tmp-0123"), "half", 4);
    overwrite(fixture_path(*state, "blobs/cd"), "a file", 6);
    overwrite(fixture_path(*state, "blobs/ab/short"), "stranger", 8);
    struct blob_store *store = open_store(*state, UINT64_MAX);
    assert_int_equal(blob_store_count(store), 0);
    assert_int_equal(count_temporary(*state), 0);
    assert_int_equal(access(fixture_path(*state, "blobs/ab/short"), F_OK), 0);
    assert_int_equal(access(fixture_path(*state, "blobs/cd"), F_OK), 0);
    blob_store_close(&store);
    struct error error = {""};
    const char *path = fixture_path(*state, "blobs/cd");
    assert_int_equal(blob_store_open(path, UINT64_MAX, &store, &error), BLOB_FAILED);
    assert_non_null(strstr(error.text, path));
    assert_null(store);
}

/* --------------------------------------------------------------------------------- durability */

static void sync_covers_each_blob_once(void **state)
{
    struct blob_store *store = open_store(*state, UINT64_MAX);
    char text[32];
    file_syncs = folder_syncs = system_syncs = 0;
    assert_int_equal(blob_store_sync(store, NULL), BLOB_OK);
    assert_int_equal(file_syncs + folder_syncs + system_syncs, 0);
    put_text(store, "a");
    struct digest gone = put_text(store, "b");
    put_text(store, "c");
    assert_int_equal(blob_store_remove(store, &gone, NULL), BLOB_OK);
    assert_int_equal(file_syncs + folder_syncs + system_syncs, 0);
    assert_int_equal(blob_store_sync(store, NULL), BLOB_OK);
    assert_int_equal(file_syncs, 2);
    assert_int_equal(folder_syncs, 3); /* two of the blobs', and the one that holds them */
    assert_int_equal(blob_store_sync(store, NULL), BLOB_OK);
    assert_int_equal(file_syncs, 2);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "many %d", i);
        put_text(store, text);
    }
    assert_int_equal(blob_store_sync(store, NULL), BLOB_OK);
    assert_int_equal(file_syncs, 2);
    assert_int_equal(system_syncs, 1);
    blob_store_close(&store);
    /* Of an earlier process's blobs it is not known whether they were synced. */
    store = open_store(*state, UINT64_MAX);
    assert_int_equal(blob_store_sync(store, NULL), BLOB_OK);
    assert_int_equal(system_syncs, 2);
    blob_store_close(&store);
}

/* No further descriptor is to be had, until it is called with what it returned. */
static rlim_t limit_descriptors(rlim_t count)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = count;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

/* Strangers can take all descriptors: the store says "later", and makes durable what it has. */
static void test_no_descriptor_is_free(void **state)
{
    struct blob_store *store = open_store(*state, UINT64_MAX);
    struct digest digest = put_text(store, "there"), other;
    size_t count;
    uint64_t total;
    char bytes[16];
    rlim_t before = limit_descriptors(3);
    system_syncs = 0;
    assert_int_equal(blob_store_put(store, "new", 3, &other, NULL), BLOB_LATER);
    assert_int_equal(blob_store_read(store, &digest, 0, bytes, sizeof bytes, &count, &total, NULL),
                     BLOB_LATER);
    assert_int_equal(blob_store_verify(store, &digest, NULL), BLOB_LATER);
    assert_int_equal(blob_store_sync(store, NULL), BLOB_OK);
    assert_int_equal(system_syncs, 1);
    limit_descriptors(before);
    assert_int_equal(blob_store_put(store, "new", 3, &other, NULL), BLOB_OK);
    assert_int_equal(blob_store_bytes(store), strlen("there") + strlen("new"));
    assert_int_equal(count_temporary(*state), 0);
    blob_store_close(&store);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(blobs_come_back_also_after_reopening),
        WITH_FOLDER(reading_in_pieces),
        WITH_FOLDER(writer_publishes_what_was_expected),
        WITH_FOLDER(limit_counts_what_is_coming),
        WITH_FOLDER(removing_and_sweeping),
        WITH_FOLDER(index_agrees_with_a_plain_list),
        WITH_FOLDER(damage_is_noticed),
        WITH_FOLDER(links_are_not_followed),
        WITH_FOLDER(leftovers_and_strangers),
        WITH_FOLDER(sync_covers_each_blob_once),
        WITH_FOLDER(test_no_descriptor_is_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
