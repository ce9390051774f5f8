/*
 * figure_script.h: a text that grows: the script of one figure.
 *
 * gnuplot runs what it reads, so what comes from a ledger enters a script in two ways only: as a
 * number (script_value, or the integer formats of script_add), or as a label (script_label), whose
 * quotes gnuplot does not look into. Formats and their text arguments are our own constants.
 *
 * Memory that runs out is remembered: whoever builds a script need not ask before the end.
 */
#ifndef RATCHET_COORDINATOR_REPORT_FIGURE_SCRIPT_H
#define RATCHET_COORDINATOR_REPORT_FIGURE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCRIPT_LABEL_COLUMNS = 40, SCRIPT_BYTES_MAX = 32 << 20 };

struct script {
    char *text; /* NULL until something is in it */
    size_t bytes, room;
    bool failed; /* out of memory, or longer than SCRIPT_BYTES_MAX: of no use */
};

void script_add(struct script *script, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A blank and the number with nine digits. */
void script_value(struct script *script, double value);
/*
 * The text between single quotes, at most SCRIPT_LABEL_COLUMNS characters of it; what is cut ends
 * in an ellipsis. Whatever is not printable UTF-8 becomes a question mark; a quote and
 * a greater-than sign become characters that look alike.
 * Use it where labels are `noenhanced`.
 */
void script_label(struct script *script, const char *text);
void script_free(struct script *script);

#endif
