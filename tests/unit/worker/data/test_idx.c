/*
 * test_idx.c: one IDX file, whole and in every broken form, plain and compressed.
 */
#include "worker/data/gz.h"
#include "worker/data/idx.h"

#include "tests/unit/worker/data/data_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct idx_expectation images = {.what = "images", .rank_min = 2, .rank_max = 3};
static const struct idx_expectation labels = {.what = "labels", .rank_min = 1, .rank_max = 1};
static const struct idx_text small = {.rank = 3, .shape = {4, 3, 2}, .first = 250, .modulus = 256};

/* Takes the bytes. */
static int read_bytes(struct bytes bytes, const struct idx_expectation *expectation,
                      struct idx *idx, struct error *error)
{
    error->text[0] = '\0';
    return idx_read(bytes.at, bytes.count, expectation, idx, error);
}

/* Takes the bytes; each of the words must be in the sentence. */
static void expect_refusal(struct bytes bytes, const struct idx_expectation *expectation,
                           const char *word, const char *other)
{
    struct idx idx;
    struct error error;
    assert_int_equal(read_bytes(bytes, expectation, &idx, &error), -1);
    assert_null(idx.memory);
    if (strstr(error.text, word) == NULL || strstr(error.text, other) == NULL)
        fail_msg("\"%s\" does not say \"%s\" and \"%s\"", error.text, word, other);
}

/* Takes the bytes. */
static void expect_small(struct bytes bytes)
{
    struct idx idx;
    struct error error;
    if (read_bytes(bytes, &images, &idx, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(idx.rank, 3);
    assert_int_equal(idx.shape[0], 4);
    assert_int_equal(idx.shape[1], 3);
    assert_int_equal(idx.shape[2], 2);
    assert_int_equal(idx.count, 24);
    for (uint32_t i = 0; i < 24; i++)
        assert_int_equal(idx.values[i], (250 + i) % 256);
    idx_destroy(&idx);
    assert_null(idx.memory);
}

static void files_are_read_plain_and_compressed(void **state)
{
    (void)state;
    struct bytes plain = idx_make(&small);
    expect_small(gz_make(&plain));
    expect_small(plain);
}

/* gzip's own work on the same 24 values: Huffman codes, and a file name in the header. */
static void deflated_files_are_read(void **state)
{
    (void)state;
    static const uint8_t packed[] = {
        0x1f, 0x8b, 0x08, 0x08, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0x73, 0x6d, 0x61,
        0x6c, 0x6c, 0x00, 0x63, 0x60, 0xe0, 0x60, 0x66, 0x60, 0x60, 0x60, 0x01, 0x62,
        0x10, 0xcd, 0xf4, 0xeb, 0xf7, 0x9f, 0xbf, 0xff, 0xfe, 0x33, 0x30, 0x32, 0x31,
        0xb3, 0xb0, 0xb2, 0xb1, 0x73, 0x70, 0x72, 0x71, 0xf3, 0xf0, 0xf2, 0xf1, 0x0b,
        0x08, 0x02, 0x00, 0xa0, 0x3a, 0xd0, 0x24, 0x28, 0x00, 0x00, 0x00};
    const struct bytes bytes = {.at = (uint8_t *)(uintptr_t)packed, .count = sizeof packed};
    expect_small(bytes_cut(&bytes, bytes.count));
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct bytes plain = idx_make(&small), gz = gz_make(&plain);
    for (size_t i = 0; i < plain.count; i++)
        expect_refusal(bytes_cut(&plain, i), &images, "truncated", "");
    for (size_t i = 2; i < gz.count; i++)
        expect_refusal(bytes_cut(&gz, i), &images, "ends too early", "");
    expect_refusal(bytes_cut(&plain, 20), &images, "4 x 3 x 2 images take 40 bytes", "has 20");
    expect_refusal(bytes_cut(&plain, 9), &images, "header takes 16 bytes", "has 9");
    struct bytes less = bytes_cut(&plain, 39), short_gz = gz_make(&less);
    expect_refusal(short_gz, &images, "truncated", "has 39");
    bytes_free(&less);
    bytes_free(&plain);
    bytes_free(&gz);
}

static void trailing_bytes_are_refused(void **state)
{
    (void)state;
    struct bytes plain = idx_make(&small), gz = gz_make(&plain);
    struct bytes longer = {.at = calloc(1, plain.count + 3), .count = plain.count + 3};
    struct bytes followed = {.at = calloc(1, gz.count + 3), .count = gz.count + 3};
    memcpy(longer.at, plain.at, plain.count);
    memcpy(followed.at, gz.at, gz.count);
    expect_refusal(gz_make(&longer), &images, "longer than it says", "40 bytes");
    expect_refusal(longer, &images, "longer than it says", "40 bytes");
    expect_refusal(followed, &images, "3 bytes that are not gzip", "");
    bytes_free(&plain);
    bytes_free(&gz);
}

/* A gzip file may be several in a row. */
static void members_are_joined(void **state)
{
    (void)state;
    struct bytes plain = idx_make(&small), front = bytes_cut(&plain, 11);
    struct bytes back = {.at = plain.at + 11, .count = plain.count - 11};
    struct bytes first = gz_make(&front), second = gz_make(&back);
    struct bytes both = {.at = malloc(first.count + second.count),
                         .count = first.count + second.count};
    memcpy(both.at, first.at, first.count);
    memcpy(both.at + first.count, second.at, second.count);
    expect_small(both);
    bytes_free(&plain);
    bytes_free(&front);
    bytes_free(&first);
    bytes_free(&second);
}

/* Bits that mean nothing: notes of time and system, "may be text", the filling of a block's head.
 */
static bool is_idle(size_t place, uint32_t bit)
{
    return (place >= 4 && place <= 9) || (place == 3 && bit == 0) || (place == 10 && bit >= 3);
}

static void every_damaged_bit_of_gzip_is_noticed(void **state)
{
    (void)state;
    struct bytes plain = idx_make(&small), gz = gz_make(&plain);
    for (size_t i = 2; i < gz.count; i++) {
        for (uint32_t bit = 0; bit < 8; bit++) {
            struct bytes damaged = bytes_cut(&gz, gz.count);
            damaged.at[i] ^= (uint8_t)(1u << bit);
            if (is_idle(i, bit))
                expect_small(damaged);
            else
                expect_refusal(damaged, &images, "", "");
        }
    }
    struct bytes damaged = bytes_cut(&gz, gz.count);
    damaged.at[gz.count - 8] ^= 1;
    expect_refusal(damaged, &images, "damaged", "after 24 of 24 values");
    bytes_free(&plain);
    bytes_free(&gz);
}

/* Takes nothing: the small file with one byte set. */
static struct bytes with_byte(size_t place, uint8_t value)
{
    struct bytes bytes = idx_make(&small);
    bytes.at[place] = value;
    return bytes;
}

static void foreign_files_are_refused(void **state)
{
    (void)state;
    static const struct idx_text four = {.rank = 4, .shape = {1, 1, 1, 1}, .modulus = 2};
    static const struct idx_text none = {.rank = 3, .shape = {4, 0, 2}, .modulus = 2};
    expect_refusal(with_byte(0, 'P'), &images, "not an IDX file", "50 00 08 03");
    expect_refusal(with_byte(1, 1), &images, "not an IDX file", "expected 00 00 08");
    expect_refusal(with_byte(2, 0x0d), &images, "type 0d", "expected 08");
    expect_refusal(with_byte(3, 0), &images, "0 dimensions", "expected 2 or 3 for images");
    expect_refusal(with_byte(3, 255), &images, "255 dimensions", "expected");
    expect_refusal(idx_make(&four), &images, "4 dimensions", "2 or 3");
    expect_refusal(idx_make(&small), &labels, "3 dimensions", "expected 1 for labels");
    expect_refusal(idx_make(&none), &images, "4 x 0 x 2", "a dimension is 0");
}

/* A few bytes that claim terabytes cost no memory. */
static void claims_are_bounded(void **state)
{
    (void)state;
    static const uint8_t huge[16] = {0,    0,    8,    3,    0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t some[16] = {0, 0, 8, 3, 0, 0, 255, 255, 0, 0, 255, 255, 0, 0, 0, 1};
    static const uint8_t large[16] = {0, 0, 8, 3, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1};
    struct bytes bytes = {.at = (uint8_t *)(uintptr_t)huge, .count = sizeof huge};
    expect_refusal(bytes_cut(&bytes, 16), &images, "4294967295 x", "4 GiB");
    expect_refusal(gz_make(&bytes), &images, "4294967295 x", "4 GiB");
    bytes.at = (uint8_t *)(uintptr_t)some; /* below 4 GiB, and not in a few bytes */
    expect_refusal(bytes_cut(&bytes, 16), &images, "take 4294836241 bytes", "has 16");
    expect_refusal(gz_make(&bytes), &images, "65535 x 65535 x 1", "of 39 bytes can hold");
    bytes.at = (uint8_t *)(uintptr_t)large;
    expect_refusal(bytes_cut(&bytes, 16), &images, "65537 x 65536 x 1", "4 GiB");
    expect_refusal(gz_make(&bytes), &images, "65537 x 65536 x 1", "4 GiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_plain_and_compressed),
        cmocka_unit_test(deflated_files_are_read),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(trailing_bytes_are_refused),
        cmocka_unit_test(members_are_joined),
        cmocka_unit_test(every_damaged_bit_of_gzip_is_noticed),
        cmocka_unit_test(foreign_files_are_refused),
        cmocka_unit_test(claims_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
