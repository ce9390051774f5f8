/* family_bits.c: see family_bits.h. */
#include "tests/unit/worker/engine/family_bits.h"

#include "tests/unit/worker/engine/setting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { STEPS = 2 * PER_EPOCH + 1, COHORT = 4 };

static void for_each(const char *const *models, void (*check)(const struct setting *setting))
{
    static const enum activation activations[] = {ACTIVATION_RELU, ACTIVATION_GELU};
    for (; *models != NULL; models++)
        for (uint32_t i = 0; i < 2; i++) {
            print_message("  %s\n", *models);
            struct setting setting = setting_open(*models, activations[i]);
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

void family_bits_on_every_vector_unit(const char *const *models)
{
    for_each(models, check_kernels);
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

void family_bits_in_a_cohort(const char *const *models)
{
    for_each(models, check_cohort);
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

void family_bits_cut_anywhere(const char *const *models)
{
    for_each(models, check_cuts);
}
