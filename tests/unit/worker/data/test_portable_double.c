/*
 * test_portable_double.c: near enough to the C library everywhere, and the same bits everywhere.
 */
#include "worker/data/portable_double.h"

#include "common/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { DRAWS = 200000 };

static struct random draws(void)
{
    return random_open(1, 0, 0, RANDOM_NULL);
}

/* |got - expected| in units in the last place of what was expected. */
static double error_of(double got, long double expected)
{
    double rounded = fabs((double)expected);
    long double unit = (long double)(nextafter(rounded, INFINITY) - rounded);
    return (double)(fabsl((long double)got - expected) / unit);
}

static void logarithms_are_near_the_librarys(void **state)
{
    (void)state;
    struct random random = draws();
    double worst = 0;
    for (int i = 0; i < DRAWS; i++) {
        double unit = random_unit(&random),
               power = ldexp(1, (int)random_below(&random, 2000) - 1000);
        const double tried[] = {unit + 0x1p-60, (1 + unit) * power, 1 + (unit - 0.5) / (1 + power)};
        for (int k = 0; k < 3; k++)
            if (tried[k] != 1)
                worst = fmax(worst,
                             error_of(portable_double_log(tried[k]), logl((long double)tried[k])));
    }
    assert_true(worst < 0.6);
}

static void exponentials_are_near_the_librarys(void **state)
{
    (void)state;
    struct random random = draws();
    double worst = 0;
    for (int i = 0; i < DRAWS; i++) {
        double unit = random_unit(&random);
        const double tried[] = {1400 * (unit - 0.5), -8 * unit, (unit - 0.5) * 0x1p-10};
        for (int k = 0; k < 3; k++)
            worst =
                fmax(worst, error_of(portable_double_exp(tried[k]), expl((long double)tried[k])));
    }
    assert_true(worst < 0.7);
}

/* Mixes all bits of a number into a running hash. */
static uint64_t fold(uint64_t hash, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return (hash ^ bits ^ bits >> 32) * UINT64_C(0x9e3779b97f4a7c15);
}

/* What must not change: a data set's digest hangs on it. */
static void bits_are_pinned(void **state)
{
    (void)state;
    assert_true(portable_double_log(1) == 0);
    assert_true(portable_double_log(2) == 0x1.62e42fefa39efp-1);
    assert_true(portable_double_log(10) == 0x1.26bb1bbb55516p+1);
    assert_true(portable_double_log(0.1) == -0x1.26bb1bbb55515p+1);
    assert_true(portable_double_log(0x1p-1022) == -0x1.6232bdd7abcd2p+9);
    assert_true(portable_double_exp(0) == 1);
    assert_true(portable_double_exp(1) == 0x1.5bf0a8b145769p+1);
    assert_true(portable_double_exp(-0.125) == 0x1.c3d6a24ed8222p-1);
    assert_true(portable_double_exp(-8) == 0x1.5fc21041027adp-12);
    struct random random = draws();
    uint64_t logs = 0, exponentials = 0;
    for (int i = 0; i < DRAWS; i++) {
        double unit = random_unit(&random) + 0x1p-60;
        logs = fold(logs, portable_double_log(unit));
        exponentials = fold(exponentials, portable_double_exp(-8 * unit));
    }
    assert_int_equal(logs, UINT64_C(0xda0800df7ff94d73));
    assert_int_equal(exponentials, UINT64_C(0x08a6697bde848b9f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logarithms_are_near_the_librarys),
        cmocka_unit_test(exponentials_are_near_the_librarys),
        cmocka_unit_test(bits_are_pinned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
