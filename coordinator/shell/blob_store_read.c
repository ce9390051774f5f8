/*
 * blob_store_read.c: see blob_store.h. Reading and verifying.
 *
 * Each read opens the file anew: serving a chunk to a worker costs a handful of system calls, and
 * there is no descriptor to keep in step with removals.
 */
#include "coordinator/shell/blob_store_private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 65536 };

/* Opens a blob that the index knows and checks its size. */
static enum blob_result open_known(struct blob_store *store, const struct digest *digest, int *fd,
                                   uint64_t *total, struct error *error)
{
    const struct blob_entry *entry = blob_index_find(&store->index, digest);
    if (entry == NULL)
        return blob_fail_named(store, BLOB_ABSENT, digest, "is not here", error);
    struct stat status;
    *total = entry->bytes;
    *fd = blob_open(store, digest);
    if (*fd < 0 && errno == ENOENT)
        return blob_fail_named(store, BLOB_ABSENT, digest, "has vanished from the disk", error);
    if (*fd < 0)
        return blob_fail_named(store, blob_result_of(errno), digest, strerror(errno), error);
    if (fstat(*fd, &status) == 0 && S_ISREG(status.st_mode) &&
        (uint64_t)status.st_size == entry->bytes)
        return BLOB_OK;
    close(*fd);
    return blob_fail_named(store, BLOB_CORRUPT, digest, "has not the size that it came with",
                           error);
}

/* Reads until `size` bytes or the end; -1 with errno. */
static ssize_t read_at(int fd, uint64_t offset, void *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(fd, (char *)bytes + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

enum blob_result blob_store_read(struct blob_store *store, const struct digest *digest,
                                 uint64_t offset, void *bytes, size_t size, size_t *count,
                                 uint64_t *total, struct error *error)
{
    int fd;
    enum blob_result result = open_known(store, digest, &fd, total, error);
    if (result != BLOB_OK)
        return result;
    uint64_t left = offset < *total ? *total - offset : 0;
    size_t wanted = left < size ? (size_t)left : size;
    ssize_t got = read_at(fd, offset, bytes, wanted);
    if (got < 0) {
        result = blob_fail_named(store, BLOB_FAILED, digest, strerror(errno), error);
    } else if ((size_t)got < wanted) {
        result = blob_fail_named(store, BLOB_CORRUPT, digest, "was cut while it was read", error);
    } else if (wanted == *total) {
        struct digest found = digest_of(bytes, wanted);
        if (!digest_equal(&found, digest))
            result = blob_fail_named(store, BLOB_CORRUPT, digest, "holds other bytes", error);
    }
    close(fd);
    *count = result == BLOB_OK ? wanted : 0;
    return result;
}

enum blob_result blob_store_verify(struct blob_store *store, const struct digest *digest,
                                   struct error *error)
{
    int fd;
    uint64_t total;
    enum blob_result result = open_known(store, digest, &fd, &total, error);
    if (result != BLOB_OK)
        return result;
    uint8_t piece[PIECE_BYTES];
    struct digest_state hash;
    digest_init(&hash);
    ssize_t got = 0;
    for (uint64_t at = 0; at < total; at += (uint64_t)got) {
        got = read_at(fd, at, piece, sizeof piece);
        if (got <= 0)
            break;
        digest_update(&hash, piece, (size_t)got);
    }
    struct digest found = digest_final(&hash);
    if (got < 0)
        result = blob_fail_named(store, BLOB_FAILED, digest, strerror(errno), error);
    else if (!digest_equal(&found, digest))
        result = blob_fail_named(store, BLOB_CORRUPT, digest, "holds other bytes", error);
    close(fd);
    return result;
}
