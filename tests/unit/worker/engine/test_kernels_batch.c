/*
 * test_kernels_batch.c: gathering, transposing, dropping and summing in every table, each against
 * its definition, to the bit; what lies beyond the batch is poisoned.
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

static const uint32_t sizes[] = {1, 2, 3, 5, 7, 15, 16, 17, 31, 33, 63, 64, 65, 100, 255, 256};

enum { SIZES = sizeof sizes / sizeof sizes[0] };

static const struct kernels *tables[TABLES_MAX];
static int tables_count;

static int find_tables(void **state)
{
    (void)state;
    tables_count = cases_tables(tables);
    return 0;
}

/* ------------------------------------------------------------------------------------ gather */

enum { SAMPLES = 40 };

static float input_of(const struct samples *samples, uint32_t sample, uint32_t feature)
{
    size_t place = (size_t)sample * samples->features + feature;
    float x;
    if (samples->type == SAMPLE_U8)
        x = (float)((const uint8_t *)samples->inputs)[place];
    else
        memcpy(&x, (const uint8_t *)samples->inputs + place * sizeof x, sizeof x);
    return fmaf(x, samples->scale, samples->shift);
}

/* Exactly as long as the samples are, so that a sanitizer sees what reads on. */
static struct samples samples_open(enum sample_type type, uint32_t features, uint8_t **bytes)
{
    size_t size = type == SAMPLE_U8 ? 1 : sizeof(float);
    size_t skew = type == SAMPLE_U8 ? 0 : 1; /* F32 need not be aligned */
    size_t count = (size_t)SAMPLES * features;
    *bytes = malloc(count * size + skew);
    assert_non_null(*bytes);
    if (type == SAMPLE_U8) {
        for (size_t i = 0; i < count; i++)
            (*bytes)[i] = (uint8_t)(i * 37 + i / 256);
    } else {
        float *values = cases_floats(count);
        cases_fill_with_special(values, count, 7);
        memcpy(*bytes + skew, values, count * size);
        free(values);
    }
    return (struct samples){.type = type,
                            .inputs = *bytes + skew,
                            .count = SAMPLES,
                            .features = features,
                            .scale = 1.0F / 255,
                            .shift = -0.25F};
}

static void check_batch(const struct batch_source *source, const struct batch *batch,
                        const char *name)
{
    const uint32_t features = source->samples->features, stride = (uint32_t)batch->stride;
    const int panels = batch->layout == MATRIX_PANELS;
    for (uint32_t j = 0; j < features; j++) {
        for (uint32_t i = 0; i < stride; i++) {
            float expected = i < source->n ? input_of(source->samples, source->index[i], j) : 0;
            size_t place = panels ? cases_panel_place((struct cases_place){features, stride, j, i})
                                  : j * batch->stride + i;
            cases_assert_same(&batch->by_feature[place], &expected, 1, name);
            place = panels ? cases_panel_place((struct cases_place){source->n, features, i, j})
                           : i * batch->sample_row + j;
            if (i < source->n)
                cases_assert_same(&batch->by_sample[place], &expected, 1, name);
        }
    }
}

static void check_gather(enum sample_type type, uint32_t features, uint32_t n)
{
    uint8_t *bytes;
    struct samples samples = samples_open(type, features, &bytes);
    uint32_t index[256];
    for (uint32_t i = 0; i < n; i++)
        index[i] = (i * 17 + SAMPLES - 1) % SAMPLES; /* the last first, and then all */
    struct batch_source source = {&samples, index, n};
    struct batch batch = {.sample_row = cases_stride(features),
                          .stride = cases_stride(n) + (features % 2) * KERNEL_LANES};
    batch.by_sample = cases_floats(n * batch.sample_row);
    batch.by_feature = cases_floats(features * batch.stride);
    for (int t = 0; t < 2 * tables_count; t++) {
        const struct kernels *table = tables[t / 2];
        batch.layout = t % 2 == 0 ? MATRIX_ROWS : MATRIX_PANELS;
        cases_fill_with_nan(batch.by_sample, n * batch.sample_row);
        cases_fill_with_nan(batch.by_feature, features * batch.stride);
        table->gather(&source, &batch);
        check_batch(&source, &batch, table->name);
    }
    free(batch.by_sample);
    free(batch.by_feature);
    free(bytes);
}

static void gathers_both_layouts_and_pads_with_zero(void **state)
{
    (void)state;
    static const uint32_t features[] = {1, 2, 15, 16, 17, 40, 64, 100};
    for (size_t f = 0; f < sizeof features / sizeof features[0]; f++) {
        for (size_t i = 0; i < SIZES; i++) {
            check_gather(SAMPLE_U8, features[f], sizes[i]);
            check_gather(SAMPLE_F32, features[f], sizes[i]);
        }
    }
}

/* --------------------------------------------------------------------------------- transpose */

static void check_transpose(uint32_t units, uint32_t n)
{
    uint32_t stride = cases_stride(n), to_row = units + n % 3;
    struct activations from = {units, n, stride, cases_floats((size_t)units * stride)};
    cases_fill_with_special(from.values, (size_t)units * stride, 5);
    size_t count = (size_t)(n - 1) * to_row + units; /* not a float more */
    float *to = malloc(count * sizeof *to), *expected = malloc(count * sizeof *expected);
    assert_true(to != NULL && expected != NULL);
    cases_fill(expected, count, 6);
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < units; j++)
            expected[i * to_row + j] = from.values[j * stride + i];
    }
    for (int t = 0; t < tables_count; t++) {
        cases_fill(to, count, 6);
        tables[t]->transpose(&from, to, to_row);
        cases_assert_same(to, expected, count, tables[t]->name);
    }
    free(from.values);
    free(to);
    free(expected);
}

static void transposes_and_touches_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t j = 0; j < SIZES; j++)
            check_transpose(sizes[i], sizes[j]);
    }
}

/* -------------------------------------------------------------------------------------- sums */

static float sum_of(const float *row, uint32_t n)
{
    float lanes[KERNEL_LANES] = {0};
    for (uint32_t i = 0; i < n; i++)
        lanes[i % KERNEL_LANES] += row[i];
    for (int width = 8; width > 0; width /= 2) {
        for (int l = 0; l < width; l++)
            lanes[l] += lanes[l + width];
    }
    return lanes[0];
}

static void check_sums(uint32_t n, void (*fill)(float *, size_t, uint32_t))
{
    enum { UNITS = 9 };
    uint32_t stride = cases_stride(n) + KERNEL_LANES;
    struct activations values = {UNITS, n, stride, cases_floats((size_t)UNITS * stride)};
    cases_fill_with_nan(values.values, (size_t)UNITS * stride);
    float expected[UNITS], sums[UNITS];
    for (uint32_t unit = 0; unit < UNITS; unit++) {
        fill(values.values + unit * stride, n, unit + 10);
        expected[unit] = sum_of(values.values + unit * stride, n);
    }
    for (int t = 0; t < tables_count; t++) {
        cases_fill_with_nan(sums, UNITS);
        tables[t]->sum_samples(&values, sums);
        cases_assert_same(sums, expected, UNITS, tables[t]->name);
    }
    free(values.values);
}

static void fill_with_minus_zero(float *values, size_t count, uint32_t seed)
{
    (void)seed;
    for (size_t i = 0; i < count; i++)
        values[i] = -0.0F;
}

static void sums_in_sixteen_lanes(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        check_sums(sizes[i], cases_fill);
        check_sums(sizes[i], cases_fill_with_special);
        check_sums(sizes[i], fill_with_minus_zero);
    }
    check_sums(65536, cases_fill);
}

/* ----------------------------------------------------------------------------------- dropout */

static float dropped(const struct dropout *dropout, uint32_t block, uint32_t sample, float value)
{
    struct philox_block counter = {
        {block + sample / 4, dropout->context[0], dropout->context[1], dropout->context[2]}};
    struct philox_block words = philox_4x32_10(counter, dropout->key[0], dropout->key[1]);
    return words.words[sample % 4] < dropout->threshold ? 0 : value * dropout->scale;
}

static uint32_t check_drop(uint32_t n, const struct dropout *dropout)
{
    enum { UNITS = 7 };
    uint32_t stride = cases_stride(n), zeroes = 0;
    size_t count = (size_t)UNITS * stride;
    struct activations values = {UNITS, n, stride, cases_floats(count)};
    float *before = cases_floats(count);
    cases_fill(before, count, 11);
    for (int t = 0; t < tables_count; t++) {
        memcpy(values.values, before, count * sizeof *before);
        tables[t]->drop(dropout, &values);
        for (uint32_t unit = 0; unit < UNITS; unit++) {
            for (uint32_t i = 0; i < n; i++) {
                float old = before[unit * stride + i], new = values.values[unit * stride + i];
                float expected = dropped(dropout, unit * ((n + 3) / 4), i, old);
                cases_assert_same(&new, &expected, 1, tables[t]->name);
                zeroes += new == 0;
            }
        }
    }
    free(values.values);
    free(before);
    return zeroes / (uint32_t)tables_count;
}

static void drops_by_philox(void **state)
{
    (void)state;
    struct dropout dropout = {.key = {0x12345678, 0x9abcdef0},
                              .context = {3 | 6U << 24, 0xfedcba98, 0xffffffff},
                              .threshold = 0x40000000,
                              .scale = 1.0F / 0.75F};
    for (size_t i = 0; i < SIZES; i++)
        check_drop(sizes[i], &dropout);
    dropout.threshold = UINT32_C(0xe6666666); /* above the sign bit */
    assert_in_range(check_drop(256, &dropout), 7 * 256 * 85 / 100, 7 * 256 * 95 / 100);
    dropout.threshold = 0;
    assert_int_equal(check_drop(256, &dropout), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gathers_both_layouts_and_pads_with_zero),
        cmocka_unit_test(transposes_and_touches_nothing_else),
        cmocka_unit_test(sums_in_sixteen_lanes),
        cmocka_unit_test(drops_by_philox),
    };
    const struct CMUnitTest flushed[] = {
        cmocka_unit_test(sums_in_sixteen_lanes),
        cmocka_unit_test(gathers_both_layouts_and_pads_with_zero),
    };
    int failed = cmocka_run_group_tests(tests, find_tables, NULL);
    return failed + cmocka_run_group_tests(flushed, cases_flush_denormals, NULL);
}
