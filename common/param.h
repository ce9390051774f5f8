/*
 * param.h: one parameter of a strategy, an operator or a settings table.
 *
 * The same row checks the value, writes the error with the allowed range, and prints the line of
 * help, so the three cannot disagree. Values are doubles; a whole-number parameter is refused
 * unless it is whole; a choice is stored as the index of its word.
 */
#ifndef RATCHET_COMMON_PARAM_H
#define RATCHET_COMMON_PARAM_H

#include "common/error.h"

#include <stddef.h>
#include <stdint.h>

enum param_kind {
    PARAM_REAL = 1,
    PARAM_WHOLE = 2,
    PARAM_CHOICE = 3,
};

struct param {
    const char *name;
    enum param_kind kind;
    double least, most;  /* inclusive; unused for a choice */
    double fallback;     /* the value when none is given */
    const char *choices; /* "parent|worst|oldest" */
    const char *help;    /* one line, with the unit */
};

/* Parses `text` against `param`. 0, or -1 with what is allowed in *error. */
int param_parse(const struct param *param, const char *text, double *value, struct error *error)
    __attribute__((warn_unused_result));

/*
 * Writes the value as text that param_parse takes back to the same bits: the word of a choice, a
 * whole number without a point, a real in the shortest of %.15g, %.16g, %.17g that round-trips.
 */
void param_format(const struct param *param, double value, char *text, size_t size);

/* "0 .. 1", "1 .. 4096 (whole)", "parent|worst|oldest": for errors and help. */
void param_range(const struct param *param, char *text, size_t size);

/* Index of the row called `name`, or -1. */
int param_find(const struct param *params, uint32_t count, const char *name);

/*
 * A stranger's text as it may stand in an error: bytes that are not printable ASCII become '?', and
 * what does not fit ends in "...". `size` is at least 5.
 */
void param_quote(const char *text, char *quoted, size_t size);

#endif
