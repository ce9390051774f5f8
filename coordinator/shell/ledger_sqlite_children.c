/*
 * ledger_sqlite_children.c: see ledger.h. The children that a run admitted, and no more of each
 * commit than it takes to look for its file: a restart asks for all of them while nobody is served.
 */
#include "coordinator/shell/ledger_sqlite.h"

enum child_column { CHILD_SEQUENCE, CHILD_LINE, CHILD_JOB, CHILD_DIGEST, CHILD_BYTES };

static enum ledger_result read_child(struct ledger *ledger, struct ledger_child *child,
                                     struct error *error)
{
    sqlite3_stmt *prepared = ledger->statements[STATEMENT_READ_CHILDREN];
    struct row row = {.path = ledger->path,
                      .statement = prepared,
                      .kind = "commit",
                      .number = (uint64_t)sqlite3_column_int64(prepared, CHILD_SEQUENCE),
                      .error = error};
    child->job.line = (uint32_t)row_at_most(&row, CHILD_LINE, UINT32_MAX);
    child->job.job = row_at_most(&row, CHILD_JOB, JOB_NUMBER_FINAL);
    row_bytes_exactly(&row, CHILD_DIGEST, child->digest.bytes, DIGEST_BYTES);
    child->bytes = row_at_most(&row, CHILD_BYTES, UINT64_MAX);
    return row.damaged ? LEDGER_FAILED : LEDGER_OK;
}

enum ledger_result ledger_each_child(struct ledger *ledger, const struct ledger_children *children,
                                     struct error *error)
{
    sqlite3_stmt *prepared = ledger->statements[STATEMENT_READ_CHILDREN];
    enum ledger_result result = LEDGER_OK;
    struct ledger_child child;
    int code = SQLITE_ROW;
    while (result == LEDGER_OK && (code = sqlite3_step(prepared)) == SQLITE_ROW) {
        result = read_child(ledger, &child, error);
        if (result == LEDGER_OK && children->take(children->context, &child, error) != 0)
            result = LEDGER_FAILED;
    }
    if (result == LEDGER_OK && code != SQLITE_DONE)
        result = ledger_explain(ledger, "cannot be read", error);
    ledger_reset(ledger, STATEMENT_READ_CHILDREN);
    return result;
}
