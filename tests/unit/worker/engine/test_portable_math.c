/*
 * test_portable_math.c: exp, log, tanh, erf and normals: errors against the C library's double
 * functions over a dense sample of all floats, values at the edges, and the same bits from every
 * table.
 */
#include "tests/unit/worker/engine/kernel_cases.h"

#include "common/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHUNK = 4096 };

static const struct function {
    const char *name;
    float (*scalar)(float);
    double (*truth)(double);
    size_t kernel; /* offset in struct kernels */
    double ulp_max;
} functions[] = {
    {"exp", portable_exp, exp, offsetof(struct kernels, exp), 2},
    {"log", portable_log, log, offsetof(struct kernels, log), 2},
    {"tanh", portable_tanh, tanh, offsetof(struct kernels, tanh), 2},
    {"erf", portable_erf, erf, offsetof(struct kernels, erf), 4},
};

enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

static void run_kernel(const struct kernels *table, const struct function *function,
                       const float *from, float *to, size_t count)
{
    void (*kernel)(const float *, float *, size_t);
    memcpy(&kernel, (const char *)table + function->kernel, sizeof kernel);
    kernel(from, to, count);
}

/* Distance in units of the last place of the true value, as a float has it. */
static double error_in_ulp(float got, double truth)
{
    int exponent;
    frexp(truth, &exponent);
    double ulp = ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
    return fabs((double)got - truth) / ulp;
}

static int is_normal(double truth)
{
    return fabs(truth) >= 0x1p-126 && fabs(truth) <= (double)__FLT_MAX__;
}

/* Every step-th float of all 2^32, by bits; the step is odd, so all low bits appear. */
static uint32_t sample(float *values, uint32_t bits, uint32_t step)
{
    for (size_t i = 0; i < CHUNK; i++, bits += step)
        memcpy(&values[i], &bits, sizeof bits);
    return bits;
}

static void errors_are_within_the_contract(void **state)
{
    (void)state;
    enum { CHUNKS = 512 };
    const struct kernels *table = kernels_current();
    float *from = cases_floats(CHUNK), *to = cases_floats(CHUNK);
    for (int f = 0; f < FUNCTIONS; f++) {
        double worst = 0;
        float worst_at = 0;
        uint32_t bits = 0;
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            bits = sample(from, bits, UINT32_MAX / (CHUNKS * CHUNK) | 1);
            run_kernel(table, &functions[f], from, to, CHUNK);
            for (size_t i = 0; i < CHUNK; i++) {
                double truth = functions[f].truth((double)from[i]);
                if (!is_normal(truth)) {
                    if (truth != truth)
                        assert_true(to[i] != to[i]);
                    continue;
                }
                double error = error_in_ulp(to[i], truth);
                if (error > worst) {
                    worst = error;
                    worst_at = from[i];
                }
            }
        }
        print_message("%s: at most %.3f ulp, at %a\n", functions[f].name, worst, (double)worst_at);
        assert_true(worst < functions[f].ulp_max);
    }
    free(from);
    free(to);
}

static void assert_float(float got, float expected)
{
    cases_assert_same(&got, &expected, 1, "edge");
}

static void edges_are_as_in_c(void **state)
{
    (void)state;
    const float infinity = __builtin_inff(), nan = __builtin_nanf("");
    for (int f = 0; f < FUNCTIONS; f++) {
        assert_float(functions[f].scalar(nan), nan);
        assert_float(functions[f].scalar(-nan), nan);
    }
    assert_float(portable_exp(infinity), infinity);
    assert_float(portable_exp(-infinity), 0);
    assert_float(portable_exp(0), 1);
    assert_float(portable_exp(-0.0F), 1);
    assert_float(portable_exp(88.73F), infinity);
    assert_float(portable_exp(-103.98F), 0);
    assert_float(portable_exp(-103.9F), 0x1p-149F);
    assert_float(portable_exp(-88.0F), expf(-88.0F)); /* denormal, rounded once */
    assert_float(portable_log(infinity), infinity);
    assert_float(portable_log(-infinity), nan);
    assert_float(portable_log(-1), nan);
    assert_float(portable_log(0), -infinity);
    assert_float(portable_log(-0.0F), -infinity);
    assert_float(portable_log(1), 0);
    assert_float(portable_log(0x1p-149F), -103.278931F);
    assert_float(portable_tanh(infinity), 1);
    assert_float(portable_tanh(-infinity), -1);
    assert_float(portable_tanh(0), 0);
    assert_float(portable_tanh(-0.0F), -0.0F);
    assert_float(portable_tanh(-0x1p-149F), -0x1p-149F);
    assert_float(portable_erf(infinity), 1);
    assert_float(portable_erf(-infinity), -1);
    assert_float(portable_erf(0), 0);
    assert_float(portable_erf(-0.0F), -0.0F);
}

static void every_table_has_the_same_bits(void **state)
{
    (void)state;
    enum { CHUNKS = 24 };
    const struct kernels *tables[TABLES_MAX];
    int tables_count = cases_tables(tables);
    float *from = cases_floats(CHUNK), *to = cases_floats(CHUNK), *one = cases_floats(CHUNK);
    for (int f = 0; f < FUNCTIONS; f++) {
        uint32_t bits = (uint32_t)f;
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            bits = sample(from, bits, UINT32_MAX / (CHUNKS * CHUNK) | 1);
            for (size_t i = 0; i < CHUNK; i++)
                one[i] = functions[f].scalar(from[i]);
            for (int t = 0; t < tables_count; t++) {
                cases_fill_with_nan(to, CHUNK);
                run_kernel(tables[t], &functions[f], from, to, CHUNK);
                cases_assert_same(to, one, CHUNK, functions[f].name);
            }
        }
    }
    free(from);
    free(to);
    free(one);
}

static void arrays_end_where_they_end(void **state)
{
    (void)state;
    const struct kernels *tables[TABLES_MAX];
    int tables_count = cases_tables(tables);
    for (size_t count = 0; count < 40; count++) {
        float *from = malloc((count + 1) * sizeof *from), *to = malloc((count + 1) * sizeof *to);
        assert_true(from != NULL && to != NULL);
        cases_fill_with_special(from, count, 2);
        for (int t = 0; t < tables_count; t++) {
            for (int f = 0; f < FUNCTIONS; f++) {
                to[count] = 42;
                run_kernel(tables[t], &functions[f], from, to, count);
                for (size_t i = 0; i < count; i++)
                    assert_float(to[i], functions[f].scalar(from[i]));
                assert_float(to[count], 42);
            }
        }
        free(from);
        free(to);
    }
}

/* Against Box and Muller's formula in double. */
static void normals_are_box_and_muller(void **state)
{
    (void)state;
    const double pi = acos(-1);
    uint32_t first = 1, second = 0;
    for (int i = 0; i < 200000; i++, first += 0x9E3779B9, second += 0x7F4A7C15) {
        float normals[2];
        portable_normals(first, second, normals);
        double radius = sqrt(-2 * log(((double)first + 0.5) * 0x1p-32));
        double angle = 2 * pi * (double)second * 0x1p-32;
        /* Where the first word is near 2^32, u has fewer digits than its distance from 1 needs. */
        double tolerance = first > UINT32_C(0xfff00000) ? 1e-3 : 3e-6;
        assert_true(fabs((double)normals[0] - radius * cos(angle)) < tolerance);
        assert_true(fabs((double)normals[1] - radius * sin(angle)) < tolerance);
    }
    float normals[2];
    portable_normals(UINT32_MAX, 123, normals);
    assert_true(normals[0] == 0 && normals[1] == 0);
    portable_normals(0, 0, normals);
    assert_true(normals[0] > 6.7F && normals[0] < 6.8F && normals[1] == 0);
    portable_normals(0, UINT32_C(1) << 30, normals);
    assert_true(normals[1] > 6.7F && normals[1] < 6.8F && normals[0] == 0);
}

static void normals_have_their_moments(void **state)
{
    (void)state;
    enum { PAIRS = 200000 };
    struct random random = random_open(9, 0, 0, RANDOM_INIT);
    double sums[5] = {0};
    for (int i = 0; i < PAIRS; i++) {
        float normals[2];
        uint32_t first = random_u32(&random), second = random_u32(&random);
        portable_normals(first, second, normals);
        for (int j = 0; j < 2; j++) {
            double x = (double)normals[j];
            for (int power = 1; power < 5; power++)
                sums[power] += pow(x, power);
        }
        sums[0] += (double)normals[0] * (double)normals[1];
    }
    const double n = 2 * PAIRS;
    assert_true(fabs(sums[0] / PAIRS) < 0.01); /* uncorrelated */
    assert_true(fabs(sums[1] / n) < 0.01);
    assert_true(fabs(sums[2] / n - 1) < 0.01);
    assert_true(fabs(sums[3] / n) < 0.03);
    assert_true(fabs(sums[4] / n - 3) < 0.1);
}

/* FNV-1a over what the function gives for a sample of all floats; every NaN counts as one. */
static uint64_t fingerprint(float (*function)(float))
{
    enum { COUNT = 1 << 18 };
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    uint32_t bits = 0;
    for (int i = 0; i < COUNT; i++, bits += UINT32_MAX / COUNT | 1) {
        float x;
        memcpy(&x, &bits, sizeof x);
        float y = function(x);
        uint32_t word = 0x7fc00000;
        if (y == y)
            memcpy(&word, &y, sizeof word);
        for (int byte = 0; byte < 4; byte++)
            hash = (hash ^ (word >> 8 * byte & 255)) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static float first_normal(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    float normals[2];
    portable_normals(bits, bits * UINT32_C(0x9E3779B9), normals);
    return normals[0] + normals[1];
}

/* Recorded results depend on these bits: a change here is a new engine version. */
static void the_bits_are_those_of_the_class(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        float (*function)(float);
        uint64_t hash;
    } known[] = {
        {"exp", portable_exp, UINT64_C(0xd7f256d26a64e5d9)},
        {"log", portable_log, UINT64_C(0x74cd3c2c5318d47b)},
        {"tanh", portable_tanh, UINT64_C(0x9c590c1efead8c17)},
        {"erf", portable_erf, UINT64_C(0xc9c03ff9e02a5475)},
        {"normals", first_normal, UINT64_C(0xa927e58742c43893)},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint64_t hash = fingerprint(known[i].function);
        if (hash != known[i].hash)
            fail_msg("%s: %016llx", known[i].name, (unsigned long long)hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_within_the_contract),
        cmocka_unit_test(edges_are_as_in_c),
        cmocka_unit_test(every_table_has_the_same_bits),
        cmocka_unit_test(arrays_end_where_they_end),
        cmocka_unit_test(normals_are_box_and_muller),
        cmocka_unit_test(normals_have_their_moments),
        cmocka_unit_test(the_bits_are_those_of_the_class),
    };
    const struct CMUnitTest flushed[] = {
        cmocka_unit_test(every_table_has_the_same_bits),
        cmocka_unit_test(arrays_end_where_they_end),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + cmocka_run_group_tests(flushed, cases_flush_denormals, NULL);
}
