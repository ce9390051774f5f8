/*
 * test_kernels_narrow.c: what the narrowest layers are made of, against its definition, bit for
 * bit: the sums of products over the samples, and the chains of layers against the kernels that
 * they stand for.
 */
#include "tests/unit/worker/engine/kernel_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

enum { UNITS_MAX = 9, SUMS_ROW = 13 };

/* kernels.h, word for word: `runs` runs of n samples. */
static float sum_of_runs(const struct lane_product *p, uint32_t i, uint32_t j)
{
    float lanes[KERNEL_LANES] = {0};
    for (uint32_t run = 0; run < p->runs; run++) {
        const float *left = p->left + i * p->left_row + run * p->left_run;
        const float *right = p->right + j * p->right_row + run * p->right_run;
        for (uint32_t first = 0; first < p->n; first += KERNEL_LANES)
            for (uint32_t lane = 0; lane < KERNEL_LANES; lane++) {
                uint32_t s = first + lane;
                lanes[lane] = fmaf(s < p->n ? left[s] : 0, s < p->n ? right[s] : 0, lanes[lane]);
            }
    }
    for (uint32_t half = KERNEL_LANES / 2; half > 0; half /= 2)
        for (uint32_t lane = 0; lane < half; lane++)
            lanes[lane] += lanes[lane + half];
    return lanes[0];
}

/* Rows whose padding is NaN. */
static struct activations draw(uint32_t units, uint32_t n, uint32_t seed)
{
    struct activations drawn = {units, n, cases_stride(n) + KERNEL_LANES, NULL};
    drawn.values = cases_floats(units * drawn.stride);
    cases_fill_with_nan(drawn.values, units * drawn.stride);
    for (uint32_t unit = 0; unit < units; unit++)
        cases_fill(drawn.values + unit * drawn.stride, n, seed + unit);
    return drawn;
}

static void check(uint32_t left_units, uint32_t right_units, uint32_t n)
{
    const struct kernels *tables[TABLES_MAX];
    int count = cases_tables(tables);
    struct activations left = draw(left_units, n, n), right = draw(right_units, n, 1000 + n);
    const struct lane_product product = {
        .n = n,
        .runs = 1,
        .left = left.values,
        .left_row = left.stride,
        .right = right.values,
        .right_row = right.stride,
    };
    for (int t = 0; t < count; t++) {
        float expected[UNITS_MAX * SUMS_ROW], sums[UNITS_MAX * SUMS_ROW];
        for (uint32_t i = 0; i < UNITS_MAX * SUMS_ROW; i++)
            expected[i] = sums[i] = (float)i; /* what is not a sum stays */
        for (uint32_t i = 0; i < left_units; i++)
            for (uint32_t j = 0; j < right_units; j++)
                expected[i * SUMS_ROW + j] = sum_of_runs(&product, i, j);
        tables[t]->sum_products(&left, &right, sums, SUMS_ROW);
        cases_assert_same(sums, expected, UNITS_MAX * SUMS_ROW, tables[t]->name);
    }
    free(left.values);
    free(right.values);
}

static void sums_of_products_are_as_defined(void **state)
{
    (void)state;
    static const uint32_t samples[] = {1, 2, 15, 16, 17, 31, 32, 100, 256};
    for (uint32_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        for (uint32_t left = 1; left <= UNITS_MAX; left += 2)
            for (uint32_t right = 1; right <= UNITS_MAX; right++)
                check(left, right, samples[i]);
}

/* Runs that do not follow each other, rows that overlap as those of a convolution do. */
static void long_rows_go_run_by_run(void **state)
{
    (void)state;
    enum { RUNS = 3, STEP = 37, RIGHT_STEP = 41, LENGTH = 400 };
    static const uint32_t samples[] = {1, 16, 31, 32};
    const struct kernels *tables[TABLES_MAX];
    int count = cases_tables(tables);
    float *values = cases_floats(LENGTH);
    cases_fill(values, LENGTH, 7);
    for (uint32_t i = 0; i < sizeof samples / sizeof samples[0] * UNITS_MAX; i++) {
        float expected[UNITS_MAX * SUMS_ROW], sums[UNITS_MAX * SUMS_ROW];
        struct lane_product product = {
            .left_rows = i / 4 + 1,
            .right_rows = UNITS_MAX - i / 4,
            .n = samples[i % 4],
            .runs = RUNS,
            .left = values,
            .left_row = 3,
            .left_run = STEP,
            .right = values + LENGTH / 2 + 1,
            .right_row = 1,
            .right_run = RIGHT_STEP,
            .sums = sums,
            .sums_row = SUMS_ROW,
        };
        for (int t = 0; t < count; t++) {
            for (uint32_t u = 0; u < UNITS_MAX * SUMS_ROW; u++)
                expected[u] = sums[u] = (float)u;
            for (uint32_t row = 0; row < product.left_rows; row++)
                for (uint32_t column = 0; column < product.right_rows; column++)
                    expected[row * SUMS_ROW + column] = sum_of_runs(&product, row, column);
            tables[t]->lane_product(&product);
            cases_assert_same(sums, expected, UNITS_MAX * SUMS_ROW, tables[t]->name);
        }
    }
    free(values);
}

/* ------------------------------------------------------------------------------------- chains */

/* Whole numbers that a case is made of. */
struct chain_shape {
    uint32_t layers, width, n;
    bool keeps_all;
};

/* A chain and the memory of what it leaves behind. */
struct chain_case {
    struct chain chain;
    float *parameters, *delta, *before, *gradient;
};

static struct chain_case case_open(const struct chain_shape *shape, enum activation activation)
{
    const uint32_t width = shape->width, n = shape->n;
    size_t stride = cases_stride(n), count = shape->layers * (width * width + width);
    struct chain_case opened = {
        .chain =
            {
                .layers = shape->layers,
                .width = width,
                .n = n,
                .keeps_all = shape->keeps_all,
                .stride = stride,
                .activation = activation,
            },
        .parameters = cases_floats(count),
        .delta = cases_floats(width * stride),
        .before = cases_floats(width * stride),
        .gradient = cases_floats(count),
    };
    size_t values = (shape->layers + 1) * width * stride;
    cases_fill(opened.parameters, count, 1);
    opened.chain.parameters = opened.parameters;
    opened.chain.values = cases_floats(values);
    cases_fill_with_nan(opened.chain.values, values);
    opened.chain.kept = activation == ACTIVATION_GELU ? cases_floats(values) : NULL;
    for (uint32_t u = 0; u < width; u++) {
        cases_fill(opened.chain.values + u * stride, n, 10 + u);
        cases_fill(opened.delta + u * stride, n, 20 + u);
        if (opened.chain.kept != NULL)
            cases_fill(opened.chain.kept + u * stride, n, 30 + u);
    }
    return opened;
}

static void case_close(struct chain_case *opened)
{
    free(opened->parameters);
    free(opened->delta);
    free(opened->before);
    free(opened->gradient);
    free(opened->chain.values);
    free(opened->chain.kept);
}

static struct activations rows_at(const struct chain *chain, float *first, uint32_t layer)
{
    return (struct activations){chain->width, chain->n, chain->stride,
                                first + layer * chain->width * chain->stride};
}

/* Layer by layer: what chain_forward stands for. */
static void forward_plainly(const struct kernels *kernels, const struct chain *chain)
{
    uint32_t width = chain->width;
    const float *parameters = chain->parameters;
    for (uint32_t layer = 0; layer < chain->layers; layer++) {
        struct activations to = rows_at(chain, chain->values, layer + 1);
        kernels->product(&(struct product){.m = width,
                                           .n = chain->n,
                                           .k = width,
                                           .a = parameters,
                                           .a_row = width,
                                           .a_column = 1,
                                           .b = rows_at(chain, chain->values, layer).values,
                                           .b_row = chain->stride,
                                           .bias = parameters + width * width,
                                           .c = to.values,
                                           .c_row = chain->stride});
        for (uint32_t u = 0; u < width && chain->kept != NULL; u++)
            memcpy(rows_at(chain, chain->kept, layer + 1).values + u * chain->stride,
                   to.values + u * chain->stride, chain->n * sizeof(float));
        kernels->activate(chain->activation, &to);
        parameters += width * width + width;
    }
}

/* And chain_backward. */
static void backward_plainly(const struct kernels *kernels, struct chain_case *opened)
{
    const struct chain *chain = &opened->chain;
    uint32_t width = chain->width;
    struct activations delta = rows_at(chain, opened->delta, 0);
    struct activations before = rows_at(chain, opened->before, 0);
    for (uint32_t layer = chain->layers; layer-- > 0;) {
        size_t place = layer * (width * width + width);
        struct activations input = rows_at(chain, chain->values, layer), from = input;
        if (chain->kept != NULL)
            from = rows_at(chain, chain->kept, layer);
        kernels->sum_products(&delta, &input, opened->gradient + place, width);
        kernels->sum_samples(&delta, opened->gradient + place + width * width);
        kernels->product(&(struct product){.m = width,
                                           .n = chain->n,
                                           .k = width,
                                           .a = opened->parameters + place,
                                           .a_row = 1,
                                           .a_column = width,
                                           .b = delta.values,
                                           .b_row = chain->stride,
                                           .c = before.values,
                                           .c_row = chain->stride});
        kernels->derive(chain->activation, &from, &before);
        struct activations swapped = delta;
        delta = before;
        before = swapped;
    }
    if (delta.values != opened->before)
        memcpy(opened->before, delta.values, width * chain->stride * sizeof(float));
}

/* The first n of each row. */
static void assert_rows(const float *got, const float *expected, const struct chain *chain,
                        uint32_t rows, const char *what)
{
    for (uint32_t row = 0; row < rows; row++)
        cases_assert_same(got + row * chain->stride, expected + row * chain->stride, chain->n,
                          what);
}

/* The values of all layers, or the last one's. */
static void check_chain(const struct kernels *kernels, const struct chain_shape *shape,
                        enum activation activation)
{
    const uint32_t width = shape->width, layers = shape->layers;
    struct chain_case fast = case_open(shape, activation);
    struct chain_case plain = case_open(shape, activation);
    uint32_t first = shape->keeps_all ? 0 : layers, rows = (layers + 1 - first) * width;
    size_t from = first * width * fast.chain.stride;
    kernels->chain_forward(&fast.chain);
    forward_plainly(kernels, &plain.chain);
    assert_rows(fast.chain.values + from, plain.chain.values + from, &fast.chain, rows, "values");
    if (activation == ACTIVATION_GELU)
        assert_rows(fast.chain.kept + from, plain.chain.kept + from, &fast.chain, rows, "kept");
    kernels->chain_backward(
        &(struct chain_backward){fast.chain, fast.delta, fast.before, fast.gradient});
    backward_plainly(kernels, &plain);
    assert_rows(fast.before, plain.before, &fast.chain, width, "delta");
    cases_assert_same(fast.gradient, plain.gradient, layers * (width * width + width), "gradient");
    case_close(&fast);
    case_close(&plain);
}

/* Of whole stretches and of parts, of whole groups of sums and of parts. */
static void check_chains(const struct kernels *kernels, uint32_t width, uint32_t n)
{
    static const uint32_t layers[] = {1, 2, 3, 4, 5, 8, 16, 21, 23};
    for (uint32_t f = ACTIVATION_RELU; f <= ACTIVATION_GELU; f++) {
        for (uint32_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
            check_chain(kernels, &(struct chain_shape){layers[i], width, n, false}, f);
            check_chain(kernels, &(struct chain_shape){layers[i], width, n, true}, f);
        }
    }
}

static void chains_are_what_they_stand_for(void **state)
{
    (void)state;
    static const uint32_t samples[] = {1, 16, 17, 63, 64, 100, 200};
    const struct kernels *tables[TABLES_MAX];
    int count = cases_tables(tables);
    for (int t = 0; t < count; t++)
        for (uint32_t width = 1; width <= CHAIN_WIDTH_MAX; width++)
            for (uint32_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
                check_chains(tables[t], width, samples[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_products_are_as_defined),
        cmocka_unit_test(long_rows_go_run_by_run),
        cmocka_unit_test(chains_are_what_they_stand_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
