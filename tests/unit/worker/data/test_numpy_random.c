/*
 * test_numpy_random.c: the numbers that numpy.random.RandomState gives, and the C++ standard's
 * check of the twister itself.
 */
#include "worker/data/numpy_random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void words_are_the_twisters(void **state)
{
    (void)state;
    struct numpy_random random;
    uint32_t word = 0;
    numpy_random_seed(&random, 5489);
    for (int i = 0; i < 10000; i++)
        word = numpy_random_u32(&random);
    assert_int_equal(word, 4123659995u); /* C++ standard, rand.predef */
    numpy_random_seed(&random, 42);
    assert_int_equal(numpy_random_u32(&random), 1608637542u);
    assert_int_equal(numpy_random_u32(&random), 3421126067u);
}

static void uniforms_are_numpys(void **state)
{
    (void)state;
    struct numpy_random random;
    numpy_random_seed(&random, 42);
    assert_true(numpy_random_unit(&random) == 0.3745401188473625);
    assert_true(numpy_random_unit(&random) == 0.9507143064099162);
    assert_true(numpy_random_unit(&random) == 0.7319939418114051);
}

static void normals_are_numpys(void **state)
{
    (void)state;
    static const double expected[] = {0.4967141530112327, -0.13826430117118466, 0.6476885381006925,
                                      1.5230298564080254};
    struct numpy_random random;
    numpy_random_seed(&random, 42);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(numpy_random_normal(&random) - expected[i]) < 1e-15);
}

static void permutations_are_numpys(void **state)
{
    (void)state;
    static const uint32_t expected[10] = {8, 1, 5, 0, 7, 2, 9, 4, 3, 6};
    uint32_t drawn[10];
    struct numpy_random random;
    numpy_random_seed(&random, 42);
    numpy_random_permutation(&random, drawn, 10);
    assert_memory_equal(drawn, expected, sizeof expected);
    numpy_random_permutation(&random, drawn, 0);
    numpy_random_permutation(&random, drawn, 1);
    assert_int_equal(drawn[0], 0);
}

static void whole_numbers_fill_their_range(void **state)
{
    (void)state;
    struct numpy_random random;
    numpy_random_seed(&random, 7);
    assert_int_equal(numpy_random_within(&random, 0), 0);
    uint32_t seen[48] = {0};
    for (int i = 0; i < 48 * 100; i++) {
        uint32_t value = numpy_random_within(&random, 47);
        assert_true(value <= 47);
        seen[value]++;
    }
    for (int i = 0; i < 48; i++)
        assert_true(seen[i] > 50 && seen[i] < 150);
    assert_true(numpy_random_within(&random, UINT32_MAX) !=
                numpy_random_within(&random, UINT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_the_twisters),
        cmocka_unit_test(uniforms_are_numpys),
        cmocka_unit_test(normals_are_numpys),
        cmocka_unit_test(permutations_are_numpys),
        cmocka_unit_test(whole_numbers_fill_their_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
