/*
 * test_bf16_units.c: products by the CPU's bfloat16 instructions against the formula of their
 * order, to the bit; and a training in each of these classes. Skipped where the CPU has none.
 */
#include "tests/unit/worker/engine/kernel_cases.h"
#include "tests/unit/worker/engine/setting.h"

#include "worker/engine/bf16_units.h"

#include <cpuid.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void (*open_or_skip(enum engine_numeric numeric))(const struct product *product)
{
    struct error error;
    void (*product)(const struct product *) = bf16_units_open(numeric, &error);
    if (product == NULL) {
        print_message("%s\n", error.text);
        skip();
    }
    return product;
}

struct sizes {
    uint32_t m, n, k;
};

static const struct sizes sizes[] = {{1, 1, 1},    {7, 31, 33},   {32, 32, 32}, {33, 257, 64},
                                     {40, 48, 31}, {49, 65, 513}, {5, 16, 0},   {18, 100, 1030}};

/* One product with everything it touches. */
struct trial {
    struct product product;
    float *a, *b, *c, *bias;
    size_t c_count;
};

static struct trial trial_open(struct sizes size, int variant)
{
    const size_t row = cases_stride(size.n);
    const size_t a_count = (size_t)(size.m + 1) * (size.k + 1);
    struct trial trial = {.c_count = size.m * row};
    trial.a = cases_floats(a_count);
    trial.b = cases_floats((size.k + 1) * row);
    trial.c = cases_floats(trial.c_count);
    trial.bias = cases_floats(size.m);
    cases_fill(trial.a, a_count, 1);
    cases_fill(trial.b, (size.k + 1) * row, 2);
    cases_fill(trial.c, trial.c_count, 3);
    cases_fill(trial.bias, size.m, 4);
    trial.product = (struct product){
        .m = size.m,
        .n = size.n,
        .k = size.k,
        .a = trial.a,
        .a_row = variant == 0   ? size.k + 1
                 : variant == 1 ? 1
                                : 1,
        .a_column = variant == 0 ? 1 : size.m,
        .b = trial.b,
        .b_row = row,
        .bias = variant == 1 ? trial.bias : NULL,
        .c = trial.c,
        .c_row = row,
        .start = variant == 2 ? PRODUCT_CONTINUES : PRODUCT_STARTS,
        .end = variant == 1 ? PRODUCT_ACTIVATES : PRODUCT_ENDS,
    };
    return trial;
}

static void trial_close(struct trial *trial)
{
    free(trial->a);
    free(trial->b);
    free(trial->c);
    free(trial->bias);
}

static float rounded(float x)
{
    float to;
    kernels_named("plain")->bf16(&x, &to, 1);
    return to;
}

static float left_of(const struct product *p, uint32_t i, uint32_t k)
{
    return k < p->k ? rounded(p->a[i * p->a_row + k * p->a_column]) : 0;
}

static float right_of(const struct product *p, uint32_t k, uint32_t j)
{
    return k < p->k ? rounded(p->b[k * p->b_row + j]) : 0;
}

/* bf16_units.h's formula of amx_bf16. */
static float amx_sum(const struct product *p, uint32_t i, uint32_t j, float sum)
{
    for (uint32_t first = 0; first < p->k; first += 32) {
        float even = 0, odd = 0;
        for (uint32_t k = first; k < first + 32; k += 2) {
            even = fmaf(left_of(p, i, k), right_of(p, k, j), even);
            odd = fmaf(left_of(p, i, k + 1), right_of(p, k + 1, j), odd);
        }
        sum += even + odd;
    }
    return sum;
}

/* Of avx512_bf16, on a CPU that rounds after each product. */
static float chain_sum(const struct product *p, uint32_t i, uint32_t j, float sum)
{
    for (uint32_t k = 0; k < (p->k + 1) / 2 * 2; k++)
        sum = fmaf(left_of(p, i, k), right_of(p, k, j), sum);
    return sum;
}

static void run_oracle(const struct product *p,
                       float (*sum_of)(const struct product *, uint32_t, uint32_t, float))
{
    for (uint32_t i = 0; i < p->m; i++)
        for (uint32_t j = 0; j < p->n; j++) {
            float *c = p->c + i * p->c_row + j;
            const float start = p->start == PRODUCT_CONTINUES ? *c
                                : p->bias != NULL             ? p->bias[i]
                                                              : 0;
            *c = sum_of(p, i, j, start);
        }
    const struct activations c = {p->m, p->n, p->c_row, p->c};
    if (p->end == PRODUCT_ACTIVATES)
        kernels_named("plain")->activate(p->activation, &c);
}

static void check(void (*product)(const struct product *),
                  float (*sum_of)(const struct product *, uint32_t, uint32_t, float))
{
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int variant = 0; variant < 3; variant++) {
            struct trial got = trial_open(sizes[s], variant);
            struct trial expected = trial_open(sizes[s], variant);
            product(&got.product);
            run_oracle(&expected.product, sum_of);
            for (uint32_t i = 0; i < sizes[s].m; i++)
                cases_assert_same(got.c + i * got.product.c_row, expected.c + i * got.product.c_row,
                                  sizes[s].n, "row");
            trial_close(&got);
            trial_close(&expected);
        }
}

static void amx_adds_two_chains_of_sixteen(void **state)
{
    (void)state;
    check(open_or_skip(NUMERIC_AMX_BF16), amx_sum);
}

static int is_intel(void)
{
    uint32_t a = 0, words[3] = {0, 0, 0};
    return __get_cpuid(0, &a, &words[0], &words[2], &words[1]) != 0 &&
           memcmp(words, "GenuineIntel", sizeof words) == 0;
}

static void avx512_is_the_chain_on_intel(void **state)
{
    void (*product)(const struct product *) = open_or_skip(NUMERIC_AVX512_BF16);
    (void)state;
    if (!is_intel()) {
        print_message("what other makers' CPUs round between two products is their matter\n");
        skip();
    }
    check(product, chain_sum);
}

/* Another class, other bits; but hardly another training. */
static void check_training(enum engine_numeric numeric)
{
    struct setting setting = setting_open("mlp:2x90", ACTIVATION_RELU);
    setting.training.precision = PRECISION_BF16_MIXED;
    struct engine_options options = {
        .model = setting.model, .training = setting.training, .numeric = numeric};
    struct engine *engines[2] = {engine_create(&options, NULL),
                                 setting_engine(&setting, kernels_current())};
    struct cohort_member members[2] = {setting_member(&setting, 0), setting_member(&setting, 0)};
    for (int i = 0; i < 2; i++) {
        assert_non_null(engines[i]);
        setting_train(engines[i], &setting, (struct step_range){0, 20}, &members[i], 1);
        engine_destroy(&engines[i]);
    }
    assert_true(members[0].loss_sum > 0);
    assert_true(fabs(members[0].loss_sum / members[1].loss_sum - 1) < 1e-3);
    setting_close_members(members, 2);
    setting_close(&setting);
}

static void trainings_come_out_alike(void **state)
{
    (void)state;
    (void)open_or_skip(NUMERIC_AVX512_BF16);
    check_training(NUMERIC_AVX512_BF16);
    (void)open_or_skip(NUMERIC_AMX_BF16);
    check_training(NUMERIC_AMX_BF16);
}

static void check_refused(struct engine_options options, const char *reason)
{
    struct error error;
    assert_null(engine_create(&options, &error));
    assert_non_null(strstr(error.text, reason));
}

static void classes_compute_what_they_can(void **state)
{
    struct setting setting = setting_open("mlp:1x5", ACTIVATION_RELU);
    struct engine_options options = {
        .model = setting.model, .training = setting.training, .numeric = NUMERIC_AMX_BF16};
    (void)state;
    check_refused(options, "cannot compute in fp32");
    options.numeric = NUMERIC_NATIVE;
    options.training.precision = PRECISION_BF16_MIXED;
    check_refused(options, "OpenBLAS has no products of bfloat16");
    setting_close(&setting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amx_adds_two_chains_of_sixteen),
        cmocka_unit_test(avx512_is_the_chain_on_intel),
        cmocka_unit_test(trainings_come_out_alike),
        cmocka_unit_test(classes_compute_what_they_can),
    };
    return cmocka_run_group_tests(tests, cases_flush_denormals, NULL);
}
