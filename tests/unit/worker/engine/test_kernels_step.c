/*
 * test_kernels_step.c: activations, loss, optimisers and functions over arrays in every table, each
 * against its formula on single values, to the bit; NaN, infinities and denormals included. Also
 * the choice of a table.
 */
#include "tests/unit/worker/engine/kernel_cases.h"

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

/* ------------------------------------------------------------------------------- activations */

static float normal_below(float z)
{
    return fmaf(portable_erf(z * 0.707106769F), 0.5F, 0.5F);
}

static float value_of(enum activation activation, float z)
{
    switch (activation) {
    case ACTIVATION_RELU:
        return z < 0 ? 0 : z;
    case ACTIVATION_TANH:
        return portable_tanh(z);
    case ACTIVATION_SIGMOID:
        return 1.0F / (portable_exp(0 - z) + 1.0F);
    case ACTIVATION_GELU:
        return z * normal_below(z);
    }
    return 0;
}

static float derived_of(enum activation activation, float x, float delta)
{
    switch (activation) {
    case ACTIVATION_RELU:
        return x > 0 ? delta : 0;
    case ACTIVATION_TANH:
        return delta * (1.0F - x * x);
    case ACTIVATION_SIGMOID:
        return delta * (x * (1.0F - x));
    case ACTIVATION_GELU:
        return delta * fmaf(x, portable_exp(x * x * -0.5F) * 0.398942292F, normal_below(x));
    }
    return 0;
}

static void check_activation(enum activation activation, uint32_t n)
{
    enum { UNITS = 11 };
    uint32_t stride = cases_stride(n);
    size_t count = (size_t)UNITS * stride;
    float *z = cases_floats(count), *old = cases_floats(count);
    struct activations a = {UNITS, n, stride, cases_floats(count)};
    struct activations delta = {UNITS, n, stride, cases_floats(count)};
    cases_fill_with_special(z, count, n);
    cases_fill_with_special(old, count, n + 1);
    cases_settle(z, count);
    cases_settle(old, count);
    for (int t = 0; t < tables_count; t++) {
        memcpy(a.values, z, count * sizeof *z);
        memcpy(delta.values, old, count * sizeof *old);
        tables[t]->activate(activation, &a);
        struct activations from = a;
        if (activation == ACTIVATION_GELU)
            from.values = z;
        tables[t]->derive(activation, &from, &delta);
        for (size_t i = 0; i < count; i++) {
            if (i % stride >= n)
                continue;
            float value = value_of(activation, z[i]);
            float derived = derived_of(activation, from.values[i], old[i]);
            cases_assert_same(&a.values[i], &value, 1, tables[t]->name);
            cases_assert_same(&delta.values[i], &derived, 1, tables[t]->name);
        }
    }
    free(z);
    free(old);
    free(a.values);
    free(delta.values);
}

static void activations_are_their_formulas(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        for (enum activation a = ACTIVATION_RELU; a <= ACTIVATION_GELU; a++)
            check_activation(a, sizes[i]);
    }
}

/* The formulas themselves against what they stand for. */
static void derivatives_are_slopes(void **state)
{
    (void)state;
    for (double z = -5; z < 5; z += 0.01) {
        double phi = 0.5 * erfc(-z / sqrt(2)), density = exp(-z * z / 2) / sqrt(2 * acos(-1));
        double sigmoid = 1 / (1 + exp(-z));
        float s = value_of(ACTIVATION_SIGMOID, (float)z), t = value_of(ACTIVATION_TANH, (float)z);
        assert_true(fabs((double)s - sigmoid) < 1e-6);
        assert_true(fabs((double)value_of(ACTIVATION_GELU, (float)z) - z * phi) < 2e-6);
        assert_true(fabs((double)derived_of(ACTIVATION_GELU, (float)z, 1) - phi - z * density) <
                    2e-6);
        assert_true(fabs((double)derived_of(ACTIVATION_SIGMOID, s, 2) -
                         2 * sigmoid * (1 - sigmoid)) < 1e-6);
        assert_true(fabs((double)derived_of(ACTIVATION_TANH, t, 2) - 2 * (1 - pow(tanh(z), 2))) <
                    1e-6);
    }
}

/* ----------------------------------------------------------------------------------- softmax */

/* One sample: its column of logits to its column of deltas and its loss. */
static float softmax_of(const struct softmax *softmax, uint32_t sample, float *delta)
{
    const float *z = softmax->logits + sample;
    size_t stride = softmax->stride;
    uint32_t label = softmax->labels[sample];
    float greatest = z[0], sum = 0, total = 0;
    float own = softmax->smoothed_label == 0 ? 1 : softmax->smoothed_label;
    for (uint32_t k = 1; k < softmax->classes; k++)
        greatest = greatest < z[k * stride] ? z[k * stride] : greatest;
    for (uint32_t k = 0; k < softmax->classes; k++)
        sum += portable_exp(z[k * stride] - greatest);
    for (uint32_t k = 0; k < softmax->classes; k++)
        total += z[k * stride] - greatest;
    for (uint32_t k = 0; k < softmax->classes; k++) {
        float share = portable_exp(z[k * stride] - greatest) / sum;
        delta[k * stride + sample] =
            (share - (k == label ? own : softmax->smoothed_other)) * softmax->gradient_scale;
    }
    float of_label = z[label * stride] - greatest;
    if (softmax->smoothed_label != 0)
        of_label = fmaf(softmax->smoothed_other, total, (own - softmax->smoothed_other) * of_label);
    return portable_log(sum) - of_label;
}

static void run_softmax(const struct kernels *table, const struct softmax *softmax,
                        const float *expected_delta, const float *expected_losses)
{
    size_t count = softmax->classes * softmax->stride;
    float *delta = cases_floats(count), *losses = cases_floats(softmax->n);
    struct softmax run = *softmax;
    run.losses = losses;
    cases_fill_with_nan(delta, count);
    table->softmax(&run); /* the loss alone */
    cases_assert_same(losses, expected_losses, run.n, table->name);
    run.delta = delta;
    table->softmax(&run); /* beside the logits */
    cases_assert_same(losses, expected_losses, run.n, table->name);
    cases_assert_same(delta, expected_delta, count, table->name);
    memcpy(delta, softmax->logits, count * sizeof *delta);
    run.logits = delta;
    table->softmax(&run); /* over the logits */
    cases_assert_same(losses, expected_losses, run.n, table->name);
    cases_assert_same(delta, expected_delta, count, table->name);
    free(delta);
    free(losses);
}

static void check_softmax(uint32_t classes, uint32_t n, float smoothing,
                          void (*fill)(float *, size_t, uint32_t))
{
    float spread = smoothing / (float)classes;
    uint32_t stride = cases_stride(n) + KERNEL_LANES;
    size_t count = (size_t)classes * stride;
    float *logits = cases_floats(count), *delta = cases_floats(count), *losses = cases_floats(n);
    uint8_t *labels = malloc(n);
    assert_non_null(labels);
    for (uint32_t i = 0; i < n; i++)
        labels[i] = (uint8_t)((i * 7 + 3) % classes);
    cases_fill_with_nan(logits, count);
    memset(delta, 0, count * sizeof *delta);
    for (uint32_t k = 0; k < classes; k++)
        fill(logits + k * stride, n, k + 20);
    struct softmax softmax = {.classes = classes,
                              .n = n,
                              .stride = stride,
                              .logits = logits,
                              .labels = labels,
                              .gradient_scale = 1.0F / (float)n,
                              .smoothed_label = smoothing == 0 ? 0 : 1 - smoothing + spread,
                              .smoothed_other = spread};
    for (uint32_t i = 0; i < n; i++)
        losses[i] = softmax_of(&softmax, i, delta);
    for (int t = 0; t < tables_count; t++)
        run_softmax(tables[t], &softmax, delta, losses);
    free(logits);
    free(delta);
    free(losses);
    free(labels);
}

static void softmax_is_its_formula(void **state)
{
    (void)state;
    static const uint32_t classes[] = {1, 2, 10, 256};
    for (size_t k = 0; k < sizeof classes / sizeof classes[0]; k++) {
        for (size_t i = 0; i < SIZES; i++) {
            check_softmax(classes[k], sizes[i], 0, cases_fill);
            check_softmax(classes[k], sizes[i], 0, cases_fill_with_special);
            check_softmax(classes[k], sizes[i], 0.1F, cases_fill);
            check_softmax(classes[k], sizes[i], 0.1F, cases_fill_with_special);
        }
    }
}

/* -------------------------------------------------------------------------------- optimisers */

enum { PARAMETERS = 1000, SKEW = 1 };

struct parameters {
    float g[PARAMETERS], w[PARAMETERS], m[PARAMETERS], v[PARAMETERS];
};

static void parameters_fill(struct parameters *p, void (*fill)(float *, size_t, uint32_t))
{
    fill(p->g, PARAMETERS, 30);
    fill(p->w, PARAMETERS, 31);
    fill(p->m, PARAMETERS, 32);
    fill(p->v, PARAMETERS, 33);
    for (int i = 0; i < PARAMETERS; i++)
        p->v[i] = fabsf(p->v[i]);
}

static void parameters_assert_same(const struct parameters *got, const struct parameters *expected,
                                   const char *what)
{
    cases_assert_same(got->w, expected->w, PARAMETERS, what);
    cases_assert_same(got->m, expected->m, PARAMETERS, what);
    cases_assert_same(got->v, expected->v, PARAMETERS, what);
}

static void adamw_of(const struct adamw_step *s, size_t count, struct parameters *p)
{
    for (size_t i = SKEW; i < SKEW + count; i++) {
        float g = s->l2 != 0 ? fmaf(s->l2, p->w[i], p->g[i]) : p->g[i];
        p->m[i] = fmaf(s->beta1, p->m[i], s->one_less_beta1 * g);
        p->v[i] = fmaf(s->beta2, p->v[i], s->one_less_beta2 * (g * g));
        p->w[i] = p->w[i] * s->keep;
        p->w[i] = p->w[i] - s->step_size * (p->m[i] / fmaf(sqrtf(p->v[i]), s->root_scale, s->eps));
    }
}

static void sgd_of(const struct sgd_step *s, size_t count, struct parameters *p)
{
    for (size_t i = SKEW; i < SKEW + count; i++) {
        float g = s->l2 != 0 ? fmaf(s->l2, p->w[i], p->g[i]) : p->g[i];
        p->v[i] = fmaf(s->momentum, p->v[i], g);
        p->w[i] = fmaf(-s->lr, p->v[i], p->w[i] * s->keep);
    }
}

static void check_optimizers(size_t count, float l2, void (*fill)(float *, size_t, uint32_t))
{
    static struct parameters got, expected;
    struct adamw_step adamw = {.keep = 0.9999F,
                               .l2 = l2,
                               .beta1 = 0.9F,
                               .beta2 = 0.999F,
                               .one_less_beta1 = 0.1F,
                               .one_less_beta2 = 0.001F,
                               .step_size = 0.005F,
                               .root_scale = 3.5F,
                               .eps = 1e-8F};
    struct sgd_step sgd = {.keep = 0.9999F, .l2 = l2, .lr = 0.1F, .momentum = 0.9F};
    for (int t = 0; t < tables_count; t++) {
        parameters_fill(&expected, fill);
        adamw_of(&adamw, count, &expected);
        parameters_fill(&got, fill);
        tables[t]->adamw(&adamw, count, got.g + SKEW, got.w + SKEW, got.m + SKEW, got.v + SKEW);
        parameters_assert_same(&got, &expected, tables[t]->name);
        parameters_fill(&expected, fill);
        sgd_of(&sgd, count, &expected);
        parameters_fill(&got, fill);
        tables[t]->sgd(&sgd, count, got.g + SKEW, got.w + SKEW, got.v + SKEW);
        parameters_assert_same(&got, &expected, tables[t]->name);
    }
}

static void optimizers_are_their_formulas(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        check_optimizers(sizes[i], 0, cases_fill);
        check_optimizers(sizes[i], 0.01F, cases_fill);
        check_optimizers(sizes[i], 0, cases_fill_with_special);
        check_optimizers(sizes[i], 0.01F, cases_fill_with_special);
    }
    check_optimizers(0, 0, cases_fill);
    check_optimizers(PARAMETERS - SKEW, 0, cases_fill_with_special);
}

/* ------------------------------------------------------------------------- choice of a table */

static void the_cpu_can_be_chosen(void **state)
{
    (void)state;
    struct error error;
    for (int t = 0; t < tables_count; t++) {
        assert_int_equal(engine_choose_cpu(tables[t]->name, &error), 0);
        assert_string_equal(engine_cpu(), tables[t]->name);
        assert_ptr_equal(kernels_current(), tables[t]);
    }
    assert_int_equal(engine_choose_cpu("sse9", &error), -1);
    assert_non_null(strstr(error.text, "sse9"));
    assert_string_equal(engine_cpu(), tables[tables_count - 1]->name);
    assert_int_equal(engine_choose_cpu("auto", &error), 0);
    assert_string_equal(engine_cpu(), tables[tables_count - 1]->name);
    assert_null(kernels_named("auto"));
    print_message("%d tables here, the best is %s\n", tables_count, engine_cpu());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_are_their_formulas),
        cmocka_unit_test(derivatives_are_slopes),
        cmocka_unit_test(softmax_is_its_formula),
        cmocka_unit_test(optimizers_are_their_formulas),
        cmocka_unit_test(the_cpu_can_be_chosen),
    };
    const struct CMUnitTest flushed[] = {
        cmocka_unit_test(activations_are_their_formulas),
        cmocka_unit_test(softmax_is_its_formula),
        cmocka_unit_test(optimizers_are_their_formulas),
    };
    int failed = cmocka_run_group_tests(tests, find_tables, NULL);
    return failed + cmocka_run_group_tests(flushed, cases_flush_denormals, NULL);
}
