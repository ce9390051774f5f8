/*
 * clean_text.h: a text from a ledger or a message as it may reach a terminal.
 *
 * An archived run or a coordinator elsewhere is a stranger's: what its texts say is shown, and
 * nothing in them moves the cursor, changes colours or turns the direction of writing.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_CLEAN_TEXT_H
#define RATCHET_COORDINATOR_COMMANDS_CLEAN_TEXT_H

#include <stddef.h>

/* UTF-8 stays; each control character and each byte that is no UTF-8 becomes '?'. Cut at `size`,
 * never within a character. */
void clean_text(const char *text, char *clean, size_t size);

/* A row of a page for people, on stdout: the title in `width` columns, then the text, cleaned. */
enum { CLEAN_ROW_BYTES_MAX = 4096 };
struct clean_row {
    int width;
    const char *title;
};
void print_clean(struct clean_row row, const char *text);

#endif
