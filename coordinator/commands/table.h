/*
 * table.h: columns for people: text lines up, numbers to the right.
 *
 * Rows are collected, then printed once the widest cell of each column is known. Cells are copied,
 * and cleaned (clean_text.h): they come from ledgers and machines of strangers.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_TABLE_H
#define RATCHET_COORDINATOR_COMMANDS_TABLE_H

#include <stdint.h>

enum { TABLE_COLUMNS_MAX = 12, TABLE_CELL_BYTES_MAX = 128 };

struct table;

/* Titles end with NULL; one that begins with '>' is of numbers and stands to the right. */
struct table *table_create(const char *const *titles);
void table_destroy(struct table **table);

/* Fills the row's next cell; the one after the last column's begins a new row. */
void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint32_t table_rows(const struct table *table);
/* On stdout, nothing behind the last visible letter of a line. */
void table_print(const struct table *table);

#endif
