/* ledger_sqlite_bind.c: see ledger_sqlite_bind.h. */
#include "coordinator/shell/ledger_sqlite_bind.h"

#include <assert.h>
#include <string.h>

_Static_assert(COMMIT_COLUMNS <= 64, "a bit for each column");
_Static_assert((int)DIGEST_BYTES <= (int)NAME_BYTES_MAX, "a digest fits where a name does");

uint64_t column_bit(int column)
{
    return UINT64_C(1) << column;
}

/* A failure leaves it open what is bound: nothing is known from then on. */
static void keep_first(struct binder *binder, int code)
{
    if (binder->code == SQLITE_OK)
        binder->code = code;
    if (code != SQLITE_OK && binder->bound != NULL) {
        binder->bound->known = 0;
        binder->bound->filled = UINT64_MAX;
    }
}

/* To be called before anything but NULL is bound. */
static void note_filled(struct binder *binder, int column)
{
    if (binder->bound == NULL)
        return;
    binder->bound->filled |= column_bit(column);
    binder->bound->known &= ~column_bit(column);
}

static bool is_known(const struct binder *binder, int column)
{
    return binder->bound != NULL && (binder->bound->known & column_bit(column)) != 0;
}

/* The column is bound to what `bound` keeps of it. */
static void note_known(struct binder *binder, int column)
{
    if (binder->bound == NULL || binder->code != SQLITE_OK)
        return;
    binder->bound->known |= column_bit(column);
    binder->bound->cells[column] = binder->cells[column];
}

void bind_null(struct binder *binder, int column)
{
    binder->cells[column] = cell_sum_null();
    if (binder->bound != NULL && (binder->bound->filled & column_bit(column)) == 0)
        return;
    int code = sqlite3_bind_null(binder->statement, column + 1);
    if (binder->bound != NULL && code == SQLITE_OK) {
        binder->bound->filled &= ~column_bit(column);
        binder->bound->known &= ~column_bit(column);
    }
    keep_first(binder, code);
}

void bind_u64(struct binder *binder, int column, uint64_t value)
{
    if (is_known(binder, column) && binder->bound->whole[column] == value) {
        binder->cells[column] = binder->bound->cells[column];
        return;
    }
    note_filled(binder, column);
    keep_first(binder, sqlite3_bind_int64(binder->statement, column + 1, (sqlite3_int64)value));
    binder->cells[column] = cell_sum_whole(value);
    if (binder->bound != NULL)
        binder->bound->whole[column] = value;
    note_known(binder, column);
}

void bind_real(struct binder *binder, int column, double value)
{
    note_filled(binder, column); /* NaN is bound anew each time, whichever it was */
    keep_first(binder, sqlite3_bind_double(binder->statement, column + 1, value));
    binder->cells[column] = cell_sum_real(value);
}

void bind_text(struct binder *binder, int column, const char *text)
{
    note_filled(binder, column);
    keep_first(binder, sqlite3_bind_text(binder->statement, column + 1, text, -1, SQLITE_STATIC));
    binder->cells[column] = cell_sum_text(text);
}

void bind_blob(struct binder *binder, int column, const void *bytes, uint32_t count)
{
    if (count == 0) {
        bind_null(binder, column);
        return;
    }
    note_filled(binder, column);
    binder->cells[column] = cell_sum_blob(bytes, count);
    keep_first(binder,
               sqlite3_bind_blob(binder->statement, column + 1, bytes, (int)count, SQLITE_STATIC));
}

void bind_empty_blob(struct binder *binder, int column)
{
    note_filled(binder, column);
    keep_first(binder, sqlite3_bind_zeroblob(binder->statement, column + 1, 0));
    binder->cells[column] = cell_sum_blob(NULL, 0);
}

void bind_digest(struct binder *binder, int column, const struct digest *digest)
{
    bind_blob(binder, column, digest->bytes, DIGEST_BYTES);
}

void bind_digest_or_null(struct binder *binder, int column, const struct digest *digest)
{
    if (digest_is_zero(digest))
        bind_null(binder, column);
    else
        bind_digest(binder, column, digest);
}

void bind_usual_text(struct binder *binder, int column, const char *text)
{
    if (binder->bound == NULL) {
        bind_text(binder, column, text);
        return;
    }
    char *kept = binder->bound->text[column];
    if (is_known(binder, column) && strcmp(kept, text) == 0) {
        binder->cells[column] = binder->bound->cells[column];
        return;
    }
    size_t length = strlen(text);
    assert(length < NAME_BYTES_MAX);
    memcpy(kept, text, length + 1);
    bind_text(binder, column, kept);
    note_known(binder, column);
}

void bind_usual_digest(struct binder *binder, int column, const struct digest *digest)
{
    if (binder->bound == NULL) {
        bind_digest(binder, column, digest);
        return;
    }
    char *kept = binder->bound->text[column];
    if (is_known(binder, column) && memcmp(kept, digest->bytes, DIGEST_BYTES) == 0) {
        binder->cells[column] = binder->bound->cells[column];
        return;
    }
    memcpy(kept, digest->bytes, DIGEST_BYTES);
    bind_blob(binder, column, kept, DIGEST_BYTES);
    note_known(binder, column);
}

void bind_sum(struct binder *binder, int column)
{
    bind_u64(binder, column, cells_sum(binder->cells, column));
}
