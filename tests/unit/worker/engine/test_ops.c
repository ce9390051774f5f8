/*
 * test_ops.c: every kind of op and every family: logits against the reference in double, gradients
 * against central finite differences of the reference's loss, on every vector unit.
 *
 * A new op needs its lines in the table of cases and a file in tests/reference; nothing else here.
 */
#include "tests/unit/worker/engine/net_trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct net_case cases[] = {
    /* model, inputs, classes, batch, activation, dropout */
    {"linear", 13, 6, 7, ACTIVATION_RELU, 0},
    {"mlp:[2x5,1x17]", 13, 6, 33, ACTIVATION_GELU, 0.3},
    {"mlp:3x2", 13, 6, 1025, ACTIVATION_TANH, 0},
    {"resmlp:2x7", 13, 6, 31, ACTIVATION_RELU, 0},
    {"resmlp:2x7", 13, 6, 31, ACTIVATION_SIGMOID, 0.3},
    {"resmlp:1x33", 7, 3, 1, ACTIVATION_GELU, 0},
    {"layers:[dense 9,2*residual(dense 4,linear 9),activation]", 12, 4, 33, ACTIVATION_GELU, 0.2},
    {"layers:[project 5]@3x1x7", 21, 4, 33, ACTIVATION_RELU, 0},
    {"layers:[project 17,conv 3k1]@2x3x5", 30, 4, 7, ACTIVATION_GELU, 0.2},
    {"cnn:9k5s2p1,5k3s2p1,3k3s2p1", 40, 10, 31, ACTIVATION_RELU, 0},
    {"cnn:9k3p1,11k5p3,3k3s3@2x1x19", 38, 4, 33, ACTIVATION_TANH, 0.2},
    {"cnn:9k3p1m2,10k3p1m2@1x7x9", 63, 6, 1025, ACTIVATION_RELU, 0},
    {"cnn:4k3p1,6k5s2p2@1x7x9", 63, 4, 31, ACTIVATION_RELU, 0},
    {"cnn:12k3s2p1,3k2m2@3x9x8", 216, 3, 31, ACTIVATION_SIGMOID, 0},
    {"layers:[conv 10k3p1,residual(conv 10k3p1,project 10),maxpool 3,conv 4k1s2]@1x8x8", 64, 4, 7,
     ACTIVATION_GELU, 0.3},
    {"layers:[conv 9k2s3,maxpool 2,dense 5]@1x11x10", 110, 4, 1, ACTIVATION_RELU, 0},
    {"layers:[mean]@3x1x7", 21, 4, 33, ACTIVATION_RELU, 0},
    {"layers:[dense 12,residual(linear 12),activation]", 12, 4, 7, ACTIVATION_RELU, 0},
    {"layers:[patch 3,mean]@2x6x9", 108, 4, 31, ACTIVATION_RELU, 0},
    {"layers:[patch 3,positions,mean]@1x1x21", 21, 4, 7, ACTIVATION_RELU, 0},
    {"layers:[positions,positions,dense 3]@2x1x5", 10, 4, 31, ACTIVATION_TANH, 0},
    {"layers:[norm,mean]@5x1x3", 15, 4, 31, ACTIVATION_RELU, 0},
    {"layers:[norm]@33x1x1", 33, 3, 1, ACTIVATION_RELU, 0},
    {"layers:[positions,residual(norm,positions),norm]@7x2x2", 28, 4, 1025, ACTIVATION_RELU, 0},
    {"layers:[attention 1]@3x1x4", 12, 4, 7, ACTIVATION_RELU, 0},
    {"layers:[attention 2]@6x1x7", 42, 4, 33, ACTIVATION_RELU, 0},
    {"layers:[positions,attention 3,mean]@9x2x5", 90, 4, 31, ACTIVATION_RELU, 0},
    {"layers:[positions,2*residual(norm,attention 2),norm,mean,dense 5]@8x1x7", 56, 4, 31,
     ACTIVATION_GELU, 0.2},
    {"layers:[positions,residual(attention 4)]@4x1x1", 4, 4, 1, ACTIVATION_RELU, 0},
    {"layers:[positions,residual(attention 1),mean]@2x1x3", 6, 2, 1025, ACTIVATION_RELU, 0},
    {"transformer:1x4h2", 7, 4, 31, ACTIVATION_RELU, 0},
    {"transformer:2x6h3p4r2", 64, 10, 33, ACTIVATION_GELU, 0.2},
    {"transformer:1x5h1p3r1@2x6x9", 108, 3, 7, ACTIVATION_TANH, 0},
    {"transformer:1x8h4p2r3@1x1x16", 16, 4, 1, ACTIVATION_SIGMOID, 0.3},
    {"transformer:1x2h1r1@1x1x2", 2, 2, 1025, ACTIVATION_RELU, 0},
    {"gru:1x5", 9, 4, 7, ACTIVATION_RELU, 0},
    {"gru:1x7", 1, 3, 31, ACTIVATION_RELU, 0},
    {"bigru:1x6", 12, 4, 33, ACTIVATION_TANH, 0},
    {"bigru:2x3@3x1x5", 15, 5, 1, ACTIVATION_RELU, 0},
    {"gru:3x4@2x1x4", 8, 3, 1025, ACTIVATION_RELU, 0},
    {"layers:[rows,gru 5]@2x3x4", 24, 4, 7, ACTIVATION_RELU, 0},
    {"layers:[conv 3k3p1,residual(project 3),rows,gru 5]@2x3x4", 24, 4, 31, ACTIVATION_RELU, 0.2},
    {"layers:[gru 33,residual(bigru 12,gru 33),dense 9]@2x1x6", 12, 4, 31, ACTIVATION_GELU, 0.3},
};
enum { CASES = sizeof cases / sizeof cases[0] };

static float *floats(size_t count)
{
    float *values = calloc(count, sizeof *values);
    assert_non_null(values);
    return values;
}

static void name_case(const struct net_case *its, const struct kernels *kernels, char text[256])
{
    snprintf(text, 256, "%s, %u inputs, batch %u, activation %u, dropout %g on %s", its->model,
             its->inputs, its->batch, (unsigned)its->activation, its->dropout, kernels->name);
}

/* ------------------------------------------------------------------------------------- forward */

static void check_logits(const struct net_trial *trial, const struct kernels *kernels)
{
    const size_t count = (size_t)trial->batch.n * trial->model->classes;
    struct net_batch batch = trial->batch;
    double *expected = calloc(count, sizeof *expected), error = 0, length = 0;
    float *found = floats(count);
    char name[256];
    assert_non_null(expected);
    batch.masks = NULL;
    net_logits(trial->model, trial->parameters, &batch, expected);
    net_trial_logits(trial, kernels, found);
    for (size_t i = 0; i < count; i++) {
        error += pow((double)found[i] - expected[i], 2);
        length += pow(expected[i], 2);
    }
    name_case(trial->its_case, kernels, name);
    if (!(sqrt(error) <= 2e-6 * sqrt(length)))
        fail_msg("%s: the logits are off by %g", name, sqrt(error / length));
    free(expected);
    free(found);
}

static void logits_agree_with_the_reference(void **state)
{
    (void)state;
    const struct kernels *kernels[3];
    const uint32_t count = fixture_kernels(kernels);
    for (uint32_t c = 0; c < CASES; c++) {
        struct net_trial trial = net_trial_open(&cases[c]);
        for (uint32_t k = 0; k < count; k++)
            check_logits(&trial, kernels[k]);
        net_trial_close(&trial);
    }
}

/* ------------------------------------------------------------------------------------ backward */

/* The loss by one parameter. */
static double difference(const struct net_trial *trial, uint64_t parameter)
{
    const double h = 1e-6, kept = trial->parameters[parameter];
    trial->parameters[parameter] = kept + h;
    double above = net_loss(trial->model, trial->parameters, &trial->batch);
    trial->parameters[parameter] = kept - h;
    double below = net_loss(trial->model, trial->parameters, &trial->batch);
    trial->parameters[parameter] = kept;
    return (above - below) / (2 * h);
}

/* Some parameters of a tensor: where, and the loss by them. */
enum { PROBES_MAX = 12 };

struct probes {
    uint32_t count;
    uint64_t at[PROBES_MAX];
    double differences[PROBES_MAX];
};

/* Fewer where the batch is large: the reference takes its time. */
static struct probes probe(const struct net_trial *trial, const struct tensor *tensor)
{
    struct random random = random_open(tensor->offset, 0, 0, RANDOM_NULL);
    struct probes probes = {.count = trial->batch.n > 100 ? 4 : PROBES_MAX};
    if (tensor->count < probes.count)
        probes.count = (uint32_t)tensor->count;
    for (uint32_t i = 0; i < probes.count; i++) {
        uint64_t at =
            tensor->count == probes.count ? i : random_below(&random, (uint32_t)tensor->count);
        probes.at[i] = tensor->offset + at;
        probes.differences[i] = difference(trial, probes.at[i]);
    }
    return probes;
}

/* Root mean squares: of the error where it was looked, at most 1e-4 of the tensor's gradient. */
static void check_tensor(const struct tensor *tensor, const struct probes *probes,
                         const float *gradient, const char *name)
{
    double error = 0, length = 0;
    for (uint64_t i = 0; i < tensor->count; i++)
        length += pow((double)gradient[tensor->offset + i], 2) / (double)tensor->count;
    for (uint32_t i = 0; i < probes->count; i++) {
        double found = (double)gradient[probes->at[i]];
        error += pow(found - probes->differences[i], 2) / probes->count;
    }
    if (!(sqrt(error) <= 1e-4 * sqrt(length) + 1e-9))
        fail_msg("%s: gradient of %s is off by %g of %g (parameter %u: %g, by differences %g)",
                 name, tensor->name, sqrt(error), sqrt(length),
                 (unsigned)(probes->at[0] - tensor->offset), (double)gradient[probes->at[0]],
                 probes->differences[0]);
}

static void check_gradient(const struct net_trial *trial)
{
    const struct plan *plan = trial->model->plan;
    const struct kernels *kernels[3];
    const uint32_t count = fixture_kernels(kernels);
    struct probes *probes = calloc(plan->tensor_count, sizeof *probes);
    float *gradient = floats(trial->model->parameter_count);
    const double loss = net_loss(trial->model, trial->parameters, &trial->batch);
    char name[256];
    assert_non_null(probes);
    for (uint32_t t = 0; t < plan->tensor_count; t++)
        probes[t] = probe(trial, &plan->tensors[t]);
    for (uint32_t k = 0; k < count; k++) {
        name_case(trial->its_case, kernels[k], name);
        double found = net_trial_gradient(trial, kernels[k], gradient);
        if (!(fabs(found - loss) < 2e-6 * loss))
            fail_msg("%s: loss %.9g, reference %.9g", name, found, loss);
        for (uint32_t t = 0; t < plan->tensor_count; t++)
            check_tensor(&plan->tensors[t], &probes[t], gradient, name);
    }
    free(probes);
    free(gradient);
}

static void gradients_agree_with_differences_of_the_reference(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < CASES; c++) {
        struct net_trial trial = net_trial_open(&cases[c]);
        check_gradient(&trial);
        net_trial_close(&trial);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_agree_with_the_reference),
        cmocka_unit_test(gradients_agree_with_differences_of_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
