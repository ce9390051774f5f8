/*
 * train_subject.c: the cohort that bench-train measures; see train_subject.h.
 */
#include "tests/bench/train_subject.h"

#include "tests/bench/fma_ceiling.h"
#include "tests/bench/rounds.h"
#include "worker/engine/program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint32_t train_cohorts[TRAIN_COHORTS] = {1, 2, 4, 10};

noreturn void train_fail(const struct error *error)
{
    fprintf(stderr, "bench-train: %s\n", error->text);
    exit(1);
}

static noreturn void fail_for_memory(const char *what)
{
    struct error error;
    error_set(&error, -1, "no memory for %s", what);
    train_fail(&error);
}

/* ---------------------------------------------------------------------------------------- data */

void train_data_init(struct train_data *data, const struct train_data_options *options)
{
    enum { COUNT = TRAIN_SAMPLES + EVALUATION_SAMPLES };
    struct random random = random_open(1, 0, 0, RANDOM_DATA_ORDER);
    size_t bytes = (size_t)COUNT * options->inputs;
    uint8_t *inputs = malloc(bytes), *labels = malloc(COUNT);
    uint32_t below = (uint32_t)lround(options->density * 65536);
    data->index = malloc(COUNT * sizeof *data->index);
    if (inputs == NULL || labels == NULL || data->index == NULL)
        fail_for_memory("the samples");
    for (size_t i = 0; i < bytes; i++) {
        uint32_t word = random_u32(&random);
        inputs[i] = (word >> 16) < below ? (uint8_t)(word | 1) : 0;
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        labels[i] = (uint8_t)random_below(&random, options->classes);
        data->index[i] = i;
    }
    data->samples = (struct samples){
        .type = SAMPLE_U8,
        .inputs = inputs,
        .labels = labels,
        .count = COUNT,
        .features = options->inputs,
        .scale = 1.0F / 90,
        .shift = -73.0F / 90,
    };
}

void train_data_fini(struct train_data *data)
{
    free((void *)(uintptr_t)data->samples.inputs);
    free((void *)(uintptr_t)data->samples.labels);
    free(data->index);
}

/* ------------------------------------------------------------------------------------- subject */

static struct model *create_model(const struct train_setting *setting, struct error *error)
{
    struct model_options options = {
        .activation = ACTIVATION_RELU,
        .initialisation = INITIALISATION_PYTORCH,
        .inputs = setting->data->samples.features,
        .classes = setting->classes,
    };
    if (model_text_parse(setting->model, &options.text, error) != 0)
        return NULL;
    return model_create(&options, error);
}

static void draw_network(struct train_subject *subject, uint32_t i)
{
    const struct random random = random_open(1, 0, i, RANDOM_INIT);
    struct network *network = network_create(subject->model, OPTIMIZER_STATE_NONE);
    if (network == NULL)
        fail_for_memory("the networks");
    model_draw(subject->model, &random, network->parameters);
    subject->members[i] = (struct cohort_member){
        .network = network,
        .dropout_key = random_open(1, 0, i, RANDOM_DROPOUT),
        .rounding_key = random_open(1, 0, i, RANDOM_ROUNDING),
    };
}

const char *const train_numerics[] = {"portable", "native", "avx512_bf16", "amx_bf16", NULL};
const char *const train_precisions[] = {"fp32", "bf16_mixed", "bf16_nearest", "bf16_stochastic",
                                        NULL};

int train_subject_init(struct train_subject *subject, const struct train_setting *setting,
                       uint32_t networks, struct error *error)
{
    *subject = (struct train_subject){.data = setting->data, .batch = setting->batch};
    subject->model = create_model(setting, error);
    if (subject->model == NULL)
        return -1;
    subject->engine = engine_create(
        &(struct engine_options){
            .model = subject->model,
            .training = {.optimizer = setting->optimizer,
                         .lr = 1e-4,
                         .beta1 = 0.9,
                         .beta2 = 0.999,
                         .eps = 1e-8,
                         .momentum = 0.9,
                         .precision = setting->precision,
                         .batch = setting->batch},
            .numeric = setting->numeric,
        },
        error);
    if (subject->engine == NULL) {
        train_subject_fini(subject);
        return -1;
    }
    for (; subject->networks < networks; subject->networks++)
        draw_network(subject, subject->networks);
    return 0;
}

void train_subject_fini(struct train_subject *subject)
{
    for (uint32_t i = 0; i < subject->networks; i++)
        network_destroy(&subject->members[i].network);
    engine_destroy(&subject->engine);
    model_destroy(&subject->model);
}

double train_subject_flops(const struct train_subject *subject, uint32_t n)
{
    return program_flops(subject->model) * n;
}

void train_subject_drop(struct train_subject *subject, double rate)
{
    for (uint32_t i = 0; i < subject->networks; i++)
        subject->members[i].dropout = rate;
}

/* ---------------------------------------------------------------------------------------- time */

/*
 * The mini-batches are those of an epoch, over and over, so that its permutation is not made anew
 * in some rounds and not in others; but each stretch goes on where the last one ended, or its
 * samples would be in the cache.
 */
double train_subject_time(struct train_subject *subject, const struct train_stretch *stretch)
{
    struct error error;
    uint32_t full = subject->batch < TRAIN_SAMPLES ? TRAIN_SAMPLES / subject->batch : 1;
    uint32_t batches = stretch->n == subject->batch ? full : 1;
    const struct sample_slice slice = {subject->data->index, batches * stretch->n};
    const struct data_order order = {1, 0};
    double start = rounds_cpu_s();
    for (uint64_t left = stretch->steps; left > 0;) {
        uint32_t first = subject->next % batches;
        uint64_t steps = left < batches - first ? left : batches - first;
        if (engine_train(subject->engine, &subject->data->samples, &slice, &order,
                         (struct step_range){first, first + steps}, subject->members,
                         stretch->cohort, &error) != 0)
            train_fail(&error);
        subject->next = first + (uint32_t)steps;
        left -= steps;
    }
    return (rounds_cpu_s() - start) / (double)(stretch->steps * stretch->cohort);
}

uint64_t train_subject_round(struct train_subject *subject, uint32_t cohort)
{
    double first = train_subject_time(subject, &(struct train_stretch){cohort, subject->batch, 2});
    return (uint64_t)(2e-2 / (first * cohort)) + 1;
}

double train_subject_time_evaluation(struct train_subject *subject)
{
    static struct evaluation evaluation;
    const struct sample_slice slice = {subject->data->index + TRAIN_SAMPLES, EVALUATION_SAMPLES};
    double start = rounds_cpu_s();
    engine_evaluate(subject->engine, &subject->data->samples, &slice, subject->members[0].network,
                    &evaluation);
    return rounds_cpu_s() - start;
}

/* ------------------------------------------------------------------------------------- cohorts */

struct trial {
    struct train_subject *subject;
    uint64_t steps[TRAIN_COHORTS];
};

static double measure_cohort(void *context, uint32_t contestant)
{
    const struct trial *trial = context;
    if (contestant == TRAIN_COHORTS)
        return fma_ceiling_gflops(engine_cpu());
    return train_subject_time(trial->subject, &(struct train_stretch){
                                                  .cohort = train_cohorts[contestant],
                                                  .n = trial->subject->batch,
                                                  .steps = trial->steps[contestant],
                                              });
}

uint32_t train_subject_best_cohort(struct train_subject *subject, double seconds,
                                   double per_step[TRAIN_COHORTS], double *ceiling_gflops)
{
    struct trial trial = {.subject = subject};
    double medians[TRAIN_COHORTS + 1];
    uint32_t best = 0;
    for (uint32_t i = 0; i < TRAIN_COHORTS; i++)
        trial.steps[i] = train_subject_round(subject, train_cohorts[i]);
    rounds_hold(&(struct contest){measure_cohort, &trial, TRAIN_COHORTS + 1, seconds}, medians);
    for (uint32_t i = 0; i < TRAIN_COHORTS; i++) {
        per_step[i] = medians[i];
        if (medians[i] < medians[best])
            best = i;
    }
    *ceiling_gflops = medians[TRAIN_COHORTS];
    return best;
}
