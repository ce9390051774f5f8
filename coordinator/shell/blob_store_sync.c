/*
 * blob_store_sync.c: see blob_store.h. Surviving a power cut.
 *
 * A few blobs are synced one by one, then the folders that got names; when there were many, or when
 * an earlier process left some of which nothing is known, the file system that holds them is synced
 * as a whole.
 */
#include "coordinator/shell/blob_store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
    /* Removed since, or gone: nothing to make durable. */
    if (!blob_store_has(store, digest))
        return BLOB_OK;
    touched[digest->bytes[0]] = true;
    int fd = blob_open(store, digest);
    if (fd < 0)
        return errno == ENOENT
                   ? BLOB_OK
                   : blob_fail_named(store, BLOB_FAILED, digest, strerror(errno), error);
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

static enum blob_result sync_each(const struct blob_store *store, struct error *error)
{
    bool touched[BLOB_FOLDERS] = {false};
    enum blob_result result = BLOB_OK;
    for (uint32_t i = 0; i < store->unsynced_count; i++)
        begin_writing(store, &store->unsynced[i]);
    for (uint32_t i = 0; i < store->unsynced_count && result == BLOB_OK; i++)
        result = sync_blob(store, &store->unsynced[i], touched, error);
    for (unsigned i = 0; i < BLOB_FOLDERS && result == BLOB_OK; i++)
        if (touched[i])
            result = sync_folder(store, i, error);
    if (result == BLOB_OK && fsync(store->root) != 0)
        result = blob_fail_errno(store, "cannot be synced", error);
    return result;
}

enum blob_result blob_store_sync(struct blob_store *store, struct error *error)
{
    enum blob_result result = BLOB_OK;
    if (store->unsynced_count > BLOB_UNSYNCED_MAX) {
        if (syncfs(store->root) != 0)
            result = blob_fail_errno(store, "cannot be synced", error);
    } else if (store->unsynced_count > 0) {
        result = sync_each(store, error);
    }
    if (result == BLOB_OK)
        store->unsynced_count = 0;
    return result;
}
