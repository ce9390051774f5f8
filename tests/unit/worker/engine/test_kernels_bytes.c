/*
 * test_kernels_bytes.c: mini-batches of bytes, and products without their zeros, in every table,
 * each against its definition, to the bit; what lies beyond is poisoned.
 */
#include "tests/unit/worker/engine/kernel_cases.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SAMPLES = 40, SHAPES = 11, BATCHES = 9 };

static const uint32_t shapes[SHAPES] = {1, 7, 31, 33, 63, 64, 65, 100, 128, 150, 1025};
static const uint32_t batches[BATCHES] = {1, 2, 15, 16, 17, 63, 64, 65, 130};

static const struct kernels *tables[TABLES_MAX];
static int tables_count;

static int find_tables(void **state)
{
    (void)state;
    tables_count = cases_tables(tables);
    return 0;
}

/* ---------------------------------------------------------------------------------- matrices */

static size_t panels_of(uint32_t columns)
{
    return ((size_t)columns + BYTE_COLUMNS - 1) / BYTE_COLUMNS;
}

static struct byte_matrix matrix_open(uint32_t rows, uint32_t columns)
{
    const size_t count = panels_of(columns) * rows;
    struct byte_matrix matrix = {.rows = rows, .columns = columns};
    matrix.values = malloc(count * BYTE_COLUMNS);
    matrix.filled = malloc(count * sizeof *matrix.filled);
    assert_true(matrix.values != NULL && matrix.filled != NULL);
    memset(matrix.values, 0xA5, count * BYTE_COLUMNS);
    memset(matrix.filled, 0xA5, count * sizeof *matrix.filled);
    return matrix;
}

static void matrix_close(struct byte_matrix *matrix)
{
    free(matrix->values);
    free(matrix->filled);
}

static size_t place_of(const struct byte_matrix *matrix, uint32_t row, size_t column)
{
    const size_t panel = column / BYTE_COLUMNS;
    return (panel * matrix->rows + row) * BYTE_COLUMNS + column % BYTE_COLUMNS;
}

static void set(struct byte_matrix *matrix, uint32_t row, size_t column, uint8_t value)
{
    const size_t place = place_of(matrix, row, column);
    const uint64_t bit = UINT64_C(1) << column % BYTE_COLUMNS;
    matrix->values[place] = value;
    uint64_t *filled = &matrix->filled[place / BYTE_COLUMNS];
    *filled = value != 0 ? *filled | bit : *filled & ~bit;
}

/* Every third row is empty, and every fifth column. */
static struct byte_matrix draw_matrix(uint32_t rows, uint32_t columns)
{
    struct byte_matrix matrix = matrix_open(rows, columns);
    for (uint32_t i = 0; i < rows; i++)
        for (size_t j = 0; j < panels_of(columns) * BYTE_COLUMNS; j++) {
            const uint32_t word = (i * 2654435761U + (uint32_t)j * 40503U) >> 7;
            const int empty = i % 3 == 2 || j % 5 == 4 || j >= columns || word % 4 == 0;
            set(&matrix, i, j, empty ? 0 : (uint8_t)(word >> 8));
        }
    return matrix;
}

/* ------------------------------------------------------------------------------------ gather */

static uint8_t byte_of(uint32_t sample, uint32_t feature)
{
    const uint32_t word = sample * 37 + feature * 11 + feature / 7;
    return word % 3 == 0 ? 0 : (uint8_t)(word * 29);
}

static void check_matrix(const struct byte_matrix *matrix, const uint32_t *index, int by_sample,
                         const char *name)
{
    for (uint32_t i = 0; i < matrix->rows; i++)
        for (size_t j = 0; j < panels_of(matrix->columns) * BYTE_COLUMNS; j++) {
            const size_t place = place_of(matrix, i, j);
            const uint32_t column = (uint32_t)j;
            const uint8_t value = column >= matrix->columns ? 0
                                  : by_sample               ? byte_of(index[i], column)
                                                            : byte_of(index[column], i);
            const int filled = matrix->filled[place / BYTE_COLUMNS] >> j % BYTE_COLUMNS & 1;
            if (matrix->values[place] != value || filled != (value != 0))
                fail_msg("%s: row %u, column %u is %u (%d), not %u", name, i, column,
                         matrix->values[place], filled, value);
        }
}

/* The samples are exactly as long as they have to be, so that a sanitizer sees what reads on. */
static void check_gather(uint32_t features, uint32_t n)
{
    uint8_t *inputs = malloc((size_t)SAMPLES * features);
    uint32_t index[130];
    assert_non_null(inputs);
    for (uint32_t i = 0; i < SAMPLES; i++)
        for (uint32_t j = 0; j < features; j++)
            inputs[(size_t)i * features + j] = byte_of(i, j);
    for (uint32_t i = 0; i < n; i++)
        index[i] = (i * 17 + SAMPLES - 1) % SAMPLES;
    const struct samples samples = {
        .type = SAMPLE_U8, .inputs = inputs, .count = SAMPLES, .features = features};
    for (int t = 0; t < tables_count; t++) {
        struct byte_matrix by_sample = matrix_open(n, features);
        struct byte_matrix by_feature = matrix_open(features, n);
        tables[t]->gather_bytes(&(struct batch_source){&samples, index, n}, &by_sample,
                                &by_feature);
        check_matrix(&by_sample, index, 1, tables[t]->name);
        check_matrix(&by_feature, index, 0, tables[t]->name);
        matrix_close(&by_sample);
        matrix_close(&by_feature);
    }
    free(inputs);
}

static void gathers_bytes_both_ways_round(void **state)
{
    (void)state;
    for (size_t f = 0; f < SHAPES; f++)
        for (size_t b = 0; b < BATCHES; b++)
            check_gather(shapes[f], batches[b]);
}

/* ----------------------------------------------------------------------------------- product */

static float chain_of(const struct sparse_product *product, uint32_t row, uint32_t unit)
{
    float sum = 0;
    for (uint32_t k = 0; k < product->a->columns; k++) {
        const uint8_t value = product->a->values[place_of(product->a, row, k)];
        if (value != 0)
            sum = fmaf(value, product->b[(size_t)k * product->units + unit], sum);
    }
    return product->last[unit] + sum;
}

static void check_product(uint32_t rows, uint32_t columns, uint32_t units,
                          void (*fill)(float *, size_t, uint32_t))
{
    struct byte_matrix a = draw_matrix(rows, columns);
    float *b = cases_floats((size_t)columns * units), *last = cases_floats(units);
    float *c = cases_floats((size_t)rows * units);
    struct sparse_product product = {&a, units, b, last, c};
    fill(b, (size_t)columns * units, 3);
    fill(last, units, 4);
    cases_settle(b, (size_t)columns * units);
    cases_settle(last, units);
    for (int t = 0; t < tables_count; t++) {
        cases_fill_with_nan(c, (size_t)rows * units);
        tables[t]->sparse_product(&product);
        for (uint32_t i = 0; i < rows; i++)
            for (uint32_t u = 0; u < units; u++) {
                const float expected = chain_of(&product, i, u);
                cases_assert_same(&c[(size_t)i * units + u], &expected, 1, tables[t]->name);
            }
    }
    matrix_close(&a);
    free(b);
    free(last);
    free(c);
}

static void products_leave_out_zeros_and_nothing_else(void **state)
{
    (void)state;
    for (uint32_t units = 16; units <= SPARSE_UNITS_MAX; units += 16)
        for (size_t s = 0; s < SHAPES; s++)
            check_product(shapes[(s + units / 16) % 8], shapes[s], units,
                          s % 2 ? cases_fill : cases_fill_with_special);
}

/* -------------------------------------------------------------------------------------- rows */

static float lanes_of(const float *row, uint32_t n)
{
    float lanes[KERNEL_LANES] = {0};
    for (uint32_t i = 0; i < n; i++)
        lanes[i % KERNEL_LANES] += row[i];
    for (int width = 8; width > 0; width /= 2)
        for (int l = 0; l < width; l++)
            lanes[l] += lanes[l + width];
    return lanes[0];
}

static void check_scale(uint32_t n, void (*fill)(float *, size_t, uint32_t))
{
    float from[1025], to[1026], expected[1025];
    fill(from, n, 8);
    for (uint32_t i = 0; i < n; i++)
        expected[i] = from[i] * 0.0137F;
    cases_settle(expected, n);
    const float sum = lanes_of(expected, n);
    for (int t = 0; t < tables_count; t++) {
        to[n] = 7;
        const float found = tables[t]->scale_row(0.0137F, n, from, to);
        cases_assert_same(to, expected, n, tables[t]->name);
        cases_assert_same(&found, &sum, 1, tables[t]->name);
        assert_true(to[n] == 7);
    }
}

static void scales_rows_and_adds_them_up(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++) {
        check_scale(shapes[s], cases_fill);
        check_scale(shapes[s], cases_fill_with_special);
    }
}

static void check_transpose(uint32_t units, uint32_t n)
{
    const uint32_t stride = cases_stride(n), row = units + 3;
    struct activations from = {units, n, stride, cases_floats((size_t)units * stride)};
    float *to = cases_floats((size_t)n * row), *rows[130];
    cases_fill_with_special(from.values, (size_t)units * stride, 5);
    for (uint32_t j = 0; j < n; j++)
        rows[j] = to + (size_t)(n - 1 - j) * row;
    for (int t = 0; t < tables_count; t++) {
        for (size_t i = 0; i < (size_t)n * row; i++)
            to[i] = 7;
        tables[t]->transpose_to_rows(&from, rows);
        for (uint32_t j = 0; j < n; j++) {
            for (uint32_t i = 0; i < units; i++)
                cases_assert_same(&rows[j][i], &from.values[i * stride + j], 1, tables[t]->name);
            for (uint32_t i = units; i < row; i++)
                assert_true(rows[j][i] == 7);
        }
    }
    free(from.values);
    free(to);
}

static void transposes_to_rows_anywhere(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++)
        for (size_t b = 0; b < BATCHES; b++)
            check_transpose(shapes[s], batches[b]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gathers_bytes_both_ways_round),
        cmocka_unit_test(products_leave_out_zeros_and_nothing_else),
        cmocka_unit_test(scales_rows_and_adds_them_up),
        cmocka_unit_test(transposes_to_rows_anywhere),
    };
    return cmocka_run_group_tests(tests, find_tables, NULL);
}
