/*
 * gnuplot.h: gnuplot as a child process: a script goes in, an SVG comes out.
 *
 * Knows no figure. The script goes through a socket and never through a file or a shell, the SVG
 * comes back through a pipe, complaints through another. gnuplot runs scripts as a shell would:
 * whoever writes one answers for what is in it (figure_script.h). The child reads no settings of
 * the user's, does not outlive us, and is killed when it takes too long, says too much, or a signal
 * that would stop us is waiting.
 */
#ifndef RATCHET_COORDINATOR_REPORT_GNUPLOT_H
#define RATCHET_COORDINATOR_REPORT_GNUPLOT_H

#include "common/os_file.h"

enum { GNUPLOT_SVG_BYTES_MAX = 16 << 20 };

struct gnuplot {
    char program[OS_PATH_BYTES_MAX];
    uint32_t limit_ms;   /* for one figure */
    uint32_t version[2]; /* 5, 4 */
};

/*
 * The first `gnuplot` in $PATH that is a program, asked for its version. 0; 1 when there is none or
 * it is too old, with a sentence that says what to install; -1 when it does not answer.
 */
int gnuplot_find(struct gnuplot *gnuplot, struct error *error) __attribute__((warn_unused_result));

struct gnuplot_script {
    const char *text;
    size_t bytes;
};

/* *svg is the caller's to free, and has a NUL after its *bytes. 0, or -1 with what gnuplot said. */
int gnuplot_draw(const struct gnuplot *gnuplot, struct gnuplot_script script, char **svg,
                 size_t *bytes, struct error *error) __attribute__((warn_unused_result));

#endif
