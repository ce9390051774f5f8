/*
 * test_control_bits.c: what the bits of a training under control may not depend on: where it is
 * cut, who else is in the cohort, which vector unit computes.
 */
#include "tests/unit/worker/engine/control_cases.h"
#include "tests/unit/worker/engine/setting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Every case with both optimisers, on a narrow net and on one whose layers are updated one by one.
 */
static void for_each_case(void (*check)(const struct setting *setting, const char *name))
{
    static const char *const topologies[] = {"mlp:[3x4,1x17]", "mlp:2x90"};
    const struct control_case *control;
    for (uint32_t t = 0; t < 2; t++) {
        struct setting setting = setting_open(topologies[t], ACTIVATION_GELU);
        for (uint32_t i = 0; (control = control_case_at(i)) != NULL; i++)
            for (enum optimizer optimizer = OPTIMIZER_ADAMW; optimizer <= OPTIMIZER_SGD;
                 optimizer++) {
                setting.training = control_case_training(control, optimizer, BATCH);
                check(&setting, control->name);
            }
        setting_close(&setting);
    }
}

static int same(const struct setting *setting, const struct cohort_member *a,
                const struct cohort_member *b)
{
    size_t bytes = setting->model->parameter_count * sizeof(float);
    return memcmp(a->network->parameters, b->network->parameters, bytes) == 0 &&
           memcmp(a->network->m, b->network->m, bytes) == 0 &&
           memcmp(a->network->v, b->network->v, bytes) == 0 && a->loss_sum == b->loss_sum;
}

/* In one go, and in two with another engine for the second. */
static void check_cuts(const struct setting *setting, const char *name)
{
    struct cohort_member whole = setting_member(setting, 1);
    struct engine *engine = setting_engine(setting, kernels_current());
    struct engine *other = setting_engine(setting, kernels_current());
    setting_train(engine, setting, (struct step_range){0, CONTROL_STEPS}, &whole, 1);
    for (uint64_t cut = 1; cut < CONTROL_STEPS; cut++) {
        struct cohort_member pieces = setting_member(setting, 1);
        setting_train(engine, setting, (struct step_range){0, cut}, &pieces, 1);
        setting_train(other, setting, (struct step_range){cut, CONTROL_STEPS}, &pieces, 1);
        if (!same(setting, &whole, &pieces))
            fail_msg("%s: cut at %u", name, (unsigned)cut);
        setting_close_members(&pieces, 1);
    }
    setting_close_members(&whole, 1);
    engine_destroy(&engine);
    engine_destroy(&other);
}

static void a_training_may_be_cut_anywhere(void **state)
{
    (void)state;
    for_each_case(check_cuts);
}

static void check_cohort(const struct setting *setting, const char *name)
{
    enum { COUNT = 5 };
    struct cohort_member together[COUNT];
    struct engine *engine = setting_engine(setting, kernels_current());
    for (uint32_t i = 0; i < COUNT; i++)
        together[i] = setting_member(setting, i);
    setting_train(engine, setting, (struct step_range){0, CONTROL_STEPS}, together, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct cohort_member alone = setting_member(setting, i);
        setting_train(engine, setting, (struct step_range){0, CONTROL_STEPS}, &alone, 1);
        if (!same(setting, &alone, &together[i]))
            fail_msg("%s: member %u", name, (unsigned)i);
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

static void check_kernels(const struct setting *setting, const char *name)
{
    const struct kernels *kernels[3];
    uint32_t count = fixture_kernels(kernels);
    struct cohort_member first = setting_member(setting, 1);
    for (uint32_t k = 0; k < count; k++) {
        struct cohort_member member = setting_member(setting, 1);
        struct engine *engine = setting_engine(setting, kernels[k]);
        setting_train(engine, setting, (struct step_range){0, CONTROL_STEPS},
                      k == 0 ? &first : &member, 1);
        if (k > 0 && !same(setting, &first, &member))
            fail_msg("%s: %s and %s", name, kernels[0]->name, kernels[k]->name);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_may_be_cut_anywhere),
        cmocka_unit_test(a_cohort_changes_nothing_for_its_members),
        cmocka_unit_test(every_vector_unit_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
