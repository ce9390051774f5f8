/*
 * test_controls.c: trainings under control against the same in double; and what each control is
 * there for.
 */
#include "tests/reference/controls.h"
#include "tests/reference/mlp.h"
#include "tests/unit/worker/engine/control_cases.h"
#include "tests/unit/worker/engine/setting.h"
#include "worker/engine/data_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

/* A layer of 90 x 90 is updated by itself, on the way back. */
static const char *const topologies[] = {"mlp:[2x5,1x17]", "mlp:2x90"};

enum { TOPOLOGIES = sizeof topologies / sizeof topologies[0] };

/* --------------------------------------------------------------------- the training in double */

struct double_training {
    const struct setting *setting;
    const struct cohort_member *member;
    double *parameters, *gradient, *m, *v;
    double loss_sum;
};

static double *doubles(size_t count)
{
    double *values = calloc(count, sizeof *values);
    assert_non_null(values);
    return values;
}

static struct double_training double_open(const struct setting *setting,
                                          const struct cohort_member *member)
{
    uint64_t count = setting->model->parameter_count;
    struct double_training training = {
        .setting = setting,
        .member = member,
        .parameters = doubles(count),
        .gradient = doubles(count),
        .m = doubles(count),
        .v = doubles(count),
    };
    for (uint64_t i = 0; i < count; i++)
        training.parameters[i] = (double)member->network->parameters[i];
    return training;
}

static void double_close(struct double_training *training)
{
    free(training->parameters);
    free(training->gradient);
    free(training->m);
    free(training->v);
}

/* Puts the mini-batch of a step into the arrays; its size. */
static uint32_t fill_batch(const struct setting *setting, uint64_t step, double *inputs,
                           uint8_t *labels)
{
    const struct fixture_data *data = &setting->data;
    uint32_t permutation[SAMPLES], first = (uint32_t)(step % PER_EPOCH) * BATCH;
    uint32_t n = SAMPLES - first < BATCH ? SAMPLES - first : BATCH;
    const bool shuffled = setting->training.order == ORDER_SHUFFLED;
    data_order_shuffle(&(struct epoch_order){setting_order, step / PER_EPOCH, SAMPLES},
                       permutation);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t sample = data->slice.index[shuffled ? permutation[first + i] : first + i];
        labels[i] = data->samples.labels[sample];
        for (uint32_t j = 0; j < INPUTS; j++)
            inputs[i * INPUTS + j] = (double)fixture_input(&data->samples, sample, j);
    }
    return n;
}

static void double_step(struct double_training *training, uint64_t step)
{
    const struct training_settings *settings = &training->setting->training;
    const struct model *model = training->setting->model;
    double inputs[BATCH * INPUTS];
    uint8_t labels[BATCH];
    const struct reference_batch batch = {
        .n = fill_batch(training->setting, step, inputs, labels),
        .inputs = inputs,
        .labels = labels,
    };
    const struct reference_step constants = {
        .lr = reference_rate(&settings->schedule, settings->lr, step),
        .beta1 = settings->beta1,
        .beta2 = settings->beta2,
        .eps = settings->eps,
        .momentum = settings->momentum,
        .weight_decay = training->member->weight_decay,
        .l2 = settings->l2,
        .t = step + 1,
    };
    training->loss_sum += reference_smoothed_gradient(
        model, training->parameters, &batch, settings->label_smoothing, training->gradient);
    if (settings->clip_norm > 0)
        reference_clip(settings->clip_norm, model->parameter_count, training->gradient);
    if (settings->optimizer == OPTIMIZER_SGD)
        reference_sgd(&constants, model->parameter_count, training->gradient, training->parameters,
                      training->m);
    else
        reference_adamw(&constants, model->parameter_count, training->gradient,
                        training->parameters, training->m, training->v);
    if (settings->clamp_norm > 0)
        reference_clamp(settings->clamp_norm, model->parameter_count, training->parameters);
}

/* A member under control, without dropout. */
static struct cohort_member controlled_member(const struct setting *setting,
                                              const struct control_case *control)
{
    struct cohort_member member = setting_member(setting, 0);
    member.weight_decay = control->weight_decay;
    return member;
}

static void check_training(struct setting *setting, const struct control_case *control,
                           enum optimizer optimizer, const struct kernels *kernels)
{
    setting->training = control_case_training(control, optimizer, BATCH);
    struct cohort_member member = controlled_member(setting, control);
    struct double_training training = double_open(setting, &member);
    struct engine *engine = setting_engine(setting, kernels);
    for (uint64_t step = 0; step < CONTROL_STEPS; step++)
        double_step(&training, step);
    setting_train(engine, setting, (struct step_range){0, CONTROL_STEPS}, &member, 1);
    for (uint64_t i = 0; i < setting->model->parameter_count; i++) {
        double error = fabs((double)member.network->parameters[i] - training.parameters[i]);
        if (!(error < 5e-6))
            fail_msg("%s, %s: parameter %u is off by %g", control->name, kernels->name, (unsigned)i,
                     error);
    }
    if (!(fabs(member.loss_sum - training.loss_sum) < 1e-5 * training.loss_sum))
        fail_msg("%s, %s: loss %.9g, reference %.9g", control->name, kernels->name, member.loss_sum,
                 training.loss_sum);
    engine_destroy(&engine);
    double_close(&training);
    setting_close_members(&member, 1);
}

static void trainings_agree_with_the_reference(void **state)
{
    (void)state;
    const struct kernels *kernels[3];
    const struct control_case *control;
    uint32_t count = fixture_kernels(kernels);
    for (uint32_t t = 0; t < TOPOLOGIES; t++) {
        struct setting setting = setting_open(topologies[t], ACTIVATION_TANH);
        for (uint32_t i = 0; (control = control_case_at(i)) != NULL; i++)
            for (uint32_t k = 0; k < count; k++) {
                check_training(&setting, control, OPTIMIZER_ADAMW, kernels[k]);
                check_training(&setting, control, OPTIMIZER_SGD, kernels[k]);
            }
        setting_close(&setting);
    }
}

/* ------------------------------------------------------------------- the two kinds of decay */

/* The greatest distance of a parameter after a training with l2 and one with as much decay. */
static double distance_of_decays(const struct training_settings *settings, double decay)
{
    struct setting setting = setting_open("mlp:2x9", ACTIVATION_RELU);
    struct cohort_member loss = setting_member(&setting, 0),
                         decoupled = setting_member(&setting, 0);
    double greatest = 0;
    decoupled.weight_decay = decay;
    setting.training = *settings;
    struct engine *plain = setting_engine(&setting, kernels_current());
    setting.training.l2 = decay;
    struct engine *with_l2 = setting_engine(&setting, kernels_current());
    setting_train(with_l2, &setting, (struct step_range){0, 100}, &loss, 1);
    setting_train(plain, &setting, (struct step_range){0, 100}, &decoupled, 1);
    for (uint64_t i = 0; i < setting.model->parameter_count; i++)
        greatest = fmax(greatest, fabs((double)loss.network->parameters[i] -
                                       (double)decoupled.network->parameters[i]));
    engine_destroy(&plain);
    engine_destroy(&with_l2);
    setting_close_members(&loss, 1);
    setting_close_members(&decoupled, 1);
    setting_close(&setting);
    return greatest;
}

/* w - lr * (g + decay * w) = (1 - lr * decay) * w - lr * g, as long as nothing remembers g. */
static void decays_are_one_for_sgd_and_two_for_adam(void **state)
{
    (void)state;
    struct training_settings settings = fixture_training(BATCH);
    const double decay = 0.1;
    double none = distance_of_decays(&settings, 0), adam = distance_of_decays(&settings, decay);
    settings.optimizer = OPTIMIZER_SGD;
    settings.lr = 0.1;
    double sgd = distance_of_decays(&settings, decay);
    settings.schedule = (struct schedule){.kind = SCHEDULE_COSINE, .warmup = 10, .steps = 100};
    double scheduled = distance_of_decays(&settings, decay);
    settings.momentum = 0.9;
    double momentum = distance_of_decays(&settings, decay);
    print_message("l2 and decay apart: sgd %.2g, with a schedule %.2g, with momentum %.2g, adam "
                  "%.2g\n",
                  sgd, scheduled, momentum, adam);
    assert_true(none == 0);
    assert_true(sgd <= 1e-6 && scheduled <= 1e-6);
    assert_true(momentum > 1e-2 && adam > 1e-2);
}

/* -------------------------------------------------------------------------------- the limits */

static double length_of(const float *values, uint64_t count)
{
    double sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += (double)values[i] * (double)values[i];
    return sqrt(sum);
}

/* Behind one step of SGD without momentum the velocity is the gradient as it was used. */
static double length_of_first_gradient(struct setting *setting, double clip_norm)
{
    struct cohort_member member = setting_member(setting, 0);
    setting->training = (struct training_settings){
        .optimizer = OPTIMIZER_SGD, .lr = 0.01, .clip_norm = clip_norm, .batch = BATCH};
    struct engine *engine = setting_engine(setting, kernels_current());
    setting_train(engine, setting, (struct step_range){0, 1}, &member, 1);
    double length = length_of(member.network->m, setting->model->parameter_count);
    engine_destroy(&engine);
    setting_close_members(&member, 1);
    return length;
}

static void clipping_bounds_the_gradient(void **state)
{
    (void)state;
    struct setting setting = setting_open("mlp:2x90", ACTIVATION_TANH);
    double free_length = length_of_first_gradient(&setting, 0);
    double half = length_of_first_gradient(&setting, free_length / 2);
    assert_true(half < free_length / 2 && half > free_length / 2 * (1 - 1e-4));
    assert_true(length_of_first_gradient(&setting, free_length * 1.01) == free_length);
    setting_close(&setting);
}

/* An update that waits for the whole gradient gives the bits of one in stretches. */
static void a_limit_that_never_binds_changes_nothing(void **state)
{
    (void)state;
    for (uint32_t t = 0; t < TOPOLOGIES; t++) {
        struct setting setting = setting_open(topologies[t], ACTIVATION_RELU);
        struct cohort_member without = setting_member(&setting, 1);
        struct cohort_member with = setting_member(&setting, 1);
        struct engine *engine = setting_engine(&setting, kernels_current());
        setting_train(engine, &setting, (struct step_range){0, CONTROL_STEPS}, &without, 1);
        engine_destroy(&engine);
        setting.training.clip_norm = setting.training.clamp_norm = 1e9;
        engine = setting_engine(&setting, kernels_current());
        setting_train(engine, &setting, (struct step_range){0, CONTROL_STEPS}, &with, 1);
        setting_assert_same(&without, &with);
        engine_destroy(&engine);
        setting_close_members(&without, 1);
        setting_close_members(&with, 1);
        setting_close(&setting);
    }
}

static void clamping_bounds_the_parameters(void **state)
{
    (void)state;
    struct setting setting = setting_open("mlp:2x9", ACTIVATION_RELU);
    uint64_t count = setting.model->parameter_count;
    struct cohort_member member = setting_member(&setting, 0);
    double limit = length_of(member.network->parameters, count) / 2;
    setting.training.clamp_norm = limit;
    struct engine *engine = setting_engine(&setting, kernels_current());
    for (uint64_t step = 0; step < 20; step++) {
        setting_train(engine, &setting, (struct step_range){step, step + 1}, &member, 1);
        double length = length_of(member.network->parameters, count);
        assert_true(length <= limit * (1 + 1e-6) && length > limit * 0.9);
    }
    engine_destroy(&engine);
    setting_close_members(&member, 1);
    setting_close(&setting);
}

/* ---------------------------------------------------------------------------------- smoothing */

/* Sure of the label is no longer the best that a network can be; and evaluation does not know. */
static void smoothing_is_for_training_alone(void **state)
{
    (void)state;
    struct setting setting = setting_open("mlp:1x6", ACTIVATION_RELU);
    struct cohort_member member = setting_member(&setting, 0);
    struct engine *plain = setting_engine(&setting, kernels_current());
    setting.training.label_smoothing = 0.5;
    struct engine *smoothed = setting_engine(&setting, kernels_current());
    struct evaluation *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    assert_true(a != NULL && b != NULL);
    setting_train(smoothed, &setting, (struct step_range){0, 7}, &member, 1);
    engine_evaluate(plain, &setting.data.samples, &setting.data.slice, member.network, a);
    engine_evaluate(smoothed, &setting.data.samples, &setting.data.slice, member.network, b);
    assert_memory_equal(a, b, sizeof *a);
    free(a);
    free(b);
    engine_destroy(&plain);
    engine_destroy(&smoothed);
    setting_close_members(&member, 1);
    setting_close(&setting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trainings_agree_with_the_reference),
        cmocka_unit_test(decays_are_one_for_sgd_and_two_for_adam),
        cmocka_unit_test(clipping_bounds_the_gradient),
        cmocka_unit_test(a_limit_that_never_binds_changes_nothing),
        cmocka_unit_test(clamping_bounds_the_parameters),
        cmocka_unit_test(smoothing_is_for_training_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
