/* net_norm.c: Ba, Kiros, Hinton 2016, eq. 4: over the channels at each position, with the biased
 * variance and eps 1e-5 under the root, then gain and bias of each channel. */
#include "tests/reference/net_ops.h"

#include <math.h>

void net_norm(const struct net_op *net)
{
    const uint32_t channels = net->op->in.channels, positions = shape_positions(net->op->in);
    const double *gain = net->parameters, *bias = net->parameters + channels;
    for (uint32_t p = 0; p < positions; p++) {
        double mean = 0, variance = 0;
        for (uint32_t c = 0; c < channels; c++)
            mean += net->input[c * positions + p] / channels;
        for (uint32_t c = 0; c < channels; c++)
            variance += pow(net->input[c * positions + p] - mean, 2) / channels;
        for (uint32_t c = 0; c < channels; c++)
            net->output[c * positions + p] =
                (net->input[c * positions + p] - mean) / sqrt(variance + 1e-5) * gain[c] + bias[c];
    }
}
