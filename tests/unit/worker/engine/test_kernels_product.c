/*
 * test_kernels_product.c: the matrix product of every table against one chain of fused
 * multiply-adds per output, to the bit; and OpenBLAS against the same, within rounding.
 */
#include "tests/unit/worker/engine/kernel_cases.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SKEW = 3 }; /* no operand is aligned */

struct shape {
    uint32_t m, n, k;
};

/* One product with everything it touches. a is stored by rows or by columns. */
struct trial {
    struct product product;
    float *a, *b, *bias, *c, *expected;
    size_t c_count;
};

enum layout { A_BY_ROWS, A_BY_COLUMNS };
enum start { FROM_ZERO, FROM_BIAS, FROM_C, STARTS };

static void oracle(const struct product *p, float *c)
{
    for (uint32_t i = 0; i < p->m; i++) {
        for (uint32_t j = 0; j < p->n; j++) {
            float sum = p->start == PRODUCT_CONTINUES ? c[i * p->c_row + j]
                        : p->bias == NULL             ? 0
                                                      : p->bias[i];
            for (uint32_t k = 0; k < p->k; k++)
                sum = fmaf(p->a[i * p->a_row + k * p->a_column], p->b[k * p->b_row + j], sum);
            c[i * p->c_row + j] = sum;
        }
    }
}

static void trial_open(struct trial *trial, struct shape shape, enum layout layout,
                       enum start start, void (*fill)(float *, size_t, uint32_t))
{
    uint32_t m = shape.m, n = shape.n, k = shape.k;
    size_t a_row = layout == A_BY_ROWS ? k + 5 : 1, a_column = layout == A_BY_ROWS ? 1 : m + 2;
    size_t b_row = n + 7, c_row = n + 9;
    size_t a_count = (m + 2) * (k + 5) + SKEW, b_count = (k + 1) * b_row + SKEW;
    trial->c_count = (m + 1) * c_row + SKEW;
    trial->a = cases_floats(a_count);
    trial->b = cases_floats(b_count);
    trial->bias = cases_floats(m + SKEW);
    trial->c = cases_floats(trial->c_count);
    trial->expected = cases_floats(trial->c_count);
    fill(trial->a, a_count, 1);
    cases_fill_with_nan(trial->b, b_count); /* between the rows */
    for (uint32_t i = 0; i < k; i++)
        fill(trial->b + SKEW + i * b_row, n, 100 + i);
    fill(trial->bias, m + SKEW, 3);
    trial->product = (struct product){
        .m = m,
        .n = n,
        .k = k,
        .a = trial->a + SKEW,
        .a_row = a_row,
        .a_column = a_column,
        .b = trial->b + SKEW,
        .b_row = b_row,
        .bias = start == FROM_BIAS ? trial->bias + SKEW : NULL,
        .c = trial->c + SKEW,
        .c_row = c_row,
        .start = start == FROM_C ? PRODUCT_CONTINUES : PRODUCT_STARTS,
    };
    cases_fill(trial->expected, trial->c_count, 4); /* must stay between the rows */
    memcpy(trial->c, trial->expected, trial->c_count * sizeof(float));
    oracle(&trial->product, trial->expected + SKEW);
}

static void trial_close(struct trial *trial)
{
    free(trial->a);
    free(trial->b);
    free(trial->bias);
    free(trial->c);
    free(trial->expected);
}

static void check_shape(struct shape shape, void (*fill)(float *, size_t, uint32_t))
{
    const struct kernels *tables[TABLES_MAX];
    int tables_count = cases_tables(tables);
    for (int variant = 0; variant < 2 * STARTS; variant++) {
        struct trial trial;
        trial_open(&trial, shape, variant % 2 ? A_BY_COLUMNS : A_BY_ROWS, (enum start)(variant / 2),
                   fill);
        for (int t = 0; t < tables_count; t++) {
            char what[96];
            snprintf(what, sizeof what, "%s, m %u n %u k %u, variant %d", tables[t]->name, shape.m,
                     shape.n, shape.k, variant);
            cases_fill(trial.c, trial.c_count, 4);
            tables[t]->product(&trial.product);
            cases_assert_same(trial.c, trial.expected, trial.c_count, what);
        }
        trial_close(&trial);
    }
}

static void is_one_chain_per_output(void **state)
{
    (void)state;
    static const uint32_t rows[] = {1, 2, 3, 5, 6, 7, 10, 13, 18};
    static const uint32_t columns[] = {1, 2, 15, 16, 17, 31, 33, 48, 63, 64, 65, 79, 80, 81, 128};
    static const uint32_t depths[] = {0, 1, 2, 3, 17};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t j = 0; j < sizeof columns / sizeof columns[0]; j++) {
            for (size_t k = 0; k < sizeof depths / sizeof depths[0]; k++)
                check_shape((struct shape){rows[i], columns[j], depths[k]}, cases_fill);
        }
    }
}

static void holds_for_long_and_large_products(void **state)
{
    (void)state;
    static const struct shape shapes[] = {{18, 255, 300}, {7, 18, 257},  {1, 33, 1025},
                                          {67, 97, 129},  {70, 64, 600}, {259, 81, 261}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        check_shape(shapes[i], cases_fill);
}

/* Second operand in panels, rows of the others wherever they are: the same product. */
static void operands_may_lie_anywhere(void **state)
{
    (void)state;
    static const struct shape shapes[] = {{1, 1, 3},    {7, 16, 5},  {13, 64, 9},  {12, 65, 9},
                                          {6, 79, 4},   {8, 80, 7},  {20, 81, 3},  {3, 130, 6},
                                          {17, 144, 2}, {5, 145, 8}, {40, 208, 11}};
    const struct kernels *tables[TABLES_MAX];
    int count = cases_tables(tables);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct trial trial;
        trial_open(&trial, shapes[i], A_BY_ROWS, i % 2 ? FROM_C : FROM_BIAS, cases_fill);
        struct product p = trial.product;
        float *panels = cases_floats(p.k * (size_t)cases_stride(p.n));
        const float *a_rows[64];
        float *c_rows[64];
        cases_fill_with_nan(panels, p.k * (size_t)cases_stride(p.n));
        for (uint32_t k = 0; k < p.k; k++) {
            for (uint32_t j = 0; j < p.n; j++)
                panels[cases_panel_place((struct cases_place){p.k, p.n, k, j})] =
                    p.b[k * p.b_row + j];
        }
        for (uint32_t row = 0; row < p.m; row++) {
            a_rows[row] = p.a + row * p.a_row;
            c_rows[row] = p.c + row * p.c_row;
        }
        p.a_rows = a_rows;
        p.c_rows = c_rows;
        p.b = panels;
        p.b_layout = MATRIX_PANELS;
        p.a = NULL;
        p.c = NULL;
        for (int t = 0; t < count; t++) {
            cases_fill(trial.c, trial.c_count, 4);
            tables[t]->product(&p);
            cases_assert_same(trial.c, trial.expected, trial.c_count, tables[t]->name);
        }
        free(panels);
        trial_close(&trial);
    }
}

/* A product that ends in an activation or its derivative is the product and then that. */
static void ends_as_the_kernels_after_it_would(void **state)
{
    (void)state;
    enum { M = 13, K = 5, N_MAX = 130 };
    static const uint32_t columns[] = {1, 16, 30, 63, 80, N_MAX};
    const struct kernels *tables[TABLES_MAX];
    int count = cases_tables(tables);
    size_t stride = cases_stride(N_MAX);
    float *a = cases_floats(M * K), *b = cases_floats(K * stride), *from = cases_floats(M * stride);
    float *c = cases_floats(M * stride), *expected = cases_floats(M * stride);
    cases_fill(a, M * K, 1);
    cases_fill(b, K * stride, 2);
    cases_fill_with_special(from, M * stride, 3);
    cases_settle(from, M * stride);
    for (uint32_t i = 0; i < sizeof columns / sizeof columns[0] * ACTIVATION_GELU * 2; i++) {
        struct product product = {.m = M, .n = columns[i / 8], .k = K, .a = a, .a_row = K};
        product.a_column = 1;
        product.b = b;
        product.b_row = product.c_row = stride;
        product.activation = (enum activation)(i % 4 + 1);
        product.from = from;
        for (int t = 0; t < count; t++) {
            struct activations out = {M, product.n, stride, expected}, of = out;
            of.values = from;
            product.c = expected;
            product.end = PRODUCT_ENDS;
            tables[t]->product(&product);
            if (i / 4 % 2)
                tables[t]->activate(product.activation, &out);
            else
                tables[t]->derive(product.activation, &of, &out);
            product.c = c;
            product.end = i / 4 % 2 ? PRODUCT_ACTIVATES : PRODUCT_DERIVES;
            tables[t]->product(&product);
            for (uint32_t row = 0; row < M; row++)
                cases_assert_same(c + row * stride, expected + row * stride, product.n,
                                  tables[t]->name);
        }
    }
    free(a);
    free(b);
    free(from);
    free(c);
    free(expected);
}

static void keeps_nan_infinity_and_denormals(void **state)
{
    (void)state;
    static const struct shape shapes[] = {{1, 7, 1}, {5, 16, 2}, {7, 33, 3}, {6, 64, 9}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        check_shape(shapes[i], cases_fill_with_special);
}

static void openblas_agrees_within_rounding(void **state)
{
    (void)state;
    struct error error;
    if (blas_open(&error) != 0) {
        print_message("skipped: %s\n", error.text);
        skip();
    }
    static const struct shape shapes[] = {{1, 1, 1}, {18, 256, 784}, {7, 33, 50}, {10, 17, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (int variant = 0; variant < 4; variant++) {
            struct trial trial;
            trial_open(&trial, shapes[i], variant % 2 ? A_BY_COLUMNS : A_BY_ROWS,
                       variant / 2 ? FROM_BIAS : FROM_ZERO, cases_fill);
            blas_product(&trial.product);
            for (size_t j = 0; j < trial.c_count; j++)
                assert_true(fabsf(trial.c[j] - trial.expected[j]) <=
                            4e-6F * (float)(shapes[i].k + 1));
            trial_close(&trial);
        }
    }
}

static void the_native_class_has_a_name(void **state)
{
    (void)state;
    struct error error;
    char name[96] = "", tiny[4];
    if (engine_native_class(name, sizeof name, &error) != 0) {
        assert_true(strlen(error.text) > 0);
        print_message("skipped: %s\n", error.text);
        skip();
    }
    assert_int_equal(strncmp(name, "openblas-", 9), 0);
    assert_string_equal(name + strlen(name) - 2, "-1");
    assert_null(strchr(name, ' '));
    assert_int_equal(engine_native_class(tiny, sizeof tiny, &error), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_one_chain_per_output),
        cmocka_unit_test(holds_for_long_and_large_products),
        cmocka_unit_test(operands_may_lie_anywhere),
        cmocka_unit_test(ends_as_the_kernels_after_it_would),
        cmocka_unit_test(keeps_nan_infinity_and_denormals),
        cmocka_unit_test(openblas_agrees_within_rounding),
        cmocka_unit_test(the_native_class_has_a_name),
    };
    const struct CMUnitTest flushed[] = {
        cmocka_unit_test(ends_as_the_kernels_after_it_would),
        cmocka_unit_test(keeps_nan_infinity_and_denormals),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + cmocka_run_group_tests(flushed, cases_flush_denormals, NULL);
}
