/*
 * mnist1d.h: MNIST-1D, made here instead of downloaded.
 *
 * Greydanus and Kobak, "Scaling Down Deep Learning with MNIST-1D", ICML 2024 (arXiv 2011.14439):
 * ten templates of 12 points, each padded, stretched, scaled, moved, covered with noise, sheared
 * and sampled at 40 points. The draws come from the authors' generator in the authors' order, so
 * seed 42 and 5000 samples give their published set (to the digits of their arithmetic).
 *
 * The numbers are a function of the options alone, bit for bit, on every machine.
 */
#ifndef RATCHET_WORKER_DATA_MNIST1D_H
#define RATCHET_WORKER_DATA_MNIST1D_H

#include "common/error.h"

#include <stdint.h>

enum { MNIST1D_POINTS = 40, MNIST1D_CLASSES = 10, MNIST1D_SAMPLES_MAX = 1000000 };

struct mnist1d_options {
    uint32_t samples; /* a multiple of 10, at most MNIST1D_SAMPLES_MAX */
    uint32_t seed;
    int shuffle_positions; /* 1: one permutation of the points for all samples */
};

struct mnist1d {
    uint32_t samples, train_count;  /* the first four fifths are the training part */
    double *inputs;                 /* owned: [samples, 40], mean 0 and deviation 1 over all */
    uint8_t *labels;                /* owned: [samples] */
    double raw_mean, raw_deviation; /* before that */
};

/* -1: no memory. */
int mnist1d_create(const struct mnist1d_options *options, struct mnist1d *set, struct error *error)
    __attribute__((warn_unused_result));
void mnist1d_destroy(struct mnist1d *set);

#endif
