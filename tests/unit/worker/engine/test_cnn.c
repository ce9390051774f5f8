/*
 * test_cnn.c: what the bits of a convolutional net's training may not depend on: the vector unit,
 * who else is in the cohort, where it is cut; and its checkpoint. That they are the right ones is
 * test_ops.c's matter.
 */
#include "tests/unit/worker/engine/setting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { STEPS = 2 * PER_EPOCH + 1 };

/* Lines and images; few and many channels; taps beyond the edge, gaps between windows. */
static const char *const models[] = {
    "cnn:5k3p1,9k3s2,4k3p1",
    "cnn:9k5s2p1,12k3s2p1@1x11",
    "layers:[conv 10k3p1,residual(conv 10k3p1,project 10),activation,maxpool 4,conv 3k1s2]",
};
enum { MODELS = sizeof models / sizeof models[0] };

static void for_each_model(void (*check)(const struct setting *setting))
{
    static const enum activation activations[] = {ACTIVATION_RELU, ACTIVATION_GELU};
    for (uint32_t i = 0; i < MODELS; i++)
        for (uint32_t j = 0; j < 2; j++) {
            struct setting setting = setting_open(models[i], activations[j]);
            check(&setting);
            setting_close(&setting);
        }
}

static void check_kernels(const struct setting *setting)
{
    const struct kernels *kernels[3];
    const uint32_t count = fixture_kernels(kernels);
    struct cohort_member members[3];
    for (uint32_t k = 0; k < count; k++) {
        struct engine *engine = setting_engine(setting, kernels[k]);
        members[k] = setting_member(setting, 1);
        setting_train(engine, setting, (struct step_range){0, STEPS}, &members[k], 1);
        setting_assert_same(&members[0], &members[k]);
        engine_destroy(&engine);
    }
    setting_close_members(members, count);
}

static void every_vector_unit_gives_the_same_bits(void **state)
{
    (void)state;
    for_each_model(check_kernels);
}

static void check_cohort(const struct setting *setting)
{
    enum { COUNT = 4 };
    struct cohort_member together[COUNT];
    struct engine *engine = setting_engine(setting, kernels_current());
    for (uint32_t i = 0; i < COUNT; i++)
        together[i] = setting_member(setting, i);
    setting_train(engine, setting, (struct step_range){0, STEPS}, together, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct cohort_member alone = setting_member(setting, i);
        setting_train(engine, setting, (struct step_range){0, STEPS}, &alone, 1);
        setting_assert_same(&alone, &together[i]);
        setting_close_members(&alone, 1);
    }
    setting_close_members(together, COUNT);
    engine_destroy(&engine);
}

static void a_cohort_changes_nothing_for_its_members(void **state)
{
    (void)state;
    for_each_model(check_cohort);
}

/* In one go, and in two, the second by another engine with what a checkpoint brought there. */
static void check_cuts(const struct setting *setting)
{
    struct engine *engine = setting_engine(setting, kernels_current());
    struct cohort_member whole = setting_member(setting, 1);
    setting_train(engine, setting, (struct step_range){0, STEPS}, &whole, 1);
    for (uint64_t cut = 1; cut < STEPS; cut += 4) {
        struct engine *other = setting_engine(setting, kernels_current());
        struct cohort_member first = setting_member(setting, 1), rest = setting_member(setting, 1);
        setting_train(engine, setting, (struct step_range){0, cut}, &first, 1);
        uint64_t bytes = network_checkpoint_bytes(first.network);
        uint8_t *file = malloc(bytes);
        assert_non_null(file);
        network_checkpoint_write(first.network, file);
        assert_int_equal(network_checkpoint_read(rest.network, file, bytes, NULL), 0);
        rest.loss_sum = first.loss_sum;
        setting_train(other, setting, (struct step_range){cut, STEPS}, &rest, 1);
        setting_assert_same(&whole, &rest);
        setting_close_members(&first, 1);
        setting_close_members(&rest, 1);
        free(file);
        engine_destroy(&other);
    }
    setting_close_members(&whole, 1);
    engine_destroy(&engine);
}

static void a_training_may_be_cut_and_go_on_from_its_checkpoint(void **state)
{
    (void)state;
    for_each_model(check_cuts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_unit_gives_the_same_bits),
        cmocka_unit_test(a_cohort_changes_nothing_for_its_members),
        cmocka_unit_test(a_training_may_be_cut_and_go_on_from_its_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
