/*
 * dataset.h: a data set as one blob, and its slices.
 *
 * A data set is packed once, on the coordinator's machine, into one safetensors file that is named
 * by its digest like every blob; workers fetch it when they lack it. Its tensors, in this order:
 *
 *   inputs       U8 or F32 [n, features]   training part first, then the test part
 *   labels       U8 [n]                    each below the number of classes
 *   parts        U32 [2]                   samples of the training part, of the test part
 *   statistics   F64 [2]                   see below
 *   classes      U8 [bytes]                names of the classes, each ended by a newline
 *   source       U8 [bytes]                what it was made from: "fashion-mnist",
 *                                          "mnist1d seed=42 samples=5000 shuffle=0"
 *
 * The statistics are mean and standard deviation (ddof 0) of all input values of the training part;
 * of U8 in units of 1, so within 0 .. 255. Numbers are little-endian.
 *
 * Equal sources give equal bytes: the digest names the data.
 */
#ifndef RATCHET_WORKER_DATA_DATASET_H
#define RATCHET_WORKER_DATA_DATASET_H

#include "common/error.h"

#include <stddef.h>
#include <stdint.h>

enum { DATASET_CLASSES_MAX = 256, DATASET_FEATURES_MAX = 1048576 };

enum dataset_type { DATASET_U8 = 1, DATASET_F32 = 2 };

/* What to pack, as the experiment names it. */
struct dataset_source {
    const char *set;  /* "fashion-mnist", "idx" or "mnist1d" */
    const char *dir;  /* of the four IDX files, each plain or .gz; NULL: the set's usual place */
    uint32_t samples; /* mnist1d: in all, a multiple of 10; 5000 in the paper */
    uint32_t seed;    /* mnist1d; 42 in the paper */
    int shuffle_positions; /* mnist1d: 1: one permutation of the 40 positions for all samples */
};

/*
 * Whether the source can be meant at all: a set that exists, sizes within bounds, nothing given
 * that this set does not take. Touches no file. -1 says what was asked for and what is allowed.
 */
int dataset_check_source(const struct dataset_source *source, struct error *error)
    __attribute__((warn_unused_result));

/*
 * Packs into memory of its own (gives: the caller frees *bytes). -1 names the file and what is
 * wrong with it: missing, unreadable, not IDX, truncated, longer than it says, labels out of range,
 * counts that differ.
 */
int dataset_pack(const struct dataset_source *source, uint8_t **bytes, size_t *count,
                 struct error *error) __attribute__((warn_unused_result));

/* An opened blob. Borrows the bytes. */
struct dataset {
    enum dataset_type type;
    const void *inputs; /* [samples, features]; F32 may not be aligned */
    const uint8_t *labels;
    uint32_t samples, features, classes;
    uint32_t train_count, test_count; /* of the two parts */
    double mean, deviation;
    const char *class_names; /* newline-ended, class_names_bytes of them, not NUL-ended */
    uint32_t class_names_bytes;
};

/* Checks everything, each label included: the bytes come from a stranger. */
int dataset_open(const uint8_t *bytes, size_t count, struct dataset *dataset, struct error *error)
    __attribute__((warn_unused_result));

/* Sizes of the slices; train, select and confirm are cut from the training part. */
struct slice_sizes {
    uint32_t train, select, confirm;
    uint32_t test; /* from the start of the test part; 0: all of it */
    uint64_t split_seed;
};

/* Sample numbers. The first three follow one another in one permutation of the training part, drawn
 * by split_seed; so equal seeds and train sizes train on the same samples whatever select is. */
struct slices {
    uint32_t *index;          /* owned: train, select, confirm, test one after the other */
    struct slice_sizes sizes; /* test filled in */
};

/* -1 when the data set has too few samples, or no memory. */
int slices_create(const struct dataset *dataset, const struct slice_sizes *sizes,
                  struct slices *slices, struct error *error) __attribute__((warn_unused_result));
void slices_destroy(struct slices *slices);

/* How inputs become what a network sees: fma(input, scale, shift). */
enum input_scaling { INPUTS_STANDARDISE = 0, INPUTS_UNIT = 1, INPUTS_RAW = 2 };
struct scaling {
    float scale, shift;
};
/* standardise: (x - mean) / deviation (of a constant data set: x - mean); unit: U8 / 255, F32 as it
 * is; raw: as it is. Both numbers are finite. */
struct scaling dataset_scaling(const struct dataset *dataset, enum input_scaling inputs);

#endif
