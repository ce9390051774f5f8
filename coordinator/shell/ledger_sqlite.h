/*
 * ledger_sqlite.h: what the parts of the ledger share. Private to ledger_sqlite*.c.
 *
 *   ledger_sqlite.c         opening, batches, durability, errors
 *   ledger_sqlite_schema.c  the tables, and the birth of a file
 *   ledger_sqlite_write.c   records into rows
 *   ledger_sqlite_row.c     rows into records, all of them checked
 *   ledger_sqlite_check.c   the checksum of a row; whether pages and indexes hang together
 *   ledger_sqlite_log.c     what of the write-ahead log is lost
 *   ledger_sqlite_salvage.c what can be kept of a damaged file
 *   ledger_sqlite_read.c    which rows: replay, one commit, facts, the header
 *   ledger_sqlite_notes.c   rows for people alone: notes, how long jobs took
 *
 * One thread, one connection, statements prepared once.
 */
#ifndef RATCHET_COORDINATOR_SHELL_LEDGER_SQLITE_H
#define RATCHET_COORDINATOR_SHELL_LEDGER_SQLITE_H

#include "common/os_file.h"
#include "coordinator/shell/ledger.h"

#include <sqlite3.h>

/* The columns of `commits`, in the order in which they are written and read. */
enum commit_column {
    COMMIT_SEQUENCE,
    COMMIT_LINE,
    COMMIT_JOB,
    COMMIT_KIND,
    COMMIT_OPERATOR,
    COMMIT_OPERATOR_INDEX,
    COMMIT_PARAMS,
    COMMIT_PARAMS_TEXT,
    COMMIT_SLICES,
    COMMIT_SEED,
    COMMIT_STREAM,
    COMMIT_SPEC,
    COMMIT_DATA,
    COMMIT_PARENT0,
    COMMIT_PARENT0_LINE,
    COMMIT_PARENT0_JOB,
    COMMIT_PARENT1,
    COMMIT_PARENT1_LINE,
    COMMIT_PARENT1_JOB,
    COMMIT_DEPTH,
    COMMIT_DESCRIPTION,
    COMMIT_OUTCOME,
    COMMIT_FITNESS,
    COMMIT_FITNESS_BITS,
    COMMIT_METRICS,
    COMMIT_METRIC_FIRST, /* one column for each metric_id, in their order; younger ones than these
                            are in COMMIT_METRICS alone */
    COMMIT_METRIC_LAST = COMMIT_METRIC_FIRST + METRIC_TEST_ACCURACY - 1,
    COMMIT_CHILD,
    COMMIT_CHILD_BYTES,
    COMMIT_STEPS,
    COMMIT_ADMITTED,
    COMMIT_CHAMPION,
    COMMIT_CHAIN,
    COMMIT_ATTEMPTS,
    COMMIT_OPINIONS,
    COMMIT_COMPUTE_MS,
    COMMIT_WAITED_MS,
    COMMIT_WORKER,
    COMMIT_HOST,
    COMMIT_NUMERIC,
    COMMIT_COMMITTED_WALL_MS,
    COMMIT_SUM,
    COMMIT_COLUMNS,
};

/* Those of `notes` behind the id. */
enum note_column {
    NOTE_WALL_MS,
    NOTE_KIND,
    NOTE_WORKER,
    NOTE_LINE,
    NOTE_JOB,
    NOTE_TEXT,
    NOTE_LOG_TAIL,
    NOTE_SUM,
    NOTE_COLUMNS,
};

enum {
    COMMIT_PARENT_STRIDE = COMMIT_PARENT1 - COMMIT_PARENT0,
    METRIC_PACKED_BYTES = 12, /* id: 4, bits of the value: 8, little endian */
    FACT_NAME_BYTES_MAX = 64,
    FACT_VALUE_BYTES_MAX = 4096,
};

enum ledger_statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_READ_META,
    STATEMENT_RAISE_EPOCH,
    STATEMENT_LAST_SEQUENCE,
    STATEMENT_CHECK_PAGES,
    STATEMENT_CHECK_META,
    STATEMENT_CHECK_FACTS,
    STATEMENT_PUT_COMMIT,
    STATEMENT_DROP_COMMIT,
    STATEMENT_PUT_INPUT,
    STATEMENT_DROP_STOPS,
    STATEMENT_PUT_DETAIL,
    STATEMENT_PUT_NOTE,
    STATEMENT_PUT_FACT,
    STATEMENT_BEGIN_READING,
    STATEMENT_READ_COMMITS,
    STATEMENT_READ_INPUTS,
    STATEMENT_READ_CHILDREN,
    STATEMENT_READ_COMMIT,
    STATEMENT_READ_DETAIL,
    STATEMENT_READ_FACT,
    STATEMENT_READ_NOTE,
    STATEMENT_READ_NOTES,
    STATEMENT_READ_NOTES_OF_JOB,
    STATEMENT_READ_NOTES_OF_WORKER,
    STATEMENT_READ_COMPUTE,
    STATEMENTS,
};

/* Those of `inputs`, in the order in which they are written and read. */
enum input_column {
    INPUT_SEQUENCE,
    INPUT_KIND,
    INPUT_LINE,
    INPUT_JOB,
    INPUT_ENTERED_WALL_MS,
    INPUT_SUM,
    INPUT_COLUMNS,
};

enum batch_state { BATCH_NONE, BATCH_OPEN, BATCH_FAILED };
enum reading_state { READING_NONE, READING_ROWS, READING_ENDED };

/* The next row of one of the two tables that replay merges. */
struct ledger_cursor {
    enum ledger_statement statement;
    bool has_row;  /* stands on a row */
    bool was_used; /* the row was given, or none was fetched yet: step before looking */
};

/*
 * What the columns of the last commit were bound to. SQLite keeps it from one step to the next, and
 * most of it is the same in the next commit: only what changes is bound.
 */
struct bound_columns {
    uint64_t filled; /* a bit for each column that is not NULL */
    uint64_t known;  /* and for each whose value is kept below */
    uint64_t whole[COMMIT_COLUMNS];
    char text[COMMIT_COLUMNS][NAME_BYTES_MAX]; /* or a digest */
    uint64_t cells[COMMIT_COLUMNS];            /* their sums */
};

struct ledger {
    sqlite3 *database;
    char path[OS_PATH_BYTES_MAX];
    enum ledger_access access;
    sqlite3_stmt *statements[STATEMENTS];
    struct bound_columns bound; /* what the next commit finds bound: ledger_sqlite_bind.h */

    enum batch_state batch;
    enum ledger_result batch_failure; /* what the batch failed of, in BATCH_FAILED */
    uint64_t batch_wall_ms;
    uint64_t last_sequence, last_sequence_committed;
    uint32_t wal_pages;    /* in the write-ahead log after the last commit */
    struct ledger_log log; /* as it was before a writer opened the file */
    bool is_checked;       /* the pages and indexes were found to hang together */

    enum reading_state reading;
    struct ledger_cursor commits, inputs;
    uint64_t read_sequence; /* of the record that was given last */
    uint64_t read_wall_ms;  /* of the commit that was given last */

    char *canonical, *yaml;
};

/*
 * To be called before a file is opened. SQLite is not to count the memory it takes, which nobody
 * asks for: each row takes and gives back four pieces, and locks the count of all of them each
 * time.
 */
void ledger_prepare_sqlite(void);

/* error_set for our results. */
enum ledger_result ledger_fail(struct error *error, enum ledger_result result, const char *format,
                               ...) __attribute__((format(printf, 3, 4)));
/* What the connection's last error means, called right after it, with errno 0 before the attempt.
 */
enum ledger_result ledger_result_of(sqlite3 *database);
/* Translates the connection's last error into a result and a sentence that starts with the path. */
enum ledger_result ledger_explain(const struct ledger *ledger, const char *what,
                                  struct error *error);
/* Ready to be bound and stepped again; holds no lock and no row. */
void ledger_reset(struct ledger *ledger, enum ledger_statement statement);
/* Steps a statement that returns no row, and resets it. */
enum ledger_result ledger_execute(struct ledger *ledger, enum ledger_statement statement,
                                  const char *what, struct error *error);
/* Takes the open batch back and remembers why. Returns `result`. */
enum ledger_result ledger_fail_batch(struct ledger *ledger, enum ledger_result result);
/* LEDGER_OK when a batch is open; otherwise what it failed of. Without ledger_begin: a bug. */
enum ledger_result ledger_check_batch(const struct ledger *ledger, struct error *error);
enum ledger_result ledger_read_epoch(struct ledger *ledger, uint64_t *epoch, struct error *error);
/* Fills *header from `meta`; texts are then the ledger's. */
enum ledger_result ledger_read_header(struct ledger *ledger, struct ledger_header *header,
                                      struct error *error);
/*
 * The row on which `statement` stands. The readers below report the first thing that is wrong with
 * it in *error, set `damaged`, and leave what they were to fill as it was; columns count from 0.
 */
struct row {
    const char *path;
    sqlite3_stmt *statement;
    const char *kind; /* "commit" */
    uint64_t number;  /* its sequence, or ROW_UNNUMBERED */
    bool damaged;
    struct error *error;
};

#define ROW_UNNUMBERED UINT64_MAX

void row_report(struct row *row, int column, const char *problem);
bool row_is_null(const struct row *row, int column);
uint64_t row_at_most(struct row *row, int column, uint64_t most);
/* Up to `most` bytes; returns how many. NULL counts as none. */
uint32_t row_bytes(struct row *row, int column, void *bytes, uint32_t most);
void row_bytes_exactly(struct row *row, int column, void *bytes, uint32_t count);
/* The text as it lies in the row, or NULL after a report. Holds until the next step. */
const char *row_borrow_text(struct row *row, int column);
void row_text(struct row *row, int column, char *text, size_t size);
/* Columns as in enum commit_column and enum input_column. */
void row_commit(struct row *row, struct commit_record *record);
void row_input(struct row *row, struct input_record *record);

/*
 * The sum of one cell; of a row, from those of its cells in their order. Numbers as they are bound;
 * a text that is NULL counts as a NULL.
 */
uint64_t cell_sum_null(void);
uint64_t cell_sum_whole(uint64_t value);
uint64_t cell_sum_real(double value);
uint64_t cell_sum_text(const char *text);
uint64_t cell_sum_blob(const void *bytes, size_t count);
uint64_t cells_sum(const uint64_t *cells, int count);
/* Holds the last of the statement's `columns` against the ones before it. */
void row_check_sum(struct row *row, int columns);

/*
 * Whether pages and indexes hang together, by SQLite's own check: a wrong one can hide rows. Once
 * for each opening; costs about a third of reading all records.
 */
enum ledger_result ledger_check_pages(struct ledger *ledger, struct error *error);
/* Whether each row of meta, or of facts, is as it was written. */
enum ledger_result ledger_check_meta(struct ledger *ledger, struct error *error);
enum ledger_result ledger_check_facts(struct ledger *ledger, struct error *error);

/* Reads the log of the ledger at `path`; one that is not there has lost nothing. */
void ledger_examine_log(const char *path, struct ledger_log *log);

/* Writes the epoch in the open batch. */
enum ledger_result ledger_put_epoch(struct ledger *ledger, uint64_t epoch, struct error *error);

/* Removes a file and those that SQLite keeps beside it: a log left over from a file that somebody
 * deleted would be played into a new one. */
enum ledger_result ledger_clear_name(const char *path, struct error *error);
/* Makes a new file, whole or not at all. */
enum ledger_result ledger_create_file(const char *path, const struct ledger_header *header,
                                      struct error *error);
/* LEDGER_FOREIGN unless the open file is a ledger of our version with exactly our tables. */
enum ledger_result ledger_check_schema(struct ledger *ledger, struct error *error);
/* The SQL of a statement. */
const char *ledger_statement_sql(enum ledger_statement statement);

#endif
