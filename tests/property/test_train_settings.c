/*
 * test_train_settings.c: the coordinator's settings of the train evaluator and the worker's are
 * one.
 *
 * Each side has a table of its own: the one writes the spec, the other reads it. Here they meet:
 * the defaults agree, and each setting that is given arrives.
 */
#include "coordinator/experiment/experiment.h"
#include "worker/evaluators/train.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char experiment_text[] = "name: x\n"
                                      "evaluator: train\n"
                                      "model: {spec: \"mlp:4x4\"}\n"
                                      "data: {set: fashion-mnist}\n"
                                      "operators: [{name: none}]\n"
                                      "strategy: {name: ratchet}\n"
                                      "budget: {jobs: 1}\n";

/* The spec that a worker gets, as it reads it. */
static void read_spec(const char *const *overrides, uint32_t count, struct train_spec *spec)
{
    struct error error = {""};
    struct experiment *experiment =
        experiment_parse(experiment_text, "x.yaml", overrides, count, &error);
    if (experiment == NULL)
        fail_msg("%s", error.text);
    if (train_spec_parse(experiment_spec(experiment), spec, &error) != 0)
        fail_msg("%s", error.text);
    experiment_destroy(&experiment);
}

static int same_sizes(const struct slice_sizes *a, const struct slice_sizes *b)
{
    return a->train == b->train && a->select == b->select && a->confirm == b->confirm &&
           a->test == b->test && a->split_seed == b->split_seed;
}

static int same_schedule(const struct schedule *a, const struct schedule *b)
{
    return a->kind == b->kind && a->warmup == b->warmup && a->restart_steps == b->restart_steps &&
           a->restart_factor == b->restart_factor && a->final == b->final && a->decay == b->decay &&
           a->decay_steps == b->decay_steps;
}

static int same_training(const struct training_settings *a, const struct training_settings *b)
{
    return a->optimizer == b->optimizer && a->lr == b->lr && a->beta1 == b->beta1 &&
           a->beta2 == b->beta2 && a->eps == b->eps && a->momentum == b->momentum &&
           a->l2 == b->l2 && a->batch == b->batch && same_schedule(&a->schedule, &b->schedule) &&
           a->label_smoothing == b->label_smoothing && a->clip_norm == b->clip_norm &&
           a->clamp_norm == b->clamp_norm && a->precision == b->precision && a->order == b->order;
}

static int same(const struct train_spec *a, const struct train_spec *b)
{
    return strcmp(a->model.text, b->model.text) == 0 && a->activation == b->activation &&
           a->initialisation == b->initialisation && a->numeric == b->numeric &&
           same_sizes(&a->sizes, &b->sizes) && a->inputs == b->inputs &&
           same_training(&a->training, &b->training) && a->weight_decay == b->weight_decay &&
           a->dropout == b->dropout && a->epochs == b->epochs && a->steps == b->steps &&
           a->kept == b->kept && a->fitness == b->fitness;
}

static void test_the_defaults_agree(void **state)
{
    (void)state;
    struct train_spec sent, alone;
    struct error error = {""};
    read_spec(NULL, 0, &sent);
    assert_int_equal(train_spec_parse("evaluator = train\nmodel.spec = mlp:4x4\n", &alone, &error),
                     0);
    assert_true(same(&sent, &alone));
    /* Those of the other optimiser are not told. */
    const char *const sgd[] = {"train.optimizer=sgd"};
    read_spec(sgd, 1, &sent);
    assert_int_equal(train_spec_parse("evaluator = train\nmodel.spec = mlp:4x4\n"
                                      "train.optimizer = sgd\n",
                                      &alone, &error),
                     0);
    assert_true(same(&sent, &alone));
}

static void test_each_setting_arrives(void **state)
{
    (void)state;
    static const char *const settings[][2] = {
        {"numeric=native"},
        {"model.spec=mlp:5x4"},
        {"model.activation=gelu"},
        {"model.init=he"},
        {"data.train=40000"},
        {"data.select=1"},
        {"data.confirm=2"},
        {"data.test=3"},
        {"data.split_seed=4"},
        {"data.inputs=unit"},
        {"train.optimizer=sgd"},
        {"train.lr=0.5"},
        {"train.beta1=0.5"},
        {"train.beta2=0.5"},
        {"train.eps=0.5"},
        {"train.momentum=0.5", "train.optimizer=sgd"},
        {"train.weight_decay=0.5"},
        {"train.l2=0.5"},
        {"train.dropout=0.5"},
        {"train.batch=5"},
        {"train.epochs=5"},
        {"train.steps=5"},
        {"train.optimizer_state=keep"},
        {"train.fitness=loss"},
        {"train.schedule=cosine"},
        {"train.warmup=5"},
        {"train.label_smoothing=0.5"},
        {"train.clip_norm=0.5"},
        {"train.clamp_norm=0.5"},
        {"train.precision=bf16_nearest"},
        {"train.order=sequential"},
    };
    const char *const sgd[] = {"train.optimizer=sgd"};
    struct train_spec usual, usual_sgd, changed;
    read_spec(NULL, 0, &usual);
    read_spec(sgd, 1, &usual_sgd);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        uint32_t count = settings[i][1] == NULL ? 1 : 2;
        read_spec(settings[i], count, &changed);
        if (same(count == 1 ? &usual : &usual_sgd, &changed))
            fail_msg("%s does not arrive", settings[i][0]);
    }
}

/* Those of one schedule, against the least that it takes. */
static void test_each_schedule_arrives(void **state)
{
    (void)state;
    static const char *const settings[][3] = {
        {"train.schedule=cosine", NULL, "train.lr_final=1e-5"},
        {"train.schedule=sgdr", "train.restart_steps=7", "train.lr_final=1e-5"},
        {"train.schedule=sgdr", "train.restart_steps=7", "train.restart_factor=3"},
        {"train.schedule=sgdr", "train.restart_steps=7", "train.restart_steps=8"},
        {"train.schedule=geometric", "train.decay_rate=0.5", "train.decay_rate=0.25"},
        {"train.schedule=geometric", "train.decay_rate=0.5", "train.decay_steps=3"},
        {"train.schedule=geometric", "train.decay_rate=0.5", "train.warmup=3"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        const char *const least[] = {settings[i][0],
                                     settings[i][1] == NULL ? "train.batch=256" : settings[i][1]};
        const char *const more[] = {least[0], least[1], settings[i][2]};
        struct train_spec usual, changed;
        read_spec(least, 2, &usual);
        read_spec(more, 3, &changed);
        if (same(&usual, &changed))
            fail_msg("%s does not arrive", settings[i][2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_defaults_agree),
        cmocka_unit_test(test_each_setting_arrives),
        cmocka_unit_test(test_each_schedule_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
