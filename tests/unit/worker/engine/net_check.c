/* net_check.c: see net_check.h. */
#include "tests/unit/worker/engine/net_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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

void net_check_logits(const struct net_trial *trial, const struct kernels *kernels, double off_max)
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
    if (!(sqrt(error) <= off_max * sqrt(length)))
        fail_msg("%s: the logits are off by %g", name, sqrt(error / length));
    free(expected);
    free(found);
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

/* The reference takes its time where batch or net are large. */
static uint32_t probes_of(const struct net_trial *trial)
{
    const uint64_t parameters = trial->model->parameter_count;
    if (parameters > 500000)
        return 2;
    if (trial->batch.n > 100 || trial->its_case->inputs > 1000)
        return 4;
    return trial->batch.n * parameters > 100000 ? 4 : PROBES_MAX;
}

static struct probes probe(const struct net_trial *trial, const struct tensor *tensor)
{
    struct random random = random_open(tensor->offset, 0, 0, RANDOM_NULL);
    struct probes probes = {.count = probes_of(trial)};
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

void net_check_gradient(const struct net_trial *trial)
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
