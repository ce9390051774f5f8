/*
 * test_experiment_train.c: experiments that train: their texts, their data set, and every way in
 * which evaluator, data set and the other settings do not fit together.
 */
#include "common/model_text.h"
#include "coordinator/experiment/experiment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD                                                                                       \
    "name: t\n"                                                                                    \
    "strategy: {name: ratchet}\n"                                                                  \
    "budget: {jobs: 10}\n"                                                                         \
    "operators: [{name: none}]\n"

#define SMALL                                                                                      \
    HEAD "evaluator: train\n"                                                                      \
         "model: {spec: \"mlp:18x18\"}\n"                                                          \
         "data: {set: fashion-mnist}\n"

#define MADE                                                                                       \
    HEAD "evaluator: train\n"                                                                      \
         "model: {spec: \"mlp:2x8\"}\n"                                                            \
         "data: {set: mnist1d, train: 3000, select: 500, confirm: 500}\n"

static const char train_keys[] = "evaluator = train\n"
                                 "model.activation = relu\n"
                                 "model.init = pytorch\n"
                                 "model.spec = mlp:18x18\n"
                                 "numeric = portable\n"
                                 "train.batch = 256\n"
                                 "train.beta1 = 0.9\n"
                                 "train.beta2 = 0.999\n"
                                 "train.dropout = 0\n"
                                 "train.epochs = 1\n"
                                 "train.eps = 1e-08\n"
                                 "train.fitness = accuracy\n"
                                 "train.l2 = 0\n"
                                 "train.lr = 0.0001\n"
                                 "train.optimizer = adamw\n"
                                 "train.optimizer_state = reset\n"
                                 "train.steps = 0\n"
                                 "train.weight_decay = 0\n";

static const char data_keys[] = "data.confirm = 5000\n"
                                "data.inputs = standardise\n"
                                "data.select = 5000\n"
                                "data.split_seed = 1337\n"
                                "data.test = 0\n"
                                "data.train = 50000\n";

static struct experiment *parse_with(const char *text, const char *const *overrides, uint32_t count)
{
    struct error error = {""};
    struct experiment *experiment = experiment_parse(text, "x.yaml", overrides, count, &error);
    if (experiment == NULL)
        fail_msg("%s", error.text);
    return experiment;
}

static struct experiment *parse(const char *text, const char *override)
{
    return parse_with(text, &override, override != NULL);
}

static void check_refused(const char *text, const char *override, const char *expected)
{
    struct error error = {""};
    assert_null(experiment_parse(text, "x.yaml", &override, override != NULL, &error));
    assert_string_equal(error.text, expected);
}

/* --------------------------------------------------------------------------------------- texts */

static void the_spec_has_every_key_that_a_worker_needs(void **state)
{
    (void)state;
    struct experiment *experiment = parse(SMALL, NULL);
    char expected[2048];
    snprintf(expected, sizeof expected, "%s%s", data_keys, train_keys);
    assert_string_equal(experiment_spec(experiment), expected);
    experiment_destroy(&experiment);
}

static void the_canonical_text_names_the_data_set_and_no_other_evaluator(void **state)
{
    (void)state;
    struct experiment *experiment = parse(SMALL, "data.dir=/some/where");
    const char *canonical = experiment_canonical(experiment);
    assert_non_null(strstr(canonical, "data.set = fashion-mnist\n"));
    assert_null(strstr(canonical, "null."));
    assert_null(strstr(canonical, "data.samples"));
    assert_null(strstr(canonical, "data.dir"));
    experiment_destroy(&experiment);
    experiment = parse(MADE, NULL);
    canonical = experiment_canonical(experiment);
    assert_non_null(strstr(canonical, "data.samples = 5000\n"));
    assert_non_null(strstr(canonical, "data.seed = 42\n"));
    assert_non_null(strstr(canonical, "data.shuffle_positions = false\n"));
    assert_null(strstr(experiment_spec(experiment), "data.set"));
    experiment_destroy(&experiment);
}

/* The same model, however it is written. */
static void a_model_may_be_a_list_of_layers(void **state)
{
    (void)state;
    static const char head[] =
        HEAD "evaluator: train\ndata: {set: mnist1d, train: 3000, select: 500, confirm: "
             "500}\n";
    static const char *const models[] = {
        "model: {spec: \"layers:[dense 8, residual(dense 8,norm)]\", init: he}\n",
        "model: {layers: [dense 8, residual(dense 8, norm)], init: he}\n",
        "model:\n  layers:\n    - dense 8\n    - residual(dense 8, norm)\n  init: he\n",
    };
    char text[1024];
    struct digest digests[3];
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "%s%s", head, models[i]);
        struct experiment *experiment = parse(text, NULL);
        digests[i] = experiment_digest(experiment);
        experiment_destroy(&experiment);
    }
    assert_true(digest_equal(&digests[0], &digests[1]) && digest_equal(&digests[0], &digests[2]));
    snprintf(text, sizeof text, "%smodel: {layers: dense 8}\n", head);
    check_refused(text, NULL,
                  "x.yaml:7:17: model.layers: expected a list such as [dense 100, "
                  "residual(dense 100)]");
    snprintf(text, sizeof text, "%smodel: [dense 8]\n", head);
    check_refused(text, NULL,
                  "x.yaml:7:8: model: expected a mapping of spec, layers, activation, init");
}

static void a_topology_is_canonical_in_all_texts(void **state)
{
    (void)state;
    struct experiment *one = parse(SMALL, "model.spec=mlp:[9x18, 9x18]"),
                      *other = parse(SMALL, NULL);
    assert_string_equal(experiment_canonical(one), experiment_canonical(other));
    assert_string_equal(experiment_spec(one), experiment_spec(other));
    experiment_destroy(&one);
    experiment_destroy(&other);
}

/* Each of these is another experiment, the place of the data is not. */
static void the_digest_depends_on_what_is_learnt_and_how(void **state)
{
    (void)state;
    static const char *const overrides[] = {
        "model.spec=mlp:18x19", "model.activation=gelu",
        "model.init=he",        "data.train=49999",
        "data.select=0",        "data.confirm=0",
        "data.test=100",        "data.split_seed=1",
        "data.inputs=unit",     "train.weight_decay=2",
        "train.lr=1e-3",        "train.beta1=0.8",
        "train.beta2=0.99",     "train.eps=1e-7",
        "train.weight_decay=1", "train.l2=1e-4",
        "train.dropout=0.5",    "train.batch=128",
        "train.epochs=2",       "train.steps=10",
        "train.fitness=loss",   "train.optimizer_state=keep",
        "numeric=native",
    };
    enum { COUNT = sizeof overrides / sizeof overrides[0] };
    struct digest digests[COUNT + 1];
    for (size_t i = 0; i <= COUNT; i++) {
        struct experiment *experiment =
            parse(SMALL, i < COUNT ? overrides[i] : "data.dir=/elsewhere");
        digests[i] = experiment_digest(experiment);
        experiment_destroy(&experiment);
        for (size_t j = 0; j < i; j++)
            assert_false(digest_equal(&digests[i], &digests[j]));
    }
    struct experiment *base = parse(SMALL, NULL);
    struct digest digest = experiment_digest(base);
    assert_true(digest_equal(&digest, &digests[COUNT]));
    experiment_destroy(&base);
    /* Momentum is for one optimiser alone. */
    static const char *const momentum[] = {"train.optimizer=sgd", "train.momentum=0.9"};
    struct experiment *with = parse_with(SMALL, momentum, 2), *without = parse(SMALL, momentum[0]);
    struct digest ours = experiment_digest(with), plain = experiment_digest(without);
    assert_false(digest_equal(&ours, &plain) || digest_equal(&plain, &digest));
    experiment_destroy(&with);
    experiment_destroy(&without);
}

static void the_canonical_text_makes_the_experiment_again(void **state)
{
    (void)state;
    static const char *const texts[] = {SMALL, MADE};
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        struct experiment *experiment = parse(texts[t], "model.spec=mlp:[2x4,3x5]");
        char *text = strdup(experiment_canonical(experiment));
        assert_non_null(text);
        const char *overrides[80] = {"name=again", "budget.jobs=1"};
        char lines[80][128], *rest = text;
        uint32_t count = 2;
        for (char *line = strsep(&rest, "\n"); line[0] != '\0'; line = strsep(&rest, "\n")) {
            char *equals = strstr(line, " = ");
            assert_non_null(equals);
            *equals = '\0';
            snprintf(lines[count], sizeof lines[count], "%s=%s", line, equals + 3);
            overrides[count] = lines[count];
            count++;
        }
        struct experiment *again = parse_with("{}", overrides, count);
        assert_string_equal(experiment_canonical(again), experiment_canonical(experiment));
        experiment_destroy(&again);
        experiment_destroy(&experiment);
        free(text);
    }
}

/* -------------------------------------------------------------------------------- the data set */

static void the_data_set_is_what_the_file_says(void **state)
{
    (void)state;
    struct experiment_data data;
    struct experiment *experiment = parse(SMALL, NULL);
    assert_true(experiment_data(experiment, &data));
    assert_string_equal(data.set, "fashion-mnist");
    assert_null(data.dir);
    assert_false(data.made);
    experiment_destroy(&experiment);
    const char *const mine[] = {"data.set=idx", "data.dir=my data"};
    experiment = parse_with(SMALL, mine, 2);
    assert_true(experiment_data(experiment, &data));
    assert_string_equal(data.set, "idx");
    assert_string_equal(data.dir, "my data");
    experiment_destroy(&experiment);
    const char *const made[] = {"data.samples=6000", "data.seed=7", "data.shuffle_positions=true"};
    experiment = parse_with(MADE, made, 3);
    assert_true(experiment_data(experiment, &data));
    assert_string_equal(data.set, "mnist1d");
    assert_null(data.dir);
    assert_true(data.made && data.samples == 6000 && data.seed == 7 && data.shuffle_positions);
    experiment_destroy(&experiment);
    experiment = parse(HEAD "evaluator: null\n", NULL);
    assert_false(experiment_data(experiment, &data));
    experiment_destroy(&experiment);
}

static void a_model_of_too_many_parameters_is_refused(void **state)
{
    (void)state;
    const char *const overrides[] = {"data.set=idx", "data.dir=x", "model.spec=mlp:2x40000"};
    struct experiment *experiment = parse_with(SMALL, overrides, 3);
    struct error error = {""};
    assert_int_equal(experiment_check_model(experiment, (struct data_shape){100, 10}, &error), 0);
    assert_int_equal(experiment_check_model(experiment, (struct data_shape){20000, 10}, &error),
                     -1);
    assert_string_equal(error.text, "model.spec mlp:2x40000 on 20000 inputs and 10 classes: model: "
                                    "2400480010 parameters, at most 2147483648 are possible");
    experiment_destroy(&experiment);
}

static void slices_are_held_against_what_was_packed(void **state)
{
    (void)state;
    const char *const overrides[] = {"data.set=idx",   "data.dir=x",      "data.train=70",
                                     "data.select=20", "data.confirm=10", "data.test=5"};
    struct experiment *experiment = parse_with(SMALL, overrides, 6);
    struct error error = {""};
    assert_int_equal(experiment_check_slices(experiment, (struct data_counts){100, 5}, &error), 0);
    assert_int_equal(experiment_check_slices(experiment, (struct data_counts){99, 5}, &error), -1);
    assert_string_equal(error.text, "data.train + data.select + data.confirm = 70 + 20 + 10 = 100, "
                                    "but the data set has 99 samples for training");
    assert_int_equal(experiment_check_slices(experiment, (struct data_counts){100, 4}, &error), -1);
    assert_string_equal(error.text, "data.test = 5, but the data set has 4 test samples");
    experiment_destroy(&experiment);
}

static void slices_of_known_sets_are_checked_at_once(void **state)
{
    (void)state;
    struct experiment *experiment = parse(SMALL, "data.select=5000");
    experiment_destroy(&experiment);
    check_refused(SMALL, "data.select=5001",
                  "--set data.select=5001: data.train + data.select + data.confirm = "
                  "50000 + 5001 + 5000 = 60001, but the data set has 60000 samples for training");
    check_refused(
        SMALL, "data.test=10001",
        "--set data.test=10001: data.test = 10001, but the data set has 10000 test samples");
    check_refused(MADE, "data.confirm=501",
                  "x.yaml:7:29: data.train: data.train + data.select + data.confirm = 3000 + 500 + "
                  "501 = 4001, but the data set has 4000 samples for training");
    check_refused(HEAD "evaluator: train\nmodel: {spec: \"mlp:1x1\"}\ndata: {set: mnist1d}\n", NULL,
                  "x.yaml:7:13: data.set: data.train + data.select + data.confirm = 50000 + 5000 + "
                  "5000 = 60000, but the data set has 4000 samples for training");
    experiment = parse(MADE, "data.test=1000");
    experiment_destroy(&experiment);
    check_refused(MADE, "data.test=1001",
                  "--set data.test=1001: data.test = 1001, but the data set has 1000 test samples");
    check_refused(MADE, "data.samples=5005",
                  "--set data.samples=5005: expected a multiple of 10, got 5005");
}

/* ------------------------------------------------------------------------------ what is not fit */

static void what_training_cannot_do_without(void **state)
{
    (void)state;
    check_refused(HEAD "evaluator: train\ndata: {set: fashion-mnist}\n", NULL,
                  "x.yaml: model.spec: missing, and has no default; allowed: mlp:DxW, "
                  "mlp:[DxW, ...], resmlp:, cnn:, gru:, bigru:, transformer:, layers:[...] or "
                  "linear");
    check_refused(HEAD "evaluator: train\nmodel: {spec: \"mlp:1x1\"}\n", NULL,
                  "x.yaml: data.set: missing, and has no default; "
                  "allowed: fashion-mnist|idx|mnist1d");
    check_refused(HEAD "evaluator: train\nmodel: {spec: \"mlp:1x1\"}\ndata: {set: idx}\n", NULL,
                  "x.yaml:7:13: data.set: idx needs data.dir, the folder of its four files");
}

static void settings_of_the_other_evaluator(void **state)
{
    (void)state;
    check_refused(HEAD "evaluator: null\ntrain:\n  lr: 0.1\n", NULL,
                  "x.yaml:7:3: train.lr: is for evaluator train, and this one is null");
    check_refused(HEAD "model: {spec: \"mlp:1x1\"}\nevaluator: null\n", NULL,
                  "x.yaml:5:9: model.spec: is for evaluator train, and this one is null");
    check_refused(HEAD "evaluator: null\n", "data.set=idx",
                  "--set data.set=idx: is for evaluator train, and this one is null");
    check_refused(SMALL "null: {dim: 3}\n", NULL,
                  "x.yaml:8:8: null.dim: is for evaluator null, and this one is train");
    check_refused(SMALL, "null.heal=0.5",
                  "--set null.heal=0.5: is for evaluator null, and this one is train");
    check_refused(HEAD "evaluator: null\nnumeric: native\n", NULL,
                  "x.yaml:6:10: numeric: native is for evaluator train");
    /* A group that is empty says nothing. */
    struct experiment *experiment = parse(SMALL "null: {}\n", NULL);
    experiment_destroy(&experiment);
}

static void settings_of_another_data_set(void **state)
{
    (void)state;
    check_refused(SMALL, "data.samples=100",
                  "--set data.samples=100: is for data.set mnist1d, and this one is fashion-mnist");
    check_refused(
        MADE, "data.dir=x",
        "--set data.dir=x: is for data.set fashion-mnist or idx, and this one is mnist1d");
}

static void settings_of_the_other_optimiser(void **state)
{
    (void)state;
    check_refused(SMALL, "train.momentum=0.9",
                  "--set train.momentum=0.9: is for train.optimizer sgd, and this one is adamw");
    check_refused(SMALL "train: {momentum: 0, optimizer: adamw}\n", NULL,
                  "x.yaml:8:9: train.momentum: is for train.optimizer sgd, and this one is adamw");
    static const char *const keys[] = {"beta1", "beta2", "eps"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char text[1024], expected[256];
        snprintf(text, sizeof text, SMALL "train:\n  %s: 0.5\n  optimizer: sgd\n", keys[i]);
        snprintf(expected, sizeof expected,
                 "x.yaml:9:3: train.%s: is for train.optimizer adamw, and this one is sgd",
                 keys[i]);
        check_refused(text, NULL, expected);
    }
    struct experiment *experiment =
        parse(SMALL "train: {optimizer: sgd, momentum: 0.9, weight_decay: 1}\n", NULL);
    assert_non_null(strstr(experiment_spec(experiment), "train.momentum = 0.9\n"));
    assert_null(strstr(experiment_spec(experiment), "train.beta1"));
    experiment_destroy(&experiment);
}

static void epochs_beside_steps(void **state)
{
    (void)state;
    check_refused(SMALL "train:\n  epochs: 2\n  steps: 200\n", NULL,
                  "x.yaml:9:3: train.epochs: would do nothing, because train.steps is 200: leave "
                  "out train.epochs, or train.steps for passes over the data");
    check_refused(SMALL "train: {epochs: 1}\n", "train.steps=5",
                  "x.yaml:8:9: train.epochs: would do nothing, because train.steps is 5: leave out "
                  "train.epochs, or train.steps for passes over the data");
    struct experiment *experiment = parse(SMALL "train: {epochs: 2, steps: 0}\n", NULL);
    experiment_destroy(&experiment);
    experiment = parse(SMALL "train: {steps: 200}\n", NULL);
    experiment_destroy(&experiment);
}

static void inputs_that_are_no_bytes(void **state)
{
    (void)state;
    check_refused(MADE, "data.inputs=unit",
                  "--set data.inputs=unit: unit is for bytes, and the samples of mnist1d are "
                  "numbers: expected standardise or raw");
    struct experiment *experiment = parse(MADE, "data.inputs=raw");
    experiment_destroy(&experiment);
    experiment = parse(SMALL, "data.inputs=unit");
    experiment_destroy(&experiment);
}

static void operators_of_the_other_evaluator(void **state)
{
    (void)state;
    static const char available[] =
        "available: none, psa.full, psa.hidden, psa.output, decay, dropout, reinit.full, "
        "reinit.hidden, reinit.output, mask_replay, mask_cross";
    char expected[512];
    snprintf(expected, sizeof expected,
             "--set operators.0.name=noise: 'noise' is not for this evaluator; %s", available);
    check_refused(SMALL, "operators.0.name=noise", expected);
    snprintf(expected, sizeof expected,
             "--set operators.0.name=init.decay: 'init.decay' makes founders and cannot be listed; "
             "%s",
             available);
    check_refused(SMALL, "operators.0.name=init.decay", expected);
    check_refused(HEAD "evaluator: null\n", "operators.0.name=psa.full",
                  "--set operators.0.name=psa.full: 'psa.full' is not for this evaluator; "
                  "available: none, noise, crossover");
}

static void values_that_make_no_sense(void **state)
{
    (void)state;
    struct error topology = {""};
    struct model_text parsed;
    char expected[600];
    assert_int_equal(model_text_parse("mlp:18", &parsed, &topology), -1);
    snprintf(expected, sizeof expected, "--set model.spec=mlp:18: %s", topology.text);
    check_refused(SMALL, "model.spec=mlp:18", expected);
    check_refused(SMALL, "train.lr=0", "--set train.lr=0: expected 1e-12 .. 100, got '0'");
    check_refused(SMALL, "data.train=0",
                  "--set data.train=0: expected 1 .. 2147483648 (whole), got '0'");
    check_refused(SMALL, "data.set=mnist",
                  "--set data.set=mnist: expected fashion-mnist|idx|mnist1d, got 'mnist'; "
                  "did you mean 'mnist1d'?");
}

/* ------------------------------------------------------------------------------------ the core */

static void check_numeric(const char *numeric, const char *commit, const char *expected)
{
    const char *const overrides[] = {numeric, commit};
    struct experiment *experiment = parse_with(SMALL, overrides, 2);
    struct core_config config = {0};
    experiment_fill_core(experiment, &config);
    assert_string_equal(config.numeric, expected);
    experiment_destroy(&experiment);
}

static void the_core_knows_the_numeric_class(void **state)
{
    (void)state;
    check_numeric("numeric=portable", "search.commit=ordered", "portable");
    check_numeric("numeric=portable", "search.commit=arrival", "");
    check_numeric("numeric=native", "search.commit=ordered", "native");
    check_numeric("numeric=native", "search.commit=arrival", "native");
}

static void a_line_of_one_control_begins_with_it(void **state)
{
    (void)state;
    const char *const overrides[] = {"operators.0.name=decay", "operators.0.weight_decay=0.5"};
    struct experiment *experiment = parse_with(SMALL, overrides, 2);
    struct core_config config = {0};
    struct line_config line;
    experiment_fill_core(experiment, &config);
    config.line(config.line_context, 0, &line);
    assert_string_equal(line.search.founder.name, "init.decay");
    assert_true(line.search.founder.params[0] == 0.5);
    experiment_destroy(&experiment);
    experiment = parse(SMALL, NULL);
    experiment_fill_core(experiment, &config);
    config.line(config.line_context, 0, &line);
    assert_string_equal(line.search.founder.name, "init");
    experiment_destroy(&experiment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_spec_has_every_key_that_a_worker_needs),
        cmocka_unit_test(the_canonical_text_names_the_data_set_and_no_other_evaluator),
        cmocka_unit_test(a_model_may_be_a_list_of_layers),
        cmocka_unit_test(a_topology_is_canonical_in_all_texts),
        cmocka_unit_test(the_digest_depends_on_what_is_learnt_and_how),
        cmocka_unit_test(the_canonical_text_makes_the_experiment_again),
        cmocka_unit_test(the_data_set_is_what_the_file_says),
        cmocka_unit_test(a_model_of_too_many_parameters_is_refused),
        cmocka_unit_test(slices_are_held_against_what_was_packed),
        cmocka_unit_test(slices_of_known_sets_are_checked_at_once),
        cmocka_unit_test(what_training_cannot_do_without),
        cmocka_unit_test(settings_of_the_other_evaluator),
        cmocka_unit_test(settings_of_another_data_set),
        cmocka_unit_test(settings_of_the_other_optimiser),
        cmocka_unit_test(epochs_beside_steps),
        cmocka_unit_test(inputs_that_are_no_bytes),
        cmocka_unit_test(operators_of_the_other_evaluator),
        cmocka_unit_test(values_that_make_no_sense),
        cmocka_unit_test(the_core_knows_the_numeric_class),
        cmocka_unit_test(a_line_of_one_control_begins_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
