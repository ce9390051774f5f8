/*
 * progress_text.h: how a run stands, in words: one line, or the rows of a terminal's block.
 *
 * Text only: who prints it, where and how often, is progress_output.h's.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_PROGRESS_TEXT_H
#define RATCHET_COORDINATOR_COMMANDS_PROGRESS_TEXT_H

#include "coordinator/shell/shell.h"

/* "0:07", "3:12:05", "-" when it is not known. */
enum { DURATION_BYTES_MAX = 32 };
void format_duration(double seconds, char text[DURATION_BYTES_MAX]);

/* "12/200 jobs  6 %  45.2/s  0:12 left  best ... median ...  1 worker, 2 slots": cut at `size`. */
void format_progress(const struct shell_view *view, char *text, size_t size);
/* "psa.output 26 %  none 9.1 %": all of them, in the experiment's order; "-" where no child was
 * compared with its parent yet; "" without operators. Cut at `size`. */
void format_operators(const struct shell_view *view, char *text, size_t size);

/* "26 %", "0.42 %", "-": the share of the children that were compared. */
enum { SUCCESS_BYTES_MAX = 32 };
void format_success(const struct shell_operator *shown, char text[SUCCESS_BYTES_MAX]);

/* A row as it is printed, attributes included, and the columns that it takes. */
enum { BLOCK_ROWS_MAX = 3, BLOCK_COLUMNS_MAX = 300, BLOCK_ROW_BYTES_MAX = 1024 };
struct block_row {
    char text[BLOCK_ROW_BYTES_MAX];
    uint32_t columns;
};

enum block_attributes { BLOCK_PLAIN = 1, BLOCK_ATTRIBUTES = 2 /* bold and dim */ };

/*
 * The rows for a terminal so many columns wide, none of them wider than columns - 1 or
 * BLOCK_COLUMNS_MAX:
 *
 *   [=====>              ]  312/1001 jobs  31 %  25.2/s  0:28 left
 *   best 0.6534 (0/312)  median 0.612  1 worker, 2 slots
 *   improved  psa.output 26 %  psa.hidden 11 %  none 9.1 %
 *
 * What has no room is left out, the bar first, then from the right. Of the operators those stay
 * that were tried most, in the experiment's order, so that none changes its place all the time;
 * "+2" counts the others. Returns how many rows there are.
 */
uint32_t format_block(const struct shell_view *view, uint32_t columns,
                      enum block_attributes attributes, struct block_row rows[BLOCK_ROWS_MAX]);

/* "340 bytes", "1.2 KiB", "64.0 MiB" */
enum { SIZE_BYTES_MAX = 32 };
void format_size(uint64_t bytes, char text[SIZE_BYTES_MAX]);

#endif
