/*
 * activation.c: the model's activation and a member's dropout, as other ops end with them.
 *
 * The derivative is taken from what the activation left: for relu from the values handed on (a unit
 * that was dropped has no delta any more), for tanh and sigmoid from the values before dropout, for
 * GELU from z.
 */
#include "worker/engine/ops/ops.h"

#include <assert.h>
#include <string.h>

/* The masks of one op in one step: see README.md. */
static struct dropout open_dropout(const struct pass_dropout *dropout, uint32_t op)
{
    const struct random *key = dropout->key;
    assert(dropout->step >> 56 == 0); /* else the counter could be a draw's of some purpose */
    struct philox_block counter = {
        {(uint32_t)dropout->step, (uint32_t)(dropout->step >> 32), op, 0xD0}};
    struct philox_block block = philox_4x32_10(counter, key->key[0], key->key[1]);
    return (struct dropout){
        .key = {block.words[0], block.words[1]},
        .context = {key->context[0], key->context[1], key->context[2]},
        .threshold = (uint32_t)(dropout->rate * 0x1.0p32),
        .scale = (float)(1.0 / (1.0 - dropout->rate)),
    };
}

bool pass_drops(const struct pass *pass)
{
    return pass->dropout.rate > 0;
}

bool activation_keeps(const struct model *model)
{
    return model->activation != ACTIVATION_RELU;
}

bool activation_is_simple(const struct pass *pass)
{
    return pass->model->activation == ACTIVATION_RELU && !pass_drops(pass);
}

static void keep(const struct activations *values, float *kept)
{
    memcpy(kept, values->values, values->units * values->stride * sizeof *kept);
}

void activation_forward(const struct pass *pass, uint32_t op, const struct activations *values,
                        float *kept)
{
    enum activation activation = pass->model->activation;
    if (activation == ACTIVATION_GELU)
        keep(values, kept);
    pass->kernels->activate(activation, values);
    if (!pass_drops(pass))
        return;
    if (activation == ACTIVATION_TANH || activation == ACTIVATION_SIGMOID)
        keep(values, kept);
    struct dropout mask = open_dropout(&pass->dropout, op);
    pass->kernels->drop(&mask, values);
}

void activation_backward(const struct pass *pass, uint32_t op, const struct activations *values,
                         const float *kept, const struct activations *delta)
{
    enum activation activation = pass->model->activation;
    bool is_kept =
        activation == ACTIVATION_GELU || (activation != ACTIVATION_RELU && pass_drops(pass));
    struct activations from = *values;
    if (is_kept)
        from.values = (float *)kept; /* only read */
    if (pass_drops(pass)) {
        struct dropout mask = open_dropout(&pass->dropout, op);
        pass->kernels->drop(&mask, delta);
    }
    pass->kernels->derive(activation, &from, delta);
}
