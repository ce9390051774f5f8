/*
 * kernels_bytes.h: the loops of a first layer that reads bytes as they are stored. A part of
 * kernels.h, by which it is included.
 *
 * A mini-batch of bytes is kept both ways round, with a note of where it is not 0: a product may
 * then leave out the zeros, which add nothing to a chain of fused multiply-adds. byte_layer.h says
 * why the bits are those of the product with all values.
 */
#ifndef RATCHET_WORKER_ENGINE_KERNELS_BYTES_H
#define RATCHET_WORKER_ENGINE_KERNELS_BYTES_H

#include <stddef.h>
#include <stdint.h>

enum { BYTE_COLUMNS = 64 };

/* Cut by columns into panels of 64, the last one filled up with zeros. Rows that belong together,
 * as a sample's, lie rows * 64 bytes apart. */
struct byte_matrix {
    uint32_t rows, columns;
    uint8_t *values;  /* [ceil(columns / 64)][rows][64] */
    uint64_t *filled; /* [ceil(columns / 64)][rows]: bit j says that value j of 64 is not 0 */
};

/* A product's units are in one piece of at most so many. */
enum { SPARSE_UNITS_MAX = 128 };

/*
 * c[i][u] = last[u] + sum over k of a[i][k] * b[k][u], where a[i][k] is not 0: one chain of fused
 * multiply-adds per output in ascending k, from 0; `last` is added behind it. Behind every row of b
 * and c are `units` floats.
 */
struct sparse_product {
    const struct byte_matrix *a;
    uint32_t units;    /* a multiple of 16 */
    const float *b;    /* [a->columns][units] */
    const float *last; /* [units] */
    float *c;          /* [a->rows][units] */
};

#endif
