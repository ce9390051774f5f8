/* test_update.c: the constants of one optimiser step. */
#include "worker/engine/update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

static void powers_are_exact_where_they_can_be(void **state)
{
    (void)state;
    assert_true(update_power(0.9, 0) == 1);
    assert_true(update_power(0.9, 1) == 0.9);
    assert_true(update_power(0.9, 2) == 0.9 * 0.9);
    assert_true(update_power(0, 1) == 0);
    assert_true(update_power(2, 50) == 0x1p50);
    assert_true(update_power(0.5, 1000) == 0x1p-1000);
    assert_true(update_power(0.999, UINT64_C(1) << 40) == 0);
}

/* Each squaring may double the error in units of the last place: twenty times at most here. */
static void powers_agree_with_the_library(void **state)
{
    (void)state;
    for (uint64_t t = 1; t < 1000000; t = t * 3 + 1) {
        double power = update_power(0.999, t), expected = pow(0.999, (double)t);
        assert_true(fabs(power - expected) <= 1e-12 * expected * (double)t + 1e-300);
    }
}

static void adamw_is_corrected_for_its_start(void **state)
{
    (void)state;
    struct training_settings settings = {.optimizer = OPTIMIZER_ADAMW,
                                         .lr = 1e-3,
                                         .beta1 = 0.9,
                                         .beta2 = 0.999,
                                         .eps = 1e-8,
                                         .l2 = 0.25};
    struct adamw_step first = update_prepare(&settings, 0.1, 0).adamw;
    assert_true(first.keep == (float)(1 - 1e-3 * 0.1));
    assert_true(first.l2 == 0.25F);
    assert_true(first.beta1 == 0.9F && first.beta2 == 0.999F && first.eps == 1e-8F);
    assert_true(first.one_less_beta1 == (float)(1 - 0.9));
    assert_true(first.one_less_beta2 == (float)(1 - 0.999));
    assert_true(first.step_size == (float)(1e-3 / (1 - 0.9)));
    assert_true(first.root_scale == (float)(1 / sqrt(1 - 0.999)));
    struct adamw_step third = update_prepare(&settings, 0, 2).adamw;
    assert_true(third.keep == 1);
    assert_true(third.step_size == (float)(1e-3 / (1 - 0.9 * (0.9 * 0.9))));
    struct adamw_step late = update_prepare(&settings, 0, UINT64_C(1) << 40).adamw;
    assert_true(late.step_size == (float)1e-3 && late.root_scale == 1);
}

static void sgd_takes_its_settings_as_they_are(void **state)
{
    (void)state;
    struct training_settings settings = {
        .optimizer = OPTIMIZER_SGD, .lr = 0.1, .momentum = 0.9, .l2 = 1e-4};
    struct update update = update_prepare(&settings, 2, 1000);
    assert_int_equal(update.optimizer, OPTIMIZER_SGD);
    assert_true(update.sgd.keep == (float)(1 - 0.1 * 2));
    assert_true(update.sgd.lr == 0.1F && update.sgd.momentum == 0.9F && update.sgd.l2 == 1e-4F);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_are_exact_where_they_can_be),
        cmocka_unit_test(powers_agree_with_the_library),
        cmocka_unit_test(adamw_is_corrected_for_its_start),
        cmocka_unit_test(sgd_takes_its_settings_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
