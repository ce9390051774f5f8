/* net.c: see net.h. */
#include "tests/reference/net.h"

#include "tests/reference/net_ops.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void (*const net_rows[OP_KINDS])(const struct net_op *net) = {
    [OP_LINEAR] = net_linear, [OP_CONV] = net_conv,           [OP_MAX_POOL] = net_max_pool,
    [OP_MEAN] = net_mean,     [OP_PATCH] = net_patch,         [OP_POSITIONS] = net_positions,
    [OP_NORM] = net_norm,     [OP_ATTENTION] = net_attention, [OP_ROWS] = net_rows_as_steps,
    [OP_GRU] = net_gru,       [OP_ACTIVATION] = net_activate, [OP_ADD] = net_add,
};

/* One sample on its way: what each op made of it. */
struct passage {
    const struct model *model;
    const struct net_batch *batch;
    uint32_t sample;
    double **values; /* by number; that of the sample is not used */
};

static struct passage passage_open(const struct model *model, const struct net_batch *batch)
{
    const struct plan *plan = model->plan;
    struct passage passage = {model, batch, 0, calloc(plan->value_count, sizeof(double *))};
    assert(passage.values != NULL);
    for (uint32_t v = 1; v < plan->value_count; v++) {
        passage.values[v] = calloc(shape_features(plan->values[v]), sizeof(double));
        assert(passage.values[v] != NULL);
    }
    return passage;
}

static void passage_close(struct passage *passage)
{
    for (uint32_t v = 1; v < passage->model->plan->value_count; v++)
        free(passage->values[v]);
    free(passage->values);
}

static const double *value_of(const struct passage *passage, uint32_t value)
{
    if (value == 0)
        return passage->batch->inputs + (size_t)passage->sample * passage->model->inputs;
    return passage->values[value];
}

/* The activation behind an op, and what dropout leaves of it. */
static void finish(const struct passage *passage, uint32_t number)
{
    const struct op *op = &passage->model->plan->ops[number];
    const struct net_batch *batch = passage->batch;
    const double *masks = batch->masks != NULL ? batch->masks[number] : NULL;
    for (uint32_t i = 0; op->activates && i < shape_features(op->out); i++) {
        double *value = &passage->values[op->output][i];
        *value = net_activation(passage->model->activation, *value);
        *value *= masks != NULL ? masks[(size_t)i * batch->n + passage->sample] : 1;
    }
}

/* The logits of the sample. */
static const double *forward(const struct passage *passage, const double *parameters)
{
    const struct plan *plan = passage->model->plan;
    for (uint32_t i = 0; i < plan->op_count; i++) {
        const struct op *op = &plan->ops[i];
        assert(net_rows[op->kind] != NULL);
        net_rows[op->kind](&(struct net_op){
            .op = op,
            .activation = passage->model->activation,
            .parameters = parameters + op->parameters,
            .input = value_of(passage, op->input),
            .other = op->other != PLAN_NONE ? value_of(passage, op->other) : NULL,
            .output = passage->values[op->output],
        });
        finish(passage, i);
    }
    return passage->values[plan->value_count - 1];
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

void net_logits(const struct model *model, const double *parameters, const struct net_batch *batch,
                double *logits)
{
    struct passage passage = passage_open(model, batch);
    for (; passage.sample < batch->n; passage.sample++)
        memcpy(logits + (size_t)passage.sample * model->classes, forward(&passage, parameters),
               model->classes * sizeof *logits);
    passage_close(&passage);
}

double net_loss(const struct model *model, const double *parameters, const struct net_batch *batch)
{
    struct passage passage = passage_open(model, batch);
    double sum = 0;
    for (; passage.sample < batch->n; passage.sample++) {
        const double *logits = forward(&passage, parameters);
        sum += log_sum_exp(logits, model->classes) - logits[batch->labels[passage.sample]];
    }
    passage_close(&passage);
    return sum / batch->n;
}
