/*
 * cache_scan.c: what a cache folder holds at the start; see cache_internal.h.
 *
 * Names and sizes only: reading gigabytes here would keep a worker from joining. Files enter the
 * index in the order of their modification, so that the oldest goes first when room is needed.
 */
#include "worker/shell/cache_internal.h"

#include "proto/slot_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct found {
    struct digest digest;
    uint64_t bytes;
    struct timespec modified;
};

struct found_list {
    struct found *items;
    size_t count, room;
};

static int append(struct found_list *list, const struct found *found)
{
    if (list->count == list->room) {
        size_t room = list->room > 0 ? 2 * list->room : 1024;
        struct found *items = realloc(list->items, room * sizeof *items);
        if (items == NULL)
            return -1;
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = *found;
    return 0;
}

static int by_age(const void *left, const void *right)
{
    const struct timespec *a = &((const struct found *)left)->modified;
    const struct timespec *b = &((const struct found *)right)->modified;
    if (a->tv_sec != b->tv_sec)
        return a->tv_sec < b->tv_sec ? -1 : 1;
    return (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);
}

/* The digest that a file below blobs/ is named by: two digits of its folder, the rest its own. */
static bool digest_of_name(const char *folder, const char *name, struct digest *digest)
{
    char hex[DIGEST_HEX_BYTES];
    if (strlen(folder) != 2 || strlen(name) != DIGEST_HEX_BYTES - 3)
        return false;
    memcpy(hex, folder, 2);
    memcpy(hex + 2, name, DIGEST_HEX_BYTES - 2);
    return digest_from_hex(hex, digest);
}

/* Looks at one file. What is not ours is left alone; an empty file is what a power cut leaves. */
static int scan_file(int fd, const char *folder, const char *name, struct found_list *list)
{
    struct found found;
    struct stat status;
    if (!digest_of_name(folder, name, &found.digest) ||
        fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        return 0;
    if (status.st_size == 0 || (uintmax_t)status.st_size > BLOB_BYTES_MAX) {
        unlinkat(fd, name, 0);
        return 0;
    }
    found.bytes = (uint64_t)status.st_size;
    found.modified = status.st_mtim;
    return append(list, &found);
}

static DIR *open_below(int fd, const char *name)
{
    int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = below < 0 ? NULL : fdopendir(below);
    if (folder == NULL && below >= 0)
        close(below);
    return folder;
}

static int scan_folder(int fd, const char *name, struct found_list *list)
{
    DIR *folder = open_below(fd, name);
    if (folder == NULL)
        return 0;
    int failed = 0;
    const struct dirent *entry;
    while (!failed && (entry = readdir(folder)) != NULL)
        failed = scan_file(dirfd(folder), name, entry->d_name, list);
    closedir(folder);
    return failed;
}

static void fill_index(struct cache *cache, struct found_list *list)
{
    qsort(list->items, list->count, sizeof list->items[0], by_age);
    size_t surplus = list->count > CACHE_ENTRIES_MAX ? list->count - CACHE_ENTRIES_MAX : 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct found *found = &list->items[i];
        if (i >= surplus &&
            cache_index_add(cache->index, &found->digest, found->bytes) != CACHE_ENTRY_NONE)
            continue;
        char name[SLOT_FOLDER_NAME_BYTES];
        slot_folder_blob(&found->digest, name);
        unlinkat(cache->fd, name, 0);
    }
}

int cache_scan(struct cache *cache, struct error *error)
{
    DIR *blobs = open_below(cache->fd, SLOT_FOLDER_BLOBS);
    if (blobs == NULL) {
        cache_fail(cache, "cannot open the folder", SLOT_FOLDER_BLOBS, error);
        return -1;
    }
    struct found_list list = {0};
    int failed = 0;
    const struct dirent *entry;
    while (!failed && (entry = readdir(blobs)) != NULL)
        if (strlen(entry->d_name) == 2)
            failed = scan_folder(dirfd(blobs), entry->d_name, &list);
    if (failed)
        error_set(error, -1, "%s: no memory to list the files", cache->folder);
    else if (list.count > 0)
        fill_index(cache, &list);
    free(list.items);
    closedir(blobs);
    return failed;
}
