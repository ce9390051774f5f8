/*
 * run_exchange.c: see run_exchange.h.
 *
 * The order matters to whoever is killed on the way: the old ledger gets its second name first, its
 * log follows, and the new ledger replaces it in one step.
 */
#include "coordinator/shell/run_exchange.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int run_exchange_ledger(const struct run_directory *directory, const struct run_exchange *exchange,
                        struct error *error)
{
    char ledger[OS_PATH_BYTES_MAX], log[OS_PATH_BYTES_MAX], index[OS_PATH_BYTES_MAX];
    char fresh[OS_PATH_BYTES_MAX], kept[OS_PATH_BYTES_MAX], kept_log[OS_PATH_BYTES_MAX];
    char name[NAME_BYTES_MAX];
    run_directory_file(directory, "ledger.sqlite", ledger);
    run_directory_file(directory, "ledger.sqlite-wal", log);
    run_directory_file(directory, "ledger.sqlite-shm", index);
    run_directory_file(directory, exchange->fresh, fresh);
    run_directory_file(directory, exchange->kept, kept);
    snprintf(name, sizeof name, "%s-wal", exchange->kept);
    run_directory_file(directory, name, kept_log);
    if (link(ledger, kept) != 0)
        return error_set(error, -1, "%.300s cannot be kept as %.300s: %s", ledger, kept,
                         strerror(errno));
    if (rename(log, kept_log) != 0 && errno != ENOENT) {
        error_set(error, -1, "%.300s cannot be kept: %s", log, strerror(errno));
        unlink(kept);
        return -1;
    }
    unlink(index); /* made anew by whoever opens the ledger */
    if (rename(fresh, ledger) != 0) {
        error_set(error, -1, "%.300s cannot be replaced: %s", ledger, strerror(errno));
        rename(kept_log, log);
        unlink(kept);
        return -1;
    }
    return os_sync_directory(directory->path, error);
}
