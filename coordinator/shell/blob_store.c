/*
 * blob_store.c: see blob_store.h.
 *
 * The folder holds up to 256 folders "00".."ff", in them the blobs, and beside them "tmp-..." files
 * of blobs that are being written (".tmp-..." when another program writes one). Every name is
 * opened relative to its folder's descriptor and never through a link, so that nothing planted in
 * the tree leads out of it. What does not look like a blob is let be.
 *
 * Which blobs there are is known from memory after one scan at the opening: asking costs no system
 * call. One thread, one process (who holds RUN/lock).
 */
#include "coordinator/shell/blob_store_private.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------- errors */

enum blob_result blob_fail(struct error *error, enum blob_result result, const char *format, ...)
{
    char text[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    error_set(error, (int)result, "%s", text);
    return result;
}

enum blob_result blob_result_of(int reason)
{
    switch (reason) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return BLOB_FULL;
    case EMFILE:
    case ENFILE:
        return BLOB_LATER;
    default:
        return BLOB_FAILED;
    }
}

enum blob_result blob_fail_errno(const struct blob_store *store, const char *what,
                                 struct error *error)
{
    int reason = errno;
    return blob_fail(error, blob_result_of(reason), "%.300s: %s: %s", store->path, what,
                     strerror(reason));
}

enum blob_result blob_fail_named(const struct blob_store *store, enum blob_result result,
                                 const struct digest *digest, const char *what, struct error *error)
{
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(digest, hex);
    return blob_fail(error, result, "%.300s: blob %s: %s", store->path, hex, what);
}

/* ------------------------------------------------------------------------------------- places */

struct blob_place blob_place(const struct digest *digest)
{
    char hex[DIGEST_HEX_BYTES];
    struct blob_place place;
    digest_to_hex(digest, hex);
    memcpy(place.folder, hex, 2);
    place.folder[2] = '\0';
    memcpy(place.name, hex + 2, sizeof place.name);
    return place;
}

int blob_open_folder(const struct blob_store *store, const char *name)
{
    return openat(store->root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int blob_open(const struct blob_store *store, const struct digest *digest)
{
    struct blob_place place = blob_place(digest);
    int folder = blob_open_folder(store, place.folder);
    if (folder < 0)
        return -1;
    int fd = openat(folder, place.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int reason = errno;
    close(folder);
    errno = reason;
    return fd;
}

/* --------------------------------------------------------------------------------------- open */

static bool is_lower_hex(const char *text, size_t count)
{
    return strlen(text) == count && strspn(text, "0123456789abcdef") == count;
}

/* A file that lies where a blob lies. */
static enum blob_result scan_file(struct blob_store *store, int folder, const char *folder_name,
                                  const char *name, struct error *error)
{
    char hex[DIGEST_HEX_BYTES];
    struct digest digest;
    struct stat status;
    if (!is_lower_hex(name, BLOB_NAME_HEX) ||
        fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        return BLOB_OK;
    snprintf(hex, sizeof hex, "%.2s%.62s", folder_name, name);
    bool parsed = digest_from_hex(hex, &digest);
    assert(parsed);
    struct digest of_nothing = digest_of(NULL, 0);
    if (status.st_size == 0 && !digest_equal(&digest, &of_nothing)) {
        /* What a power cut leaves of a blob that was not synced: better absent than wrong. */
        unlinkat(folder, name, 0);
        return BLOB_OK;
    }
    if (blob_store_has(store, &digest))
        return BLOB_OK;
    if (blob_index_reserve(&store->index) != 0)
        return blob_fail(error, BLOB_FAILED, "%.300s: out of memory", store->path);
    blob_index_insert(&store->index, &digest, (uint64_t)status.st_size);
    return BLOB_OK;
}

/* Takes `fd`, a folder, and calls scan_file or scan_root for each name in it. */
static enum blob_result scan_folder(struct blob_store *store, int fd, const char *folder_name,
                                    enum blob_result (*scan)(struct blob_store *store, int folder,
                                                             const char *folder_name,
                                                             const char *name, struct error *error),
                                    struct error *error)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return blob_fail_errno(store, "cannot be listed", error);
    }
    enum blob_result result = BLOB_OK;
    const struct dirent *entry = NULL;
    errno = 0;
    while (result == BLOB_OK && (entry = readdir(folder)) != NULL) {
        result = scan(store, dirfd(folder), folder_name, entry->d_name, error);
        errno = 0;
    }
    if (result == BLOB_OK && errno != 0)
        result = blob_fail_errno(store, "cannot be listed", error);
    closedir(folder);
    return result;
}

/* A name at the top: a folder of blobs, or what a killed process left half written. */
static enum blob_result scan_root(struct blob_store *store, int root, const char *folder_name,
                                  const char *name, struct error *error)
{
    (void)folder_name;
    if (strncmp(name, "tmp-", 4) == 0 || strncmp(name, ".tmp-", 5) == 0) {
        unlinkat(root, name, 0); /* if it cannot be removed, it is in nobody's way */
        return BLOB_OK;
    }
    if (!is_lower_hex(name, 2))
        return BLOB_OK;
    int fd = blob_open_folder(store, name);
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return BLOB_OK;
    if (fd < 0)
        return blob_fail_errno(store, "a folder of it cannot be opened", error);
    return scan_folder(store, fd, name, scan_file, error);
}

static enum blob_result open_at(struct blob_store *store, const char *path, struct error *error)
{
    int length = snprintf(store->path, sizeof store->path, "%s", path);
    if (length < 0 || (size_t)length >= sizeof store->path)
        return blob_fail(error, BLOB_FAILED, "%.200s...: path too long", path);
    if (os_make_directories(path, 0755, error) != 0)
        return BLOB_FAILED;
    store->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = store->root < 0 ? -1 : blob_open_folder(store, ".");
    if (fd < 0)
        return blob_fail_errno(store, "cannot be opened", error);
    return scan_folder(store, fd, "", scan_root, error);
}

enum blob_result blob_store_open(const char *path, uint64_t bytes_max, struct blob_store **store,
                                 struct error *error)
{
    *store = NULL;
    struct blob_store *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return blob_fail(error, BLOB_FAILED, "%.300s: out of memory", path);
    opened->root = -1;
    opened->bytes_max = bytes_max;
    opened->hasher = blob_hasher_create(BLOB_HASH_FAST);
    enum blob_result result = opened->hasher != NULL
                                  ? open_at(opened, path, error)
                                  : blob_fail(error, BLOB_FAILED, "%.300s: out of memory", path);
    /* What is there may be what a process published that was killed before it synced. */
    if (opened->index.count > 0)
        opened->unsynced.count = BLOB_UNSYNCED_MAX + 1;
    if (result != BLOB_OK)
        blob_store_close(&opened);
    *store = opened;
    return result;
}

void blob_store_close(struct blob_store **store)
{
    if (*store == NULL)
        return;
    blob_behind_stop(*store);
    blob_uncache_stop(*store);
    if ((*store)->root >= 0)
        close((*store)->root);
    blob_hasher_destroy(&(*store)->hasher);
    blob_index_fini(&(*store)->index);
    free(*store);
    *store = NULL;
}

bool blob_store_has(const struct blob_store *store, const struct digest *digest)
{
    return blob_index_find(&store->index, digest) != NULL;
}

uint64_t blob_store_bytes_of(const struct blob_store *store, const struct digest *digest)
{
    const struct blob_entry *entry = blob_index_find(&store->index, digest);
    return entry == NULL ? 0 : entry->bytes;
}

uint64_t blob_store_bytes(const struct blob_store *store)
{
    return store->index.bytes;
}

uint64_t blob_store_count(const struct blob_store *store)
{
    return store->index.count;
}

/* ------------------------------------------------------------------------------------- remove */

enum blob_result blob_store_remove(struct blob_store *store, const struct digest *digest,
                                   struct error *error)
{
    if (!blob_store_has(store, digest))
        return blob_fail_named(store, BLOB_ABSENT, digest, "is not here", error);
    struct blob_place place = blob_place(digest);
    int folder = blob_open_folder(store, place.folder);
    bool failed = folder < 0 || unlinkat(folder, place.name, 0) != 0;
    int reason = errno;
    if (folder >= 0)
        close(folder);
    /* Gone without our doing is gone as well. */
    if (failed && reason != ENOENT)
        return blob_fail_named(store, BLOB_FAILED, digest, strerror(reason), error);
    blob_index_remove(&store->index, digest);
    return BLOB_OK;
}

uint64_t blob_store_sweep(struct blob_store *store,
                          bool (*keep)(const void *context, const struct digest *digest),
                          const void *context)
{
    uint64_t removed = 0;
    size_t place = 0;
    while (place < store->index.capacity) {
        struct blob_entry entry = store->index.entries[place];
        /* A removal moves others only to this place or behind it: it is looked at again. */
        if (entry.bytes != BLOB_ENTRY_EMPTY && !keep(context, &entry.digest) &&
            blob_store_remove(store, &entry.digest, NULL) == BLOB_OK)
            removed++;
        else
            place++;
    }
    return removed;
}
