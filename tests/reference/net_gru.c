/* net_gru.c: gated recurrent units as torch.nn.GRU's documentation defines them (Cho et al. 2014).
 */
#include "tests/reference/net_ops.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* One direction's tensors, rows of gates r, z, n. */
struct gru {
    uint32_t channels, units, positions;
    const double *weight_ih, *weight_hh, *bias_ih, *bias_hh;
};

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* W_i x + b_i of row i at a position; state likewise. */
static double from_input(const struct gru *gru, uint32_t row, const double *input, uint32_t at)
{
    double sum = gru->bias_ih[row];
    for (uint32_t c = 0; c < gru->channels; c++)
        sum += gru->weight_ih[row * gru->channels + c] * input[c * gru->positions + at];
    return sum;
}

static double from_state(const struct gru *gru, uint32_t row, const double *state)
{
    double sum = gru->bias_hh[row];
    for (uint32_t u = 0; u < gru->units; u++)
        sum += gru->weight_hh[row * gru->units + u] * state[u];
    return sum;
}

/* output: [units, positions] */
static void run(const struct gru *gru, bool is_reverse, const double *input, double *output)
{
    const uint32_t units = gru->units;
    double *state = calloc(units, sizeof *state), *next = calloc(units, sizeof *next);
    assert(state != NULL && next != NULL);
    for (uint32_t t = 0; t < gru->positions; t++) {
        const uint32_t at = is_reverse ? gru->positions - 1 - t : t;
        for (uint32_t u = 0; u < units; u++) {
            double r = sigmoid(from_input(gru, u, input, at) + from_state(gru, u, state));
            double z =
                sigmoid(from_input(gru, units + u, input, at) + from_state(gru, units + u, state));
            double n = tanh(from_input(gru, 2 * units + u, input, at) +
                            r * from_state(gru, 2 * units + u, state));
            next[u] = (1 - z) * n + z * state[u];
        }
        for (uint32_t u = 0; u < units; u++)
            state[u] = output[u * gru->positions + at] = next[u];
    }
    free(state);
    free(next);
}

void net_gru(const struct net_op *net)
{
    const struct op *op = net->op;
    const uint32_t directions = op->bidirectional ? 2 : 1;
    const double *at = net->parameters;
    for (uint32_t d = 0; d < directions; d++) {
        struct gru gru = {.channels = op->in.channels,
                          .units = op->out.channels / directions,
                          .positions = shape_positions(op->in)};
        gru.weight_ih = at;
        gru.weight_hh = gru.weight_ih + (size_t)3 * gru.units * gru.channels;
        gru.bias_ih = gru.weight_hh + (size_t)3 * gru.units * gru.units;
        gru.bias_hh = gru.bias_ih + 3 * gru.units;
        at = gru.bias_hh + 3 * gru.units;
        run(&gru, d == 1, net->input, net->output + (size_t)d * gru.units * gru.positions);
    }
}
