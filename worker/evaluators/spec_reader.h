/*
 * spec_reader.h: an evaluator's settings out of a spec's `key = value` lines.
 *
 * The spec belongs to the whole experiment, so keys of other evaluators are passed over; but a key
 * that begins like one of ours and is none, a value out of range or one that is given twice is an
 * error that names the line. Every evaluator describes its keys with a table and reads through
 * here.
 */
#ifndef RATCHET_WORKER_EVALUATORS_SPEC_READER_H
#define RATCHET_WORKER_EVALUATORS_SPEC_READER_H

#include "common/param.h"

#include <stdbool.h>

enum { SPEC_LINE_BYTES_MAX = 512 };

/* A key whose value is text. */
struct spec_text {
    const char *key;
    char *text; /* "" when the key is not there */
    size_t size;
};

struct spec_table {
    const char *evaluator;       /* what the line `evaluator = NAME` must say */
    const char *const *prefixes; /* "train.": what our keys begin with; ends with NULL */
    const struct param *rows;    /* named by the whole key */
    uint32_t row_count;          /* at most 64 */
    double *values;              /* [row_count], out: the fallback where a key is not there */
    const struct spec_text *texts;
    uint32_t text_count; /* at most 64 */
};

/* 0, or -1 with the line's number and the reason. */
int spec_read(const char *spec, const struct spec_table *table, struct error *error)
    __attribute__((warn_unused_result));

#endif
