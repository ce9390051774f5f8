/* table.c: see table.h. */
#include "coordinator/commands/table.h"

#include "coordinator/commands/clean_text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct table {
    const char *const *titles;
    uint32_t columns;
    int width[TABLE_COLUMNS_MAX];
    char **cells;
    size_t count, capacity;
};

static const char *title_of(const struct table *table, uint32_t column)
{
    const char *title = table->titles[column];
    return title[0] == '>' ? title + 1 : title;
}

struct table *table_create(const char *const *titles)
{
    struct table *table = calloc(1, sizeof *table);
    assert(table != NULL);
    table->titles = titles;
    while (titles[table->columns] != NULL) {
        assert(table->columns < TABLE_COLUMNS_MAX);
        table->width[table->columns] = (int)strlen(title_of(table, table->columns));
        table->columns++;
    }
    return table;
}

void table_destroy(struct table **table)
{
    for (size_t i = 0; i < (*table)->count; i++)
        free((*table)->cells[i]);
    free((*table)->cells);
    free(*table);
    *table = NULL;
}

void table_add(struct table *table, const char *format, ...)
{
    char raw[TABLE_CELL_BYTES_MAX], text[TABLE_CELL_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    clean_text(raw, text, sizeof text);
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 256 : 2 * table->capacity;
        table->cells = realloc(table->cells, table->capacity * sizeof *table->cells);
        assert(table->cells != NULL);
    }
    int *width = &table->width[table->count % table->columns];
    if ((int)strlen(text) > *width)
        *width = (int)strlen(text);
    char *copy = strdup(text);
    assert(copy != NULL);
    table->cells[table->count++] = copy;
}

uint32_t table_rows(const struct table *table)
{
    return (uint32_t)(table->count / table->columns);
}

/* `cells` is one row. */
static void print_row(const struct table *table, const char *const *cells)
{
    int owed = 0; /* blanks that are only printed when something follows */
    for (uint32_t i = 0; i < table->columns; i++) {
        int padding = table->width[i] - (int)strlen(cells[i]);
        bool right = table->titles[i][0] == '>';
        if (right)
            owed += padding;
        if (cells[i][0] != '\0') {
            printf("%*s%s", owed, "", cells[i]);
            owed = 0;
        }
        if (!right)
            owed += padding;
        owed += 2;
    }
    printf("\n");
}

void table_print(const struct table *table)
{
    const char *titles[TABLE_COLUMNS_MAX];
    for (uint32_t i = 0; i < table->columns; i++)
        titles[i] = title_of(table, i);
    print_row(table, titles);
    for (size_t i = 0; i + table->columns <= table->count; i += table->columns)
        print_row(table, (const char *const *)&table->cells[i]);
}
