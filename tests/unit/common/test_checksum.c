/* test_checksum.c: the checksum notices what it promises to notice. */
#include "common/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

enum { SIZE = 300 };
static uint8_t bytes[SIZE];

static void fill(void)
{
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 11);
}

static void test_each_bit_counts_at_every_size(void **state)
{
    (void)state;
    fill();
    for (size_t size = 1; size < 80; size++) {
        uint64_t whole = checksum_of(bytes, size);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_true(checksum_of(bytes, size) != whole);
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

/* Zeros at the end are not the filling of the last word, and words are not interchangeable. */
static void test_length_and_order_count(void **state)
{
    (void)state;
    static const uint8_t zeros[SIZE];
    for (size_t size = 1; size < SIZE; size++)
        assert_true(checksum_of(zeros, size) != checksum_of(zeros, size - 1));
    fill();
    uint64_t whole = checksum_of(bytes, SIZE);
    for (size_t word = 8; word + 8 <= SIZE; word += 8) {
        uint8_t first[8];
        memcpy(first, bytes, 8);
        memcpy(bytes, bytes + word, 8);
        memcpy(bytes + word, first, 8);
        assert_true(checksum_of(bytes, SIZE) != whole);
        fill();
    }
}

/* What one release wrote the next one must read. */
static void test_it_is_the_same_everywhere(void **state)
{
    (void)state;
    fill();
    assert_int_equal(checksum_of("", 0), UINT64_C(0xae74f1f25995e33d));
    assert_int_equal(checksum_of("ratchet", 7), UINT64_C(0xcc4ed832fd38b7b8));
    assert_int_equal(checksum_of(bytes, SIZE), UINT64_C(0xb9d234175e02f0c7));
    /* From any address. */
    uint8_t shifted[SIZE + 1];
    memcpy(shifted + 1, bytes, SIZE);
    assert_int_equal(checksum_of(shifted + 1, SIZE), checksum_of(bytes, SIZE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_bit_counts_at_every_size),
        cmocka_unit_test(test_length_and_order_count),
        cmocka_unit_test(test_it_is_the_same_everywhere),
    };
    return cmocka_run_group_tests_name("checksum", tests, NULL, NULL);
}
