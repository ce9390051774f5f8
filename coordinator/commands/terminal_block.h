/*
 * terminal_block.h: a few rows at the bottom of a terminal that are rewritten in place.
 *
 * The cursor rests at the start of the row below the block: what somebody else prints there starts
 * on a row of its own. Whoever prints on purpose erases the block first; the next drawing puts it
 * below. The terminal may have changed its size in between; most of them then break rows that have
 * become too long, and their cursor goes down with what it stood below.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_TERMINAL_BLOCK_H
#define RATCHET_COORDINATOR_COMMANDS_TERMINAL_BLOCK_H

#include "coordinator/commands/progress_text.h"

#include <stdio.h>

struct terminal_size {
    uint32_t columns, rows;
};

/* What stands on the terminal; zeroes: nothing. */
struct terminal_block {
    uint32_t row_count, row_columns[BLOCK_ROWS_MAX];
    uint32_t columns; /* of the terminal when it was drawn */
};

/* Puts `rows` in place of what is there; the last ones are left out when the terminal is not as
 * high. Does not flush. */
void terminal_block_draw(struct terminal_block *block, const struct block_row *rows,
                         uint32_t row_count, struct terminal_size size, FILE *stream);
/* Leaves the cursor where the block began, and nothing below. Does not flush. */
void terminal_block_erase(struct terminal_block *block, struct terminal_size size, FILE *stream);

#endif
