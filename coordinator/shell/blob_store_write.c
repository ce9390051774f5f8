/*
 * blob_store_write.c: see blob_store.h. Writing and publishing.
 *
 * A blob grows in a file "tmp-..." beside the folders, is hashed on the way, and gets its name by
 * one rename when the hash is the expected one. So a name always stands for whole bytes, at
 * whatever moment the process dies.
 */
#include "coordinator/shell/blob_store_private.h"

#include "common/limits.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMPORARY_NAME_BYTES = 32, ADOPT_BYTES = 1 << 20 };

struct blob_writer {
    struct blob_store *store;
    int fd;
    char name[TEMPORARY_NAME_BYTES];
    uint64_t bytes;
    struct blob_hash hash;
};

/* Whether `count` more bytes may be written. */
static enum blob_result check_room(const struct blob_store *store, uint64_t count,
                                   struct error *error)
{
    uint64_t used = store->index.bytes + store->bytes_coming;
    if (used <= store->bytes_max && count <= store->bytes_max - used)
        return BLOB_OK;
    return blob_fail(error, BLOB_FULL,
                     "%.300s: disk_max is reached: %" PRIu64 " of %" PRIu64
                     " bytes are used, %" PRIu64 " more are needed",
                     store->path, used, store->bytes_max, count);
}

static int choose_name(char name[TEMPORARY_NAME_BYTES], struct error *error)
{
    uint64_t random;
    if (os_random_bytes(&random, sizeof random, error) != 0)
        return -1;
    snprintf(name, TEMPORARY_NAME_BYTES, "tmp-%016" PRIx64, random);
    return 0;
}

enum blob_result blob_writer_open(struct blob_store *store, struct blob_writer **writer,
                                  struct error *error)
{
    *writer = NULL;
    struct blob_writer *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return blob_fail(error, BLOB_FAILED, "%.300s: out of memory", store->path);
    opened->store = store;
    blob_hash_init(&opened->hash);
    if (choose_name(opened->name, error) != 0) {
        free(opened);
        return BLOB_FAILED;
    }
    opened->fd = openat(store->root, opened->name,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (opened->fd < 0) {
        enum blob_result result = blob_fail_errno(store, "a blob cannot be begun", error);
        free(opened);
        return result;
    }
    *writer = opened;
    return BLOB_OK;
}

void blob_writer_abandon(struct blob_writer **writer)
{
    if (*writer == NULL)
        return;
    struct blob_store *store = (*writer)->store;
    if ((*writer)->fd >= 0)
        close((*writer)->fd);
    unlinkat(store->root, (*writer)->name, 0);
    blob_hasher_forget(store->hasher, &(*writer)->hash);
    store->bytes_coming -= (*writer)->bytes;
    free(*writer);
    *writer = NULL;
}

enum blob_result blob_writer_append(struct blob_writer *writer, const void *bytes, size_t count,
                                    struct error *error)
{
    enum blob_result result = check_room(writer->store, count, error);
    if (result != BLOB_OK)
        return result;
    if (count > BLOB_BYTES_MAX - writer->bytes)
        return blob_fail(error, BLOB_FAILED, "%.300s: a blob of more than %" PRIu64 " bytes",
                         writer->store->path, (uint64_t)BLOB_BYTES_MAX);
    const char *next = bytes;
    for (size_t left = count; left > 0;) {
        ssize_t written = write(writer->fd, next, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return blob_fail_errno(writer->store, "a blob cannot be written", error);
        next += written;
        left -= (size_t)written;
    }
    blob_hasher_add(writer->store->hasher, &writer->hash, bytes, count);
    writer->bytes += count;
    writer->store->bytes_coming += count;
    return BLOB_OK;
}

static void remember_unsynced(struct blob_store *store, const struct digest *digest, uint64_t bytes)
{
    struct blob_unsynced *unsynced = &store->unsynced;
    unsynced->bytes += bytes;
    if (unsynced->count < BLOB_UNSYNCED_MAX)
        unsynced->digests[unsynced->count] = *digest;
    if (unsynced->count <= BLOB_UNSYNCED_MAX)
        unsynced->count++;
}

/* Before the blob itself is on its way to the disk: one by itself is no flood, however large. */
static void watch_flood(struct blob_store *store, const struct digest *digest, uint64_t bytes)
{
    if (store->unsynced.bytes + store->bytes_behind >= BLOB_FLOOD_BYTES)
        store->flood_left = BLOB_FLOOD_REST_BYTES;
    if (store->flood_left == 0)
        return;
    store->flood_left -= bytes < store->flood_left ? bytes : store->flood_left;
    blob_uncache_soon(store, digest);
}

static int open_or_make_folder(const struct blob_store *store, const char *name)
{
    int fd = blob_open_folder(store, name);
    if (fd >= 0 || errno != ENOENT || mkdirat(store->root, name, 0755) != 0)
        return fd;
    return blob_open_folder(store, name);
}

/* Gives the file its name, replacing whatever damaged thing may have it. */
static enum blob_result rename_to(const struct blob_store *store, const char *name,
                                  const struct digest *digest, struct error *error)
{
    struct blob_place place = blob_place(digest);
    int folder = open_or_make_folder(store, place.folder);
    if (folder < 0)
        return blob_fail_errno(store, "a folder for a blob cannot be made", error);
    enum blob_result result = BLOB_OK;
    if (renameat(store->root, name, folder, place.name) != 0)
        result = blob_fail_errno(store, "a blob cannot be given its name", error);
    close(folder);
    return result;
}

/* Closes the file and publishes it; the writer itself is left to the caller. */
static enum blob_result publish(struct blob_writer *writer, const struct digest *expected,
                                struct error *error)
{
    struct blob_store *store = writer->store;
    struct digest found = blob_hasher_finish(store->hasher, &writer->hash);
    int fd = writer->fd;
    writer->fd = -1;
    if (close(fd) != 0)
        return blob_fail_errno(store, "a blob cannot be written", error);
    if (!digest_equal(&found, expected))
        return blob_fail_named(store, BLOB_CORRUPT, expected, "other bytes arrived under its name",
                               error);
    if (blob_store_has(store, expected))
        return BLOB_OK;
    if (blob_index_reserve(&store->index) != 0)
        return blob_fail(error, BLOB_FAILED, "%.300s: out of memory", store->path);
    enum blob_result result = rename_to(store, writer->name, expected, error);
    if (result != BLOB_OK)
        return result;
    blob_index_insert(&store->index, expected, writer->bytes);
    watch_flood(store, expected, writer->bytes);
    remember_unsynced(store, expected, writer->bytes);
    return BLOB_OK;
}

enum blob_result blob_writer_publish(struct blob_writer **writer, const struct digest *expected,
                                     struct error *error)
{
    enum blob_result result = publish(*writer, expected, error);
    /* After a success the temporary name is gone already, or the blob was there before. */
    blob_writer_abandon(writer);
    return result;
}

enum blob_result blob_store_put(struct blob_store *store, const void *bytes, size_t count,
                                struct digest *digest, struct error *error)
{
    *digest = digest_of(bytes, count);
    if (blob_store_has(store, digest))
        return BLOB_OK;
    struct blob_writer *writer;
    enum blob_result result = blob_writer_open(store, &writer, error);
    if (result == BLOB_OK)
        result = blob_writer_append(writer, bytes, count, error);
    if (result != BLOB_OK) {
        if (writer != NULL)
            blob_writer_abandon(&writer);
        return result;
    }
    return blob_writer_publish(&writer, digest, error);
}

/* --------------------------------------------------------------------------------- adopting */

enum blob_result blob_store_staging(struct blob_store *store, char *path, size_t size,
                                    struct error *error)
{
    char name[TEMPORARY_NAME_BYTES];
    if (choose_name(name, error) != 0 || os_path_join(path, size, store->path, name, error) != 0)
        return BLOB_FAILED;
    return BLOB_OK;
}

/* Hashes the file of a writer that only adopts. Its bytes are there already: they count at once. */
static enum blob_result hash_file(struct blob_writer *writer, uint64_t size, struct error *error)
{
    char *piece = malloc(ADOPT_BYTES);
    if (piece == NULL)
        return blob_fail(error, BLOB_FAILED, "%.300s: out of memory", writer->store->path);
    ssize_t got = 0;
    while (writer->bytes <= size && (got = read(writer->fd, piece, ADOPT_BYTES)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        blob_hasher_add(writer->store->hasher, &writer->hash, piece, (size_t)got);
        writer->bytes += (uint64_t)got;
        writer->store->bytes_coming += (uint64_t)got;
    }
    free(piece);
    if (got < 0)
        return blob_fail_errno(writer->store, "a file cannot be read", error);
    if (writer->bytes != size)
        return blob_fail(error, BLOB_FAILED, "%.300s: a file changed while it was read",
                         writer->store->path);
    return BLOB_OK;
}

/* Opens the file and checks that there is room for it. */
static enum blob_result open_adopted(struct blob_writer *writer, uint64_t *size,
                                     struct error *error)
{
    struct stat status;
    writer->fd =
        openat(writer->store->root, writer->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (writer->fd < 0 || fstat(writer->fd, &status) != 0)
        return blob_fail_errno(writer->store, "a file cannot be opened", error);
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size > BLOB_BYTES_MAX)
        return blob_fail(error, BLOB_FAILED,
                         "%.300s: no file, or one of more than %" PRIu64 " bytes",
                         writer->store->path, (uint64_t)BLOB_BYTES_MAX);
    *size = (uint64_t)status.st_size;
    return check_room(writer->store, *size, error);
}

enum blob_result blob_store_adopt(struct blob_store *store, const char *path,
                                  const struct digest *expected, struct error *error)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    assert(strncmp(name, "tmp-", 4) == 0);
    struct blob_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return blob_fail(error, BLOB_FAILED, "%.300s: out of memory", store->path);
    writer->store = store;
    writer->fd = -1;
    snprintf(writer->name, sizeof writer->name, "%s", name);
    blob_hash_init(&writer->hash);
    uint64_t size = 0;
    enum blob_result result = open_adopted(writer, &size, error);
    if (result == BLOB_OK)
        result = hash_file(writer, size, error);
    if (result == BLOB_OK)
        return blob_writer_publish(&writer, expected, error);
    blob_writer_abandon(&writer);
    return result;
}
