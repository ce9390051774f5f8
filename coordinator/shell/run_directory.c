/* run_directory.c: see run_directory.h. */
#include "coordinator/shell/run_directory.h"

#include "coordinator/shell/run_exchange.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

const char *run_directory_entry(size_t index)
{
    static const char *const entries[] = {
        RUN_LEDGER, RUN_LEDGER "-wal", RUN_LEDGER "-shm", "lock",   "endpoint", "experiment.yaml",
        "blobs",    "worker",          "worker.log",      "socket", "admin.key"};
    return index < sizeof entries / sizeof *entries ? entries[index] : NULL;
}

/* What a run that was killed while it was being created may have left, and what this program adds.
 */
static bool is_ours(const char *name)
{
    const char *entry;
    for (size_t i = 0; (entry = run_directory_entry(i)) != NULL; i++) {
        if (strcmp(name, entry) == 0)
            return true;
    }
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
           strncmp(name, RUN_LEDGER, strlen(RUN_LEDGER)) == 0 ||
           strncmp(name, ".endpoint.tmp-", strlen(".endpoint.tmp-")) == 0 ||
           strncmp(name, ".admin.key.tmp-", strlen(".admin.key.tmp-")) == 0 ||
           strncmp(name, ".experiment.yaml.tmp-", strlen(".experiment.yaml.tmp-")) == 0;
}

/* The copy of the experiment is written when the ledger is there. */
static bool has_lost_its_ledger(const char *path)
{
    char yaml[OS_PATH_BYTES_MAX], blobs[OS_PATH_BYTES_MAX];
    return os_path_join(yaml, sizeof yaml, path, "experiment.yaml", NULL) == 0 &&
           os_path_join(blobs, sizeof blobs, path, "blobs", NULL) == 0 && access(yaml, F_OK) == 0 &&
           access(blobs, F_OK) == 0;
}

static int check_contents(const char *path, struct error *error)
{
    if (has_lost_its_ledger(path))
        return error_set(
            error, -1,
            "run directory %s has lost its ledger: experiment.yaml and blobs are there "
            "and ledger.sqlite is not; give another --dir, or remove this one to start "
            "again",
            path);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return error_set(error, -1, "cannot read %s: %s", path, strerror(errno));
    int rc = 0;
    const struct dirent *entry;
    while (rc == 0 && (entry = readdir(folder)) != NULL) {
        if (!is_ours(entry->d_name))
            rc = error_set(error, -1, "%s is not a run directory: it holds %s but no ledger", path,
                           entry->d_name);
    }
    closedir(folder);
    return rc;
}

static int check_file_system(const char *path, struct error *error)
{
    const char *name = NULL;
    int answer = os_is_network_file_system(path, &name, error);
    if (answer < 0)
        return -1;
    if (answer > 0)
        return error_set(error, -1,
                         "run directory %s is on %s, where a ledger cannot be kept safely: give a "
                         "folder on a local disk with --dir",
                         path, name != NULL ? name : "a network file system");
    return 0;
}

bool run_directory_is_run(const char *path)
{
    char ledger[OS_PATH_BYTES_MAX];
    return os_path_join(ledger, sizeof ledger, path, "ledger.sqlite", NULL) == 0 &&
           access(ledger, F_OK) == 0;
}

/* The longest name below RUN is that of a blob that is being written. */
enum { NAME_ROOM = 160 };

int run_directory_open(struct run_directory *directory, const char *path, struct error *error)
{
    *directory = (struct run_directory){.lock = -1};
    if (os_make_directories(path, 0755, error) != 0)
        return -1;
    char resolved[PATH_MAX];
    if (realpath(path, resolved) == NULL)
        return error_set(error, -1, "cannot open run directory %s: %s", path, strerror(errno));
    if (strlen(resolved) + NAME_ROOM > sizeof directory->path)
        return error_set(error, -1, "run directory %s: the path is too long", path);
    snprintf(directory->path, sizeof directory->path, "%s", resolved);
    if (check_file_system(path, error) != 0)
        return -1;
    directory->has_ledger = run_directory_is_run(directory->path);
    if (!directory->has_ledger && check_contents(directory->path, error) != 0)
        return -1;
    char lock[OS_PATH_BYTES_MAX];
    run_directory_file(directory, "lock", lock);
    struct error reason;
    directory->lock = os_lock_file(lock, &reason);
    if (directory->lock < 0)
        return error_set(error, -1, "cannot use run directory %s: %.400s", path, reason.text);
    /* Whoever held the lock before us may have created the run in the meantime. */
    directory->has_ledger = run_directory_is_run(directory->path);
    if (run_exchange_undo(directory, error) == 0)
        return 0;
    close(directory->lock);
    directory->lock = -1;
    return -1;
}

int run_directory_require(const char *path, struct error *error)
{
    if (run_directory_is_run(path))
        return 0;
    return error_set(error, -1, "%s is not a run directory: there is no " RUN_LEDGER " in it",
                     path);
}

int run_directory_open_run(struct run_directory *directory, const char *path, struct error *error)
{
    return run_directory_require(path, error) == 0 ? run_directory_open(directory, path, error)
                                                   : -1;
}

/* ZeroMQ leaves the files of its sockets behind. */
static void remove_socket_folder(struct run_directory *directory)
{
    static const char *const names[] = {"control", "control.bulk"};
    if (directory->socket_folder[0] == '\0')
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[OS_PATH_BYTES_MAX];
        if (os_path_join(path, sizeof path, directory->socket_folder, names[i], NULL) == 0)
            unlink(path);
    }
    rmdir(directory->socket_folder);
    directory->socket_folder[0] = '\0';
}

void run_directory_close(struct run_directory *directory)
{
    if (directory->lock < 0)
        return;
    char path[OS_PATH_BYTES_MAX];
    run_directory_file(directory, "endpoint", path);
    unlink(path);
    run_directory_file(directory, "admin.key", path);
    unlink(path);
    remove_socket_folder(directory);
    close(directory->lock);
    directory->lock = -1;
}

void run_directory_file(const struct run_directory *directory, const char *name,
                        char path[OS_PATH_BYTES_MAX])
{
    int rc = os_path_join(path, OS_PATH_BYTES_MAX, directory->path, name, NULL);
    assert(rc == 0); /* NAME_ROOM */
    (void)rc;
}

/* A folder of that name which is ours alone: made now, or left behind by an earlier life. */
static int make_private_folder(const char *path, struct error *error)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set(error, -1, "cannot make %s: %s", path, strerror(errno));
    struct stat status;
    if (lstat(path, &status) != 0)
        return error_set(error, -1, "cannot open %s: %s", path, strerror(errno));
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) != 0)
        return error_set(error, -1, "%s is there already and not a private folder", path);
    return 0;
}

/* Folder number `choice`, "" when that place is not to be had; false when there is none of that
 * number. */
static bool socket_folder_at(const struct run_directory *directory, const struct run_id *run,
                             int choice, char *folder, size_t size)
{
    if (choice > 2)
        return false;
    int written = 0;
    if (choice == 0) {
        written = snprintf(folder, size, "%s/socket", directory->path);
    } else {
        const char *base = choice == 1 ? getenv("XDG_RUNTIME_DIR") : "/tmp";
        if (base != NULL && base[0] == '/')
            written =
                snprintf(folder, size, "%s/ratchet-%u-%02x%02x%02x%02x", base, (unsigned)geteuid(),
                         run->bytes[0], run->bytes[1], run->bytes[2], run->bytes[3]);
    }
    if (written <= 0 || (size_t)written >= size)
        folder[0] = '\0';
    return true;
}

int run_directory_socket(struct run_directory *directory, const struct run_id *run, int choice,
                         char endpoint[ENDPOINT_BYTES_MAX], struct error *error)
{
    remove_socket_folder(directory);
    /* A socket's path is cut at 107 bytes by the kernel; "/control.bulk" is the longest of ours. */
    const size_t path_bytes_max = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    char folder[ENDPOINT_BYTES_MAX];
    if (!socket_folder_at(directory, run, choice, folder, sizeof folder))
        return error_set(error, -1,
                         "no place for the sockets of %s: neither in it, nor in "
                         "$XDG_RUNTIME_DIR, nor in /tmp",
                         directory->path);
    if (folder[0] == '\0' || strlen(folder) + strlen("/control.bulk") > path_bytes_max ||
        make_private_folder(folder, error) != 0)
        return 1;
    snprintf(directory->socket_folder, sizeof directory->socket_folder, "%s", folder);
    snprintf(endpoint, ENDPOINT_BYTES_MAX, "ipc://%.200s/control", folder);
    return 0;
}

int run_directory_write_endpoint(const struct run_directory *directory, const char *endpoint,
                                 struct error *error)
{
    char path[OS_PATH_BYTES_MAX], text[ENDPOINT_BYTES_MAX + 1];
    run_directory_file(directory, "endpoint", path);
    int bytes = snprintf(text, sizeof text, "%s\n", endpoint);
    return os_write_atomic(path, text, (size_t)bytes, 0644, error);
}

bool run_directory_read_endpoint(const char *path, char endpoint[ENDPOINT_BYTES_MAX])
{
    char file[OS_PATH_BYTES_MAX];
    char *text;
    size_t count;
    if (os_path_join(file, sizeof file, path, "endpoint", NULL) != 0 ||
        os_read_file(file, ENDPOINT_BYTES_MAX, &text, &count, NULL) != 0)
        return false;
    text[strcspn(text, "\n")] = '\0';
    bool fits = text[0] != '\0' && strlen(text) < ENDPOINT_BYTES_MAX;
    if (fits)
        snprintf(endpoint, ENDPOINT_BYTES_MAX, "%s", text);
    free(text);
    return fits;
}

bool run_directory_is_served(const char *path)
{
    char file[OS_PATH_BYTES_MAX], endpoint[ENDPOINT_BYTES_MAX];
    char *text;
    if (!run_directory_read_endpoint(path, endpoint) ||
        os_path_join(file, sizeof file, path, "lock", NULL) != 0 ||
        os_read_file(file, ENDPOINT_BYTES_MAX, &text, NULL, NULL) != 0)
        return false;
    long pid = strtol(text, NULL, 10);
    free(text);
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}
