/*
 * test_gradients.c: the engine against the double-precision reference, and the reference against
 * its own loss.
 *
 * After one step of SGD without momentum the velocity is the gradient as the engine computed it, so
 * nothing has to be opened up to see it.
 */
#include "tests/reference/mlp.h"
#include "tests/unit/worker/engine/fixture.h"
#include "worker/engine/data_order.h"
#include "worker/engine/engine_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

static const char *const topologies[] = {"mlp:1x1",        "mlp:3x1",       "mlp:1x7",
                                         "mlp:[2x5,1x17]", "mlp:[4x4,3x2]", "mlp:2x33"};
enum { TOPOLOGIES = sizeof topologies / sizeof topologies[0], INPUTS = 13, CLASSES = 6 };

static const struct data_order order = {2026, 8};

static double *doubles(size_t count)
{
    double *values = calloc(count, sizeof *values);
    assert_non_null(values);
    return values;
}

/* --------------------------------------------------------------------- the reference's batches */

/* One case: a network in float and in double, trained on the same samples. */
struct trial {
    struct model *model;
    struct fixture_data data;
    struct network *network;
    struct cohort_member member;
    struct training_settings training;
    double *parameters, *gradient, *m, *v;
};

static struct trial trial_open(const char *topology, enum activation activation, uint32_t count,
                               uint32_t batch)
{
    struct trial trial;
    trial.model = fixture_model(topology, activation, INPUTS, CLASSES);
    trial.data = fixture_data_create(trial.model, count % 2 ? SAMPLE_U8 : SAMPLE_F32, count, count);
    trial.network = fixture_network(trial.model, OPTIMIZER_STATE_MOMENTS, 3);
    trial.member = fixture_member(trial.network, 4);
    trial.training = fixture_training(batch);
    trial.parameters = doubles(trial.model->parameter_count);
    trial.gradient = doubles(trial.model->parameter_count);
    trial.m = doubles(trial.model->parameter_count);
    trial.v = doubles(trial.model->parameter_count);
    for (uint64_t i = 0; i < trial.model->parameter_count; i++)
        trial.parameters[i] = (double)trial.network->parameters[i];
    return trial;
}

static void trial_close(struct trial *trial)
{
    free(trial->parameters);
    free(trial->gradient);
    free(trial->m);
    free(trial->v);
    network_destroy(&trial->network);
    fixture_data_destroy(&trial->data);
    model_destroy(&trial->model);
}

/* The engine's word of dropout, from README.md. */
static uint32_t mask_word(const struct random *key, uint64_t step, uint32_t layer, uint32_t unit,
                          uint32_t sample, uint32_t n)
{
    struct philox_block block =
        philox_4x32_10((struct philox_block){{(uint32_t)step, (uint32_t)(step >> 32), layer, 0xD0}},
                       key->key[0], key->key[1]);
    struct philox_block counter = {
        {unit * ((n + 3) / 4) + sample / 4, key->context[0], key->context[1], key->context[2]}};
    return philox_4x32_10(counter, block.words[0], block.words[1]).words[sample % 4];
}

static double *make_masks(const struct trial *trial, uint64_t step, uint32_t n)
{
    const struct model *model = trial->model;
    double *masks = doubles(model->unit_count * n), rate = trial->member.dropout;
    for (uint32_t l = 0; l + 1 < model->layer_count; l++)
        for (uint32_t u = 0; u < model->layers[l].out; u++)
            for (uint32_t s = 0; s < n; s++) {
                uint32_t word = mask_word(&trial->member.dropout_key, step, l, u, s, n);
                double kept = (double)word < floor(rate * 4294967296.0) ? 0 : 1 / (1 - rate);
                masks[(model->layers[l].first_unit + u) * n + s] = kept;
            }
    return masks;
}

/* The mini-batch of a step: who frees it calls batch_free. */
static struct reference_batch batch_of_step(const struct trial *trial, uint64_t step)
{
    const struct sample_slice *slice = &trial->data.slice;
    uint32_t size = trial->training.batch, per_epoch = (slice->count + size - 1) / size;
    uint32_t first = (uint32_t)(step % per_epoch) * size;
    uint32_t n = slice->count - first < size ? slice->count - first : size;
    uint32_t *permutation = malloc(slice->count * sizeof *permutation);
    double *inputs = doubles((size_t)n * INPUTS);
    uint8_t *labels = malloc(n);
    assert_true(permutation != NULL && labels != NULL);
    data_order_shuffle(&(struct epoch_order){order, step / per_epoch, slice->count}, permutation);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t sample = slice->index[permutation[first + i]];
        labels[i] = trial->data.samples.labels[sample];
        for (uint32_t j = 0; j < INPUTS; j++)
            inputs[i * INPUTS + j] = (double)fixture_input(&trial->data.samples, sample, j);
    }
    free(permutation);
    return (struct reference_batch){n, inputs, labels,
                                    trial->member.dropout > 0 ? make_masks(trial, step, n) : NULL};
}

static void batch_free(struct reference_batch *batch)
{
    free((void *)(uintptr_t)batch->inputs);
    free((void *)(uintptr_t)batch->labels);
    free((void *)(uintptr_t)batch->masks);
}

/* ------------------------------------------------------------- the reference against its loss */

static void check_differences(struct trial *trial)
{
    const double h = 1e-6;
    struct reference_batch batch = batch_of_step(trial, 0);
    double loss = reference_gradient(trial->model, trial->parameters, &batch, trial->gradient);
    assert_true(fabs(loss - reference_loss(trial->model, trial->parameters, &batch)) < 1e-12);
    for (uint64_t i = 0; i < trial->model->parameter_count; i++) {
        double kept = trial->parameters[i];
        trial->parameters[i] = kept + h;
        double above = reference_loss(trial->model, trial->parameters, &batch);
        trial->parameters[i] = kept - h;
        double below = reference_loss(trial->model, trial->parameters, &batch);
        trial->parameters[i] = kept;
        double difference = (above - below) / (2 * h);
        if (!(fabs(difference - trial->gradient[i]) < 1e-8 + 1e-6 * fabs(difference)))
            fail_msg("parameter %u: %.12g by differences, %.12g by the reference", (unsigned)i,
                     difference, trial->gradient[i]);
    }
    batch_free(&batch);
}

static void the_reference_agrees_with_differences_of_its_loss(void **state)
{
    (void)state;
    for (uint32_t t = 0; t < TOPOLOGIES - 1; t++)
        for (uint32_t f = ACTIVATION_RELU; f <= ACTIVATION_GELU; f++)
            for (uint32_t dropped = 0; dropped < 2; dropped++) {
                struct trial trial = trial_open(topologies[t], f, 9, 9);
                trial.member.dropout = dropped ? 0.3 : 0;
                check_differences(&trial);
                trial_close(&trial);
            }
}

/* ------------------------------------------------------------- the engine against the reference */

static void train(struct trial *trial, const struct kernels *kernels, struct step_range steps)
{
    struct engine_options options = {.model = trial->model, .training = trial->training};
    struct engine *engine = engine_create_with(&options, kernels, NULL);
    assert_non_null(engine);
    assert_int_equal(engine_train(engine, &trial->data.samples, &trial->data.slice, &order, steps,
                                  &trial->member, 1, NULL),
                     0);
    engine_destroy(&engine);
}

/* Over the whole gradient 2e-6 of its length; each tensor's worst 2e-4 of the tensor's largest. */
static void assert_gradient(const struct trial *trial, const char *name)
{
    const struct model *model = trial->model;
    const float *found = trial->network->m;
    double error = 0, length = 0;
    for (uint64_t i = 0; i < model->parameter_count; i++) {
        error += pow((double)found[i] - trial->gradient[i], 2);
        length += pow(trial->gradient[i], 2);
    }
    if (!(sqrt(error) <= 2e-6 * sqrt(length)))
        fail_msg("%s: whole gradient is off by %g", name, sqrt(error / length));
    for (uint32_t t = 0; t < 2 * model->layer_count; t++) {
        const struct unit_layer *layer = &model->layers[t / 2];
        uint64_t first = t % 2 ? layer->bias : layer->weight;
        uint64_t end = t % 2 ? layer->bias + layer->out : layer->bias;
        double worst = 0, largest = 0;
        for (uint64_t i = first; i < end; i++) {
            worst = fmax(worst, fabs((double)found[i] - trial->gradient[i]));
            largest = fmax(largest, fabs(trial->gradient[i]));
        }
        if (!(worst <= 2e-4 * largest + 1e-12))
            fail_msg("%s: tensor %u is off by %g, largest %g", name, t, worst, largest);
    }
}

static void check_gradient(struct trial *trial, const struct kernels *kernels)
{
    trial->training.optimizer = OPTIMIZER_SGD;
    trial->training.lr = 1e-3;
    struct reference_batch batch = batch_of_step(trial, 0);
    double loss = reference_gradient(trial->model, trial->parameters, &batch, trial->gradient);
    train(trial, kernels, (struct step_range){0, 1});
    assert_gradient(trial, kernels->name);
    if (!(fabs(trial->member.loss_sum - loss) < 1e-6 * loss))
        fail_msg("%s: loss %.9g, reference %.9g", kernels->name, trial->member.loss_sum, loss);
    batch_free(&batch);
}

static void gradients_agree_with_the_reference(void **state)
{
    (void)state;
    static const uint32_t batches[] = {1, 3, 7, 16, 17, 31, 33, 100, 1025};
    enum { BATCHES = sizeof batches / sizeof batches[0] };
    const struct kernels *kernels[3];
    uint32_t count = fixture_kernels(kernels);
    for (uint32_t t = 0; t < TOPOLOGIES; t++)
        for (uint32_t f = ACTIVATION_RELU; f <= ACTIVATION_GELU; f++)
            for (uint32_t b = 0; b < BATCHES; b++)
                for (uint32_t k = 0; k < 2 * count; k++) {
                    struct trial trial = trial_open(topologies[t], f, batches[b], batches[b]);
                    trial.member.dropout = k % 2 ? 0.3 : 0;
                    check_gradient(&trial, kernels[k / 2]);
                    trial_close(&trial);
                }
}

/* ---------------------------------------------------------------------------- several steps */

static void step_reference(struct trial *trial, uint64_t step, double *loss_sum)
{
    const struct training_settings *training = &trial->training;
    struct reference_step constants = {.lr = training->lr,
                                       .beta1 = training->beta1,
                                       .beta2 = training->beta2,
                                       .eps = training->eps,
                                       .momentum = training->momentum,
                                       .weight_decay = trial->member.weight_decay,
                                       .l2 = training->l2,
                                       .t = step + 1};
    struct reference_batch batch = batch_of_step(trial, step);
    *loss_sum += reference_gradient(trial->model, trial->parameters, &batch, trial->gradient);
    if (training->optimizer == OPTIMIZER_SGD)
        reference_sgd(&constants, trial->model->parameter_count, trial->gradient, trial->parameters,
                      trial->m);
    else
        reference_adamw(&constants, trial->model->parameter_count, trial->gradient,
                        trial->parameters, trial->m, trial->v);
    batch_free(&batch);
}

/* 40 samples in batches of 17: two epochs and a bit, each with a short last batch. */
static void check_training(struct trial *trial, const struct kernels *kernels)
{
    const uint64_t steps = 7;
    double loss_sum = 0;
    for (uint64_t step = 0; step < steps; step++)
        step_reference(trial, step, &loss_sum);
    train(trial, kernels, (struct step_range){0, steps});
    for (uint64_t i = 0; i < trial->model->parameter_count; i++) {
        double error = fabs((double)trial->network->parameters[i] - trial->parameters[i]);
        if (!(error < 3e-6))
            fail_msg("%s: parameter %u is off by %g", kernels->name, (unsigned)i, error);
    }
    assert_true(fabs(trial->member.loss_sum - loss_sum) < 1e-5 * loss_sum);
    assert_int_equal(trial->network->optimizer_step, steps);
}

/* An eps that is not small beside the gradients: without it AdamW's first steps are signs, and a
 * gradient near 0 shows its rounding at full size. */
static struct training_settings settings_of(uint32_t variant)
{
    struct training_settings settings = fixture_training(17);
    settings.eps = 1e-2;
    settings.optimizer = variant % 2 ? OPTIMIZER_SGD : OPTIMIZER_ADAMW;
    settings.momentum = variant & 2 ? 0.9 : 0;
    settings.l2 = variant & 4 ? 0.05 : 0;
    return settings;
}

static void training_agrees_with_the_reference(void **state)
{
    (void)state;
    const struct kernels *kernels[3];
    uint32_t count = fixture_kernels(kernels);
    for (uint32_t t = 0; t < TOPOLOGIES; t++)
        for (uint32_t f = ACTIVATION_RELU; f <= ACTIVATION_GELU; f++)
            for (uint32_t variant = 0; variant < 16; variant++) {
                struct trial trial = trial_open(topologies[t], f, 40, 17);
                trial.training = settings_of(variant);
                trial.member.weight_decay = variant & 8 ? 0.5 : 0;
                trial.member.dropout = variant & 4 ? 0.2 : 0;
                check_training(&trial, kernels[(t + variant) % count]);
                trial_close(&trial);
            }
}

/* Layers of 9,120 parameters are updated one by one, while the way back goes on. */
static void wide_layers_agree_with_the_reference(void **state)
{
    (void)state;
    const struct kernels *kernels[3];
    uint32_t count = fixture_kernels(kernels);
    for (uint32_t k = 0; k < count; k++)
        for (uint32_t variant = 0; variant < 2; variant++) {
            struct trial trial = trial_open("mlp:[3x95,2x3]", ACTIVATION_RELU, 40, 17);
            trial.training = settings_of(variant);
            check_training(&trial, kernels[k]);
            trial_close(&trial);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_agrees_with_differences_of_its_loss),
        cmocka_unit_test(gradients_agree_with_the_reference),
        cmocka_unit_test(training_agrees_with_the_reference),
        cmocka_unit_test(wide_layers_agree_with_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
