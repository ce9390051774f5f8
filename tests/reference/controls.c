/* controls.c: see controls.h. */
#include "tests/reference/controls.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double between(const struct schedule *schedule, double lr, double share)
{
    const double pi = acos(-1.0);
    return schedule->final + (lr - schedule->final) * (1 + cos(pi * share)) / 2;
}

/* Goes through all restarts one by one. */
static double restarted(const struct schedule *schedule, double lr, double step)
{
    double length = (double)schedule->restart_steps;
    while (step >= length) {
        step -= length;
        length *= (double)schedule->restart_factor;
    }
    return between(schedule, lr, step / length);
}

double reference_rate(const struct schedule *schedule, double lr, uint64_t step)
{
    double warmup = (double)schedule->warmup, behind = (double)step - warmup;
    if (behind < 0)
        return lr * ((double)step + 1) / warmup;
    switch (schedule->kind) {
    case SCHEDULE_CONSTANT:
        break;
    case SCHEDULE_COSINE:
        return between(schedule, lr, fmin(1, behind / ((double)schedule->steps - warmup)));
    case SCHEDULE_SGDR:
        return restarted(schedule, lr, behind);
    case SCHEDULE_GEOMETRIC:
        return lr * pow(schedule->decay, floor(behind / (double)schedule->decay_steps));
    }
    return lr;
}

/* sum <- sum + share * (loss and gradient with one label for all) */
static double add_label(const struct model *model, const double *parameters,
                        struct reference_batch batch, uint32_t label, double share, double *sum)
{
    uint8_t *labels = malloc(batch.n);
    double *gradient = calloc(model->parameter_count, sizeof *gradient);
    assert(labels != NULL && gradient != NULL);
    memset(labels, (int)label, batch.n);
    batch.labels = labels;
    double loss = reference_gradient(model, parameters, &batch, gradient);
    for (uint64_t i = 0; i < model->parameter_count; i++)
        sum[i] += share * gradient[i];
    free(labels);
    free(gradient);
    return share * loss;
}

double reference_smoothed_gradient(const struct model *model, const double *parameters,
                                   const struct reference_batch *batch, double smoothing,
                                   double *gradient)
{
    double share = smoothing / model->classes;
    double loss = (1 - smoothing) * reference_gradient(model, parameters, batch, gradient);
    for (uint64_t i = 0; i < model->parameter_count; i++)
        gradient[i] *= 1 - smoothing;
    for (uint32_t label = 0; smoothing > 0 && label < model->classes; label++)
        loss += add_label(model, parameters, *batch, label, share, gradient);
    return loss;
}

double reference_length(uint64_t count, const double *values)
{
    double sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += values[i] * values[i];
    return sqrt(sum);
}

static void multiply(double factor, uint64_t count, double *values)
{
    for (uint64_t i = 0; i < count; i++)
        values[i] *= factor;
}

void reference_clip(double limit, uint64_t count, double *gradient)
{
    multiply(fmin(1, limit / (reference_length(count, gradient) + 1e-6)), count, gradient);
}

void reference_clamp(double limit, uint64_t count, double *parameters)
{
    double length = reference_length(count, parameters);
    if (length > limit)
        multiply(limit / length, count, parameters);
}
