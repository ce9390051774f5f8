/*
 * kernel_cases.h: what the tests of the kernels share: all tables of this CPU, numbers that show
 * mistakes, and comparison bit by bit.
 */
#ifndef RATCHET_TESTS_UNIT_WORKER_ENGINE_KERNEL_CASES_H
#define RATCHET_TESTS_UNIT_WORKER_ENGINE_KERNEL_CASES_H

#include "worker/engine/kernels.h"

#include <stddef.h>
#include <stdint.h>

enum { TABLES_MAX = 3 };

/* The tables that this CPU can run, plain first; their number. */
int cases_tables(const struct kernels *tables[TABLES_MAX]);

/* A group's set-up: from now on denormals count as zero, as they do while an engine computes. */
int cases_flush_denormals(void **state);

/* Ordinary numbers, deterministic: about uniform in -2 .. 2. */
void cases_fill(float *values, size_t count, uint32_t seed);
/* As above, with NaN, infinities, denormals, zeroes of both signs and huge numbers in between. */
void cases_fill_with_special(float *values, size_t count, uint32_t seed);
/* What arithmetic would have left of them: no denormals once those are flushed. */
void cases_settle(float *values, size_t count);
void cases_fill_with_nan(float *values, size_t count);

/* 64-byte aligned, to be given to free(). */
float *cases_floats(size_t count);
/* A multiple of KERNEL_LANES, at least n. */
uint32_t cases_stride(uint32_t n);

/* Where an element of a matrix in panels lies: kernels.h, word for word. */
struct cases_place {
    uint32_t rows, columns; /* of the matrix */
    uint32_t row, column;
};
size_t cases_panel_place(struct cases_place place);

/* True when both have the same bits, or both are NaN. */
int cases_same(float a, float b);
/* Fails the test, naming `what`, the place and both values, at the first that are not the same. */
void cases_assert_same(const float *got, const float *expected, size_t count, const char *what);

#endif
