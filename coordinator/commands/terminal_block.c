/*
 * terminal_block.c: see terminal_block.h. Four controls that every terminal of the last forty years
 * knows: carriage return, up (CSI A), down (CSI B) and erase to the end of the row (CSI K).
 */
#include "coordinator/commands/terminal_block.h"

/* Rows of a terminal that is now so wide: those that became too long were broken. */
static uint32_t rows_taken(const struct terminal_block *block, uint32_t columns)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < block->row_count; i++) {
        uint32_t length = block->row_columns[i];
        taken += length > columns ? (length + columns - 1) / columns : 1;
    }
    return taken;
}

static void go_up(uint32_t rows, FILE *stream)
{
    fputs("\r", stream);
    if (rows > 0)
        fprintf(stream, "\033[%uA", rows);
}

/*
 * Row by row. Erasing "to the end of the screen" in one go would be taken for a clear screen where
 * the block begins at the top: tmux then keeps what was there among the rows scrolled away.
 */
static void erase_rows(uint32_t rows, FILE *stream)
{
    go_up(rows, stream);
    for (uint32_t i = 0; i < rows; i++)
        fputs("\033[K\033[B", stream);
    fputs("\033[K", stream); /* what was typed meanwhile: ^C */
    go_up(rows, stream);
}

void terminal_block_draw(struct terminal_block *block, const struct block_row *rows,
                         uint32_t row_count, struct terminal_size size, FILE *stream)
{
    if (row_count + 1 > size.rows) /* with the cursor's */
        row_count = size.rows > 1 ? size.rows - 1 : 0;
    /* Otherwise nothing is erased that comes again at once: it would flicker. */
    if (block->columns != size.columns || row_count < block->row_count)
        terminal_block_erase(block, size, stream);
    go_up(block->row_count, stream);
    for (uint32_t i = 0; i < row_count; i++) {
        fprintf(stream, "%s\033[K\n", rows[i].text);
        block->row_columns[i] = rows[i].columns;
    }
    block->row_count = row_count;
    block->columns = size.columns;
}

void terminal_block_erase(struct terminal_block *block, struct terminal_size size, FILE *stream)
{
    if (block->row_count > 0)
        erase_rows(rows_taken(block, size.columns), stream);
    block->row_count = 0;
}
