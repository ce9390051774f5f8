/*
 * ledger_sqlite_bind.h: values bound to a statement, and their checksums. Private to the ledger.
 *
 * Texts and blobs are borrowed until the statement was stepped, unless their function says
 * otherwise. Columns count from 0.
 */
#ifndef RATCHET_COORDINATOR_SHELL_LEDGER_SQLITE_BIND_H
#define RATCHET_COORDINATOR_SHELL_LEDGER_SQLITE_BIND_H

#include "coordinator/shell/ledger_sqlite.h"

/* Binds the parameters of one statement; `code` keeps the first failure. */
struct binder {
    sqlite3_stmt *statement;
    int code;
    struct bound_columns *bound;    /* what was bound before; NULL: it is not known */
    uint64_t cells[COMMIT_COLUMNS]; /* the sums of the columns, for the row's */
};

uint64_t column_bit(int column);

void bind_null(struct binder *binder, int column);
/* All 64 bits are kept: the largest come out as negative numbers. */
void bind_u64(struct binder *binder, int column, uint64_t value);
/* NaN becomes NULL. */
void bind_real(struct binder *binder, int column, double value);
/* NULL stays NULL. */
void bind_text(struct binder *binder, int column, const char *text);
/* No bytes become NULL. */
void bind_blob(struct binder *binder, int column, const void *bytes, uint32_t count);
void bind_empty_blob(struct binder *binder, int column);
void bind_digest(struct binder *binder, int column, const struct digest *digest);
/* Zeros, which stand for none, become NULL. */
void bind_digest_or_null(struct binder *binder, int column, const struct digest *digest);
/* For what is likely to be bound again, and again: a copy is bound. The text is shorter than
 * NAME_BYTES_MAX. */
void bind_usual_text(struct binder *binder, int column, const char *text);
void bind_usual_digest(struct binder *binder, int column, const struct digest *digest);
/* The last column: the sum of those before it. */
void bind_sum(struct binder *binder, int column);

#endif
