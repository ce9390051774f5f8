/*
 * test_engine.c: what a training's bits may not depend on.
 *
 * That the numbers are the right ones is test_gradients.c.
 */
#include "tests/unit/worker/engine/setting.h"
#include "worker/engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

/* ---------------------------------------------------------------- what bits may not depend on */

/* Ten alone, in cohorts of three, and all together in the opposite order. */
static void check_cohorts(const struct setting *setting)
{
    struct step_range steps = {0, 2 * PER_EPOCH + 3};
    struct cohort_member alone[MEMBERS], threes[MEMBERS], all[MEMBERS];
    struct engine *engine = setting_engine(setting, kernels_current());
    for (uint32_t i = 0; i < MEMBERS; i++) {
        alone[i] = setting_member(setting, i);
        threes[i] = setting_member(setting, i);
        all[i] = setting_member(setting, MEMBERS - 1 - i);
        setting_train(engine, setting, steps, &alone[i], 1);
    }
    for (uint32_t i = 0; i < MEMBERS; i += 3)
        setting_train(engine, setting, steps, &threes[i], MEMBERS - i < 3 ? MEMBERS - i : 3);
    setting_train(engine, setting, steps, all, MEMBERS);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        setting_assert_same(&alone[i], &threes[i]);
        setting_assert_same(&alone[i], &all[MEMBERS - 1 - i]);
    }
    setting_close_members(alone, MEMBERS);
    setting_close_members(threes, MEMBERS);
    setting_close_members(all, MEMBERS);
    engine_destroy(&engine);
}

static void a_cohort_changes_nothing_for_its_members(void **state)
{
    (void)state;
    static const char *const topologies[] = {
        "mlp:3x1",  "mlp:[2x5,1x17]", "mlp:1x40", "resmlp:2x6", "layers:[bigru 3,gru 5]",
        "mlp:40x3", "mlp:1x24",       "mlp:2x320"};
    for (uint32_t i = 0; i < sizeof topologies / sizeof topologies[0]; i++) {
        struct setting setting = setting_open(topologies[i], ACTIVATION_RELU + i % 4);
        check_cohorts(&setting);
        setting_close(&setting);
    }
}

/* Large layers are updated unit by unit on the way back, unless the whole gradient is waited for:
 * for a limit that no gradient reaches as well. */
static void updates_on_the_way_back_change_nothing(void **state)
{
    (void)state;
    static const char *const topologies[] = {"mlp:[1x90,1x800]", "resmlp:2x190"};
    for (uint32_t i = 0; i < 2; i++) {
        struct setting setting = setting_open(topologies[i], ACTIVATION_RELU);
        struct cohort_member early = setting_member(&setting, i),
                             late = setting_member(&setting, i);
        struct engine *engine = setting_engine(&setting, kernels_current());
        assert_true(setting.model->parameter_count > 1 << 16);
        setting_train(engine, &setting, (struct step_range){0, 3}, &early, 1);
        engine_destroy(&engine);
        setting.training.clip_norm = 1e30;
        engine = setting_engine(&setting, kernels_current());
        setting_train(engine, &setting, (struct step_range){0, 3}, &late, 1);
        engine_destroy(&engine);
        setting_assert_same(&early, &late);
        setting_close_members(&early, 1);
        setting_close_members(&late, 1);
        setting_close(&setting);
    }
}

static void every_vector_unit_gives_the_same_bits(void **state)
{
    (void)state;
    const struct kernels *kernels[3];
    uint32_t count = fixture_kernels(kernels);
    /* The last one is deep enough for numbers that are too small. */
    static const char *const topologies[] = {
        "mlp:1x1",  "mlp:[2x5,1x17]", "mlp:[4x4,3x3,3x2]", "resmlp:2x6", "layers:[bigru 3,gru 33]",
        "mlp:2x67", "mlp:90x9"};
    if (count < 2)
        skip();
    for (uint32_t t = 0; t < 7; t++)
        for (uint32_t f = ACTIVATION_RELU; f <= ACTIVATION_GELU; f++) {
            struct setting setting = setting_open(topologies[t], f);
            struct cohort_member first[2], other[2];
            for (uint32_t k = 0; k < count; k++) {
                struct cohort_member *members = k == 0 ? first : other;
                struct engine *engine = setting_engine(&setting, kernels[k]);
                members[0] = setting_member(&setting, 1);
                members[1] = setting_member(&setting, 2);
                setting_train(engine, &setting, (struct step_range){0, 8}, members, 2);
                setting_assert_same(&members[0], &first[0]);
                setting_assert_same(&members[1], &first[1]);
                if (k > 0)
                    setting_close_members(other, 2);
                engine_destroy(&engine);
            }
            setting_close_members(first, 2);
            setting_close(&setting);
        }
}

/* Through a checkpoint into another network, beside what else goes on with a training. */
static struct cohort_member reload(const struct setting *setting, struct cohort_member *member)
{
    struct network *network = network_create(setting->model, member->network->state);
    size_t count = network_checkpoint_bytes(member->network);
    uint8_t *bytes = malloc(count);
    assert_true(network != NULL && bytes != NULL);
    network_checkpoint_write(member->network, bytes);
    assert_int_equal(network_checkpoint_read(network, bytes, count, NULL), 0);
    free(bytes);
    network_destroy(&member->network);
    struct cohort_member reloaded = *member;
    reloaded.network = network;
    return reloaded;
}

static void check_cut(const struct setting *setting, enum optimizer_state kept, uint64_t cut)
{
    const uint64_t end = 2 * PER_EPOCH + 3;
    struct cohort_member whole = setting_member(setting, 1), pieces = setting_member(setting, 1);
    struct engine *engine = setting_engine(setting, kernels_current());
    whole.network->state = pieces.network->state = kept;
    setting_train(engine, setting, (struct step_range){0, end}, &whole, 1);
    setting_train(engine, setting, (struct step_range){0, cut}, &pieces, 1);
    pieces = reload(setting, &pieces);
    engine_destroy(&engine);
    engine = setting_engine(setting, kernels_current());
    setting_train(engine, setting, (struct step_range){cut, end}, &pieces, 1);
    if (kept == OPTIMIZER_STATE_NONE) /* plain SGD: nothing needs the number of its steps */
        pieces.network->optimizer_step = whole.network->optimizer_step;
    setting_assert_same(&whole, &pieces);
    setting_close_members(&whole, 1);
    setting_close_members(&pieces, 1);
    engine_destroy(&engine);
}

static void a_training_may_be_cut_anywhere(void **state)
{
    (void)state;
    struct setting setting = setting_open("mlp:[2x5,1x17]", ACTIVATION_TANH);
    for (uint64_t cut = 0; cut <= 2 * PER_EPOCH + 3; cut++)
        check_cut(&setting, OPTIMIZER_STATE_MOMENTS, cut);
    setting.training.optimizer = OPTIMIZER_SGD;
    setting.training.momentum = 0.9;
    check_cut(&setting, OPTIMIZER_STATE_VELOCITY, 4);
    setting.training.momentum = 0;
    check_cut(&setting, OPTIMIZER_STATE_NONE, 7);
    setting_close(&setting);
    setting = setting_open("bigru:1x5", ACTIVATION_RELU);
    check_cut(&setting, OPTIMIZER_STATE_MOMENTS, PER_EPOCH + 1);
    setting_close(&setting);
}

/* Where the state is not kept, what comes out of a checkpoint trains as a fresh optimiser does. */
static void a_checkpoint_without_state_resets_the_optimiser(void **state)
{
    (void)state;
    struct setting setting = setting_open("mlp:2x6", ACTIVATION_RELU);
    struct engine *engine = setting_engine(&setting, kernels_current());
    struct cohort_member member = setting_member(&setting, 0), fresh = setting_member(&setting, 0);
    member.network->state = OPTIMIZER_STATE_NONE;
    setting_train(engine, &setting, (struct step_range){0, 5}, &member, 1);
    memcpy(fresh.network->parameters, member.network->parameters,
           setting.model->parameter_count * sizeof(float));
    member = reload(&setting, &member);
    member.loss_sum = 0;
    setting_train(engine, &setting, (struct step_range){0, 5}, &member, 1);
    setting_train(engine, &setting, (struct step_range){0, 5}, &fresh, 1);
    setting_assert_same(&member, &fresh);
    setting_close_members(&member, 1);
    setting_close_members(&fresh, 1);
    engine_destroy(&engine);
    setting_close(&setting);
}

/* One engine serves many trainings, with whatever the last one left in its memory. */
static void an_engine_remembers_nothing(void **state)
{
    (void)state;
    struct setting setting = setting_open("mlp:2x6", ACTIVATION_GELU);
    struct engine *used = setting_engine(&setting, kernels_current());
    struct engine *fresh = setting_engine(&setting, kernels_current());
    struct cohort_member poison = setting_member(&setting, 1);
    struct cohort_member a = setting_member(&setting, 3), b = setting_member(&setting, 3);
    for (uint64_t i = 0; i < setting.model->parameter_count; i++)
        poison.network->parameters[i] = NAN;
    setting_train(used, &setting, (struct step_range){0, 3}, &poison, 1);
    struct data_order other = {8, 2};
    assert_int_equal(engine_train(used, &setting.data.samples, &setting.data.slice, &other,
                                  (struct step_range){4, 9}, &poison, 1, NULL),
                     0);
    setting_train(used, &setting, (struct step_range){4, 9}, &a, 1);
    setting_train(fresh, &setting, (struct step_range){4, 9}, &b, 1);
    setting_assert_same(&a, &b);
    setting_close_members(&poison, 1);
    setting_close_members(&a, 1);
    setting_close_members(&b, 1);
    engine_destroy(&used);
    engine_destroy(&fresh);
    setting_close(&setting);
}

static void stream_decides_the_order(void **state)
{
    (void)state;
    struct setting setting = setting_open("mlp:1x6", ACTIVATION_RELU);
    struct engine *engine = setting_engine(&setting, kernels_current());
    struct cohort_member a = setting_member(&setting, 0), b = setting_member(&setting, 0);
    struct data_order other = {setting_order.seed, setting_order.stream + 1};
    setting_train(engine, &setting, (struct step_range){0, 5}, &a, 1);
    assert_int_equal(engine_train(engine, &setting.data.samples, &setting.data.slice, &other,
                                  (struct step_range){0, 5}, &b, 1, NULL),
                     0);
    assert_memory_not_equal(a.network->parameters, b.network->parameters,
                            setting.model->parameter_count * sizeof(float));
    setting_close_members(&a, 1);
    setting_close_members(&b, 1);
    engine_destroy(&engine);
    setting_close(&setting);
}

static void steps_of_an_epoch_are_counted(void **state)
{
    (void)state;
    struct setting setting = setting_open("mlp:1x2", ACTIVATION_RELU);
    struct engine *engine = setting_engine(&setting, kernels_current());
    static const uint32_t cases[][2] = {{1, 1}, {16, 1}, {17, 1}, {18, 2}, {75, 5}};
    for (uint32_t i = 0; i < 5; i++) {
        struct sample_slice slice = {setting.data.slice.index, cases[i][0]};
        assert_int_equal(engine_steps_per_epoch(engine, &slice), cases[i][1]);
    }
    struct sample_slice largest = {NULL, UINT32_MAX};
    assert_int_equal(engine_steps_per_epoch(engine, &largest), 252645135);
    engine_destroy(&engine);
    setting_close(&setting);
}

static void training_lowers_the_loss(void **state)
{
    (void)state;
    struct setting setting = setting_open("mlp:2x20", ACTIVATION_RELU);
    struct engine *engine = setting_engine(&setting, kernels_current());
    struct cohort_member member = setting_member(&setting, 0);
    static struct evaluation before, after;
    engine_evaluate(engine, &setting.data.samples, &setting.data.slice, member.network, &before);
    setting_train(engine, &setting, (struct step_range){0, 200}, &member, 1);
    engine_evaluate(engine, &setting.data.samples, &setting.data.slice, member.network, &after);
    assert_true(after.loss < 0.5 * before.loss);
    assert_true(after.accuracy > 0.8);
    setting_close_members(&member, 1);
    engine_destroy(&engine);
    setting_close(&setting);
}

/* ---------------------------------------------------------------------- what is not a number */

/* All weights zero: every hidden unit is dead, only the last biases learn. */
static void a_dead_net_trains_its_last_biases(void **state)
{
    (void)state;
    struct setting setting = setting_open("mlp:3x6", ACTIVATION_RELU);
    struct engine *engine = setting_engine(&setting, kernels_current());
    struct network *network = network_create(setting.model, OPTIMIZER_STATE_MOMENTS);
    assert_non_null(network);
    struct cohort_member member = fixture_member(network, 1);
    setting_train(engine, &setting, (struct step_range){0, 20}, &member, 1);
    const struct unit_layer *last = &setting.model->layers[3];
    for (uint64_t i = 0; i < setting.model->parameter_count; i++)
        assert_int_equal(network->parameters[i] != 0, i >= last->bias);
    setting_close_members(&member, 1);
    engine_destroy(&engine);
    setting_close(&setting);
}

static void a_huge_rate_diverges_and_is_no_crash(void **state)
{
    (void)state;
    for (uint32_t f = ACTIVATION_RELU; f <= ACTIVATION_GELU; f++) {
        struct setting setting = setting_open("mlp:2x6", f);
        static struct evaluation evaluation;
        setting.training.optimizer = OPTIMIZER_SGD;
        setting.training.lr = 1e30;
        struct engine *engine = setting_engine(&setting, kernels_current());
        struct cohort_member member = setting_member(&setting, 1);
        setting_train(engine, &setting, (struct step_range){0, 10}, &member, 1);
        assert_false(network_is_finite(member.network));
        assert_true(!isfinite(member.loss_sum));
        engine_evaluate(engine, &setting.data.samples, &setting.data.slice, member.network,
                        &evaluation);
        assert_true(isnan(evaluation.loss) != 0);
        setting_close_members(&member, 1);
        engine_destroy(&engine);
        setting_close(&setting);
    }
}

/* Sigmoids' slopes shrink a delta to a quarter and less, layer by layer. */
static void what_is_too_small_is_zero(void **state)
{
    (void)state;
    const float smallest = 0x1p-126F;
    struct setting setting = setting_open("mlp:70x5", ACTIVATION_SIGMOID);
    struct engine *engine = setting_engine(&setting, kernels_current());
    struct cohort_member member = setting_member(&setting, 0);
    uint64_t zeros = 0, small = 0;
    setting_train(engine, &setting, (struct step_range){0, 1}, &member, 1);
    for (uint64_t i = 0; i < setting.model->parameter_count; i++) {
        float moment = fabsf(member.network->m[i]);
        assert_true(moment == 0 || moment >= smallest);
        zeros += moment == 0;
        small += moment > 0 && moment < 1e-30F;
    }
    assert_true(zeros > 0 && small > 0);
    volatile float still = smallest;
    still = still / 2;
    assert_true(still > 0); /* the caller's own arithmetic is as it was */
    setting_close_members(&member, 1);
    engine_destroy(&engine);
    setting_close(&setting);
}

/* ---------------------------------------------------------------------------- large, native */

static void deep_and_wide_models_train(void **state)
{
    (void)state;
    static const char *const topologies[] = {"mlp:2048x1", "mlp:1x2048", "mlp:4000x2"};
    for (uint32_t i = 0; i < 3; i++) {
        struct setting setting = setting_open(topologies[i], ACTIVATION_RELU);
        struct engine *engine = setting_engine(&setting, kernels_current());
        struct cohort_member member = setting_member(&setting, 1);
        setting_train(engine, &setting, (struct step_range){0, 3}, &member, 1);
        assert_true(network_is_finite(member.network));
        assert_true(member.loss_sum > 1 && member.loss_sum < 30);
        setting_close_members(&member, 1);
        engine_destroy(&engine);
        setting_close(&setting);
    }
}

static void check_native(struct engine *native, const struct setting *setting)
{
    struct engine *portable = setting_engine(setting, kernels_current());
    struct cohort_member a = setting_member(setting, 1), b = setting_member(setting, 1);
    setting_train(native, setting, (struct step_range){0, 3}, &a, 1);
    setting_train(portable, setting, (struct step_range){0, 3}, &b, 1);
    assert_true(fabs(a.loss_sum - b.loss_sum) < 1e-5);
    for (uint64_t i = 0; i < setting->model->parameter_count; i++)
        assert_true(fabsf(a.network->parameters[i] - b.network->parameters[i]) < 2e-4F);
    setting_close_members(&a, 1);
    setting_close_members(&b, 1);
    engine_destroy(&portable);
}

/* Another order of summation, nothing else. */
static void native_is_close_to_portable(void **state)
{
    (void)state;
    static const char *const models[] = {
        "mlp:[2x5,1x17]",
        "cnn:5k3p1,9k3s2,4k3p1",
        "layers:[conv 10k3p1,residual(conv 10k3p1,project 10),maxpool 4,conv 3k1s2]",
        "resmlp:2x6",
        "layers:[bigru 3,gru 33]",
    };
    enum { MODELS = sizeof models / sizeof models[0] };
    struct error error;
    if (blas_open(&error) != 0) {
        print_message("%s\n", error.text);
        skip();
    }
    for (uint32_t i = 0; i < MODELS; i++) {
        struct setting setting = setting_open(models[i], ACTIVATION_GELU);
        struct engine_options options = {
            .model = setting.model, .training = setting.training, .numeric = NUMERIC_NATIVE};
        struct engine *native = engine_create(&options, &error);
        assert_non_null(native);
        check_native(native, &setting);
        engine_destroy(&native);
        setting_close(&setting);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cohort_changes_nothing_for_its_members),
        cmocka_unit_test(updates_on_the_way_back_change_nothing),
        cmocka_unit_test(every_vector_unit_gives_the_same_bits),
        cmocka_unit_test(a_training_may_be_cut_anywhere),
        cmocka_unit_test(a_checkpoint_without_state_resets_the_optimiser),
        cmocka_unit_test(an_engine_remembers_nothing),
        cmocka_unit_test(stream_decides_the_order),
        cmocka_unit_test(steps_of_an_epoch_are_counted),
        cmocka_unit_test(training_lowers_the_loss),
        cmocka_unit_test(a_dead_net_trains_its_last_biases),
        cmocka_unit_test(a_huge_rate_diverges_and_is_no_crash),
        cmocka_unit_test(what_is_too_small_is_zero),
        cmocka_unit_test(deep_and_wide_models_train),
        cmocka_unit_test(native_is_close_to_portable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
