/* mlp.c: see mlp.h. One sample at a time; all of its units in one array, by the model's numbers. */
#include "tests/reference/mlp.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Phi, the standard normal distribution, and its density. */
static double normal_below(double z)
{
    return 0.5 * (1.0 + erf(z / sqrt(2.0)));
}

static double normal_density(double z)
{
    return exp(-0.5 * z * z) / sqrt(2.0 * acos(-1.0));
}

static double sigmoid(double z)
{
    return 1.0 / (1.0 + exp(-z));
}

static double activation_value(enum activation activation, double z)
{
    switch (activation) {
    case ACTIVATION_RELU:
        return z > 0 ? z : 0;
    case ACTIVATION_TANH:
        return tanh(z);
    case ACTIVATION_SIGMOID:
        return sigmoid(z);
    case ACTIVATION_GELU:
        return z * normal_below(z);
    }
    abort();
}

static double activation_slope(enum activation activation, double z)
{
    switch (activation) {
    case ACTIVATION_RELU:
        return z > 0 ? 1 : 0;
    case ACTIVATION_TANH:
        return 1 - tanh(z) * tanh(z);
    case ACTIVATION_SIGMOID:
        return sigmoid(z) * (1 - sigmoid(z));
    case ACTIVATION_GELU:
        return normal_below(z) + z * normal_density(z);
    }
    abort();
}

/* One sample on its way through the network. */
struct passage {
    const struct model *model;
    const struct reference_batch *batch;
    uint32_t sample;
    double *z, *a, *delta; /* [units]: before and behind the activation; loss by z */
};

static struct passage passage_open(const struct model *model, const struct reference_batch *batch)
{
    struct passage passage = {.model = model, .batch = batch};
    passage.z = calloc(model->unit_count, sizeof(double));
    passage.a = calloc(model->unit_count, sizeof(double));
    passage.delta = calloc(model->unit_count, sizeof(double));
    assert(passage.z != NULL && passage.a != NULL && passage.delta != NULL);
    return passage;
}

static void passage_close(struct passage *passage)
{
    free(passage->z);
    free(passage->a);
    free(passage->delta);
}

static int is_last(const struct model *model, uint32_t layer)
{
    return layer + 1 == model->layer_count;
}

static double mask(const struct passage *passage, uint64_t unit)
{
    const struct reference_batch *batch = passage->batch;
    return batch->masks != NULL ? batch->masks[unit * batch->n + passage->sample] : 1;
}

/* What a layer sees of the sample: [in]. */
static const double *layer_input(const struct passage *passage, uint32_t layer)
{
    if (layer == 0)
        return passage->batch->inputs + (size_t)passage->sample * passage->model->inputs;
    return passage->a + passage->model->layers[layer - 1].first_unit;
}

static const double *forward(const struct passage *passage, const double *parameters)
{
    const struct model *model = passage->model;
    for (uint32_t l = 0; l < model->layer_count; l++) {
        const struct unit_layer *layer = &model->layers[l];
        const double *input = layer_input(passage, l);
        for (uint32_t u = 0; u < layer->out; u++) {
            uint64_t unit = layer->first_unit + u;
            double z = parameters[layer->bias + u];
            for (uint32_t i = 0; i < layer->in; i++)
                z += parameters[layer->weight + (uint64_t)u * layer->in + i] * input[i];
            passage->z[unit] = z;
            if (!is_last(model, l))
                passage->a[unit] = activation_value(model->activation, z) * mask(passage, unit);
        }
    }
    return passage->z + model->layers[model->layer_count - 1].first_unit;
}

static double log_sum_exp(const double *logits, uint32_t count)
{
    double largest = logits[0], sum = 0;
    for (uint32_t i = 1; i < count; i++)
        largest = fmax(largest, logits[i]);
    for (uint32_t i = 0; i < count; i++)
        sum += exp(logits[i] - largest);
    return largest + log(sum);
}

void reference_logits(const struct model *model, const double *parameters,
                      const struct reference_batch *batch, double *logits)
{
    struct passage passage = passage_open(model, batch);
    for (uint32_t s = 0; s < batch->n; s++) {
        passage.sample = s;
        memcpy(logits + (size_t)s * model->classes, forward(&passage, parameters),
               model->classes * sizeof *logits);
    }
    passage_close(&passage);
}

double reference_loss(const struct model *model, const double *parameters,
                      const struct reference_batch *batch)
{
    struct passage passage = passage_open(model, batch);
    double sum = 0;
    for (uint32_t s = 0; s < batch->n; s++) {
        passage.sample = s;
        const double *logits = forward(&passage, parameters);
        sum += log_sum_exp(logits, model->classes) - logits[batch->labels[s]];
    }
    passage_close(&passage);
    return sum / batch->n;
}

/* The loss of this sample by its logits, as a share of the batch's mean. */
static double start_backward(const struct passage *passage, const double *logits)
{
    const struct model *model = passage->model;
    double *delta = passage->delta + model->layers[model->layer_count - 1].first_unit;
    double total = log_sum_exp(logits, model->classes);
    uint8_t label = passage->batch->labels[passage->sample];
    for (uint32_t c = 0; c < model->classes; c++)
        delta[c] = (exp(logits[c] - total) - (c == label)) / passage->batch->n;
    return (total - logits[label]) / passage->batch->n;
}

static void backward(const struct passage *passage, const double *parameters, double *gradient)
{
    const struct model *model = passage->model;
    for (uint32_t l = model->layer_count; l-- > 0;) {
        const struct unit_layer *layer = &model->layers[l];
        const double *input = layer_input(passage, l);
        const double *delta = passage->delta + layer->first_unit;
        for (uint32_t u = 0; u < layer->out; u++) {
            gradient[layer->bias + u] += delta[u];
            for (uint32_t i = 0; i < layer->in; i++)
                gradient[layer->weight + (uint64_t)u * layer->in + i] += delta[u] * input[i];
        }
        for (uint32_t i = 0; l > 0 && i < layer->in; i++) {
            uint64_t unit = model->layers[l - 1].first_unit + i;
            double sum = 0;
            for (uint32_t u = 0; u < layer->out; u++)
                sum += parameters[layer->weight + (uint64_t)u * layer->in + i] * delta[u];
            passage->delta[unit] =
                sum * mask(passage, unit) * activation_slope(model->activation, passage->z[unit]);
        }
    }
}

double reference_gradient(const struct model *model, const double *parameters,
                          const struct reference_batch *batch, double *gradient)
{
    struct passage passage = passage_open(model, batch);
    double loss = 0;
    memset(gradient, 0, model->parameter_count * sizeof *gradient);
    for (uint32_t s = 0; s < batch->n; s++) {
        passage.sample = s;
        loss += start_backward(&passage, forward(&passage, parameters));
        backward(&passage, parameters, gradient);
    }
    passage_close(&passage);
    return loss;
}

void reference_adamw(const struct reference_step *step, uint64_t count, const double *gradient,
                     double *parameters, double *m, double *v)
{
    double correction1 = 1 - pow(step->beta1, (double)step->t);
    double correction2 = 1 - pow(step->beta2, (double)step->t);
    for (uint64_t i = 0; i < count; i++) {
        double g = gradient[i] + step->l2 * parameters[i];
        m[i] = step->beta1 * m[i] + (1 - step->beta1) * g;
        v[i] = step->beta2 * v[i] + (1 - step->beta2) * g * g;
        double direction = m[i] / correction1 / (sqrt(v[i] / correction2) + step->eps);
        parameters[i] -= step->lr * step->weight_decay * parameters[i] + step->lr * direction;
    }
}

void reference_sgd(const struct reference_step *step, uint64_t count, const double *gradient,
                   double *parameters, double *velocity)
{
    for (uint64_t i = 0; i < count; i++) {
        double g = gradient[i] + step->l2 * parameters[i];
        velocity[i] = step->momentum * velocity[i] + g;
        parameters[i] -= step->lr * step->weight_decay * parameters[i] + step->lr * velocity[i];
    }
}
