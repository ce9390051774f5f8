/*
 * test_canonical.c: what the canonical writer feeds to a hash, byte for byte.
 *
 * The bytes are written out by hand here: every run's digest rests on them.
 */
#include "common/canonical.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_bytes(struct digest_state *written, const void *bytes, size_t count)
{
    struct digest got = digest_final(written), expected = digest_of(bytes, count);
    assert_memory_equal(got.bytes, expected.bytes, DIGEST_BYTES);
}

static void numbers_are_little_endian_and_of_fixed_width(void **state)
{
    (void)state;
    struct digest_state written;
    digest_init(&written);
    canonical_u32(&written, 0x01020304);
    expect_bytes(&written, "\4\3\2\1", 4);
    digest_init(&written);
    canonical_u64(&written, UINT64_C(0x0102030405060708));
    expect_bytes(&written, "\10\7\6\5\4\3\2\1", 8);
    digest_init(&written);
    canonical_f64(&written, 1.0); /* 0x3ff0000000000000 */
    expect_bytes(&written, "\0\0\0\0\0\0\xf0\x3f", 8);
}

static void runs_stand_behind_their_count(void **state)
{
    (void)state;
    struct digest_state written;
    digest_init(&written);
    canonical_text(&written, "ab");
    canonical_bytes(&written, "\0c", 2);
    canonical_bytes(&written, NULL, 0);
    expect_bytes(&written, "\2\0\0\0ab\2\0\0\0\0c\0\0\0\0", 16);
}

static void where_one_run_ends_matters(void **state)
{
    (void)state;
    struct digest_state one, other;
    digest_init(&one);
    canonical_text(&one, "ab");
    canonical_text(&one, "c");
    digest_init(&other);
    canonical_text(&other, "a");
    canonical_text(&other, "bc");
    struct digest first = digest_final(&one), second = digest_final(&other);
    assert_false(digest_equal(&first, &second));
}

static struct digest of_double(double value)
{
    struct digest_state written;
    digest_init(&written);
    canonical_f64(&written, value);
    return digest_final(&written);
}

static void doubles_are_their_bits(void **state)
{
    (void)state;
    uint64_t quiet = UINT64_C(0x7ff8000000000000), other = UINT64_C(0x7ff8000000000001);
    double values[] = {0.0, -0.0, INFINITY, -INFINITY, 0, 0};
    memcpy(&values[4], &quiet, sizeof quiet);
    memcpy(&values[5], &other, sizeof other);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
            struct digest one = of_double(values[i]), two = of_double(values[j]);
            assert_int_equal(digest_equal(&one, &two), i == j);
        }
    }
}

static void a_digest_is_its_bytes(void **state)
{
    (void)state;
    struct digest digest = digest_of("x", 1);
    struct digest_state written;
    digest_init(&written);
    canonical_digest(&written, &digest);
    expect_bytes(&written, digest.bytes, DIGEST_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_little_endian_and_of_fixed_width),
        cmocka_unit_test(runs_stand_behind_their_count),
        cmocka_unit_test(where_one_run_ends_matters),
        cmocka_unit_test(doubles_are_their_bits),
        cmocka_unit_test(a_digest_is_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
