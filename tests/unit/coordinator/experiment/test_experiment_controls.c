/*
 * test_experiment_controls.c: the settings that control a training: in which texts they are, what
 * they are for, and which jobs are too short for them.
 */
#include "coordinator/experiment/experiment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* 100 samples in batches of 10: a pass over the data is 10 steps, a job 30. */
#define SMALL                                                                                      \
    "name: t\n"                                                                                    \
    "strategy: {name: ratchet}\n"                                                                  \
    "budget: {jobs: 10}\n"                                                                         \
    "operators: [{name: none}]\n"                                                                  \
    "evaluator: train\n"                                                                           \
    "model: {spec: \"mlp:2x8\"}\n"                                                                 \
    "data: {set: fashion-mnist, train: 100}\n"                                                     \
    "train:\n"                                                                                     \
    "  epochs: 3\n"                                                                                \
    "  batch: 10\n"

static struct experiment *parse_with(const char *text, const char *const *overrides, uint32_t count)
{
    struct error error = {""};
    struct experiment *experiment = experiment_parse(text, "x.yaml", overrides, count, &error);
    if (experiment == NULL)
        fail_msg("%s", error.text);
    return experiment;
}

static struct experiment *parse(const char *text)
{
    return parse_with(text, NULL, 0);
}

static void check_refused(const char *text, const char *expected)
{
    struct error error = {""};
    assert_null(experiment_parse(text, "x.yaml", NULL, 0, &error));
    assert_string_equal(error.text, expected);
}

static void check_fine(const char *text)
{
    struct experiment *experiment = parse(text);
    experiment_destroy(&experiment);
}

static void check_spec(const char *text, const char *line)
{
    struct experiment *experiment = parse(text);
    if (strstr(experiment_spec(experiment), line) == NULL)
        fail_msg("no %s in %s", line, experiment_spec(experiment));
    experiment_destroy(&experiment);
}

/* --------------------------------------------------------------------------------------- texts */

struct listing {
    char text[8192];
    size_t used;
};

static void list(void *context, const struct listed_setting *setting)
{
    struct listing *listing = context;
    int written = snprintf(listing->text + listing->used, sizeof listing->text - listing->used,
                           "%s = %s\n", setting->key, setting->value);
    assert_true(written > 0 && (size_t)written < sizeof listing->text - listing->used);
    listing->used += (size_t)written;
}

/* Said or not, a default leaves no trace in the digest; lists have it. */
static void defaults_stay_out_of_the_digest(void **state)
{
    (void)state;
    static const char *const younger[] = {"train.schedule=constant", "train.warmup=0",
                                          "train.label_smoothing=0", "train.clip_norm=0",
                                          "train.clamp_norm=0",      "train.precision=fp32",
                                          "train.order=shuffled"};
    static const char *const lines[] = {"train.schedule = constant\n", "train.warmup = 0\n",
                                        "train.label_smoothing = 0\n", "train.clip_norm = 0\n",
                                        "train.clamp_norm = 0\n",      "train.precision = fp32\n",
                                        "train.order = shuffled\n"};
    struct experiment *silent = parse(SMALL), *said = parse_with(SMALL, younger, 7);
    assert_string_equal(experiment_canonical(silent), experiment_canonical(said));
    assert_string_equal(experiment_spec(silent), experiment_spec(said));
    struct listing listing = {.used = 0};
    const struct experiment_visitor visitor = {&listing, list};
    assert_int_equal(experiment_list(said, &visitor, NULL), 0);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_null(strstr(experiment_canonical(silent), lines[i]));
        assert_non_null(strstr(listing.text, lines[i]));
    }
    experiment_destroy(&silent);
    experiment_destroy(&said);
}

/* The digest that this experiment had before there were controls. */
static void an_older_experiment_keeps_its_digest(void **state)
{
    (void)state;
    struct experiment *experiment = parse(SMALL);
    struct digest digest = experiment_digest(experiment);
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(&digest, hex);
    assert_string_equal(hex, "423abd0f32f2ec97232f2036a1f4ef41c14bb41593e98acf485c89f6f618a1fe");
    experiment_destroy(&experiment);
}

static void what_is_no_default_is_in_spec_and_digest(void **state)
{
    (void)state;
    static const char *const texts[] = {
        SMALL,
        SMALL "  label_smoothing: 0.1\n",
        SMALL "  clip_norm: 1\n",
        SMALL "  clamp_norm: 10\n",
        SMALL "  warmup: 5\n",
        SMALL "  schedule: cosine\n",
        SMALL "  schedule: cosine\n  lr_final: 1e-5\n",
        SMALL "  schedule: sgdr\n  restart_steps: 10\n",
        SMALL "  schedule: sgdr\n  restart_steps: 10\n  restart_factor: 2\n",
        SMALL "  schedule: sgdr\n  restart_steps: 10\n  lr_final: 1e-5\n",
        SMALL "  schedule: geometric\n  decay_rate: 0.95\n",
        SMALL "  schedule: geometric\n  decay_rate: 0.95\n  decay_steps: 0\n",
        SMALL "  order: sequential\n",
    };
    enum { COUNT = sizeof texts / sizeof texts[0] };
    struct digest digests[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        struct experiment *experiment = parse(texts[i]);
        digests[i] = experiment_digest(experiment);
        experiment_destroy(&experiment);
        for (size_t j = 0; j < i; j++)
            assert_false(digest_equal(&digests[i], &digests[j]));
    }
    check_spec(texts[1], "train.label_smoothing = 0.1\n");
    check_spec(texts[2], "train.clip_norm = 1\n");
    check_spec(texts[3], "train.clamp_norm = 10\n");
    check_spec(texts[4], "train.warmup = 5\n");
    check_spec(texts[5], "train.lr_final = 0\n");
    check_spec(texts[7], "train.restart_factor = 1\ntrain.restart_steps = 10\n"
                         "train.schedule = sgdr\n");
    check_spec(texts[10], "train.decay_rate = 0.95\ntrain.decay_steps = 1\n");
    check_spec(texts[12], "train.order = sequential\n");
}

/* -------------------------------------------------------------------------------- what is no use
 */

static void settings_of_another_schedule(void **state)
{
    (void)state;
    check_refused(SMALL "  lr_final: 0\n",
                  "x.yaml:11:3: train.lr_final: is for train.schedule cosine or sgdr, and this one "
                  "is constant");
    check_refused(SMALL "  restart_steps: 10\n  schedule: cosine\n",
                  "x.yaml:11:3: train.restart_steps: is for train.schedule sgdr, and this one is "
                  "cosine");
    check_refused(SMALL "  schedule: geometric\n  decay_rate: 0.9\n  restart_factor: 2\n",
                  "x.yaml:13:3: train.restart_factor: is for train.schedule sgdr, and this one is "
                  "geometric");
    check_refused(SMALL "  schedule: sgdr\n  restart_steps: 10\n  decay_rate: 0.9\n",
                  "x.yaml:13:3: train.decay_rate: is for train.schedule geometric, and this one is "
                  "sgdr");
    check_refused(SMALL "  decay_steps: 5\n",
                  "x.yaml:11:3: train.decay_steps: is for train.schedule geometric, and this one "
                  "is constant");
    check_refused("name: t\nevaluator: null\ntrain: {clip_norm: 1}\nstrategy: {name: random}\n"
                  "budget: {jobs: 1}\noperators: [{name: none}]\n",
                  "x.yaml:3:9: train.clip_norm: is for evaluator train, and this one is null");
}

static void what_a_schedule_cannot_do_without(void **state)
{
    (void)state;
    check_refused(SMALL "  schedule: sgdr\n", "x.yaml: train.restart_steps: missing, and has no "
                                              "default; allowed: 1 .. 1099511627776 (whole)");
    check_refused(SMALL "  schedule: geometric\n", "x.yaml: train.decay_rate: missing, and has no "
                                                   "default; allowed: 1e-06 .. 1");
    check_refused(SMALL "  schedule: cosin\n",
                  "x.yaml:11:13: train.schedule: expected constant|cosine|sgdr|geometric, got "
                  "'cosin'; did you mean 'cosine'?");
}

static void a_job_can_be_too_short(void **state)
{
    (void)state;
    check_fine(SMALL "  warmup: 29\n");
    check_refused(SMALL "  warmup: 30\n", "x.yaml:11:11: train.warmup: a job trains for 30 steps: "
                                          "a warm-up of 30 leaves none for the schedule");
    check_fine(SMALL "  schedule: sgdr\n  restart_steps: 24\n  warmup: 5\n");
    check_refused(SMALL "  schedule: sgdr\n  restart_steps: 25\n  warmup: 5\n",
                  "x.yaml:12:18: train.restart_steps: a job has 25 steps behind its warm-up, so "
                  "there would be no restart: expected fewer, or train.schedule cosine");
    check_fine(SMALL "  schedule: geometric\n  decay_rate: 0.5\n  decay_steps: 29\n");
    check_refused(SMALL "  schedule: geometric\n  decay_rate: 0.5\n  decay_steps: 30\n",
                  "x.yaml:13:16: train.decay_steps: a job has 30 steps behind its warm-up, so a "
                  "learning rate that decays every 30 steps would stay as it is");
    check_refused(SMALL "  schedule: geometric\n  decay_rate: 0.5\n  warmup: 29\n",
                  "x.yaml:11:13: train.schedule: a job has 1 steps behind its warm-up, so a "
                  "learning rate that decays every 1 steps would stay as it is");
    check_fine(SMALL "  schedule: geometric\n  decay_rate: 0.5\n  decay_steps: 0\n  warmup: 19\n");
    check_refused(SMALL
                  "  schedule: geometric\n  decay_rate: 0.5\n  decay_steps: 0\n  warmup: 20\n",
                  "x.yaml:13:16: train.decay_steps: a job has 10 steps behind its warm-up, so a "
                  "learning rate that decays every 10 steps would stay as it is");
}

/* Steps count instead of epochs. */
static void the_length_of_a_job_is_its_steps(void **state)
{
    (void)state;
    static const char *const steps[] = {"train.steps=12", "train.warmup=11"};
    struct experiment *experiment = parse_with("name: t\n"
                                               "strategy: {name: ratchet}\n"
                                               "budget: {jobs: 10}\n"
                                               "operators: [{name: none}]\n"
                                               "evaluator: train\n"
                                               "model: {spec: \"mlp:2x8\"}\n"
                                               "data: {set: fashion-mnist, train: 5}\n",
                                               steps, 2);
    experiment_destroy(&experiment);
}

static void a_rate_that_would_climb(void **state)
{
    (void)state;
    check_fine(SMALL "  schedule: cosine\n  lr: 0.01\n  lr_final: 0.01\n");
    check_refused(
        SMALL "  schedule: cosine\n  lr: 0.01\n  lr_final: 0.02\n",
        "x.yaml:13:13: train.lr_final: the learning rate would climb from train.lr = 0.01 "
        "to 0.02: expected at most train.lr");
}

/* Each class has its precisions. */
static void classes_of_bfloat16_need_a_precision_of_it(void **state)
{
    (void)state;
    check_spec(SMALL "  precision: bf16_nearest\n", "train.precision = bf16_nearest\n");
    check_spec("numeric: amx_bf16\n" SMALL "  precision: bf16_mixed\n", "numeric = amx_bf16\n");
    check_fine("numeric: avx512_bf16\n" SMALL "  precision: bf16_stochastic\n");
    check_refused("numeric: amx_bf16\n" SMALL,
                  "x.yaml:1:10: numeric: amx_bf16 multiplies bfloat16 only: it needs a "
                  "train.precision of bf16");
    check_refused("numeric: native\n" SMALL "  precision: bf16_mixed\n",
                  "x.yaml:1:10: numeric: native computes in fp32 only, and train.precision is "
                  "another");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_of_bfloat16_need_a_precision_of_it),
        cmocka_unit_test(defaults_stay_out_of_the_digest),
        cmocka_unit_test(an_older_experiment_keeps_its_digest),
        cmocka_unit_test(what_is_no_default_is_in_spec_and_digest),
        cmocka_unit_test(settings_of_another_schedule),
        cmocka_unit_test(what_a_schedule_cannot_do_without),
        cmocka_unit_test(a_job_can_be_too_short),
        cmocka_unit_test(the_length_of_a_job_is_its_steps),
        cmocka_unit_test(a_rate_that_would_climb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
