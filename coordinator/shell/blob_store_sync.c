/*
 * blob_store_sync.c: see blob_store.h. Surviving a power cut.
 *
 * A few blobs are synced one by one, then the folders that got names; when there were many, or when
 * an earlier process left some of which nothing is known, the file system that holds them is synced
 * as a whole. That takes as long as the disk needs, so whoever must not wait has it done by a
 * thread (blob_store_behind.c); what is published meanwhile is the next list.
 */
#include "coordinator/shell/blob_store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* So little is synced at once: it takes no longer than to ask for it. */
enum { LITTLE_BLOBS = 8, LITTLE_BYTES = 1 << 20 };

/* Has the kernel begin to write, so that the waits below find most of it done. Only a hint. */
static void begin_writing(const struct blob_store *store, const struct digest *digest)
{
    int fd = blob_open(store, digest);
    if (fd < 0)
        return;
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    close(fd);
}

/* `touched` marks the folders whose names must be synced afterwards. */
static enum blob_result sync_blob(const struct blob_store *store, const struct digest *digest,
                                  bool touched[BLOB_FOLDERS], struct error *error)
{
    int fd = blob_open(store, digest);
    if (fd < 0 && errno == ENOENT) /* removed since: nothing to make durable */
        return BLOB_OK;
    if (fd < 0)
        return blob_fail_named(store, blob_result_of(errno), digest, strerror(errno), error);
    touched[digest->bytes[0]] = true;
    enum blob_result result = BLOB_OK;
    if (fdatasync(fd) != 0)
        result = blob_fail_errno(store, "a blob cannot be synced", error);
    close(fd);
    return result;
}

static enum blob_result sync_folder(const struct blob_store *store, unsigned folder,
                                    struct error *error)
{
    char name[3];
    snprintf(name, sizeof name, "%02x", folder & 0xff);
    int fd = blob_open_folder(store, name);
    if (fd < 0)
        return blob_fail_errno(store, "a folder cannot be opened", error);
    enum blob_result result = BLOB_OK;
    if (fsync(fd) != 0)
        result = blob_fail_errno(store, "a folder cannot be synced", error);
    close(fd);
    return result;
}

static enum blob_result sync_each(const struct blob_store *store,
                                  const struct blob_unsynced *unsynced, struct error *error)
{
    bool touched[BLOB_FOLDERS] = {false};
    enum blob_result result = BLOB_OK;
    for (uint32_t i = 0; i < unsynced->count; i++)
        begin_writing(store, &unsynced->digests[i]);
    for (uint32_t i = 0; i < unsynced->count && result == BLOB_OK; i++)
        result = sync_blob(store, &unsynced->digests[i], touched, error);
    for (unsigned i = 0; i < BLOB_FOLDERS && result == BLOB_OK; i++)
        if (touched[i])
            result = sync_folder(store, i, error);
    if (result == BLOB_OK && fsync(store->root) != 0)
        result = blob_fail_errno(store, "cannot be synced", error);
    return result;
}

enum blob_result blob_sync_these(const struct blob_store *store,
                                 const struct blob_unsynced *unsynced, struct error *error)
{
    if (unsynced->count == 0)
        return BLOB_OK;
    if (unsynced->count <= BLOB_UNSYNCED_MAX) {
        enum blob_result result = sync_each(store, unsynced, error);
        if (result != BLOB_LATER)
            return result;
        /* The whole needs no further descriptor. */
    }
    if (syncfs(store->root) != 0)
        return blob_fail_errno(store, "cannot be synced", error);
    return BLOB_OK;
}

static enum blob_result sync_here(struct blob_store *store, struct error *error)
{
    enum blob_result result = blob_sync_these(store, &store->unsynced, error);
    if (result == BLOB_OK)
        store->unsynced.count = 0;
    if (result == BLOB_OK)
        store->unsynced.bytes = 0;
    return result;
}

enum blob_result blob_store_sync(struct blob_store *store, struct error *error)
{
    enum blob_result result = blob_behind_wait(store, error);
    return result == BLOB_OK ? sync_here(store, error) : result;
}

enum blob_result blob_store_sync_soon(struct blob_store *store, struct error *error)
{
    enum blob_result result = blob_behind_poll(store, error);
    if (result != BLOB_OK)
        return result;
    bool little = store->unsynced.count <= LITTLE_BLOBS && store->unsynced.bytes <= LITTLE_BYTES;
    if (little)
        return sync_here(store, error);
    result = blob_behind_start(store, error);
    return result == BLOB_OK ? BLOB_BUSY : result;
}
