/*
 * samples.h: a data set in memory, between its source and its blob.
 *
 * A source fills it; dataset_pack.c turns it into bytes. Every source is one function that returns
 * 0, or -1 with what is missing or wrong, and leaves `samples` to be destroyed either way.
 */
#ifndef RATCHET_WORKER_DATA_SAMPLES_H
#define RATCHET_WORKER_DATA_SAMPLES_H

#include "worker/data/dataset.h"

enum { SAMPLES_SOURCE_BYTES_MAX = 128, SAMPLES_OWNED_MAX = 4 };

struct samples_part {
    const void *inputs;    /* [count, features] */
    const uint8_t *labels; /* [count], each below classes */
    uint32_t count;        /* at least 1 */
};

struct samples {
    enum dataset_type type;
    uint32_t features, classes;
    struct samples_part train, test;
    const char *class_names;               /* newline-ended; NULL: the labels' numbers */
    char source[SAMPLES_SOURCE_BYTES_MAX]; /* what the blob says it was made from */
    void *owned[SAMPLES_OWNED_MAX];        /* what the parts point into */
};

/* The four IDX files of `dir`; whatever classes they have. */
int samples_read_idx(const char *dir, struct samples *samples, struct error *error)
    __attribute__((warn_unused_result));
/* The same with the ten classes of Fashion-MNIST; NULL: where Debian's package puts it. */
int samples_read_fashion_mnist(const char *dir, struct samples *samples, struct error *error)
    __attribute__((warn_unused_result));
int samples_make_mnist1d(const struct dataset_source *source, struct samples *samples,
                         struct error *error) __attribute__((warn_unused_result));
void samples_destroy(struct samples *samples);

#endif
