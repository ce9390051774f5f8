/*
 * cache_writer.c: blobs that arrive in pieces; see cache.h.
 *
 * Pieces come in order, so the digest is taken on the way and nothing is read again at the end. The
 * file is not synced: after a power cut the digest tells a whole file from a damaged one.
 */
#include "worker/shell/cache_internal.h"

#include "proto/slot_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct cache_writer {
    struct cache *cache;
    int fd;
    uint64_t bytes;
    struct digest_state state;
    char name[SLOT_FOLDER_NAME_BYTES];
};

static int open_file(struct cache *cache, struct cache_writer *writer, struct error *error)
{
    snprintf(writer->name, sizeof writer->name, SLOT_FOLDER_INCOMING "/fetch-%" PRIu64,
             cache->writers++);
    writer->fd =
        openat(cache->fd, writer->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (writer->fd >= 0)
        return 0;
    cache_fail(cache, "cannot write", writer->name, error);
    return -1;
}

enum cache_result cache_writer_open(struct cache *cache, uint64_t total,
                                    struct cache_writer **writer, struct error *error)
{
    *writer = NULL;
    if (total > cache->bytes_max)
        return (enum cache_result)error_set(error, CACHE_TOO_LARGE,
                                            "%s: %" PRIu64 " bytes are more than it may hold",
                                            cache->folder, total);
    if (!cache_make_room(cache, total))
        return (enum cache_result)error_set(
            error, CACHE_NO_ROOM, "%s: no room for %" PRIu64 " bytes beside what is in use",
            cache->folder, total);
    if (!cache_disk_has(cache, total)) {
        cache->refused = total;
        return (enum cache_result)error_set(error, CACHE_NO_ROOM,
                                            "%s: the disk has no room for %" PRIu64 " bytes",
                                            cache->folder, total);
    }
    struct cache_writer *opened = aligned_alloc(_Alignof(struct cache_writer), sizeof *opened);
    if (opened == NULL)
        return (enum cache_result)error_set(error, CACHE_FAILED, "no memory to fetch a file");
    *opened = (struct cache_writer){.cache = cache};
    digest_init(&opened->state);
    if (open_file(cache, opened, error) != 0) {
        free(opened);
        return CACHE_FAILED;
    }
    *writer = opened;
    return CACHE_OK;
}

enum cache_result cache_writer_append(struct cache_writer *writer, const void *bytes, size_t count,
                                      struct error *error)
{
    const char *next = bytes;
    size_t left = count;
    while (left > 0) {
        ssize_t written = write(writer->fd, next, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return cache_fail(writer->cache, "cannot write", writer->name, error);
        next += written;
        left -= (size_t)written;
    }
    digest_update(&writer->state, bytes, count);
    writer->bytes += count;
    return CACHE_OK;
}

enum cache_result cache_writer_publish(struct cache_writer **writer, const struct digest *expected,
                                       struct error *error)
{
    struct cache_writer *whole = *writer;
    struct digest found = digest_final(&whole->state);
    enum cache_result result;
    if (!digest_equal(&found, expected))
        result = (enum cache_result)error_set(
            error, CACHE_FAILED, "%s: what came is not what was asked for", whole->cache->folder);
    else
        result = cache_publish(whole->cache, whole->name, expected, whole->bytes, error);
    cache_writer_abandon(writer);
    return result;
}

void cache_writer_abandon(struct cache_writer **writer)
{
    struct cache_writer *ended = *writer;
    if (ended == NULL)
        return;
    close(ended->fd);
    unlinkat(ended->cache->fd, ended->name, 0); /* gone already when it was moved into its place */
    free(ended);
    *writer = NULL;
}
