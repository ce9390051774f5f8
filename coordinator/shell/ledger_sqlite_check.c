/*
 * ledger_sqlite_check.c: see ledger_sqlite.h. What tells a damaged ledger: the checksum that ends
 * every row, and SQLite's own check of pages and indexes.
 *
 * SQLite notices a page that is no page, but not a byte that changed inside a value. The chain of
 * digests covers what decides the search; the sum covers the rest as well: who computed a job, its
 * parents' numbers, its damage, the facts. It finds what disks, cables and careless edits do. It is
 * no protection from somebody who wants to deceive: he can compute it, too.
 *
 * The sum is over the row's other columns in their order, each with its type and length.
 */
#include "coordinator/shell/ledger_sqlite.h"

#include <assert.h>
#include <string.h>

/* --------------------------------------------------------------------------------------- sums */

/* One to one in `word`: whatever changes in a single word changes the sum. */
static uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 29;
}

static uint64_t mix_bytes(uint64_t sum, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i += 8) {
        uint64_t word = 0;
        for (size_t k = 0; k < 8 && i + k < count; k++)
            word |= (uint64_t)bytes[i + k] << (8 * k);
        sum = mix(sum, word);
    }
    return sum;
}

uint64_t cell_sum_null(void)
{
    return mix(0, SQLITE_NULL);
}

uint64_t cell_sum_whole(uint64_t value)
{
    return mix(mix(0, SQLITE_INTEGER), value);
}

uint64_t cell_sum_real(double value)
{
    /* What SQLite makes of them: NULL, and a zero without a sign. */
    if (value != value)
        return cell_sum_null();
    uint64_t bits = 0;
    if (value != 0)
        memcpy(&bits, &value, sizeof bits);
    return mix(mix(0, SQLITE_FLOAT), bits);
}

uint64_t cell_sum_text(const char *text)
{
    if (text == NULL)
        return cell_sum_null();
    size_t count = strlen(text);
    return mix_bytes(mix(mix(0, SQLITE_TEXT), count), (const uint8_t *)text, count);
}

uint64_t cell_sum_blob(const void *bytes, size_t count)
{
    return mix_bytes(mix(mix(0, SQLITE_BLOB), count), bytes, count);
}

/* Of a cell as it was read. A text that cannot be had has no sum, which no row has either. */
static uint64_t cell_sum(sqlite3_stmt *statement, int column)
{
    const void *bytes;
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        return cell_sum_whole((uint64_t)sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
        return cell_sum_real(sqlite3_column_double(statement, column));
    case SQLITE_TEXT:
        bytes = sqlite3_column_text(statement, column);
        return bytes == NULL ? 0
                             : mix_bytes(mix(mix(0, SQLITE_TEXT),
                                             (uint64_t)sqlite3_column_bytes(statement, column)),
                                         bytes, (size_t)sqlite3_column_bytes(statement, column));
    case SQLITE_BLOB:
        bytes = sqlite3_column_blob(statement, column);
        return cell_sum_blob(bytes, (size_t)sqlite3_column_bytes(statement, column));
    default:
        return cell_sum_null();
    }
}

uint64_t cells_sum(const uint64_t *cells, int count)
{
    uint64_t sum = 0;
    for (int i = 0; i < count; i++)
        sum = mix(sum, cells[i]);
    return sum;
}

void row_check_sum(struct row *row, int columns)
{
    uint64_t cells[COMMIT_COLUMNS];
    assert(columns > 0 && columns <= COMMIT_COLUMNS);
    if (row->damaged)
        return;
    int last = columns - 1;
    for (int i = 0; i < last; i++)
        cells[i] = cell_sum(row->statement, i);
    if (sqlite3_column_type(row->statement, last) != SQLITE_INTEGER ||
        (uint64_t)sqlite3_column_int64(row->statement, last) != cells_sum(cells, last))
        row_report(row, last, "the row was damaged or changed since it was written");
}

/* -------------------------------------------------------------------------------------- checks */

enum ledger_result ledger_check_pages(struct ledger *ledger, struct error *error)
{
    sqlite3_stmt *statement = ledger->statements[STATEMENT_CHECK_PAGES];
    enum ledger_result result = LEDGER_OK;
    if (ledger->is_checked)
        return result;
    if (sqlite3_step(statement) != SQLITE_ROW) {
        result = ledger_explain(ledger, "cannot be read", error);
    } else {
        const char *said = (const char *)sqlite3_column_text(statement, 0);
        ledger->is_checked = said != NULL && strcmp(said, "ok") == 0;
        /* A title may come first, in a line of its own. */
        if (said != NULL && strncmp(said, "***", 3) == 0 && strchr(said, '\n') != NULL)
            said = strchr(said, '\n') + 1;
        int bytes = said == NULL ? 0 : (int)strcspn(said, "\n");
        if (!ledger->is_checked)
            result = ledger_fail(error, LEDGER_FAILED, "%s: is damaged: %.*s", ledger->path, bytes,
                                 said == NULL ? "" : said);
    }
    ledger_reset(ledger, STATEMENT_CHECK_PAGES);
    return result;
}

static enum ledger_result check_small_table(struct ledger *ledger, enum ledger_statement statement,
                                            struct error *error)
{
    sqlite3_stmt *prepared = ledger->statements[statement];
    struct row row = {
        .path = ledger->path, .statement = prepared, .number = ROW_UNNUMBERED, .error = error};
    int code = SQLITE_DONE;
    while (!row.damaged && (code = sqlite3_step(prepared)) == SQLITE_ROW) {
        row.kind = statement == STATEMENT_CHECK_META ? "meta" : "facts";
        const char *name = row_borrow_text(&row, 0);
        row.kind = name != NULL ? name : row.kind;
        row_check_sum(&row, 3);
    }
    enum ledger_result result = row.damaged ? LEDGER_FAILED : LEDGER_OK;
    if (!row.damaged && code != SQLITE_DONE)
        result = ledger_explain(ledger, "cannot be read", error);
    ledger_reset(ledger, statement);
    return result;
}

enum ledger_result ledger_check_meta(struct ledger *ledger, struct error *error)
{
    return check_small_table(ledger, STATEMENT_CHECK_META, error);
}

enum ledger_result ledger_check_facts(struct ledger *ledger, struct error *error)
{
    return check_small_table(ledger, STATEMENT_CHECK_FACTS, error);
}
