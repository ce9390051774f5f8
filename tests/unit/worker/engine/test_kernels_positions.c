/*
 * test_kernels_positions.c: attention's products and weights and layer norm, bit for bit against
 * the order of operations that kernels_positions.h names, one lane at a time.
 */
#include "tests/unit/worker/engine/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

enum { L = KERNEL_LANES };

/* Reals of -2 .. 2. */
static float *draw(size_t count, uint64_t seed)
{
    struct random random = random_open(seed, 0, 0, RANDOM_NULL);
    float *values = calloc(count, sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(int32_t)random_u32(&random) * 0x1.0p-30F;
    return values;
}

static void assert_same(float found, float expected, const char *what)
{
    if (memcmp(&found, &expected, sizeof found) != 0)
        fail_msg("%s: %.9g, expected %.9g", what, (double)found, (double)expected);
}

static void for_each_table(void (*check)(const struct kernels *kernels))
{
    const struct kernels *kernels[3];
    const uint32_t count = fixture_kernels(kernels);
    for (uint32_t k = 0; k < count; k++)
        check(kernels[k]);
}

/* ------------------------------------------------------------------------------------ products */

struct sizes {
    uint32_t m, n, terms;
};

/* Left by rows, right by columns, an output row of one vector more than is used. */
static void check_product(const struct kernels *kernels, struct sizes s)
{
    const uint32_t c_row = s.n + 1;
    float *left = draw((size_t)s.m * s.terms * L, 1), *right = draw((size_t)s.n * s.terms * L, 2);
    float *c = draw((size_t)s.m * c_row * L, 3), *before = draw((size_t)s.m * c_row * L, 3);
    kernels->block_product(&(struct block_product){.m = s.m,
                                                   .n = s.n,
                                                   .terms = s.terms,
                                                   .left = left,
                                                   .left_row = s.terms,
                                                   .left_term = 1,
                                                   .right = right,
                                                   .right_row = 1,
                                                   .right_term = s.n,
                                                   .c = c,
                                                   .c_row = c_row});
    for (uint32_t i = 0; i < s.m; i++)
        for (uint32_t j = 0; j < c_row; j++)
            for (uint32_t lane = 0; lane < L; lane++) {
                const size_t at = ((size_t)i * c_row + j) * L + lane;
                float sum = j < s.n ? 0 : before[at];
                for (uint32_t t = 0; j < s.n && t < s.terms; t++)
                    sum = fmaf(left[((size_t)i * s.terms + t) * L + lane],
                               right[((size_t)t * s.n + j) * L + lane], sum);
                assert_same(c[at], sum, kernels->name);
            }
    free(left);
    free(right);
    free(c);
    free(before);
}

static void check_products(const struct kernels *kernels)
{
    static const struct sizes sizes[] = {{1, 1, 1}, {4, 4, 3},  {5, 7, 2},
                                         {3, 9, 8}, {8, 2, 16}, {13, 11, 5}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        check_product(kernels, sizes[i]);
}

static void block_products_are_chains(void **state)
{
    (void)state;
    for_each_table(check_products);
}

/* ------------------------------------------------------------------------------------- weights */

enum { QUERIES = 3, KEYS = 7 };

/* One lane of one query. */
static void expect_weights(const float *scores, float scale, float weights[KEYS])
{
    float greatest = scores[0] * scale, sum = 0;
    for (int k = 0; k < KEYS; k++)
        greatest = scores[k * L] * scale > greatest ? scores[k * L] * scale : greatest;
    for (int k = 0; k < KEYS; k++)
        sum += weights[k] = portable_exp(scores[k * L] * scale - greatest);
    const float share = 1.0F / sum;
    for (int k = 0; k < KEYS; k++)
        weights[k] *= share;
}

static void check_weights(const struct kernels *kernels)
{
    const size_t count = (size_t)QUERIES * KEYS * L;
    const float scale = 0.7F;
    float *scores = draw(count, 4), *weights = draw(count, 4);
    float *before = draw(count, 5), *delta = draw(count, 5);
    struct block_weights way = {QUERIES, KEYS, scale, weights, delta};
    kernels->block_weigh(&way);
    kernels->block_weigh_back(&way);
    for (size_t row = 0; row < (size_t)QUERIES * KEYS * L; row += (size_t)KEYS * L)
        for (uint32_t lane = 0; lane < L; lane++) {
            float expected[KEYS], mean = 0;
            expect_weights(scores + row + lane, scale, expected);
            for (int k = 0; k < KEYS; k++)
                mean = fmaf(expected[k], before[row + (size_t)k * L + lane], mean);
            for (int k = 0; k < KEYS; k++) {
                const size_t at = row + (size_t)k * L + lane;
                assert_same(weights[at], expected[k], kernels->name);
                assert_same(delta[at], expected[k] * (before[at] - mean) * scale, kernels->name);
            }
        }
    free(scores);
    free(weights);
    free(before);
    free(delta);
}

static void weights_are_softmax_and_its_derivative(void **state)
{
    (void)state;
    for_each_table(check_weights);
}

/* ---------------------------------------------------------------------------------- layer norm */

enum { CHANNELS = 5, POSITIONS = 3, SAMPLES = 19, STRIDE = 32 };

struct norm_trial {
    float *input, *output, *delta, *before, *kept, *scratch;
    float gain[CHANNELS], bias[CHANNELS], gain_gradient[CHANNELS], bias_gradient[CHANNELS];
};

/* The padding holds what must not come out: NaN. */
static float *draw_rows(uint64_t seed)
{
    float *rows = draw((size_t)CHANNELS * POSITIONS * STRIDE, seed);
    for (size_t row = 0; row < (size_t)CHANNELS * POSITIONS; row++)
        for (size_t s = SAMPLES; s < STRIDE; s++)
            rows[row * STRIDE + s] = NAN;
    return rows;
}

static size_t place(uint32_t channel, uint32_t position, uint32_t sample)
{
    return ((size_t)channel * POSITIONS + position) * STRIDE + sample;
}

/* What one position of one sample has: h, and root. */
static float expect_normal(const float *input, uint32_t position, uint32_t sample,
                           float h[CHANNELS])
{
    const float share = 1.0F / CHANNELS;
    float sum = 0, squares = 0;
    for (uint32_t c = 0; c < CHANNELS; c++)
        sum += input[place(c, position, sample)];
    for (uint32_t c = 0; c < CHANNELS; c++) {
        h[c] = input[place(c, position, sample)] - sum * share;
        squares = fmaf(h[c], h[c], squares);
    }
    const float root = 1.0F / sqrtf(squares * share + 1e-5F);
    for (uint32_t c = 0; c < CHANNELS; c++)
        h[c] *= root;
    return root;
}

static void check_one(const struct norm_trial *trial, const float *before, uint32_t position,
                      uint32_t sample)
{
    const float share = 1.0F / CHANNELS;
    float h[CHANNELS], g[CHANNELS], a = 0, b = 0;
    const float root = expect_normal(trial->input, position, sample, h);
    for (uint32_t c = 0; c < CHANNELS; c++) {
        g[c] = trial->delta[place(c, position, sample)] * trial->gain[c];
        a += g[c];
        b = fmaf(g[c], h[c], b);
    }
    for (uint32_t c = 0; c < CHANNELS; c++) {
        const size_t at = place(c, position, sample);
        assert_same(trial->output[at], fmaf(h[c], trial->gain[c], trial->bias[c]), "output");
        float delta = root * fmaf(h[c], 0 - b * share, g[c] - a * share);
        assert_same(trial->before[at], before[at] + delta, "delta");
    }
}

static float sum_lanes(float lanes[L])
{
    for (int half = L / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    return lanes[0];
}

static void check_sums(const struct norm_trial *trial, uint32_t channel)
{
    float gain[L] = {0}, bias[L] = {0}, h[CHANNELS];
    for (uint32_t p = 0; p < POSITIONS; p++)
        for (uint32_t s = 0; s < SAMPLES; s++) {
            expect_normal(trial->input, p, s, h);
            const float delta = trial->delta[place(channel, p, s)];
            gain[s % L] = fmaf(delta, h[channel], gain[s % L]);
            bias[s % L] += delta;
        }
    assert_same(trial->gain_gradient[channel], sum_lanes(gain), "gradient of gain");
    assert_same(trial->bias_gradient[channel], sum_lanes(bias), "gradient of bias");
}

static void check_norm(const struct kernels *kernels)
{
    struct norm_trial trial = {.input = draw_rows(6),
                               .output = draw_rows(7),
                               .delta = draw_rows(8),
                               .before = draw_rows(9),
                               .kept = draw((size_t)2 * POSITIONS * STRIDE, 10),
                               .scratch = draw((size_t)4 * CHANNELS * L, 11)};
    float *before = draw_rows(9);
    for (uint32_t c = 0; c < CHANNELS; c++) {
        trial.gain[c] = 0.5F + (float)c;
        trial.bias[c] = 0.25F - (float)c;
    }
    struct layer_norm norm = {.channels = CHANNELS,
                              .positions = POSITIONS,
                              .n = SAMPLES,
                              .stride = STRIDE,
                              .eps = 1e-5F,
                              .gain = trial.gain,
                              .bias = trial.bias,
                              .input = trial.input,
                              .output = trial.output,
                              .means = trial.kept,
                              .roots = trial.kept + (size_t)POSITIONS * STRIDE,
                              .scratch = trial.scratch};
    kernels->layer_norm(&norm);
    kernels->layer_norm_back(&(struct layer_norm_backward){
        norm, trial.delta, trial.before, true, trial.gain_gradient, trial.bias_gradient});
    for (uint32_t p = 0; p < POSITIONS; p++)
        for (uint32_t s = 0; s < SAMPLES; s++)
            check_one(&trial, before, p, s);
    for (uint32_t c = 0; c < CHANNELS; c++)
        check_sums(&trial, c);
    free(trial.input);
    free(trial.output);
    free(trial.delta);
    free(trial.before);
    free(trial.kept);
    free(trial.scratch);
    free(before);
}

static void layer_norm_goes_over_channels(void **state)
{
    (void)state;
    for_each_table(check_norm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_products_are_chains),
        cmocka_unit_test(weights_are_softmax_and_its_derivative),
        cmocka_unit_test(layer_norm_goes_over_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
