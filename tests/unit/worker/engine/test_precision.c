/*
 * test_precision.c: trainings in the bf16 precisions: what their bits may not depend on, that
 * parameters which are stored as bfloat16 are some, and what is counted as lost.
 */
#include "tests/unit/worker/engine/setting.h"

#include "worker/engine/precision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 9 };

static const enum precision precisions[] = {PRECISION_BF16_MIXED, PRECISION_BF16_NEAREST,
                                            PRECISION_BF16_STOCHASTIC};

/* On narrow nets, and on one whose layers are updated one by one; with and without a clamp. */
static void for_each_case(void (*check)(const struct setting *setting))
{
    static const char *const topologies[] = {"mlp:[3x4,1x17]", "mlp:[2x90,1x30]"};
    for (uint32_t t = 0; t < 2; t++) {
        struct setting setting = setting_open(topologies[t], ACTIVATION_RELU);
        for (uint32_t i = 0; i < 6; i++) {
            setting.training.precision = precisions[i % 3];
            setting.training.optimizer = i < 3 ? OPTIMIZER_ADAMW : OPTIMIZER_SGD;
            setting.training.clamp_norm = i < 3 ? 0 : 4;
            setting.training.lr = i < 3 ? 1e-3 : 1e-2;
            check(&setting);
        }
        setting_close(&setting);
    }
}

static struct cohort_member open_member(const struct setting *setting, uint32_t number)
{
    struct cohort_member member = setting_member(setting, number);
    member.rounding_key = random_open(number, 1, 2, RANDOM_ROUNDING);
    return member;
}

static void assert_same(const struct cohort_member *a, const struct cohort_member *b)
{
    setting_assert_same(a, b);
    assert_int_equal(a->lost_updates, b->lost_updates);
}

static void check_cuts(const struct setting *setting)
{
    struct cohort_member whole = open_member(setting, 1);
    struct engine *engine = setting_engine(setting, kernels_current());
    setting_train(engine, setting, (struct step_range){0, STEPS}, &whole, 1);
    for (uint64_t cut = 1; cut < STEPS; cut++) {
        struct cohort_member pieces = open_member(setting, 1);
        setting_train(engine, setting, (struct step_range){0, cut}, &pieces, 1);
        setting_train(engine, setting, (struct step_range){cut, STEPS}, &pieces, 1);
        assert_same(&whole, &pieces);
        setting_close_members(&pieces, 1);
    }
    setting_close_members(&whole, 1);
    engine_destroy(&engine);
}

static void a_training_may_be_cut_anywhere(void **state)
{
    (void)state;
    for_each_case(check_cuts);
}

static void check_cohort(const struct setting *setting)
{
    enum { COUNT = 4 };
    struct cohort_member together[COUNT];
    struct engine *engine = setting_engine(setting, kernels_current());
    for (uint32_t i = 0; i < COUNT; i++)
        together[i] = open_member(setting, i);
    setting_train(engine, setting, (struct step_range){0, STEPS}, together, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct cohort_member alone = open_member(setting, i);
        setting_train(engine, setting, (struct step_range){0, STEPS}, &alone, 1);
        assert_same(&alone, &together[i]);
        setting_close_members(&alone, 1);
    }
    setting_close_members(together, COUNT);
    engine_destroy(&engine);
}

static void a_cohort_changes_nothing_for_its_members(void **state)
{
    (void)state;
    for_each_case(check_cohort);
}

static void check_kernels(const struct setting *setting)
{
    const struct kernels *kernels[3];
    uint32_t count = fixture_kernels(kernels);
    struct cohort_member first = open_member(setting, 1);
    for (uint32_t k = 0; k < count; k++) {
        struct cohort_member member = open_member(setting, 1);
        struct engine *engine = setting_engine(setting, kernels[k]);
        setting_train(engine, setting, (struct step_range){0, STEPS}, k == 0 ? &first : &member, 1);
        if (k > 0)
            assert_same(&first, &member);
        setting_close_members(&member, 1);
        engine_destroy(&engine);
    }
    setting_close_members(&first, 1);
}

static void every_vector_unit_gives_the_same_bits(void **state)
{
    (void)state;
    for_each_case(check_kernels);
}

/* -------------------------------------------------------------------------- what is stored, lost
 */

static int is_bfloat16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (bits & 0xffff) == 0;
}

static void check_storage(const struct setting *setting)
{
    const uint64_t count = setting->model->parameter_count;
    struct cohort_member member = open_member(setting, 0);
    struct engine *engine = setting_engine(setting, kernels_current());
    uint64_t wide = 0;
    setting_train(engine, setting, (struct step_range){0, STEPS}, &member, 1);
    for (uint64_t i = 0; i < count; i++)
        wide += !is_bfloat16(member.network->parameters[i]);
    if (setting->training.precision == PRECISION_BF16_MIXED) {
        assert_true(wide > count / 2);
        assert_int_equal(member.lost_updates, 0);
    } else {
        assert_int_equal(wide, 0);
        assert_true(member.lost_updates > 0 && member.lost_updates < count * STEPS);
    }
    setting_close_members(&member, 1);
    engine_destroy(&engine);
}

static void stored_parameters_are_bfloat16(void **state)
{
    (void)state;
    for_each_case(check_storage);
}

/* 1 + 2^-12 rounds to 1, sixteen steps of it to nearest stay there; by chance one in 32 goes up. */
static void what_nearest_loses_for_ever_chance_keeps_on_average(void **state)
{
    enum { COUNT = 4096, UPDATES = 64 };
    static float w[2][COUNT], g[COUNT], v[COUNT];
    const struct random key = random_open(1, 2, 3, RANDOM_ROUNDING);
    const struct update update = {.optimizer = OPTIMIZER_SGD, .sgd = {.keep = 1, .lr = 0x1p-12F}};
    uint64_t lost[2] = {0, 0};
    double sum = 0;
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        w[0][i] = w[1][i] = 1;
        g[i] = -1;
    }
    for (uint64_t step = 0; step < UPDATES; step++)
        for (int chance = 0; chance < 2; chance++) {
            const struct stored_rounding rounding = {
                kernels_current(), chance ? PRECISION_BF16_STOCHASTIC : PRECISION_BF16_NEAREST,
                &key, step};
            lost[chance] += precision_update(&rounding, &update,
                                             &(struct updated){g, w[chance], v, v}, 0, COUNT);
        }
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_true(w[0][i] == 1.0F);
        sum += (double)w[1][i] - 1;
    }
    assert_int_equal(lost[0], (uint64_t)COUNT * UPDATES);
    /* Of 4096 * 64 draws of 1 / 32 each: 8192 steps of 2^-7, with a deviation of 89. */
    assert_true(lost[1] > (uint64_t)COUNT * UPDATES - 8192 - 500);
    assert_true(lost[1] < (uint64_t)COUNT * UPDATES - 8192 + 500);
    assert_true(sum / COUNT > 0x1p-6 * 0.94 && sum / COUNT < 0x1p-6 * 1.06);
}

/* A stretch may begin anywhere: the words are those of the whole. */
static void stretches_draw_what_the_whole_draws(void **state)
{
    enum { COUNT = 5000 };
    static const uint64_t cuts[] = {0, 1, 127, 130, 2048, 2500, 4999, COUNT};
    static float whole[COUNT], parts[COUNT], g[COUNT], v[COUNT];
    const struct random key = random_open(1, 2, 3, RANDOM_ROUNDING);
    const struct update update = {.optimizer = OPTIMIZER_SGD, .sgd = {.keep = 1, .lr = 0.001F}};
    const struct stored_rounding rounding = {kernels_current(), PRECISION_BF16_STOCHASTIC, &key, 3};
    uint64_t lost = 0;
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        whole[i] = parts[i] = 1 + (float)(i % 128) * 0x1p-7F;
        g[i] = (float)(i % 7) - 3;
    }
    const uint64_t expected =
        precision_update(&rounding, &update, &(struct updated){g, whole, v, v}, 0, COUNT);
    for (size_t i = sizeof cuts / sizeof cuts[0] - 1; i > 0; i--)
        lost += precision_update(&rounding, &update, &(struct updated){g, parts, v, v}, cuts[i - 1],
                                 cuts[i]);
    assert_memory_equal(whole, parts, sizeof whole);
    assert_int_equal(lost, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_may_be_cut_anywhere),
        cmocka_unit_test(a_cohort_changes_nothing_for_its_members),
        cmocka_unit_test(every_vector_unit_gives_the_same_bits),
        cmocka_unit_test(stored_parameters_are_bfloat16),
        cmocka_unit_test(what_nearest_loses_for_ever_chance_keeps_on_average),
        cmocka_unit_test(stretches_draw_what_the_whole_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
