/* test_train_spec.c: the train evaluator's settings out of a spec. */
#include "worker/evaluators/train.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_every_key_is_read(void **state)
{
    (void)state;
    struct train_spec spec;
    struct error error = {""};
    assert_int_equal(
        train_spec_parse("numeric = native\nevaluator = train\nmodel.spec = mlp:[4x4,2x8]\n"
                         "model.activation = tanh\nmodel.init = he\ndata.train = 100\n"
                         "data.select = 10\ndata.confirm = 11\ndata.test = 12\n"
                         "data.split_seed = 99\ndata.inputs = unit\ntrain.optimizer = sgd\n"
                         "train.lr = 0.5\ntrain.beta1 = 0.8\ntrain.beta2 = 0.99\n"
                         "train.eps = 1e-6\ntrain.momentum = 0.7\ntrain.weight_decay = 0.25\n"
                         "train.l2 = 0.125\ntrain.dropout = 0.2\ntrain.batch = 7\n"
                         "train.epochs = 3\ntrain.steps = 17\ntrain.optimizer_state = keep\n"
                         "train.fitness = loss\ntrain.schedule = sgdr\ntrain.warmup = 5\n"
                         "train.lr_final = 0.25\ntrain.restart_steps = 8\n"
                         "train.restart_factor = 2\ntrain.decay_rate = 0.75\n"
                         "train.decay_steps = 9\ntrain.label_smoothing = 0.1\n"
                         "train.clip_norm = 1.5\ntrain.clamp_norm = 20\n"
                         "train.precision = bf16_stochastic\ntrain.order = sequential\n",
                         &spec, &error),
        0);
    assert_int_equal(spec.numeric, NUMERIC_NATIVE);
    assert_string_equal(spec.model.text, "mlp:[4x4,2x8]");
    assert_int_equal(spec.activation, ACTIVATION_TANH);
    assert_int_equal(spec.initialisation, INITIALISATION_HE);
    assert_int_equal(spec.sizes.train, 100);
    assert_int_equal(spec.sizes.select, 10);
    assert_int_equal(spec.sizes.confirm, 11);
    assert_int_equal(spec.sizes.test, 12);
    assert_int_equal(spec.sizes.split_seed, 99);
    assert_int_equal(spec.inputs, INPUTS_UNIT);
    assert_int_equal(spec.training.optimizer, OPTIMIZER_SGD);
    assert_true(spec.training.lr == 0.5 && spec.training.beta1 == 0.8);
    assert_true(spec.training.beta2 == 0.99 && spec.training.eps == 1e-6);
    assert_true(spec.training.momentum == 0.7 && spec.training.l2 == 0.125);
    assert_int_equal(spec.training.batch, 7);
    assert_true(spec.weight_decay == 0.25 && spec.dropout == 0.2);
    assert_int_equal(spec.epochs, 3);
    assert_int_equal(spec.steps, 17);
    assert_int_equal(spec.kept, OPTIMIZER_STATE_VELOCITY);
    assert_int_equal(spec.fitness, FITNESS_LOSS);
    const struct schedule *schedule = &spec.training.schedule;
    assert_int_equal(schedule->kind, SCHEDULE_SGDR);
    assert_int_equal(schedule->warmup, 5);
    assert_int_equal(schedule->restart_steps, 8);
    assert_int_equal(schedule->restart_factor, 2);
    assert_int_equal(schedule->decay_steps, 9);
    assert_true(schedule->final == 0.25 && schedule->decay == 0.75);
    assert_true(spec.training.label_smoothing == 0.1 && spec.training.clip_norm == 1.5);
    assert_true(spec.training.clamp_norm == 20);
    assert_int_equal(spec.training.precision, PRECISION_BF16_STOCHASTIC);
    assert_int_equal(spec.training.order, ORDER_SEQUENTIAL);
}

/* What of a schedule depends on the number of samples. */
static void test_the_length_of_a_training(void **state)
{
    (void)state;
    struct train_spec spec;
    struct error error = {""};
    assert_int_equal(train_spec_parse("evaluator = train\nmodel.spec = mlp:1x1\n"
                                      "train.batch = 10\ntrain.epochs = 3\n"
                                      "train.schedule = geometric\ntrain.decay_rate = 0.5\n"
                                      "train.decay_steps = 0\n",
                                      &spec, &error),
                     0);
    assert_int_equal(train_spec_steps(&spec, 100), 30);
    assert_int_equal(train_spec_steps(&spec, 101), 33);
    assert_int_equal(train_spec_training(&spec, 101).schedule.steps, 33);
    assert_int_equal(train_spec_training(&spec, 101).schedule.decay_steps, 11);
    spec.steps = 7;
    spec.training.schedule.decay_steps = 4;
    assert_int_equal(train_spec_steps(&spec, 101), 7);
    assert_int_equal(train_spec_training(&spec, 101).schedule.steps, 7);
    assert_int_equal(train_spec_training(&spec, 101).schedule.decay_steps, 4);
}

static void test_the_defaults_are_the_published_ones(void **state)
{
    (void)state;
    struct train_spec spec;
    struct error error = {""};
    assert_int_equal(train_spec_parse("evaluator = train\nmodel.spec = mlp:18x18\n", &spec, &error),
                     0);
    assert_int_equal(spec.activation, ACTIVATION_RELU);
    assert_int_equal(spec.initialisation, INITIALISATION_PYTORCH);
    assert_int_equal(spec.training.optimizer, OPTIMIZER_ADAMW);
    assert_true(spec.training.lr == 1e-4 && spec.training.beta1 == 0.9);
    assert_true(spec.training.beta2 == 0.999 && spec.training.eps == 1e-8);
    assert_true(spec.weight_decay == 0 && spec.dropout == 0);
    assert_int_equal(spec.training.batch, 256);
    assert_int_equal(spec.epochs, 1);
    assert_int_equal(spec.steps, 0);
    assert_int_equal(spec.kept, OPTIMIZER_STATE_NONE);
    assert_int_equal(spec.training.schedule.kind, SCHEDULE_CONSTANT);
    assert_int_equal(spec.training.schedule.warmup, 0);
    assert_true(spec.training.label_smoothing == 0 && spec.training.clip_norm == 0);
    assert_true(spec.training.clamp_norm == 0);
    assert_int_equal(spec.training.precision, PRECISION_FP32);
    assert_int_equal(spec.training.order, ORDER_SHUFFLED);
}

static void test_errors_name_line_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *words;
    } rows[] = {
        {"evaluator = train\n", "model"},
        {"evaluator = null\n", "line 1: the evaluator is null, not train"},
        {"evaluator = train\nmodel.spec = mlp:0x3\n", "mlp:0x3"},
        {"evaluator = train\nmodel.spec = cnn:x\n", "cnn:x"},
        {"evaluator = train\ntrain.lrr = 1\n", "line 2: unknown key train.lrr"},
        {"evaluator = train\ntrain.lr = -1\n", "line 2"},
        {"evaluator = train\ntrain.lr = fast\n", "line 2"},
        {"evaluator = train\ntrain.lr = 1\ntrain.lr = 1\n", "line 3: train.lr is given twice"},
        {"evaluator = train\nmodel.activation = swish\n", "line 2"},
        {"evaluator = train\nmodel.spec = mlp:1x1\ntrain.schedule = sgdr\n",
         "sgdr without train.restart_steps"},
        {"evaluator = train\nmodel.spec = mlp:1x1\ntrain.schedule = geometric\n",
         "geometric without train.decay_rate"},
        {"evaluator = train\nmodel.spec = mlp:1x1\ntrain.restart_factor = 0\n", "line 3"},
        {"evaluator = train\nmodel.spec = mlp:1x1\nmodel.spec = mlp:1x1\n", "given twice"},
    };
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct train_spec spec = {.epochs = 77};
        struct error error = {""};
        assert_int_equal(train_spec_parse(rows[i].spec, &spec, &error), -1);
        if (strstr(error.text, rows[i].words) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", error.text, rows[i].words);
        assert_int_equal(spec.epochs, 77);
    }
}

static void test_other_evaluators_keys_are_passed_over(void **state)
{
    (void)state;
    struct train_spec spec;
    struct error error = {""};
    assert_int_equal(
        train_spec_parse("null.dim = 16\nevaluator = train\nmodel.spec = mlp:1x2\n", &spec, &error),
        0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_is_read),
        cmocka_unit_test(test_the_defaults_are_the_published_ones),
        cmocka_unit_test(test_the_length_of_a_training),
        cmocka_unit_test(test_errors_name_line_and_reason),
        cmocka_unit_test(test_other_evaluators_keys_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
