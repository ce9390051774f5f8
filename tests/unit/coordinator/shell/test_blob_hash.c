/*
 * test_blob_hash.c: hashes that grow side by side are those that libsodium makes of each alone.
 */
#include "coordinator/shell/blob_hash.h"

#include "common/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t bytes[6 * CHUNK_BYTES_MAX];

static void fill(void)
{
    uint32_t noise = 1;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((noise = noise * 1664525 + 1013904223) >> 24);
}

/* A message, and how much of it was added. */
struct growing {
    struct blob_hash hash;
    size_t from, size, added;
};

static void begin(struct growing *growing, size_t from, size_t size)
{
    assert_true(from + size <= sizeof bytes);
    blob_hash_init(&growing->hash);
    *growing = (struct growing){.hash = growing->hash, .from = from, .size = size};
}

static void grow(struct blob_hasher *hasher, struct growing *growing, size_t count)
{
    size_t left = growing->size - growing->added;
    size_t length = count < left ? count : left;
    blob_hasher_add(hasher, &growing->hash, bytes + growing->from + growing->added, length);
    growing->added += length;
}

static void expect_digest(struct blob_hasher *hasher, struct growing *growing)
{
    assert_int_equal(growing->added, growing->size);
    struct digest expected = digest_of(bytes + growing->from, growing->size);
    struct digest found = blob_hasher_finish(hasher, &growing->hash);
    assert_true(digest_equal(&found, &expected));
}

static struct blob_hasher *create(enum blob_hash_way way)
{
    struct blob_hasher *hasher = blob_hasher_create(way);
    assert_non_null(hasher);
    fill();
    return hasher;
}

/* Around the edges of a block, where the last one must wait until it is known to be the last. */
static void each_size_has_its_digest(enum blob_hash_way way)
{
    struct blob_hasher *hasher = create(way);
    for (size_t size = 0; size < 600; size++) {
        struct growing growing;
        begin(&growing, size, size);
        grow(hasher, &growing, size);
        expect_digest(hasher, &growing);
        begin(&growing, size, size);
        grow(hasher, &growing, size / 3);
        grow(hasher, &growing, 128);
        grow(hasher, &growing, size);
        expect_digest(hasher, &growing);
    }
    blob_hasher_destroy(&hasher);
}

/* As from one to seven workers at once: chunk by chunk in turn, the last ones of unequal lengths.
 * Seven of six chunks are more than can wait. */
static void side_by_side(enum blob_hash_way way)
{
    struct blob_hasher *hasher = create(way);
    struct growing growing[7];
    for (size_t many = 1; many <= 7; many++) {
        for (size_t i = 0; i < many; i++)
            begin(&growing[i], i * 1000, sizeof bytes - 7000 - i * 77777 - many);
        for (size_t chunk = 0; chunk < 6; chunk++)
            for (size_t i = 0; i < many; i++)
                grow(hasher, &growing[i], CHUNK_BYTES_MAX);
        for (size_t i = 0; i < many; i++)
            expect_digest(hasher, &growing[i]);
    }
    blob_hasher_destroy(&hasher);
}

/* Pieces of any size of hashes that come and go. */
static void in_any_order(enum blob_hash_way way)
{
    struct blob_hasher *hasher = create(way);
    struct growing growing[9];
    uint32_t noise = 7;
    for (size_t i = 0; i < 9; i++)
        begin(&growing[i], i, 100000 + i);
    for (int turn = 0; turn < 3000; turn++) {
        noise = noise * 1664525 + 1013904223;
        struct growing *one = &growing[(noise >> 24) % 9];
        size_t longest = (noise >> 16) % 4 == 0 ? 64 : 50000;
        if (one->added < one->size) {
            grow(hasher, one, (noise >> 4) % longest);
            continue;
        }
        expect_digest(hasher, one);
        begin(one, (noise >> 8) % 100000, (noise >> 3) % 300000);
    }
    for (size_t i = 0; i < 9; i++)
        blob_hasher_forget(hasher, &growing[i].hash);
    blob_hasher_destroy(&hasher);
}

/* What waited of a forgotten hash neither gets into others nor into its successor in that place. */
static void forgets(enum blob_hash_way way)
{
    struct blob_hasher *hasher = create(way);
    struct growing kept, dropped;
    begin(&kept, 5, 3 * CHUNK_BYTES_MAX);
    begin(&dropped, 0, 3 * CHUNK_BYTES_MAX);
    for (int i = 0; i < 2; i++) {
        grow(hasher, &dropped, CHUNK_BYTES_MAX);
        grow(hasher, &kept, CHUNK_BYTES_MAX);
    }
    blob_hasher_forget(hasher, &dropped.hash);
    begin(&dropped, 9, 1000);
    grow(hasher, &dropped, 1000);
    grow(hasher, &kept, CHUNK_BYTES_MAX);
    expect_digest(hasher, &kept);
    expect_digest(hasher, &dropped);
    blob_hasher_destroy(&hasher);
}

static void all_ways(void (*test)(enum blob_hash_way way))
{
    test(BLOB_HASH_FAST);
    test(BLOB_HASH_ONE_BY_ONE);
}

static void test_each_size_has_its_digest(void **state)
{
    (void)state;
    all_ways(each_size_has_its_digest);
}

static void test_side_by_side(void **state)
{
    (void)state;
    all_ways(side_by_side);
}

static void test_in_any_order(void **state)
{
    (void)state;
    all_ways(in_any_order);
}

static void test_forgets(void **state)
{
    (void)state;
    all_ways(forgets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_size_has_its_digest),
        cmocka_unit_test(test_side_by_side),
        cmocka_unit_test(test_in_any_order),
        cmocka_unit_test(test_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
