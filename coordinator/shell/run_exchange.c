/*
 * run_exchange.c: see run_exchange.h.
 *
 * The order matters to whoever is killed on the way: the old ledger gets its second name first, its
 * log follows, and the new ledger replaces it in one step. Until that step the ledger has two
 * names, and by these an exchange that was begun is recognised: its log, without which the last
 * commits would be lost, is moved back.
 */
#include "coordinator/shell/run_exchange.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_same_file(const char *path, const struct stat *file)
{
    struct stat status;
    return lstat(path, &status) == 0 && status.st_ino == file->st_ino &&
           status.st_dev == file->st_dev;
}

/* Takes back the second name of the ledger. */
static int undo(const struct run_directory *directory, const char *kept, struct error *error)
{
    char log[OS_PATH_BYTES_MAX], path[OS_PATH_BYTES_MAX], kept_log[OS_PATH_BYTES_MAX + 8];
    run_directory_file(directory, RUN_LEDGER "-wal", log);
    run_directory_file(directory, kept, path);
    snprintf(kept_log, sizeof kept_log, "%s-wal", path);
    if (access(log, F_OK) != 0 && rename(kept_log, log) != 0 && errno != ENOENT)
        return error_set(error, -1, "%.300s cannot be moved back: %s", kept_log, strerror(errno));
    if (unlink(path) != 0)
        return error_set(error, -1, "%.300s cannot be removed: %s", path, strerror(errno));
    return 0;
}

int run_exchange_undo(const struct run_directory *directory, struct error *error)
{
    static const char prefix[] = RUN_LEDGER ".";
    char ledger[OS_PATH_BYTES_MAX], path[OS_PATH_BYTES_MAX];
    struct stat file;
    run_directory_file(directory, RUN_LEDGER, ledger);
    if (lstat(ledger, &file) != 0 || file.st_nlink < 2)
        return 0;
    DIR *folder = opendir(directory->path);
    if (folder == NULL)
        return error_set(error, -1, "cannot read %.300s: %s", directory->path, strerror(errno));
    int rc = 0;
    const struct dirent *entry;
    while (rc == 0 && (entry = readdir(folder)) != NULL) {
        if (strncmp(entry->d_name, prefix, sizeof prefix - 1) != 0 ||
            strlen(entry->d_name) >= NAME_BYTES_MAX)
            continue;
        run_directory_file(directory, entry->d_name, path);
        if (is_same_file(path, &file))
            rc = undo(directory, entry->d_name, error);
    }
    closedir(folder);
    return rc;
}

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
