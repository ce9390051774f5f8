/*
 * test_kernels_bf16.c: rounding to bfloat16 in every table against a formula in double, and the
 * products of rounded operands against those of operands that were rounded before; to the bit.
 */
#include "tests/unit/worker/engine/kernel_cases.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct kernels *tables[TABLES_MAX];
static int tables_count;

static int find_tables(void **state)
{
    tables_count = cases_tables(tables);
    return cases_flush_denormals(state);
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The grid's step at a magnitude: 2^(exponent - 7). */
static double step_at(double size)
{
    int exponent;
    (void)frexp(size, &exponent); /* size = 0.5 .. 1 times 2^exponent */
    return ldexp(1.0, exponent - 8);
}

/* What is not rounded by arithmetic: NaN and infinities as they are, small numbers as zeros. */
static int is_settled(uint32_t bits, float *settled)
{
    const uint32_t size = bits & 0x7fffffff;
    *settled = size < 0x00800000 ? float_of(bits & 0x80000000) : float_of(bits);
    return size < 0x00800000 || size >= 0x7f800000;
}

/* Beyond the largest bfloat16 comes infinity. */
static float from_double(double x)
{
    return fabs(x) > 0x1.fep127 ? copysignf(INFINITY, (float)copysign(1, x)) : (float)x;
}

static float nearest_of(float x)
{
    float settled;
    if (is_settled(bits_of(x), &settled))
        return settled;
    const double size = fabs((double)x), step = step_at(size), below = floor(size / step);
    const double rest = size / step - below;
    const int up = rest > 0.5 || (rest == 0.5 && fmod(below, 2) != 0);
    return from_double(copysign((below + up) * step, (double)x));
}

/* Up when the random 16 bits are among the last of the rest's share of all. */
static float stochastic_of(float x, uint32_t half)
{
    float settled;
    if (is_settled(bits_of(x), &settled))
        return settled;
    const double size = fabs((double)x), step = step_at(size), below = floor(size / step);
    const int up = (size / step - below) * 65536 + half >= 65536;
    return from_double(copysign((below + up) * step, (double)x));
}

static const uint32_t special[] = {
    0x00000000, 0x80000000, 0x00000001, 0x007fffff, 0x807fffff, 0x00800000, 0x80800000, 0x00808000,
    0x3f800000, 0x3f807fff, 0x3f808000, 0x3f808001, 0x3f818000, 0x3f817fff, 0x3fff8000, 0x3fff7fff,
    0x3f7fffff, 0xbf808000, 0xbf818000, 0x7f7fffff, 0x7f7f8000, 0x7f7f7fff, 0xff7fffff, 0x7f800000,
    0xff800000, 0x7fc00000, 0xffc00001, 0x7f800001, 0x7f80ffff, 0x7fffffff, 0x34000000, 0x7f7f0000,
};

enum { SPECIAL = sizeof special / sizeof special[0] };

/* Special values, then any bits; an odd count. */
static size_t fill_any(float *values, size_t count, uint32_t seed)
{
    uint64_t state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    for (size_t i = 0; i < count; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        values[i] = float_of(i < SPECIAL ? special[i] : (uint32_t)(state >> 32));
    }
    return count;
}

static void nearest_is_that_of_double(void **state)
{
    enum { COUNT = 100003 };
    float *from = cases_floats(COUNT), *to = cases_floats(COUNT);
    (void)state;
    fill_any(from, COUNT, 1);
    for (int t = 0; t < tables_count; t++) {
        tables[t]->bf16(from, to, COUNT);
        for (size_t i = 0; i < COUNT; i++)
            if (!cases_same(to[i], nearest_of(from[i])))
                fail_msg("%s: %a (%08x): %a, expected %a", tables[t]->name, (double)from[i],
                         bits_of(from[i]), (double)to[i], (double)nearest_of(from[i]));
        tables[t]->bf16(to, from, COUNT); /* what is a bfloat16 stays */
        for (size_t i = 0; i < COUNT; i++)
            assert_true(cases_same(from[i], to[i]));
        fill_any(from, COUNT, 1);
    }
    free(from);
    free(to);
}

/* ---------------------------------------------------------------------------------- parameters */

static uint32_t half_of(const struct rounding *rounding, uint64_t parameter)
{
    const uint32_t j = parameter % 128, word = j % 64;
    const struct philox_block counter = {{(uint32_t)(parameter / 128) * 16 + word / 4,
                                          rounding->context[0], rounding->context[1],
                                          rounding->context[2]}};
    const struct philox_block block = philox_4x32_10(counter, rounding->key[0], rounding->key[1]);
    return j < 64 ? block.words[word % 4] & 0xffff : block.words[word % 4] >> 16;
}

static void check_parameters(const struct kernels *kernels, struct rounding rounding, size_t count)
{
    float *before = cases_floats(count), *exact = cases_floats(count), *got = cases_floats(count);
    uint64_t lost = 0;
    fill_any(exact, count, 7);
    for (size_t i = 0; i < count; i++) /* every other one a little off a bfloat16 */
        exact[i] = i % 2 == 0 ? exact[i] : nearest_of(exact[i]) * (1 + 0x1p-10F * (float)(i % 3));
    for (size_t i = 0; i < count; i++)
        before[i] = nearest_of(exact[i]);
    memcpy(got, exact, count * sizeof *got);
    rounding.before = before;
    const uint64_t counted = kernels->round_parameters(&rounding, count, got);
    for (size_t i = 0; i < count; i++) {
        const float expected = rounding.is_stochastic
                                   ? stochastic_of(exact[i], half_of(&rounding, rounding.first + i))
                                   : nearest_of(exact[i]);
        if (!cases_same(got[i], expected))
            fail_msg("%s: parameter %zu, %a: %a, expected %a", kernels->name, i, (double)exact[i],
                     (double)got[i], (double)expected);
        const int is_small = (bits_of(exact[i]) & 0x7fffffff) < 0x00800000; /* counts as zero */
        lost += before[i] == expected && before[i] != exact[i] && !is_small;
    }
    assert_int_equal(counted, lost);
    rounding.before = NULL;
    memcpy(got, exact, count * sizeof *got);
    assert_int_equal(kernels->round_parameters(&rounding, count, got), 0);
    free(before);
    free(exact);
    free(got);
}

static void parameters_are_rounded_as_their_words_say(void **state)
{
    static const size_t counts[] = {1, 15, 16, 17, 64, 127, 128, 129, 1000, 2048};
    (void)state;
    for (int t = 0; t < tables_count; t++)
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
            for (int stochastic = 0; stochastic < 2; stochastic++) {
                const struct rounding rounding = {.is_stochastic = stochastic != 0,
                                                  .key = {11, 22},
                                                  .context = {3, 4, 5},
                                                  .first = 128 * i * 1000};
                check_parameters(tables[t], rounding, counts[i]);
            }
}

/* ------------------------------------------------------------------------------------ products */

struct sizes {
    uint32_t m, n, k;
};

static const struct sizes sizes[] = {{1, 1, 1},   {7, 31, 33}, {6, 64, 256}, {49, 65, 257},
                                     {3, 130, 7}, {5, 16, 0},  {50, 17, 530}};

/* Layouts of a, starts and ends in all combinations; then rows that lie anywhere. */
enum { VARIANTS = 21 };

/* Operands and outputs of one product, and how it is meant. */
struct trial {
    struct product product;
    float *a, *b, *c, *bias, *from;
    size_t a_count, b_count, c_count;
};

static struct trial trial_open(struct sizes size, int variant)
{
    const size_t row = cases_stride(size.n); /* ends work on whole groups */
    struct trial trial = {.a_count = (size_t)size.m * (size.k + 1),
                          .b_count = (size_t)(size.k + 1) * row,
                          .c_count = size.m * row};
    trial.a = cases_floats(trial.a_count);
    trial.b = cases_floats(trial.b_count);
    trial.c = cases_floats(trial.c_count);
    trial.bias = cases_floats(size.m);
    trial.from = cases_floats(trial.c_count);
    cases_fill(trial.a, trial.a_count, 1);
    cases_fill(trial.b, trial.b_count, 2);
    cases_fill(trial.c, trial.c_count, 3);
    cases_fill(trial.bias, size.m, 4);
    cases_fill(trial.from, trial.c_count, 5);
    trial.product = (struct product){
        .m = size.m,
        .n = size.n,
        .k = size.k,
        .a = trial.a,
        .a_row = variant % 2 == 0 ? size.k + 1 : 1,
        .a_column = variant % 2 == 0 ? 1 : size.m,
        .b = trial.b,
        .b_row = row,
        .bias = variant % 3 == 0 ? trial.bias : NULL,
        .c = trial.c,
        .c_row = row,
        .start = variant % 3 == 1 ? PRODUCT_CONTINUES : PRODUCT_STARTS,
        .end = (enum product_end)(variant < 18 ? variant / 3 % 3 : 0),
        .activation = variant % 2 == 0 ? ACTIVATION_RELU : ACTIVATION_GELU,
        .from = trial.from,
    };
    return trial;
}

static void trial_close(struct trial *trial)
{
    free(trial->a);
    free(trial->b);
    free(trial->c);
    free(trial->bias);
    free(trial->from);
}

static void round_all(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = nearest_of(values[i]);
}

static void check_product(const struct kernels *kernels, struct sizes size, int variant)
{
    struct trial trial = trial_open(size, variant), rounded = trial_open(size, variant);
    round_all(rounded.a, rounded.a_count);
    round_all(rounded.b, rounded.b_count);
    const float *a_rows[64];
    float *c_rows[64];
    for (uint32_t i = 0; i < size.m; i++) {
        a_rows[i] = trial.a + i * trial.product.a_row;
        c_rows[i] = trial.c + i * trial.product.c_row;
    }
    if (variant >= VARIANTS - 3) { /* these have no end */
        trial.product.a_rows = a_rows;
        trial.product.c_rows = c_rows;
        trial.product.a = trial.product.c = NULL;
    }
    kernels->product_bf16(&trial.product);
    tables[0]->product(&rounded.product);
    cases_assert_same(trial.c, rounded.c, trial.c_count, kernels->name);
    trial_close(&trial);
    trial_close(&rounded);
}

static void a_product_is_that_of_rounded_operands(void **state)
{
    (void)state;
    for (int t = 0; t < tables_count; t++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            for (int variant = 0; variant < VARIANTS; variant++)
                check_product(tables[t], sizes[i], variant);
}

static void check_lanes(const struct kernels *kernels, uint32_t left_rows, uint32_t right_rows)
{
    enum { N = 37, RUNS = 3, ROW = 130, SUMS_ROW = 11 };
    float *left = cases_floats((size_t)left_rows * ROW), *right = cases_floats(right_rows * ROW);
    float got[9 * SUMS_ROW] = {0}, expected[9 * SUMS_ROW] = {0};
    cases_fill(left, (size_t)left_rows * ROW, 1);
    cases_fill(right, (size_t)right_rows * ROW, 2);
    struct lane_product product = {.left_rows = left_rows,
                                   .right_rows = right_rows,
                                   .n = N,
                                   .runs = RUNS,
                                   .left = left,
                                   .left_row = ROW,
                                   .left_run = 41,
                                   .right = right,
                                   .right_row = ROW,
                                   .right_run = 40,
                                   .sums = got,
                                   .sums_row = SUMS_ROW};
    kernels->lane_product_bf16(&product);
    round_all(left, (size_t)left_rows * ROW);
    round_all(right, (size_t)right_rows * ROW);
    product.sums = expected;
    tables[0]->lane_product(&product);
    cases_assert_same(got, expected, sizeof got / sizeof got[0], kernels->name);
    free(left);
    free(right);
}

static void lanes_are_those_of_rounded_operands(void **state)
{
    (void)state;
    for (int t = 0; t < tables_count; t++)
        for (uint32_t left = 1; left <= 9; left += 4)
            for (uint32_t right = 1; right <= 7; right++)
                check_lanes(tables[t], left, right);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_is_that_of_double),
        cmocka_unit_test(parameters_are_rounded_as_their_words_say),
        cmocka_unit_test(a_product_is_that_of_rounded_operands),
        cmocka_unit_test(lanes_are_those_of_rounded_operands),
    };
    return cmocka_run_group_tests(tests, find_tables, NULL);
}
