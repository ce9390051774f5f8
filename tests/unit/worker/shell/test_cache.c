/* test_cache.c: the cache folder: what stays, what goes, and what is not believed. */
#include "shell_fixture.h"

#include "common/os_file.h"
#include "proto/slot_folder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const uint64_t PLENTY = UINT64_C(1) << 30;

static bool holds(struct cache *cache, const struct digest *digest)
{
    if (cache_pin(cache, digest, NULL) != CACHE_OK)
        return false;
    cache_unpin(cache, digest);
    return true;
}

/* What a slot does: puts a file into its staging folder. */
static struct cache_child write_child(const struct fixture *fixture, const char *name,
                                      uint32_t slot, uint32_t seed)
{
    uint8_t bytes[100];
    char staged[SLOT_FOLDER_NAME_BYTES], path[FIXTURE_PATH_BYTES];
    struct cache_child child = {
        .slot = slot, .digest = blob_digest(sizeof bytes, seed), .bytes = sizeof bytes};
    blob_fill(bytes, sizeof bytes, seed);
    slot_folder_child(slot, &child.digest, staged);
    snprintf(path, sizeof path, "%s/%s", name, staged);
    file_write(fixture_path(fixture, path), bytes, sizeof bytes);
    return child;
}

/* ------------------------------------------------------------------------------------- folder */

static void test_folder_has_one_user(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {""};
    struct cache *cache = cache_open_at(fixture, "c", PLENTY), *second;
    const struct cache_options options = {
        .folder = fixture_path(fixture, "c"), .bytes_max = PLENTY, .slots = 1};
    assert_int_equal(cache_open(&options, &second, &error), -1);
    assert_null(second);
    assert_non_null(strstr(error.text, "is locked by process"));
    cache_close(&cache);
    assert_null(cache);
    assert_int_equal(cache_open(&options, &second, &error), 0);
    cache_close(&second);
}

static void test_home_belongs_to_the_folder(void **state)
{
    const struct fixture *fixture = *state;
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    struct cache *other = cache_open_at(fixture, "d", PLENTY);
    struct home_id home = cache_home(cache), other_home = cache_home(other);
    cache_close(&cache);
    cache = cache_open_at(fixture, "c", PLENTY);
    struct home_id again = cache_home(cache);
    assert_memory_equal(&home, &again, sizeof home);
    assert_memory_not_equal(&home, &other_home, sizeof home);
    cache_close(&cache);
    cache_close(&other);

    file_write(fixture_path(fixture, "c/home"), "short", 5);
    cache = cache_open_at(fixture, "c", PLENTY);
    again = cache_home(cache);
    assert_memory_not_equal(&home, &again, sizeof home);
    cache_close(&cache);
}

static void test_only_its_owner_may_look(void **state)
{
    const struct fixture *fixture = *state;
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    struct digest digest = blob_fetch(cache, 100, 1);
    struct stat status;
    assert_int_equal(stat(fixture_path(fixture, "c"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(stat(fixture_blob_path(fixture, "c", &digest), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    cache_close(&cache);
}

static void test_a_folder_that_cannot_be_used_is_named(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {""};
    struct cache *cache;
    file_write(fixture_path(fixture, "file"), "x", 1);
    const struct cache_options options = {
        .folder = fixture_path(fixture, "file/c"), .bytes_max = PLENTY, .slots = 1};
    assert_int_equal(cache_open(&options, &cache, &error), -1);
    assert_non_null(strstr(error.text, fixture_path(fixture, "file")));
}

/* ----------------------------------------------------------------------------- fetch and read */

static void test_a_fetched_blob_is_pinned_and_reads_back(void **state)
{
    const struct fixture *fixture = *state;
    struct error error;
    uint8_t expected[1000], found[1000];
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    struct digest digest = blob_fetch(cache, sizeof expected, 1);
    blob_fill(expected, sizeof expected, 1);
    assert_int_equal(cache_measure(cache).pinned_bytes, 1000);

    struct cache_piece piece = {.offset = 300, .bytes = found, .room = 400};
    assert_int_equal(cache_read(cache, &digest, &piece, &error), CACHE_OK);
    assert_int_equal(piece.count, 400);
    assert_int_equal(piece.total, 1000);
    assert_memory_equal(found, expected + 300, 400);
    piece = (struct cache_piece){.offset = 900, .bytes = found, .room = 400};
    assert_int_equal(cache_read(cache, &digest, &piece, &error), CACHE_OK);
    assert_int_equal(piece.count, 100);
    piece = (struct cache_piece){.offset = 5000, .bytes = found, .room = 400};
    assert_int_equal(cache_read(cache, &digest, &piece, &error), CACHE_OK);
    assert_int_equal(piece.count, 0);

    cache_unpin(cache, &digest);
    assert_int_equal(cache_measure(cache).pinned_bytes, 0);
    assert_int_equal(cache_measure(cache).bytes, 1000);
    cache_close(&cache);
}

static void test_what_is_not_what_was_asked_for_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {""};
    struct cache_writer *writer;
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    struct digest expected = blob_digest(100, 1);
    assert_int_equal(cache_writer_open(cache, 100, &writer, &error), CACHE_OK);
    assert_int_equal(cache_writer_append(writer, "other bytes", 11, &error), CACHE_OK);
    assert_int_equal(cache_writer_publish(&writer, &expected, &error), CACHE_FAILED);
    assert_null(writer);
    assert_false(holds(cache, &expected));
    assert_int_equal(cache_measure(cache).entries, 0);
    assert_false(file_exists(fixture_path(fixture, "c/incoming/fetch-0")));
    cache_close(&cache);
}

static void test_an_abandoned_fetch_leaves_nothing(void **state)
{
    const struct fixture *fixture = *state;
    struct error error;
    struct cache_writer *writer;
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    assert_int_equal(cache_writer_open(cache, 100, &writer, &error), CACHE_OK);
    assert_true(file_exists(fixture_path(fixture, "c/incoming/fetch-0")));
    cache_writer_abandon(&writer);
    assert_false(file_exists(fixture_path(fixture, "c/incoming/fetch-0")));
    cache_writer_abandon(&writer);
    cache_close(&cache);
}

static void test_absent_is_said_of_what_is_not_there(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {""};
    uint8_t byte;
    struct cache_piece piece = {.bytes = &byte, .room = 1};
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    struct digest digest = blob_digest(100, 1);
    assert_int_equal(cache_pin(cache, &digest, &error), CACHE_ABSENT);
    assert_non_null(strstr(error.text, "is not there"));
    assert_int_equal(cache_read(cache, &digest, &piece, &error), CACHE_ABSENT);
    cache_close(&cache);
}

/* ------------------------------------------------------------------------------------ eviction */

static void test_evicts_the_longest_unused_first(void **state)
{
    const struct fixture *fixture = *state;
    struct cache *cache = cache_open_at(fixture, "c", 350);
    struct digest a = blob_fetch(cache, 100, 1), b = blob_fetch(cache, 100, 2),
                  c = blob_fetch(cache, 100, 3);
    cache_unpin(cache, &a);
    cache_unpin(cache, &b);
    cache_unpin(cache, &c);
    assert_true(holds(cache, &a)); /* used again: b is now the oldest */
    struct digest d = blob_fetch(cache, 100, 4);
    assert_false(file_exists(fixture_blob_path(fixture, "c", &b)));
    assert_false(holds(cache, &b));
    assert_false(file_exists(fixture_blob_path(fixture, "c", &b)));
    assert_true(holds(cache, &a));
    assert_true(holds(cache, &c));
    assert_true(holds(cache, &d));
    assert_int_equal(cache_measure(cache).bytes, 300);
    cache_close(&cache);
}

static void test_reading_counts_as_use(void **state)
{
    const struct fixture *fixture = *state;
    struct error error;
    uint8_t byte;
    struct cache_piece piece = {.bytes = &byte, .room = 1};
    struct cache *cache = cache_open_at(fixture, "c", 250);
    struct digest a = blob_fetch(cache, 100, 1), b = blob_fetch(cache, 100, 2);
    cache_unpin(cache, &a);
    cache_unpin(cache, &b);
    assert_int_equal(cache_read(cache, &a, &piece, &error), CACHE_OK);
    blob_fetch(cache, 100, 3);
    assert_true(file_exists(fixture_blob_path(fixture, "c", &a)));
    assert_false(file_exists(fixture_blob_path(fixture, "c", &b)));
    cache_close(&cache);
}

static void test_a_blob_that_the_disk_refused_is_waited_for(void **state)
{
    const struct fixture *fixture = *state;
    const uint64_t too_much = UINT64_C(1) << 60;
    struct error error = {""};
    struct cache_writer *writer;
    struct cache *cache = cache_open_at(fixture, "c", 2 * too_much);
    assert_false(cache_measure(cache).full);
    assert_int_equal(cache_writer_open(cache, too_much, &writer, &error), CACHE_NO_ROOM);
    assert_non_null(strstr(error.text, "the disk has no room for 1152921504606846976 bytes"));
    assert_true(cache_measure(cache).full);
    assert_true(cache_measure(cache).full); /* looking does not help */
    cache_forget_refused(cache);
    assert_false(cache_measure(cache).full);
    assert_int_equal(cache_writer_open(cache, 3 * too_much, &writer, &error), CACHE_TOO_LARGE);
    assert_false(cache_measure(cache).full);
    cache_close(&cache);
}

static void test_never_evicts_what_is_pinned(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {""};
    struct cache_writer *writer;
    struct cache *cache = cache_open_at(fixture, "c", 250);
    struct digest a = blob_fetch(cache, 100, 1), b = blob_fetch(cache, 100, 2);
    assert_int_equal(cache_pin(cache, &b, &error), CACHE_OK);
    assert_int_equal(cache_writer_open(cache, 100, &writer, &error), CACHE_NO_ROOM);
    assert_null(writer);
    assert_non_null(strstr(error.text, "no room"));
    cache_unpin(cache, &b); /* one of two */
    assert_int_equal(cache_writer_open(cache, 100, &writer, &error), CACHE_NO_ROOM);
    cache_unpin(cache, &b);
    struct digest c = blob_fetch(cache, 100, 3);
    assert_false(holds(cache, &b));
    assert_true(holds(cache, &a));
    assert_true(holds(cache, &c));
    cache_close(&cache);
}

static void test_a_smaller_limit_holds_from_the_start(void **state)
{
    const struct fixture *fixture = *state;
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    for (uint32_t i = 0; i < 10; i++) {
        struct digest digest = blob_fetch(cache, 100, i);
        cache_unpin(cache, &digest);
    }
    cache_close(&cache);
    cache = cache_open_at(fixture, "c", 450);
    assert_int_equal(cache_measure(cache).bytes, 400);
    cache_close(&cache);
}

static void test_after_a_start_the_oldest_file_goes_first(void **state)
{
    const struct fixture *fixture = *state;
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    struct digest old = blob_fetch(cache, 100, 2), young = blob_fetch(cache, 100, 1);
    const struct timespec past[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, fixture_blob_path(fixture, "c", &old), past, 0), 0);
    cache_close(&cache);
    cache = cache_open_at(fixture, "c", 150);
    assert_false(holds(cache, &old));
    assert_true(holds(cache, &young));
    cache_close(&cache);
}

/* ------------------------------------------------------------------------------------ children */

static void test_a_child_is_moved_into_its_place_and_pinned(void **state)
{
    const struct fixture *fixture = *state;
    struct error error;
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    assert_int_equal(cache_prepare_slot(cache, 3, &error), 0);
    struct cache_child child = write_child(fixture, "c", 3, 1);
    assert_int_equal(cache_adopt(cache, &child, &error), CACHE_OK);
    assert_true(file_exists(fixture_blob_path(fixture, "c", &child.digest)));
    assert_int_equal(cache_measure(cache).pinned_bytes, 100);

    /* The same child again, by another job: one file, two pins. */
    child = write_child(fixture, "c", 3, 1);
    assert_int_equal(cache_adopt(cache, &child, &error), CACHE_OK);
    assert_int_equal(cache_measure(cache).bytes, 100);
    cache_unpin(cache, &child.digest);
    assert_int_equal(cache_measure(cache).pinned_bytes, 100);
    cache_unpin(cache, &child.digest);
    assert_int_equal(cache_measure(cache).pinned_bytes, 0);
    cache_close(&cache);
}

/* A file of its name that is no such child, left by whomever: it is told as long as it is. */
static void test_a_child_replaces_a_stranger_of_its_name(void **state)
{
    const struct fixture *fixture = *state;
    struct error error;
    static const uint8_t stranger[300] = {1};
    uint8_t bytes[128];
    struct cache_piece piece = {.bytes = bytes, .room = sizeof bytes};
    struct digest digest = blob_digest(100, 1);
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    blob_fetch(cache, 100, 1); /* makes the folder */
    cache_close(&cache);
    file_write(fixture_blob_path(fixture, "c", &digest), stranger, sizeof stranger);

    cache = cache_open_at(fixture, "c", PLENTY);
    assert_int_equal(cache_measure(cache).bytes, 300);
    assert_int_equal(cache_prepare_slot(cache, 0, &error), 0);
    struct cache_child child = write_child(fixture, "c", 0, 1);
    assert_int_equal(cache_adopt(cache, &child, &error), CACHE_OK);
    assert_int_equal(cache_measure(cache).bytes, 100);
    assert_int_equal(cache_measure(cache).pinned_bytes, 100);
    assert_int_equal(cache_read(cache, &digest, &piece, &error), CACHE_OK);
    assert_int_equal(piece.total, 100);
    assert_int_equal(piece.count, 100);
    cache_close(&cache);
}

static void test_a_child_that_is_not_as_told_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {""};
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    assert_int_equal(cache_prepare_slot(cache, 0, &error), 0);
    struct cache_child child = write_child(fixture, "c", 0, 1);
    child.bytes = 99;
    assert_int_equal(cache_adopt(cache, &child, &error), CACHE_FAILED);
    assert_non_null(strstr(error.text, "has 100 bytes, it said 99"));
    child = (struct cache_child){.slot = 0, .digest = blob_digest(100, 9), .bytes = 100};
    assert_int_equal(cache_adopt(cache, &child, &error), CACHE_FAILED);
    assert_int_equal(cache_measure(cache).entries, 0);
    cache_close(&cache);
}

static void test_a_child_is_taken_even_beyond_the_limit(void **state)
{
    const struct fixture *fixture = *state;
    struct error error;
    struct cache *cache = cache_open_at(fixture, "c", 150);
    struct digest pinned = blob_fetch(cache, 100, 7);
    assert_int_equal(cache_prepare_slot(cache, 0, &error), 0);
    struct cache_child child = write_child(fixture, "c", 0, 1);
    assert_int_equal(cache_adopt(cache, &child, &error), CACHE_OK);
    assert_int_equal(cache_measure(cache).pinned_bytes, 200);
    assert_true(cache_measure(cache).full);
    cache_unpin(cache, &child.digest); /* and goes as soon as it may */
    assert_false(holds(cache, &child.digest));
    assert_true(holds(cache, &pinned));
    cache_close(&cache);
}

static void test_staging_is_emptied_for_each_new_slot(void **state)
{
    const struct fixture *fixture = *state;
    struct error error;
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    assert_int_equal(cache_prepare_slot(cache, 0, &error), 0);
    file_write(fixture_path(fixture, "c/incoming/slot-0/scrap"), "x", 1);
    assert_int_equal(cache_prepare_slot(cache, 0, &error), 0);
    assert_false(file_exists(fixture_path(fixture, "c/incoming/slot-0/scrap")));
    assert_true(file_exists(fixture_path(fixture, "c/incoming/slot-0")));
    cache_close(&cache);
}

/* --------------------------------------------------------------------------------- after a crash
 */

static void test_finds_its_blobs_again(void **state)
{
    const struct fixture *fixture = *state;
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    struct digest digest = blob_fetch(cache, 100, 1);
    file_write(fixture_path(fixture, "c/incoming/fetch-77"), "x", 1);
    file_write(fixture_path(fixture, "c/blobs/readme"), "x", 1);
    cache_close(&cache);
    cache = cache_open_at(fixture, "c", PLENTY);
    assert_int_equal(cache_measure(cache).entries, 1);
    assert_int_equal(cache_measure(cache).pinned_bytes, 0);
    assert_true(holds(cache, &digest));
    assert_false(file_exists(fixture_path(fixture, "c/incoming/fetch-77")));
    assert_true(file_exists(fixture_path(fixture, "c/blobs/readme")));
    cache_close(&cache);
}

static void test_a_damaged_file_is_removed_at_its_first_use(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {""};
    uint8_t byte;
    struct cache_piece piece = {.bytes = &byte, .room = 1};
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    struct digest pinned = blob_fetch(cache, 1000, 1), served = blob_fetch(cache, 1000, 2);
    cache_close(&cache);
    file_damage(fixture_blob_path(fixture, "c", &pinned));
    file_damage(fixture_blob_path(fixture, "c", &served));

    cache = cache_open_at(fixture, "c", PLENTY);
    assert_int_equal(cache_measure(cache).entries, 2);
    assert_int_equal(cache_pin(cache, &pinned, &error), CACHE_ABSENT);
    assert_non_null(strstr(error.text, "damaged"));
    assert_int_equal(cache_read(cache, &served, &piece, &error), CACHE_ABSENT);
    assert_int_equal(cache_measure(cache).entries, 0);
    assert_false(file_exists(fixture_blob_path(fixture, "c", &pinned)));
    blob_fetch(cache, 1000, 1);
    assert_true(holds(cache, &pinned));
    cache_close(&cache);
}

static void test_a_file_that_somebody_removed_is_absent(void **state)
{
    const struct fixture *fixture = *state;
    struct error error;
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    struct digest digest = blob_fetch(cache, 100, 1);
    cache_unpin(cache, &digest);
    assert_int_equal(unlink(fixture_blob_path(fixture, "c", &digest)), 0);
    assert_int_equal(cache_pin(cache, &digest, &error), CACHE_ABSENT);
    assert_int_equal(cache_measure(cache).entries, 0);
    cache_close(&cache);
}

static void test_empty_files_and_links_are_no_blobs(void **state)
{
    const struct fixture *fixture = *state;
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    struct digest digest = blob_fetch(cache, 100, 1), linked = blob_fetch(cache, 100, 2);
    cache_close(&cache);
    file_write(fixture_blob_path(fixture, "c", &digest), "", 0);
    file_write(fixture_path(fixture, "elsewhere"), "x", 1);
    assert_int_equal(unlink(fixture_blob_path(fixture, "c", &linked)), 0);
    assert_int_equal(
        symlink(fixture_path(fixture, "elsewhere"), fixture_blob_path(fixture, "c", &linked)), 0);
    cache = cache_open_at(fixture, "c", PLENTY);
    assert_int_equal(cache_measure(cache).entries, 0);
    assert_false(holds(cache, &digest));
    assert_false(holds(cache, &linked));
    cache_close(&cache);
}

/* --------------------------------------------------------------------------------------- level */

static void test_is_full_when_the_slots_could_bring_too_much(void **state)
{
    const struct fixture *fixture = *state;
    struct error error;
    struct cache *cache = cache_open_at(fixture, "c", 600);
    assert_int_equal(cache_prepare_slot(cache, 0, &error), 0);
    struct cache_child child[4];
    for (uint32_t i = 0; i < 4; i++) {
        /* Two slots: room for three more children of 100 bytes is kept. */
        assert_int_equal(cache_measure(cache).full, false);
        child[i] = write_child(fixture, "c", 0, i);
        assert_int_equal(cache_adopt(cache, &child[i], &error), CACHE_OK);
    }
    assert_int_equal(cache_measure(cache).full, true);
    cache_unpin(cache, &child[0].digest);
    assert_int_equal(cache_measure(cache).full, false);
    cache_close(&cache);
}

static void test_a_limit_too_small_for_anything_does_not_starve(void **state)
{
    const struct fixture *fixture = *state;
    struct error error;
    struct cache *cache = cache_open_at(fixture, "c", 10);
    assert_int_equal(cache_prepare_slot(cache, 0, &error), 0);
    struct cache_child child = write_child(fixture, "c", 0, 1);
    assert_int_equal(cache_adopt(cache, &child, &error), CACHE_OK);
    assert_true(cache_measure(cache).full);
    cache_unpin(cache, &child.digest);
    assert_false(cache_measure(cache).full);
    cache_close(&cache);
}

static void expect_gone(const struct cache *cache, const char *what)
{
    struct error error = {""};
    assert_false(cache_is_there(cache, &error));
    assert_non_null(strstr(error.text, what));
}

static void test_notices_that_it_was_taken_away(void **state)
{
    const struct fixture *fixture = *state;
    struct error error;
    struct cache *cache = cache_open_at(fixture, "c", PLENTY);
    assert_true(cache_is_there(cache, &error));
    assert_int_equal(os_remove_tree(fixture_path(fixture, "c/blobs"), &error), 0);
    expect_gone(cache, "c/blobs/00 is gone");
    assert_int_equal(os_remove_tree(fixture_path(fixture, "c"), &error), 0);
    expect_gone(cache, "c/lock is gone");
    struct cache *other = cache_open_at(fixture, "c", PLENTY); /* the place was free */
    expect_gone(cache, "c/lock is gone");
    assert_true(cache_is_there(other, &error));
    cache_close(&other);
    cache_close(&cache);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_folder_has_one_user),
        TEST(test_notices_that_it_was_taken_away),
        TEST(test_home_belongs_to_the_folder),
        TEST(test_only_its_owner_may_look),
        TEST(test_a_folder_that_cannot_be_used_is_named),
        TEST(test_a_fetched_blob_is_pinned_and_reads_back),
        TEST(test_what_is_not_what_was_asked_for_is_refused),
        TEST(test_an_abandoned_fetch_leaves_nothing),
        TEST(test_absent_is_said_of_what_is_not_there),
        TEST(test_evicts_the_longest_unused_first),
        TEST(test_reading_counts_as_use),
        TEST(test_a_blob_that_the_disk_refused_is_waited_for),
        TEST(test_never_evicts_what_is_pinned),
        TEST(test_a_smaller_limit_holds_from_the_start),
        TEST(test_after_a_start_the_oldest_file_goes_first),
        TEST(test_a_child_is_moved_into_its_place_and_pinned),
        TEST(test_a_child_replaces_a_stranger_of_its_name),
        TEST(test_a_child_that_is_not_as_told_is_refused),
        TEST(test_a_child_is_taken_even_beyond_the_limit),
        TEST(test_staging_is_emptied_for_each_new_slot),
        TEST(test_finds_its_blobs_again),
        TEST(test_a_damaged_file_is_removed_at_its_first_use),
        TEST(test_a_file_that_somebody_removed_is_absent),
        TEST(test_empty_files_and_links_are_no_blobs),
        TEST(test_is_full_when_the_slots_could_bring_too_much),
        TEST(test_a_limit_too_small_for_anything_does_not_starve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
