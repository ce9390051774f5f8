/*
 * test_norm.c: the sums and products behind limits on norms, in every table against their formulas
 * to the bit; and the limits themselves.
 */
#include "worker/engine/norm.h"

#include "tests/reference/controls.h"
#include "tests/unit/worker/engine/kernel_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

enum { COUNT_MAX = 1500, SKEW = 1 };

static const size_t counts[] = {0, 1, 2, 7, 15, 16, 17, 31, 33, 100, 255, 256, 1025, 1499};

enum { COUNTS = sizeof counts / sizeof counts[0] };

static const struct kernels *tables[TABLES_MAX];
static int tables_count;

static int find_tables(void **state)
{
    (void)state;
    tables_count = cases_tables(tables);
    return 0;
}

/* ------------------------------------------------------------------------------- the kernels */

/* Sixteen lanes, then halves are added; the square of a float is exact in double. */
static double sum_squares_of(size_t count, const float *values)
{
    double lanes[16] = {0};
    for (size_t i = 0; i < count; i++) {
        float settled = values[i];
        cases_settle(&settled, 1);
        lanes[i % 16] += (double)settled * (double)settled;
    }
    for (int half = 8; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            lanes[l] += lanes[l + half];
    return lanes[0];
}

static void check_kernels(size_t count, void (*fill)(float *, size_t, uint32_t))
{
    float *values = cases_floats(COUNT_MAX), *got = cases_floats(COUNT_MAX);
    float *expected = cases_floats(COUNT_MAX);
    fill(values, COUNT_MAX, (uint32_t)count);
    double sum = sum_squares_of(count, values + SKEW);
    memcpy(expected, values, COUNT_MAX * sizeof *values);
    for (size_t i = SKEW; i < SKEW + count; i++)
        expected[i] = 0.37F * values[i];
    for (int t = 0; t < tables_count; t++) {
        double found = tables[t]->sum_squares(count, values + SKEW);
        assert_true(isnan(sum) ? isnan(found) : found == sum);
        memcpy(got, values, COUNT_MAX * sizeof *values);
        tables[t]->scale(0.37F, count, got + SKEW);
        cases_assert_same(got, expected, COUNT_MAX, tables[t]->name);
    }
    free(values);
    free(got);
    free(expected);
}

static void kernels_are_their_formulas(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTS; i++) {
        check_kernels(counts[i], cases_fill);
        check_kernels(counts[i], cases_fill_with_special);
    }
}

/* Squares that no float could hold. */
static void lengths_do_not_overflow(void **state)
{
    (void)state;
    float values[17];
    for (int i = 0; i < 17; i++)
        values[i] = 0x1p120F;
    for (int t = 0; t < tables_count; t++)
        assert_true(tables[t]->sum_squares(17, values) == 17 * 0x1p240);
}

/* ---------------------------------------------------------------------------------- the limits */

typedef void limit_function(const struct kernels *, double, size_t, float *);
typedef void reference_function(double, uint64_t, double *);

static void check_limit(limit_function *limit, reference_function *reference, double at)
{
    float values[100];
    double expected[100];
    for (int t = 0; t < tables_count; t++) {
        cases_fill(values, 100, 9);
        for (int i = 0; i < 100; i++)
            expected[i] = (double)values[i];
        limit(tables[t], at, 100, values);
        reference(at, 100, expected);
        for (int i = 0; i < 100; i++)
            assert_true(fabs((double)values[i] - expected[i]) <= 1.2e-7 * fabs(expected[i]));
    }
}

static void limits_agree_with_the_reference(void **state)
{
    (void)state;
    static const double limits[] = {1e-12, 0.5, 5, 11, 12, 1e6};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        check_limit(norm_clip, reference_clip, limits[i]);
        check_limit(norm_clamp, reference_clamp, limits[i]);
    }
}

/* Within the limit not a bit changes, at it neither. */
static void what_keeps_the_limit_is_left_alone(void **state)
{
    (void)state;
    const float values[4] = {3, 0, -4, 0};
    float kept[4];
    for (int t = 0; t < tables_count; t++) {
        memcpy(kept, values, sizeof kept);
        norm_clip(tables[t], 5.01, 4, kept);
        norm_clamp(tables[t], 5, 4, kept);
        assert_memory_equal(kept, values, sizeof kept);
        norm_clamp(tables[t], 2.5, 4, kept);
        assert_true(kept[0] == 1.5F && kept[2] == -2);
        memset(kept, 0, sizeof kept);
        norm_clip(tables[t], 1e-9, 4, kept);
        norm_clamp(tables[t], 1e-9, 4, kept);
        assert_true(kept[0] == 0 && kept[3] == 0);
    }
}

/* What is not finite stays so: the network is diverged. */
static void no_limit_hides_a_divergence(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int t = 0; t < tables_count; t++)
        for (int i = 0; i < 3; i++) {
            float clipped[3] = {1, bad[i], 2}, clamped[3] = {1, bad[i], 2};
            norm_clip(tables[t], 1, 3, clipped);
            norm_clamp(tables[t], 1, 3, clamped);
            assert_false(isfinite(clipped[1]) || isfinite(clamped[1]));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_are_their_formulas),
        cmocka_unit_test(lengths_do_not_overflow),
        cmocka_unit_test(limits_agree_with_the_reference),
        cmocka_unit_test(what_keeps_the_limit_is_left_alone),
        cmocka_unit_test(no_limit_hides_a_divergence),
    };
    const struct CMUnitTest flushed[] = {
        cmocka_unit_test(kernels_are_their_formulas),
    };
    int failed = cmocka_run_group_tests(tests, find_tables, NULL);
    return failed + cmocka_run_group_tests(flushed, cases_flush_denormals, NULL);
}
