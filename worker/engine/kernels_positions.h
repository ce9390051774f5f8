/*
 * kernels_positions.h: the loops of ops that mix positions and normalise over channels: attention
 * and layer norm. A part of kernels.h, by which it is included.
 *
 * Attention works on a block: what sixteen samples have of a value, [row][position][16], so that
 * all of one head stays in the cache. An element of a block is a vector of sixteen floats, and
 * strides are counted in such vectors.
 */
#ifndef RATCHET_WORKER_ENGINE_KERNELS_POSITIONS_H
#define RATCHET_WORKER_ENGINE_KERNELS_POSITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * c[i][j] = sum over t of left[i][t] * right[j][t], sample by sample: one chain of fused
 * multiply-adds per output in ascending t, from 0.
 */
struct block_product {
    uint32_t m, n, terms;
    const float *left;
    size_t left_row, left_term;
    const float *right;
    size_t right_row, right_term;
    float *c; /* [m][c_row] vectors */
    size_t c_row;
};

/*
 * [queries][keys] vectors. Forward, in place: z = scale * score, e = exp(z - greatest z), the
 * weights e * (1 / sum of e), the sum in ascending key from 0. Backward, in place of the delta:
 * scale * (w * (delta - d)) with d the chain of fused multiply-adds w * delta in ascending key.
 */
struct block_weights {
    uint32_t queries, keys;
    float scale;
    float *weights;
    float *delta; /* by the weights, becomes that by the scores; backward only */
};

/*
 * Layer norm over `channels` rows of each position; rows of values lie as activations, that of
 * channel c at position p is row c * positions + p. One sample and position at a time:
 *   mean = (x_0 + x_1 + ...) * (1 / channels), variance = chain of fma(x - mean, x - mean, .) *
 *   (1 / channels), root = 1 / sqrt(variance + eps), h = (x - mean) * root, y = fma(h, gain, bias)
 */
struct layer_norm {
    uint32_t channels, positions, n;
    size_t stride;
    float eps;
    const float *gain, *bias; /* [channels] */
    const float *input;
    float *output;
    float *means, *roots; /* [positions][stride]: kept for the way back */
    float *scratch;       /* [4][channels][16] */
};

/*
 * g = delta * gain, a = (sum of g) * (1 / channels), b = (chain of fma(g, h, .)) * (1 / channels):
 * the delta of x is root * fma(h, -b, g - a). The gradient of gain is the sum of delta * h by fused
 * multiply-adds, that of bias the sum of delta: sixteen lanes, lane l takes samples l, l + 16, ...
 * of position 0, then of position 1, ...; at the end as sum_samples.
 */
struct layer_norm_backward {
    struct layer_norm norm; /* output is not used */
    const float *delta;
    float *before; /* the delta of what was read; NULL: not wanted */
    bool adds;     /* to what `before` holds */
    float *gain_gradient, *bias_gradient;
};

#endif
