/*
 * pass.c: see pass.h.
 *
 * Shapes, with n samples:
 *   forward   Z [out, n] = W [out, in] A [in, n] + b,  A' = drop(f(Z))
 *   backward  dA [in, n] = W^T dZ,  dW [out, in] = dZ A^T,  db [out] = dZ 1
 *
 * The derivative is taken from what the activation left: for relu from the values handed on (a unit
 * that was dropped has no delta any more), for tanh and sigmoid from the values before dropout, for
 * GELU from z.
 */
#include "worker/engine/pass.h"

#include <assert.h>
#include <string.h>

/* Hidden layers with at most so many inputs: their dW is summed in lanes over the samples. A part
 * of the class `portable`. From here on a transpose and the product are faster. */
enum { NARROW_INPUTS_MAX = 24 };

/* An update of fewer parameters waits for the next layer's: narrow nets would pay more for the call
 * than for the work. Wide layers are updated while their gradient is in the cache. */
static const uint64_t update_parameters_min = 8192;

struct activations pass_values(const struct pass *pass, uint32_t layer)
{
    const struct model_layer *shape = &pass->model->layers[layer];
    const struct workspace *workspace = pass->workspace;
    size_t stride = workspace->batch.stride;
    return (struct activations){shape->out, workspace->n, stride,
                                workspace->values + shape->first_unit * stride};
}

/* What is kept of a hidden layer for the derivative, beside its values. */
static struct activations kept_values(const struct pass *pass, uint32_t layer)
{
    struct activations kept = pass_values(pass, layer);
    kept.values = pass->workspace->kept + (kept.values - pass->workspace->values);
    return kept;
}

/* The masks of one layer in one step: see README.md. */
static struct dropout open_dropout(const struct pass_dropout *dropout, uint32_t layer)
{
    const struct random *key = dropout->key;
    assert(dropout->step >> 56 == 0); /* else the counter could be a draw's of some purpose */
    struct philox_block counter = {
        {(uint32_t)dropout->step, (uint32_t)(dropout->step >> 32), layer, 0xD0}};
    struct philox_block block = philox_4x32_10(counter, key->key[0], key->key[1]);
    return (struct dropout){
        .key = {block.words[0], block.words[1]},
        .context = {key->context[0], key->context[1], key->context[2]},
        .threshold = (uint32_t)(dropout->rate * 0x1.0p32),
        .scale = (float)(1.0 / (1.0 - dropout->rate)),
    };
}

static int drops(const struct pass_dropout *dropout)
{
    return dropout != NULL && dropout->rate > 0;
}

/* ---------------------------------------------------------------------------------- chains */

/* Whether a layer can be part of a chain of kernels.h. Neighbours that can are as wide as each
 * other: what one gives is what the next takes. */
static int is_link(const struct pass *pass, uint32_t layer, const struct pass_dropout *dropout)
{
    const struct model_layer *shape = &pass->model->layers[layer];
    return layer > 0 && layer + 1 < pass->model->layer_count && shape->in == shape->out &&
           shape->out <= CHAIN_WIDTH_MAX && !drops(dropout) &&
           pass->product == pass->kernels->product;
}

/* The layers first .. end - 1. */
static struct chain open_chain(const struct pass *pass, const float *parameters, uint32_t first,
                               uint32_t end)
{
    struct activations input = pass_values(pass, first - 1);
    int keeps = pass->model->activation == ACTIVATION_GELU;
    return (struct chain){
        .layers = end - first,
        .width = input.units,
        .n = input.n,
        .stride = input.stride,
        .activation = pass->model->activation,
        .parameters = parameters + pass->model->layers[first].weight,
        .values = input.values,
        .kept = keeps ? kept_values(pass, first - 1).values : NULL,
    };
}

/* --------------------------------------------------------------------------------- forward */

static void multiply_forward(const struct pass *pass, const float *parameters, uint32_t layer)
{
    const struct model_layer *shape = &pass->model->layers[layer];
    struct activations z = pass_values(pass, layer);
    const float *input =
        layer == 0 ? pass->workspace->batch.by_feature : pass_values(pass, layer - 1).values;
    pass->product(&(struct product){
        .m = shape->out,
        .n = z.n,
        .k = shape->in,
        .a = parameters + shape->weight,
        .a_row = shape->in,
        .a_column = 1,
        .b = input,
        .b_row = z.stride,
        .bias = parameters + shape->bias,
        .c = z.values,
        .c_row = z.stride,
    });
}

static void keep(const struct pass *pass, uint32_t layer)
{
    struct activations values = pass_values(pass, layer);
    memcpy(kept_values(pass, layer).values, values.values,
           values.units * values.stride * sizeof *values.values);
}

static void activate(const struct pass *pass, uint32_t layer, const struct pass_dropout *dropout)
{
    enum activation activation = pass->model->activation;
    struct activations values = pass_values(pass, layer);
    if (activation == ACTIVATION_GELU)
        keep(pass, layer);
    pass->kernels->activate(activation, &values);
    if (!drops(dropout))
        return;
    if (activation == ACTIVATION_TANH || activation == ACTIVATION_SIGMOID)
        keep(pass, layer);
    struct dropout mask = open_dropout(dropout, layer);
    pass->kernels->drop(&mask, &values);
}

void pass_forward(const struct pass *pass, const float *parameters,
                  const struct pass_dropout *dropout)
{
    uint32_t last = pass->model->layer_count - 1;
    for (uint32_t layer = 0; layer < last;) {
        uint32_t end = layer;
        while (is_link(pass, end, dropout))
            end++;
        if (end > layer) {
            struct chain chain = open_chain(pass, parameters, layer, end);
            pass->kernels->chain_forward(&chain);
            layer = end;
            continue;
        }
        multiply_forward(pass, parameters, layer);
        activate(pass, layer, dropout);
        layer++;
    }
    multiply_forward(pass, parameters, last);
}

/* -------------------------------------------------------------------------------- backward */

/* How far the way back is. */
struct way_back {
    const struct pass *pass;
    const float *parameters;
    const struct pass_dropout *dropout;
    uint32_t layer;  /* whose delta is known */
    uint32_t buffer; /* of the workspace's two, where it is */
};

static struct activations known_delta(const struct way_back *way)
{
    struct activations delta = pass_values(way->pass, way->layer);
    delta.values = way->pass->workspace->delta[way->buffer];
    return delta;
}

/* Where the delta of the layer before is to go. */
static struct activations next_delta(const struct way_back *way)
{
    struct activations delta = pass_values(way->pass, way->layer - 1);
    delta.values = way->pass->workspace->delta[1 - way->buffer];
    return delta;
}

/* dW of a layer from the values before it, for which there are two ways; see README.md. */
static void multiply_gradient(const struct way_back *way, const struct activations *delta)
{
    const struct pass *pass = way->pass;
    const struct model_layer *shape = &pass->model->layers[way->layer];
    struct workspace *workspace = pass->workspace;
    float *gradient = workspace->gradient + shape->weight;
    const float *input = workspace->batch.by_sample;
    size_t row = workspace->batch.sample_row;
    if (way->layer > 0) {
        struct activations values = pass_values(pass, way->layer - 1);
        if (shape->in <= NARROW_INPUTS_MAX) {
            pass->kernels->sum_products(delta, &values, gradient, shape->in);
            return;
        }
        row = workspace_row(values.units);
        input = workspace->transposed;
        pass->kernels->transpose(&values, workspace->transposed, row);
    }
    pass->product(&(struct product){
        .m = shape->out,
        .n = shape->in,
        .k = delta->n,
        .a = delta->values,
        .a_row = delta->stride,
        .a_column = 1,
        .b = input,
        .b_row = row,
        .c = gradient,
        .c_row = shape->in,
    });
}

static void multiply_back(const struct way_back *way, const struct activations *delta,
                          const struct activations *before)
{
    const struct model_layer *shape = &way->pass->model->layers[way->layer];
    way->pass->product(&(struct product){
        .m = shape->in,
        .n = delta->n,
        .k = shape->out,
        .a = way->parameters + shape->weight,
        .a_row = 1,
        .a_column = shape->in,
        .b = delta->values,
        .b_row = delta->stride,
        .c = before->values,
        .c_row = before->stride,
    });
}

/* Through the activation of the layer before. */
static void derive(const struct way_back *way, const struct activations *delta)
{
    const struct pass *pass = way->pass;
    enum activation activation = pass->model->activation;
    uint32_t layer = way->layer - 1;
    int kept =
        activation == ACTIVATION_GELU || (activation != ACTIVATION_RELU && drops(way->dropout));
    struct activations from = kept ? kept_values(pass, layer) : pass_values(pass, layer);
    if (drops(way->dropout)) {
        struct dropout mask = open_dropout(way->dropout, layer);
        pass->kernels->drop(&mask, delta);
    }
    pass->kernels->derive(activation, &from, delta);
}

/* A layer by itself: its gradient, and the delta of the layer before. */
static void go_back(const struct way_back *way)
{
    const struct model_layer *shape = &way->pass->model->layers[way->layer];
    struct activations delta = known_delta(way);
    multiply_gradient(way, &delta);
    way->pass->kernels->sum_samples(&delta, way->pass->workspace->gradient + shape->bias);
    if (way->layer == 0)
        return;
    struct activations before = next_delta(way);
    multiply_back(way, &delta, &before);
    derive(way, &before);
}

/* The first layer of the chain that ends with this one; one more than it, if there is none. */
static uint32_t chain_first(const struct way_back *way)
{
    uint32_t first = way->layer + 1;
    uint32_t width = way->pass->model->layers[way->layer].out;
    if (width > way->pass->kernels->chain_backward_width)
        return first;
    while (is_link(way->pass, first - 1, way->dropout))
        first--;
    return first;
}

/* The same for a chain. */
static void go_back_chain(const struct way_back *way, uint32_t first)
{
    const struct pass *pass = way->pass;
    struct chain_backward backward = {
        .chain = open_chain(pass, way->parameters, first, way->layer + 1),
        .delta = known_delta(way).values,
        .delta_before = next_delta(way).values,
        .gradient = pass->workspace->gradient + pass->model->layers[first].weight,
    };
    pass->kernels->chain_backward(&backward);
}

void pass_backward(const struct pass *pass, const float *parameters,
                   const struct pass_dropout *dropout, const struct pass_update *update)
{
    uint64_t pending = pass->model->parameter_count;
    struct way_back way = {pass, parameters, dropout, pass->model->layer_count, 1};
    while (way.layer-- > 0) {
        way.buffer = 1 - way.buffer;
        uint32_t first = chain_first(&way);
        if (first <= way.layer) {
            go_back_chain(&way, first);
            way.layer = first;
        } else {
            go_back(&way);
        }
        uint64_t done = pass->model->layers[way.layer].weight;
        if (way.layer == 0 || pending - done >= update_parameters_min) {
            update->done(update->context, done, pending);
            pending = done;
        }
    }
}
