/* test_evaluation.c: losses, answers and the confusion matrix of a slice. */
#include "tests/reference/mlp.h"
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

/* Loss, accuracy and matrix of a slice, by the reference's logits. */
static void evaluate_reference(const struct setting *setting, const struct network *network,
                               struct evaluation *evaluation)
{
    double *parameters = calloc(setting->model->parameter_count, sizeof *parameters);
    assert_non_null(parameters);
    *evaluation = (struct evaluation){.loss = 0};
    for (uint64_t i = 0; i < setting->model->parameter_count; i++)
        parameters[i] = (double)network->parameters[i];
    for (uint32_t s = 0; s < setting->data.slice.count; s++) {
        double inputs[INPUTS], logits[CLASSES];
        uint32_t sample = setting->data.slice.index[s], best = 0;
        uint8_t label = setting->data.samples.labels[sample];
        for (uint32_t j = 0; j < INPUTS; j++)
            inputs[j] = (double)fixture_input(&setting->data.samples, sample, j);
        struct reference_batch batch = {1, inputs, &label, NULL};
        reference_logits(setting->model, parameters, &batch, logits);
        for (uint32_t c = 1; c < CLASSES; c++)
            best = logits[c] > logits[best] ? c : best;
        evaluation->confusion[label * CLASSES + best]++;
        evaluation->accuracy += best == label ? 1.0 / setting->data.slice.count : 0;
        evaluation->loss +=
            reference_loss(setting->model, parameters, &batch) / setting->data.slice.count;
    }
    free(parameters);
}

/* 700 samples: three mini-batches, the last one short. */
static void evaluation_agrees_with_the_reference(void **state)
{
    (void)state;
    for (uint32_t f = ACTIVATION_RELU; f <= ACTIVATION_GELU; f++) {
        struct setting setting = setting_open("mlp:[2x5,1x17]", f);
        static struct evaluation found, expected;
        fixture_data_destroy(&setting.data);
        setting.data = fixture_data_create(setting.model, SAMPLE_F32, 700, f);
        struct engine *engine = setting_engine(&setting, kernels_current());
        struct network *network = fixture_network(setting.model, OPTIMIZER_STATE_NONE, f);
        evaluate_reference(&setting, network, &expected);
        memset(&found, 0xFF, sizeof found);
        engine_evaluate(engine, &setting.data.samples, &setting.data.slice, network, &found);
        assert_true(fabs(found.loss - expected.loss) < 1e-6);
        assert_true(fabs(found.accuracy - expected.accuracy) < 1e-12);
        assert_memory_equal(found.confusion, expected.confusion,
                            CLASSES * CLASSES * sizeof found.confusion[0]);
        network_destroy(&network);
        engine_destroy(&engine);
        setting_close(&setting);
    }
}

static void evaluation_does_not_depend_on_the_training_batch(void **state)
{
    (void)state;
    static const uint32_t batches[] = {1, 17, 256, 1000};
    static struct evaluation first, found;
    struct setting setting = setting_open("mlp:2x9", ACTIVATION_TANH);
    struct network *network = fixture_network(setting.model, OPTIMIZER_STATE_NONE, 2);
    fixture_data_destroy(&setting.data);
    setting.data = fixture_data_create(setting.model, SAMPLE_U8, 900, 6);
    for (uint32_t i = 0; i < 4; i++) {
        setting.training.batch = batches[i];
        struct engine *engine = setting_engine(&setting, kernels_current());
        engine_evaluate(engine, &setting.data.samples, &setting.data.slice, network,
                        i == 0 ? &first : &found);
        assert_true(i == 0 || found.loss == first.loss);
        assert_true(i == 0 || found.accuracy == first.accuracy);
        engine_destroy(&engine);
    }
    network_destroy(&network);
    setting_close(&setting);
}

static void the_first_of_equal_logits_is_the_answer(void **state)
{
    (void)state;
    struct setting setting = setting_open("mlp:1x3", ACTIVATION_RELU);
    static struct evaluation evaluation;
    struct engine *engine = setting_engine(&setting, kernels_current());
    struct network *network = network_create(setting.model, OPTIMIZER_STATE_NONE);
    assert_non_null(network);
    uint64_t biases = setting.model->layers[1].bias;
    network->parameters[biases + 1] = network->parameters[biases + 3] = 2;
    engine_evaluate(engine, &setting.data.samples, &setting.data.slice, network, &evaluation);
    uint32_t answers = 0, right = 0;
    for (uint32_t label = 0; label < CLASSES; label++)
        answers += evaluation.confusion[label * CLASSES + 1];
    for (uint32_t i = 0; i < SAMPLES; i++)
        right += setting.data.samples.labels[i] == 1;
    assert_int_equal(answers, SAMPLES);
    assert_int_equal(evaluation.confusion[1 * CLASSES + 1], right);
    assert_true(evaluation.accuracy == (double)right / SAMPLES);
    /* A NaN among the logits makes the answer class 0, wherever it stands. */
    network->parameters[biases + 4] = NAN;
    engine_evaluate(engine, &setting.data.samples, &setting.data.slice, network, &evaluation);
    for (uint32_t label = 0; label < CLASSES; label++)
        assert_int_equal(evaluation.confusion[label * CLASSES + 1], 0);
    assert_true(isnan(evaluation.loss) != 0);
    network_destroy(&network);
    engine_destroy(&engine);
    setting_close(&setting);
}

/* One sample has a NaN: its mini-batch spoils the network, evaluation counts it as class 0. */
static void a_sample_that_is_no_number_shows(void **state)
{
    (void)state;
    struct setting setting = setting_open("mlp:1x6", ACTIVATION_RELU);
    static struct evaluation evaluation;
    float inputs[3 * INPUTS] = {0};
    static const uint8_t labels[3] = {1, 0, 2};
    static const uint32_t index[3] = {0, 1, 2};
    inputs[INPUTS + 4] = NAN;
    struct samples samples = {SAMPLE_F32, inputs, labels, 3, INPUTS, 1, 0};
    struct sample_slice slice = {index, 3};
    struct engine *engine = setting_engine(&setting, kernels_current());
    struct cohort_member member = setting_member(&setting, 0);
    engine_evaluate(engine, &samples, &slice, member.network, &evaluation);
    assert_true(isnan(evaluation.loss) != 0);
    assert_int_equal(evaluation.confusion[0], 1); /* true class 0, answer 0 */
    assert_int_equal(engine_train(engine, &samples, &slice, &setting_order,
                                  (struct step_range){0, 1}, &member, 1, NULL),
                     0);
    assert_true(isnan(member.loss_sum) != 0);
    assert_false(network_is_finite(member.network));
    setting_close_members(&member, 1);
    engine_destroy(&engine);
    setting_close(&setting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_that_is_no_number_shows),
        cmocka_unit_test(evaluation_agrees_with_the_reference),
        cmocka_unit_test(evaluation_does_not_depend_on_the_training_batch),
        cmocka_unit_test(the_first_of_equal_logits_is_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
