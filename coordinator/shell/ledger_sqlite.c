/*
 * ledger_sqlite.c: see ledger.h. Opening, batches, durability, errors.
 *
 * Durability. The file is in WAL mode with synchronous = NORMAL: a commit writes to the log and
 * does not wait for the disk, which is enough to survive the death of the process. A commit that
 * must survive a power cut is followed by one sync of the log through SQLite's own file object,
 * which makes that batch and all before it durable; synchronous = FULL does the same, but cannot be
 * chosen at the end of a transaction.
 *
 * Moving the log back into the file (a checkpoint) syncs as well, so it is done only right after a
 * synced commit. Hence what is durable is what the caller asked to be durable, in the order in
 * which it asked, and a hot batch never waits for the disk. A caller who never syncs pays at
 * LOG_PAGES_LIMIT.
 *
 * Readers open the same file at any time; SQLite's locks keep them apart from the writer.
 */
#include "coordinator/shell/ledger_sqlite.h"
#include "common/os_clock.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOG_PAGES_CHECKPOINT = 4000, /* 16 MiB: moved back at the next synced commit */
    LOG_PAGES_LIMIT = 65536,     /* 256 MiB: moved back at any commit */
    BUSY_MS = 10000,             /* how long to wait for somebody who holds a lock */
    VALUE_BYTES_MAX = 16 << 20,  /* of any text or blob in the file */
};

/* ------------------------------------------------------------------------------------- errors */

enum ledger_result ledger_fail(struct error *error, enum ledger_result result, const char *format,
                               ...)
{
    char text[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    error_set(error, (int)result, "%s", text);
    return result;
}

enum ledger_result ledger_result_of(sqlite3 *database)
{
    /* SQLite knows a full disk; of a quota or a limit it keeps only that writing failed. The
     * system's word for it is still in errno: whatever the roll-back called meanwhile went well. */
    int reason = errno;
    int code = sqlite3_extended_errcode(database);
    switch (code & 0xff) {
    case SQLITE_FULL:
        return LEDGER_FULL;
    case SQLITE_NOTADB:
        return LEDGER_FOREIGN;
    case SQLITE_IOERR:
        /* SHMSIZE: the log's index could not be made longer, for which no reason is kept. */
        if (code == SQLITE_IOERR_SHMSIZE || reason == ENOSPC || reason == EDQUOT || reason == EFBIG)
            return LEDGER_FULL;
        return LEDGER_FAILED;
    default:
        return LEDGER_FAILED;
    }
}

enum ledger_result ledger_explain(const struct ledger *ledger, const char *what,
                                  struct error *error)
{
    enum ledger_result result = ledger_result_of(ledger->database);
    const char *why = sqlite3_errmsg(ledger->database);
    int code = sqlite3_errcode(ledger->database) & 0xff;
    if (result == LEDGER_FULL)
        why = "the disk is full";
    else if (result == LEDGER_FOREIGN)
        why = "it is not an SQLite file";
    else if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        why = "another program is writing to it";
    return ledger_fail(error, result, "%s: %s: %s", ledger->path, what, why);
}

/* --------------------------------------------------------------------------------- statements */

void ledger_reset(struct ledger *ledger, enum ledger_statement statement)
{
    /* What it returns is the error of the step before, which was dealt with then. */
    sqlite3_reset(ledger->statements[statement]);
}

enum ledger_result ledger_execute(struct ledger *ledger, enum ledger_statement statement,
                                  const char *what, struct error *error)
{
    enum ledger_result result = LEDGER_OK;
    errno = 0;
    if (sqlite3_step(ledger->statements[statement]) != SQLITE_DONE)
        result = ledger_explain(ledger, what, error);
    ledger_reset(ledger, statement);
    return result;
}

static enum ledger_result prepare_all(struct ledger *ledger, struct error *error)
{
    for (int i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(ledger->database, ledger_statement_sql((enum ledger_statement)i), -1,
                               SQLITE_PREPARE_PERSISTENT, &ledger->statements[i],
                               NULL) != SQLITE_OK)
            return ledger_explain(ledger, "cannot be read", error);
    return LEDGER_OK;
}

/* --------------------------------------------------------------------------------------- open */

static void disconnect(struct ledger *ledger)
{
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(ledger->statements[i]);
        ledger->statements[i] = NULL;
    }
    int code = sqlite3_close(ledger->database);
    assert(code == SQLITE_OK);
    ledger->database = NULL;
}

static int remember_wal_pages(void *context, sqlite3 *database, const char *name, int pages)
{
    (void)database;
    (void)name;
    struct ledger *ledger = context;
    ledger->wal_pages = (uint32_t)pages;
    return SQLITE_OK;
}

/* The file may come from anywhere: SQLite is told to trust neither its schema nor its pages. */
static void distrust(sqlite3 *database)
{
    sqlite3_extended_result_codes(database, 1);
    sqlite3_busy_timeout(database, BUSY_MS);
    sqlite3_limit(database, SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX);
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    /* Nor does anything happen on a write that this file does not say. */
    sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
}

/* "file:" and the path with everything escaped that an URI could take for something else. */
static void immutable_uri(const char *path, char *uri, size_t size)
{
    size_t used = (size_t)snprintf(uri, size, path[0] == '/' ? "file://" : "file:");
    for (const char *c = path; *c != '\0' && used + 4 < size; c++)
        if (*c == '?' || *c == '#' || *c == '%')
            used += (size_t)snprintf(uri + used, size - used, "%%%02x", (unsigned)*c);
        else
            uri[used++] = *c;
    snprintf(uri + used, size - used, "?immutable=1");
}

void ledger_prepare_sqlite(void)
{
    /* Once SQLite is in use it says no, and all is as it was: no need to know. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum ledger_result connect_as(struct ledger *ledger, const char *name, int flags,
                                     struct error *error)
{
    static const char pragmas[] =
        "PRAGMA cell_size_check = ON; PRAGMA synchronous = NORMAL;"
        "PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;"
        "PRAGMA secure_delete = OFF; PRAGMA journal_size_limit = 67108864";
    ledger_prepare_sqlite();
    if (sqlite3_open_v2(name, &ledger->database, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return ledger_explain(ledger, "cannot be opened", error);
    distrust(ledger->database);
    if (sqlite3_exec(ledger->database, pragmas, NULL, NULL, NULL) != SQLITE_OK)
        return ledger_explain(ledger, "cannot be opened", error);
    return ledger_check_schema(ledger, error);
}

/* Whether there is a log with something in it, which a reader would have to take into account. */
static bool has_log(const struct ledger *ledger)
{
    char name[OS_PATH_BYTES_MAX + 8];
    struct stat status;
    snprintf(name, sizeof name, "%s-wal", ledger->path);
    return stat(name, &status) == 0 && status.st_size > 0;
}

/*
 * To read a file in WAL mode, SQLite makes two more beside it. Where it may not (an archived run,
 * somebody else's folder), the file can still be read as it is, provided that no log belongs to it.
 */
static enum ledger_result connect_reader(struct ledger *ledger, struct error *error)
{
    enum ledger_result result = connect_as(ledger, ledger->path, SQLITE_OPEN_READONLY, error);
    int code = sqlite3_errcode(ledger->database) & 0xff;
    if (result != LEDGER_FAILED || (code != SQLITE_CANTOPEN && code != SQLITE_READONLY))
        return result;
    if (has_log(ledger))
        return ledger_fail(
            error, LEDGER_FAILED,
            "%s: was not closed properly and can only be read in a folder that may be written to; "
            "copy it there together with %s-wal",
            ledger->path, ledger->path);
    char uri[3 * OS_PATH_BYTES_MAX + 32];
    immutable_uri(ledger->path, uri, sizeof uri);
    disconnect(ledger);
    return connect_as(ledger, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, error);
}

static enum ledger_result connect_writer(struct ledger *ledger, struct error *error)
{
    enum ledger_result result = connect_as(ledger, ledger->path, SQLITE_OPEN_READWRITE, error);
    if (result != LEDGER_OK)
        return result;
    if (sqlite3_db_readonly(ledger->database, "main") != 0)
        return ledger_fail(error, LEDGER_FAILED, "%s: may not be written to", ledger->path);
    /* It is in the file; said again in case somebody's tool changed it. */
    if (sqlite3_exec(ledger->database, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK)
        return ledger_explain(ledger, "cannot be opened for writing", error);
    sqlite3_wal_hook(ledger->database, remember_wal_pages, ledger);
    return LEDGER_OK;
}

static enum ledger_result read_last_sequence(struct ledger *ledger, struct error *error)
{
    sqlite3_stmt *statement = ledger->statements[STATEMENT_LAST_SEQUENCE];
    enum ledger_result result = LEDGER_OK;
    if (sqlite3_step(statement) != SQLITE_ROW)
        result = ledger_explain(ledger, "the last commit cannot be read", error);
    else
        ledger->last_sequence = (uint64_t)sqlite3_column_int64(statement, 0);
    ledger_reset(ledger, STATEMENT_LAST_SEQUENCE);
    ledger->last_sequence_committed = ledger->last_sequence;
    return result;
}

/* Pages before anything is written; a reader who asks for one row need not know of all. */
static enum ledger_result check_contents(struct ledger *ledger, struct error *error)
{
    enum ledger_result result = LEDGER_OK;
    if (ledger->access == LEDGER_WRITE)
        result = ledger_check_pages(ledger, error);
    if (result == LEDGER_OK)
        result = ledger_check_facts(ledger, error);
    if (result == LEDGER_OK)
        result = read_last_sequence(ledger, error);
    return result;
}

static enum ledger_result open_existing(struct ledger *ledger, enum ledger_access access,
                                        struct ledger_header *header, struct error *error)
{
    struct stat status;
    if (stat(ledger->path, &status) != 0)
        return ledger_fail(error, LEDGER_FAILED, "%s: cannot be opened: %s", ledger->path,
                           strerror(errno));
    if (!S_ISREG(status.st_mode) || status.st_size == 0)
        return ledger_fail(error, LEDGER_FOREIGN, "%s: is not a ledger: %s", ledger->path,
                           S_ISREG(status.st_mode) ? "it is empty" : "it is not a regular file");
    enum ledger_result result = ledger->access == LEDGER_READ ? connect_reader(ledger, error)
                                                              : connect_writer(ledger, error);
    if (result == LEDGER_OK)
        result = prepare_all(ledger, error);
    if (result == LEDGER_OK)
        result = ledger_check_meta(ledger, error);
    if (result == LEDGER_OK && access != LEDGER_SALVAGE)
        result = check_contents(ledger, error);
    if (result == LEDGER_OK && access != LEDGER_CREATE)
        result = ledger_read_header(ledger, header, error);
    return result;
}

enum ledger_result ledger_open(const char *path, enum ledger_access access,
                               struct ledger_header *header, struct ledger **ledger,
                               struct error *error)
{
    *ledger = NULL;
    struct ledger *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return ledger_fail(error, LEDGER_FAILED, "%s: out of memory", path);
    opened->access = access == LEDGER_SALVAGE ? LEDGER_READ : access;
    opened->is_checked = access == LEDGER_SALVAGE; /* whatever is wrong, it is to be read */
    opened->commits.statement = STATEMENT_READ_COMMITS;
    opened->inputs.statement = STATEMENT_READ_INPUTS;
    /* SQLite gives a meaning to some names: none starts with "./" or "/". */
    const char *prefix = path[0] == '/' ? "" : "./";
    int length = snprintf(opened->path, sizeof opened->path, "%s%s", prefix, path);
    enum ledger_result result = LEDGER_OK;
    if (length < 0 || (size_t)length >= sizeof opened->path)
        result = ledger_fail(error, LEDGER_FAILED, "%.200s...: path too long", path);
    if (result == LEDGER_OK && access == LEDGER_CREATE)
        result = ledger_create_file(opened->path, header, error);
    if (result == LEDGER_OK && access == LEDGER_WRITE)
        ledger_examine_log(opened->path, &opened->log);
    if (result == LEDGER_OK)
        result = open_existing(opened, access, header, error);
    if (result != LEDGER_OK)
        ledger_close(&opened);
    *ledger = opened;
    return result;
}

uint64_t ledger_last_sequence(const struct ledger *ledger)
{
    return ledger->last_sequence;
}

void ledger_close(struct ledger **ledger)
{
    if (*ledger == NULL)
        return;
    disconnect(*ledger);
    free((*ledger)->canonical);
    free((*ledger)->yaml);
    free(*ledger);
    *ledger = NULL;
}

/* ------------------------------------------------------------------------------------ batches */

/* Leaves the file at the last committed batch; SQLite may have done so on its own already. */
static void roll_back(struct ledger *ledger)
{
    if (!sqlite3_get_autocommit(ledger->database)) {
        sqlite3_step(ledger->statements[STATEMENT_ROLLBACK]);
        ledger_reset(ledger, STATEMENT_ROLLBACK);
    }
    ledger->last_sequence = ledger->last_sequence_committed;
}

enum ledger_result ledger_fail_batch(struct ledger *ledger, enum ledger_result result)
{
    roll_back(ledger);
    ledger->batch = BATCH_FAILED;
    ledger->batch_failure = result;
    return result;
}

enum ledger_result ledger_check_batch(const struct ledger *ledger, struct error *error)
{
    assert(ledger->batch != BATCH_NONE);
    if (ledger->batch == BATCH_OPEN)
        return LEDGER_OK;
    return ledger_fail(error, ledger->batch_failure, "%s: this batch has failed already",
                       ledger->path);
}

enum ledger_result ledger_begin(struct ledger *ledger, struct error *error)
{
    assert(ledger->access != LEDGER_READ && ledger->batch != BATCH_OPEN);
    ledger->batch = BATCH_OPEN;
    ledger->batch_wall_ms = clock_wall_ms();
    enum ledger_result result =
        ledger_execute(ledger, STATEMENT_BEGIN, "no batch can be begun", error);
    return result == LEDGER_OK ? result : ledger_fail_batch(ledger, result);
}

/* Waits until the log is on the disk. */
static enum ledger_result sync_log(struct ledger *ledger, struct error *error)
{
    sqlite3_file *log = NULL;
    int code =
        sqlite3_file_control(ledger->database, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&log);
    assert(code == SQLITE_OK && log != NULL);
    if (log->pMethods != NULL && log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) != SQLITE_OK)
        return ledger_fail(error, LEDGER_FAILED, "%s: the log cannot be synced to the disk: %s",
                           ledger->path, strerror(errno));
    return LEDGER_OK;
}

/* What fails here is not lost: it stays in the log, and the next checkpoint tries again. */
static void checkpoint(struct ledger *ledger)
{
    sqlite3_wal_checkpoint_v2(ledger->database, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    ledger->wal_pages = 0;
}

enum ledger_result ledger_commit(struct ledger *ledger, enum ledger_sync sync, struct error *error)
{
    enum ledger_result result = ledger_check_batch(ledger, error);
    if (result == LEDGER_OK) {
        result = ledger_execute(ledger, STATEMENT_COMMIT, "a batch cannot be committed", error);
        if (result != LEDGER_OK)
            ledger_fail_batch(ledger, result);
    }
    ledger->batch = BATCH_NONE;
    if (result != LEDGER_OK)
        return result;
    ledger->last_sequence_committed = ledger->last_sequence;
    if (sync == LEDGER_SURVIVES_POWER_CUT)
        result = sync_log(ledger, error);
    uint32_t limit = sync == LEDGER_SURVIVES_POWER_CUT ? LOG_PAGES_CHECKPOINT : LOG_PAGES_LIMIT;
    if (result == LEDGER_OK && ledger->wal_pages >= limit)
        checkpoint(ledger);
    return result;
}
