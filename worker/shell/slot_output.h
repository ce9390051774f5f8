/*
 * slot_output.h: what a slot process prints: passed on line by line, and its end kept.
 *
 * The last bytes tell why a slot died; they go with its death to the coordinator. Pure but for the
 * log.
 */
#ifndef RATCHET_WORKER_SHELL_SLOT_OUTPUT_H
#define RATCHET_WORKER_SHELL_SLOT_OUTPUT_H

#include "common/limits.h"
#include "worker/shell/log.h"

#include <stddef.h>

enum { SLOT_LINE_BYTES_MAX = 512 };

struct slot_output {
    char tail[LOG_TAIL_BYTES_MAX]; /* text: always ends in NUL */
    size_t tail_bytes;
    char line[SLOT_LINE_BYTES_MAX]; /* begun, not ended */
    size_t line_bytes;
};

void slot_output_init(struct slot_output *output);

struct slot_output_piece {
    uint32_t slot;
    const char *bytes;
    size_t count;
};

/* Keeps the end and logs every line that is complete; longer lines than SLOT_LINE_BYTES_MAX are cut
 * up. */
void slot_output_add(struct slot_output *output, const struct slot_output_piece *piece,
                     struct log *log);
/* Logs a line that was begun and will not be ended. */
void slot_output_end(struct slot_output *output, uint32_t slot, struct log *log);

#endif
