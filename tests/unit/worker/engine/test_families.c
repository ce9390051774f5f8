/*
 * test_families.c: what the bits of a training may not depend on, in every family: the vector unit,
 * who else is in the cohort, where it is cut and that it went through a checkpoint. Each model is
 * trained in setting.h's setting, with relu and with GELU, with dropout and decay. That the bits
 * are the right ones is test_ops.c's matter.
 */
#include "tests/unit/worker/engine/setting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { STEPS = 2 * PER_EPOCH + 1, COHORT = 4 };

/* A sample has eleven values. */
static const char *const models[] = {
    "mlp:[2x5,1x17]",
    "resmlp:2x6",
    /* Few and many channels, taps beyond the edge, gaps between windows, a delta that two read. */
    "cnn:5k3p1,9k3s2,4k3p1",
    "cnn:9k5s2p1,12k3s2p1@1x11",
    "layers:[conv 10k3p1,residual(conv 10k3p1,project 10),activation,maxpool 4,conv 3k1s2]",
    "layers:[bigru 3,gru 5]",
    "transformer:2x6h3",
    "transformer:1x10h2p11r1",
    "layers:[project 5,positions,residual(attention 5),norm,mean,dense 3]",
};
enum { MODELS = sizeof models / sizeof models[0] };

static void for_each(void (*check)(const struct setting *setting))
{
    static const enum activation activations[] = {ACTIVATION_RELU, ACTIVATION_GELU};
    for (uint32_t m = 0; m < MODELS; m++)
        for (uint32_t i = 0; i < 2; i++) {
            print_message("  %s\n", models[m]);
            struct setting setting = setting_open(models[m], activations[i]);
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
    for_each(check_kernels);
}

static void check_cohort(const struct setting *setting)
{
    struct cohort_member together[COHORT];
    struct engine *engine = setting_engine(setting, kernels_current());
    for (uint32_t i = 0; i < COHORT; i++)
        together[i] = setting_member(setting, i);
    setting_train(engine, setting, (struct step_range){0, STEPS}, together, COHORT);
    for (uint32_t i = 0; i < COHORT; i++) {
        struct cohort_member alone = setting_member(setting, i);
        setting_train(engine, setting, (struct step_range){0, STEPS}, &alone, 1);
        setting_assert_same(&alone, &together[i]);
        setting_close_members(&alone, 1);
    }
    setting_close_members(together, COHORT);
    engine_destroy(&engine);
}

static void a_cohort_changes_nothing_for_its_members(void **state)
{
    (void)state;
    for_each(check_cohort);
}

/* The second part by another engine, with what a checkpoint brought there. */
static void check_cut(const struct setting *setting, const struct cohort_member *whole,
                      uint64_t cut)
{
    struct engine *engine = setting_engine(setting, kernels_current());
    struct cohort_member first = setting_member(setting, 1), rest = setting_member(setting, 1);
    setting_train(engine, setting, (struct step_range){0, cut}, &first, 1);
    engine_destroy(&engine);
    const size_t bytes = network_checkpoint_bytes(first.network);
    uint8_t *file = malloc(bytes);
    assert_non_null(file);
    network_checkpoint_write(first.network, file);
    assert_int_equal(network_checkpoint_read(rest.network, file, bytes, NULL), 0);
    free(file);
    rest.loss_sum = first.loss_sum;
    engine = setting_engine(setting, kernels_current());
    setting_train(engine, setting, (struct step_range){cut, STEPS}, &rest, 1);
    setting_assert_same(whole, &rest);
    setting_close_members(&first, 1);
    setting_close_members(&rest, 1);
    engine_destroy(&engine);
}

static void check_cuts(const struct setting *setting)
{
    struct engine *engine = setting_engine(setting, kernels_current());
    struct cohort_member whole = setting_member(setting, 1);
    setting_train(engine, setting, (struct step_range){0, STEPS}, &whole, 1);
    engine_destroy(&engine);
    for (uint64_t cut = 1; cut < STEPS; cut += 4)
        check_cut(setting, &whole, cut);
    setting_close_members(&whole, 1);
}

static void a_training_may_be_cut_and_go_on_from_its_checkpoint(void **state)
{
    (void)state;
    for_each(check_cuts);
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
