/*
 * idx.h: one IDX file, the format in which MNIST and its relatives come.
 *
 * Big-endian: two zero bytes, a byte for the type (08: unsigned bytes, the only one taken here), a
 * byte for the number of dimensions, a 32-bit number for each, then the values row by row. The file
 * may be compressed with gzip, known by its first bytes. What is read comes from outside.
 */
#ifndef RATCHET_WORKER_DATA_IDX_H
#define RATCHET_WORKER_DATA_IDX_H

#include "common/error.h"

#include <stddef.h>
#include <stdint.h>

/* Larger ones are refused, compressed or not. */
#define IDX_BYTES_MAX (UINT64_C(4) << 30)

enum { IDX_RANK_MAX = 3 };

struct idx {
    uint32_t rank;
    uint32_t shape[IDX_RANK_MAX]; /* each at least 1 */
    const uint8_t *values;        /* in `memory` */
    size_t count;                 /* the product of the shape */
    uint8_t *memory;              /* owned */
};

/* What a file must be. */
struct idx_expectation {
    const char *what; /* "images", "labels" */
    uint32_t rank_min, rank_max;
};

/*
 * Reads the bytes of a file, which must come from malloc (takes, also when it fails). Never
 * allocates more than the header's product and a byte, nor more than the file can hold. -1 says
 * what was expected and what was found, without the file's name.
 */
int idx_read(uint8_t *file, size_t count, const struct idx_expectation *expectation,
             struct idx *idx, struct error *error) __attribute__((warn_unused_result));
void idx_destroy(struct idx *idx);

#endif
