/* output_path.c: see output_path.h. Files are told apart by device and inode, not by their names.
 */
#include "coordinator/reading/output_path.h"

#include "coordinator/shell/run_directory.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(OS_PATH_BYTES_MAX >= PATH_MAX, "realpath fills PATH_MAX bytes");

enum { LINKS_MAX = 40 };

/* ------------------------------------------------------------------------------------ the run's */

static bool is_same(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

static bool is_name_of_run(const char *name)
{
    const char *entry;
    for (size_t i = 0; (entry = run_directory_entry(i)) != NULL; i++) {
        if (strcmp(name, entry) == 0)
            return true;
    }
    return strncmp(name, RUN_LEDGER, strlen(RUN_LEDGER)) == 0;
}

/* Whether this file or folder is one of RUN's, also where a link in RUN leads elsewhere. */
static bool is_entry_of_run(const struct stat *status, const char *run)
{
    const char *entry;
    for (size_t i = 0; (entry = run_directory_entry(i)) != NULL; i++) {
        char own[OS_PATH_BYTES_MAX];
        struct stat known;
        if (os_path_join(own, sizeof own, run, entry, NULL) == 0 && stat(own, &known) == 0 &&
            is_same(status, &known))
            return true;
    }
    return false;
}

/* Up from the file, which may not be there yet: is a folder on the way RUN, or one of its own? */
static bool is_of_run(const char *path, const char *run)
{
    char folder[OS_PATH_BYTES_MAX];
    struct stat known, status;
    if (stat(run, &known) != 0)
        return false;
    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash; (slash = strrchr(folder, '/')) != NULL; *slash = '\0') {
        if (stat(folder, &status) == 0 && is_entry_of_run(&status, run))
            return true;
        *slash = '\0';
        bool inside = stat(slash == folder ? "/" : folder, &status) == 0;
        *slash = '/';
        if (inside && is_same(&status, &known) && is_name_of_run(slash + 1))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------------------------- the path */

/* Replaces `path` by what it leads to, which need not be there. */
static int follow_links(char path[OS_PATH_BYTES_MAX], struct error *error)
{
    for (int i = 0; i < LINKS_MAX; i++) {
        char target[OS_PATH_BYTES_MAX], folder[OS_PATH_BYTES_MAX];
        ssize_t length = readlink(path, target, sizeof target - 1);
        if (length < 0)
            return 0; /* no link; what else is wrong shows when it is written */
        target[length] = '\0';
        snprintf(folder, sizeof folder, "%s", path);
        if (os_path_join(path, OS_PATH_BYTES_MAX, target[0] == '/' ? "" : dirname(folder), target,
                         error) != 0)
            return -1;
    }
    return error_set(error, -1, "%.300s: too many links", path);
}

static int check_kind(const char *output, struct error *error)
{
    struct stat status;
    size_t length = strlen(output);
    if (length == 0 || length >= OS_PATH_BYTES_MAX)
        return error_set(error, -1, "the name of the file to write is empty or too long");
    if (strcmp(output, "-") == 0)
        return error_set(
            error, -1,
            "- names no file, and standard output gets none: ./- is a file of that name");
    bool there = stat(output, &status) == 0;
    if (output[length - 1] == '/' || (there && S_ISDIR(status.st_mode)))
        return error_set(error, -1, "%s is a folder: a file is wanted", output);
    if (there && !S_ISREG(status.st_mode))
        return error_set(error, -1, "%s is no regular file, and is not replaced by one", output);
    return 0;
}

int output_path_find(const struct output_wish *wish, char path[OS_PATH_BYTES_MAX],
                     struct error *error)
{
    char given[OS_PATH_BYTES_MAX], folder[OS_PATH_BYTES_MAX], base[OS_PATH_BYTES_MAX];
    if (check_kind(wish->output, error) != 0)
        return -1;
    snprintf(given, sizeof given, "%s", wish->output);
    if (follow_links(given, error) != 0)
        return -1;
    const char *slash = strrchr(given, '/');
    snprintf(base, sizeof base, "%s", slash != NULL ? slash + 1 : given);
    const char *parent = dirname(given);
    if (realpath(parent, folder) == NULL || access(folder, W_OK | X_OK) != 0)
        return error_set(error, -1, "%s cannot be written: %s: %s", wish->output, parent,
                         strerror(errno));
    if (os_path_join(path, OS_PATH_BYTES_MAX, folder, base, error) != 0)
        return -1;
    if (is_of_run(path, wish->run))
        return error_set(error, -1, "%s is one of the run's own files: it is not replaced",
                         wish->output);
    return 0;
}
