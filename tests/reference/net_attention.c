/*
 * net_attention.c: Vaswani et al. 2017, section 3.2, of a value to itself and without a mask.
 *
 * Tensors as torch.nn.MultiheadAttention: in_proj_weight [3C, C] with the rows of queries, keys and
 * values, in_proj_bias [3C], out_proj.weight [C, C], out_proj.bias [C]. Head h has channels
 * [h * C / heads, (h + 1) * C / heads) of each.
 */
#include "tests/reference/net_ops.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* to [out, positions] = W [out, C] from [C, positions] + b [out] */
struct projection {
    uint32_t out, in, positions;
    const double *weight, *bias;
};

static void project(const struct projection *way, const double *from, double *to)
{
    for (uint32_t u = 0; u < way->out; u++)
        for (uint32_t p = 0; p < way->positions; p++) {
            double sum = way->bias[u];
            for (uint32_t i = 0; i < way->in; i++)
                sum += way->weight[(uint64_t)u * way->in + i] * from[i * way->positions + p];
            to[(size_t)u * way->positions + p] = sum;
        }
}

/* Rows of one head, all [size, positions]; what it gives has the same shape. */
struct head {
    uint32_t size, positions;
    const double *queries, *keys, *values;
    double *given;
};

/* One query: the weights of all keys, then the weighted sum of the values. */
static void attend(const struct head *head, uint32_t query, double *weights)
{
    const uint32_t positions = head->positions;
    double largest = -INFINITY, sum = 0;
    for (uint32_t k = 0; k < positions; k++) {
        weights[k] = 0;
        for (uint32_t i = 0; i < head->size; i++)
            weights[k] += head->queries[i * positions + query] * head->keys[i * positions + k];
        weights[k] /= sqrt(head->size);
        largest = fmax(largest, weights[k]);
    }
    for (uint32_t k = 0; k < positions; k++)
        sum += weights[k] = exp(weights[k] - largest);
    for (uint32_t i = 0; i < head->size; i++) {
        head->given[i * positions + query] = 0;
        for (uint32_t k = 0; k < positions; k++)
            head->given[i * positions + query] +=
                weights[k] / sum * head->values[i * positions + k];
    }
}

void net_attention(const struct net_op *net)
{
    const uint32_t width = net->op->in.channels, positions = shape_positions(net->op->in);
    const uint32_t size = width / net->op->heads;
    const size_t features = (size_t)width * positions;
    const double *in_weight = net->parameters, *in_bias = in_weight + 3 * width * width;
    const double *out_weight = in_bias + 3 * width, *out_bias = out_weight + width * width;
    double *rows = calloc(4 * features + positions, sizeof *rows);
    assert(rows != NULL);
    project(&(struct projection){3 * width, width, positions, in_weight, in_bias}, net->input,
            rows);
    for (uint32_t h = 0; h < net->op->heads; h++) {
        double *queries = rows + (size_t)h * size * positions;
        const struct head head = {size,
                                  positions,
                                  queries,
                                  queries + features,
                                  queries + 2 * features,
                                  queries + 3 * features};
        for (uint32_t query = 0; query < positions; query++)
            attend(&head, query, rows + 4 * features);
    }
    project(&(struct projection){width, width, positions, out_weight, out_bias},
            rows + 3 * features, net->output);
    free(rows);
}
