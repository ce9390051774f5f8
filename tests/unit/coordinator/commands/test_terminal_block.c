/*
 * test_terminal_block.c: what the block writes, read by a small terminal: nothing of an earlier
 * block stays, and nothing of others goes, also when the terminal changes its width, and breaks and
 * joins rows as most do.
 */
#include "coordinator/commands/terminal_block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SCREEN_ROWS = 64, SCREEN_COLUMNS = 128 };

struct screen {
    struct terminal_size size;
    char cells[SCREEN_ROWS][SCREEN_COLUMNS + 1];
    bool joined[SCREEN_ROWS]; /* goes on in the next row */
    uint32_t row, column;
};

static void new_line(struct screen *screen)
{
    screen->row++;
    screen->column = 0;
    assert_true(screen->row < SCREEN_ROWS);
}

static void print_character(struct screen *screen, char c)
{
    if (screen->column == screen->size.columns) {
        screen->joined[screen->row] = true;
        new_line(screen);
    }
    char *row = screen->cells[screen->row];
    for (size_t i = strlen(row); i < screen->column; i++) {
        row[i] = ' ';
        row[i + 1] = '\0';
    }
    if (row[screen->column] == '\0')
        row[screen->column + 1] = '\0';
    row[screen->column++] = c;
}

/* One control sequence; returns what is behind it. */
static const char *obey(struct screen *screen, const char *text)
{
    char *end;
    unsigned long count = strtoul(text, &end, 10);
    if (end == text)
        count = 1;
    switch (*end) {
    case 'A':
        screen->row -= count < screen->row ? (uint32_t)count : screen->row;
        break;
    case 'B':
        screen->row += (uint32_t)count;
        assert_true(screen->row < SCREEN_ROWS);
        break;
    case 'K':
        if (screen->column < strlen(screen->cells[screen->row]))
            screen->cells[screen->row][screen->column] = '\0';
        screen->joined[screen->row] = false;
        break;
    case 'm':
        break;
    default:
        fail_msg("the control '%c' is unknown", *end);
    }
    return end + 1;
}

static void show(struct screen *screen, const char *text)
{
    while (*text != '\0') {
        char c = *text++;
        if (c == '\033') {
            assert_true(*text == '[');
            text = obey(screen, text + 1);
        } else if (c == '\r') {
            screen->column = 0;
        } else if (c == '\n') {
            new_line(screen);
        } else {
            print_character(screen, c);
        }
    }
}

/* Breaks and joins rows; the cursor stays below what it stood below. */
static void resize(struct screen *screen, uint32_t columns)
{
    struct screen *old = malloc(sizeof *old);
    assert_non_null(old);
    *old = *screen;
    *screen = (struct screen){.size = {.columns = columns, .rows = old->size.rows}};
    for (uint32_t i = 0; i < old->row; i++) {
        for (const char *c = old->cells[i]; *c != '\0'; c++)
            print_character(screen, *c);
        if (!old->joined[i])
            new_line(screen);
    }
    free(old);
}

/* ------------------------------------------------------------------------------------ the block */

struct terminal {
    struct screen screen;
    struct terminal_block block;
};

static struct terminal *new_terminal(uint32_t columns)
{
    struct terminal *terminal = calloc(1, sizeof *terminal);
    assert_non_null(terminal);
    terminal->screen.size = (struct terminal_size){.columns = columns, .rows = 24};
    return terminal;
}

/* Rows as long as the width allows, of the letter. What was written for it is the caller's. */
static char *write_block(struct terminal *terminal, char letter, uint32_t row_count)
{
    struct block_row rows[BLOCK_ROWS_MAX] = {0};
    for (uint32_t i = 0; i < row_count; i++) {
        rows[i].columns = terminal->screen.size.columns - 1 - 3 * i;
        memset(rows[i].text, letter, rows[i].columns);
    }
    char *text;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);
    assert_non_null(stream);
    terminal_block_draw(&terminal->block, rows, row_count, terminal->screen.size, stream);
    fclose(stream);
    return text;
}

static void draw(struct terminal *terminal, char letter, uint32_t row_count)
{
    char *text = write_block(terminal, letter, row_count);
    show(&terminal->screen, text);
    free(text);
}

static void erase(struct terminal *terminal)
{
    char *text;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);
    assert_non_null(stream);
    terminal_block_erase(&terminal->block, terminal->screen.size, stream);
    fclose(stream);
    show(&terminal->screen, text);
    free(text);
}

/* The first letters of all rows that are not empty, and the cursor at the start of a row. */
static void expect(const struct terminal *terminal, const char *letters)
{
    char seen[SCREEN_ROWS + 1] = "";
    size_t count = 0;
    for (uint32_t i = 0; i < SCREEN_ROWS; i++)
        if (terminal->screen.cells[i][0] != '\0')
            seen[count++] = terminal->screen.cells[i][0];
    seen[count] = '\0';
    assert_string_equal(seen, letters);
    assert_int_equal(terminal->screen.column, 0);
    assert_int_equal(terminal->screen.row, count);
}

static void test_rows_are_rewritten(void **state)
{
    (void)state;
    struct terminal *terminal = new_terminal(80);
    show(&terminal->screen, "note\n");
    draw(terminal, 'a', 3);
    expect(terminal, "naaa");
    draw(terminal, 'b', 3);
    expect(terminal, "nbbb");
    draw(terminal, 'c', 2);
    expect(terminal, "ncc");
    draw(terminal, 'd', 3);
    expect(terminal, "nddd");
    free(terminal);
}

/* Erasing goes down row by row; what is written over needs none of it, and would flicker. */
static void test_nothing_is_erased_without_need(void **state)
{
    (void)state;
    struct terminal *terminal = new_terminal(80);
    draw(terminal, 'a', 3);
    char *same = write_block(terminal, 'b', 3);
    assert_null(strstr(same, "\033[B"));
    free(same);
    terminal->screen.size.columns = 79;
    char *narrower = write_block(terminal, 'c', 3);
    assert_non_null(strstr(narrower, "\033[B"));
    free(narrower);
    free(terminal);
}

static void test_notes_go_above(void **state)
{
    (void)state;
    struct terminal *terminal = new_terminal(80);
    draw(terminal, 'a', 3);
    erase(terminal);
    expect(terminal, "");
    erase(terminal);
    show(&terminal->screen, "note\n");
    draw(terminal, 'b', 3);
    expect(terminal, "nbbb");
    free(terminal);
}

static void test_what_is_typed_goes(void **state)
{
    (void)state;
    struct terminal *terminal = new_terminal(80);
    show(&terminal->screen, "note\n");
    draw(terminal, 'a', 3);
    show(&terminal->screen, "^C");
    erase(terminal);
    expect(terminal, "n");
    free(terminal);
}

static void test_any_change_of_width(void **state)
{
    (void)state;
    for (uint32_t before = 10; before <= 120; before += 7) {
        for (uint32_t after = 10; after <= 120; after += 3) {
            struct terminal *terminal = new_terminal(before);
            show(&terminal->screen, "note\n");
            draw(terminal, 'a', 3);
            resize(&terminal->screen, after);
            draw(terminal, 'b', 3);
            expect(terminal, "nbbb");
            resize(&terminal->screen, before);
            erase(terminal);
            expect(terminal, "n");
            free(terminal);
        }
    }
}

static void test_low_terminal(void **state)
{
    (void)state;
    struct terminal *terminal = new_terminal(80);
    terminal->screen.size.rows = 3;
    draw(terminal, 'a', 3);
    expect(terminal, "aa");
    terminal->screen.size.rows = 1;
    draw(terminal, 'b', 3);
    expect(terminal, "");
    terminal->screen.size.rows = 24;
    draw(terminal, 'c', 3);
    expect(terminal, "ccc");
    free(terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_rewritten),
        cmocka_unit_test(test_nothing_is_erased_without_need),
        cmocka_unit_test(test_notes_go_above),
        cmocka_unit_test(test_what_is_typed_goes),
        cmocka_unit_test(test_any_change_of_width),
        cmocka_unit_test(test_low_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
