/*
 * net_trace.c: nets of every family on one mini-batch: prints, as JSON, all that another program
 * needs to compute them again, and what the engine made of them: one object for each net.
 *
 *   e2e_net_trace
 *
 * torch_nets.test gives it to PyTorch. A family that is new has its lines in `cases`.
 */
#include "tests/unit/worker/engine/net_trial.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct net_case cases[] = {
    {"linear", 784, 10, 100, ACTIVATION_RELU, 0},
    {"mlp:3x40", 100, 10, 100, ACTIVATION_GELU, 0},
    {"resmlp:2x32", 40, 10, 100, ACTIVATION_RELU, 0},
    {"layers:[dense 100,residual(dense 100)]", 40, 10, 100, ACTIVATION_RELU, 0},
    {"cnn:8k3p1m2,12k3s2", 196, 10, 100, ACTIVATION_RELU, 0},
    {"cnn:9k5s2p1,7k3", 40, 10, 100, ACTIVATION_TANH, 0},
    {"gru:2x9", 40, 10, 100, ACTIVATION_RELU, 0},
    {"bigru:1x6", 40, 10, 100, ACTIVATION_RELU, 0},
    {"layers:[rows,2*bigru 17,gru 5,mean]", 784, 10, 33, ACTIVATION_RELU, 0},
    {"transformer:2x32h4p7", 784, 10, 100, ACTIVATION_RELU, 0},
    {"transformer:2x32h4p7", 784, 10, 100, ACTIVATION_GELU, 0},
    {"transformer:2x12h3", 40, 10, 100, ACTIVATION_RELU, 0},
    {"gru:2x9", 40, 10, 100, ACTIVATION_RELU, 0},
    {"layers:[rows,gru 8]@2x6x8", 96, 10, 33, ACTIVATION_RELU, 0},
    {"bigru:1x7@2x1x20", 40, 10, 100, ACTIVATION_RELU, 0},
    {"layers:[patch 2,positions,2*residual(norm,attention 2),mean,dense 9]@2x6x8", 96, 4, 33,
     ACTIVATION_SIGMOID, 0},
};

static void print_doubles(const char *name, const double *values, size_t count)
{
    printf("\"%s\": [", name);
    for (size_t i = 0; i < count; i++)
        printf("%s%.9g", i == 0 ? "" : ",", values[i]);
    printf("], ");
}

static void print_floats(const char *name, const float *values, size_t count)
{
    printf("\"%s\": [", name);
    for (size_t i = 0; i < count; i++)
        printf("%s%.9g", i == 0 ? "" : ",", (double)values[i]);
    printf("], ");
}

static void print_shape(const char *name, struct value_shape shape)
{
    printf("\"%s\": [%u,%u,%u], ", name, shape.channels, shape.height, shape.width);
}

static void print_tensors(const struct plan *plan, const struct op *op)
{
    printf("\"tensors\": [");
    for (uint32_t t = op->tensor; t < op->tensor + op->tensor_count; t++) {
        const struct tensor *tensor = &plan->tensors[t];
        printf("%s{\"offset\": %" PRIu64 ", \"shape\": [", t == op->tensor ? "" : ",",
               tensor->offset);
        for (uint32_t i = 0; i < tensor->rank; i++)
            printf("%s%u", i == 0 ? "" : ",", tensor->shape[i]);
        printf("]}");
    }
    printf("]");
}

static void print_op(const struct plan *plan, const struct op *op)
{
    static const char *const kinds[OP_KINDS] = {[OP_LINEAR] = "linear",
                                                [OP_CONV] = "conv",
                                                [OP_MAX_POOL] = "max_pool",
                                                [OP_MEAN] = "mean",
                                                [OP_PATCH] = "patch",
                                                [OP_ROWS] = "rows",
                                                [OP_POSITIONS] = "positions",
                                                [OP_NORM] = "norm",
                                                [OP_GRU] = "gru",
                                                [OP_ATTENTION] = "attention",
                                                [OP_ACTIVATION] = "activation",
                                                [OP_ADD] = "add"};
    printf("{\"kind\": \"%s\", \"input\": %u, \"other\": %d, ", kinds[op->kind], op->input,
           op->other == PLAN_NONE ? -1 : (int)op->other);
    print_shape("in", op->in);
    print_shape("out", op->out);
    printf("\"kernel\": %u, \"stride\": %u, \"padding\": %u, \"heads\": %u, \"activates\": %s, "
           "\"bidirectional\": %s, ",
           op->kernel, op->stride, op->padding, op->heads, op->activates ? "true" : "false",
           op->bidirectional ? "true" : "false");
    print_tensors(plan, op);
    printf("}");
}

static void print_net(const struct net_trial *trial)
{
    static const char *const activations[] = {"", "relu", "tanh", "sigmoid", "gelu"};
    const struct plan *plan = trial->model->plan;
    printf("\"model\": \"%s\", \"activation\": \"%s\", \"inputs\": %u, \"classes\": %u, \"ops\": [",
           trial->its_case->model, activations[trial->its_case->activation], plan->inputs,
           plan->classes);
    for (uint32_t i = 0; i < plan->op_count; i++) {
        printf("%s", i == 0 ? "" : ", ");
        print_op(plan, &plan->ops[i]);
    }
    printf("], \"labels\": [");
    for (uint32_t s = 0; s < trial->batch.n; s++)
        printf("%s%u", s == 0 ? "" : ",", trial->batch.labels[s]);
    printf("], ");
    print_doubles("samples", trial->batch.inputs, (size_t)trial->batch.n * plan->inputs);
    print_doubles("parameters", trial->parameters, plan->parameter_count);
}

static void trace(const struct net_case *its_case)
{
    struct net_trial trial = net_trial_open(its_case);
    const size_t count = (size_t)trial.batch.n * trial.model->classes;
    float *logits = malloc(count * sizeof *logits);
    float *gradient = malloc(trial.model->parameter_count * sizeof *gradient);
    if (logits == NULL || gradient == NULL)
        abort();
    printf("{");
    print_net(&trial);
    net_trial_logits(&trial, kernels_current(), logits);
    print_floats("logits", logits, count);
    double loss = net_trial_gradient(&trial, kernels_current(), gradient);
    print_floats("gradient", gradient, trial.model->parameter_count);
    printf("\"loss\": %.17g}\n", loss);
    free(logits);
    free(gradient);
    net_trial_close(&trial);
}

int main(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        trace(&cases[i]);
    return 0;
}
