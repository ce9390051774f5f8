/*
 * run_salvage.c: see run_salvage.h.
 *
 * Until the ledgers are exchanged the damaged one lies where it lay, and is refused as before. It
 * is never written to: one that was cut is copied, and the copy made as long as the ledger was.
 */
#include "coordinator/shell/run_salvage.h"

#include "coordinator/shell/run_directory.h"
#include "coordinator/shell/run_exchange.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct names {
    char ledger[OS_PATH_BYTES_MAX], log[OS_PATH_BYTES_MAX];
    char fresh[OS_PATH_BYTES_MAX];
    char copy[OS_PATH_BYTES_MAX], copy_log[OS_PATH_BYTES_MAX], copy_index[OS_PATH_BYTES_MAX];
    char damaged[OS_PATH_BYTES_MAX];
};

static void name_all(const struct run_directory *directory, struct names *names)
{
    run_directory_file(directory, "ledger.sqlite", names->ledger);
    run_directory_file(directory, "ledger.sqlite-wal", names->log);
    run_directory_file(directory, "ledger.sqlite.salvaged", names->fresh);
    run_directory_file(directory, "ledger.sqlite.copy", names->copy);
    run_directory_file(directory, "ledger.sqlite.copy-wal", names->copy_log);
    run_directory_file(directory, "ledger.sqlite.copy-shm", names->copy_index);
    run_directory_file(directory, "ledger.sqlite.damaged", names->damaged);
}

/* What is not there need not be copied. */
static int copy_file(const char *from, const char *to, struct error *error)
{
    static char piece[1 << 16];
    FILE *in = fopen(from, "rb");
    if (in == NULL && errno == ENOENT)
        return 0;
    FILE *out = in == NULL ? NULL : fopen(to, "wb");
    bool failed = out == NULL;
    size_t got;
    while (!failed && (got = fread(piece, 1, sizeof piece, in)) > 0)
        failed = fwrite(piece, 1, got, out) != got;
    failed = failed || ferror(in) != 0;
    if (out != NULL && fclose(out) != 0)
        failed = true;
    if (failed)
        error_set(error, -1, "%.300s cannot be copied: %s", from, strerror(errno));
    if (in != NULL)
        fclose(in);
    return failed ? -1 : 0;
}

static void remove_copy(const struct names *names)
{
    unlink(names->copy);
    unlink(names->copy_log);
    unlink(names->copy_index);
}

/* 1 when there is a copy to be read in the ledger's place; 0: none is needed. */
static int copy_if_cut(const struct names *names, struct error *error)
{
    struct stat status;
    uint64_t told = ledger_told_bytes(names->ledger);
    if (stat(names->ledger, &status) != 0 || (uint64_t)status.st_size >= told ||
        told > (uint64_t)status.st_size * 1024)
        return 0;
    remove_copy(names);
    if (copy_file(names->ledger, names->copy, error) != 0 ||
        copy_file(names->log, names->copy_log, error) != 0)
        return -1;
    if (truncate(names->copy, (off_t)told) != 0)
        return error_set(error, -1, "%.300s cannot be made longer: %s", names->copy,
                         strerror(errno));
    return 1;
}

/* Leaves the new ledger at names->fresh. */
static int make_fresh(const struct run_salvage_options *options, const struct names *names,
                      struct ledger_salvaged *salvaged, struct error *error)
{
    struct ledger_header header;
    struct ledger *ledger;
    int copied = copy_if_cut(names, error);
    const char *source = copied > 0 ? names->copy : names->ledger;
    if (copied < 0 || ledger_open(source, LEDGER_SALVAGE, &header, &ledger, error) != LEDGER_OK)
        return -1;
    const struct ledger_salvage_plan plan = {
        .fresh = names->fresh, .fits = options->fits, .context = options->context};
    int rc = options->begin(options->context, &header, error);
    if (rc == 0 && ledger_salvage(ledger, &plan, salvaged, error) != LEDGER_OK)
        rc = -1;
    ledger_close(&ledger);
    salvaged->is_sound = salvaged->is_sound && copied == 0;
    return rc;
}

static int salvage_in(const struct run_directory *directory,
                      const struct run_salvage_options *options, struct ledger_salvaged *salvaged,
                      struct error *error)
{
    static const struct run_exchange exchange = {.fresh = "ledger.sqlite.salvaged",
                                                 .kept = "ledger.sqlite.damaged"};
    struct names names;
    name_all(directory, &names);
    if (access(names.damaged, F_OK) == 0)
        return error_set(error, -1, "%.400s is there already: move it away first", names.damaged);
    int rc = make_fresh(options, &names, salvaged, error);
    remove_copy(&names);
    if (rc != 0)
        return -1;
    if (!salvaged->is_sound)
        return run_exchange_ledger(directory, &exchange, error);
    unlink(names.fresh);
    return 0;
}

int run_salvage(const struct run_salvage_options *options, struct ledger_salvaged *salvaged,
                struct error *error)
{
    struct run_directory directory;
    if (run_directory_open_run(&directory, options->directory, error) != 0)
        return -1;
    int rc = salvage_in(&directory, options, salvaged, error);
    run_directory_close(&directory);
    return rc;
}
