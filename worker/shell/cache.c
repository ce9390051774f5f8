/*
 * cache.c: see cache.h.
 *
 * All files are reached through the folder's descriptor by names that slot_folder.c makes, and
 * links are not followed. The limit holds for what is fetched. A child of a job that already ran is
 * always taken, since it cannot be asked for again: that overshoot is bounded by the room that
 * cache_measure() keeps free.
 */
#include "worker/shell/cache_internal.h"

#include "common/os_file.h"
#include "proto/slot_folder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Left to others on the disk, beside the room for children. */
static const uint64_t DISK_BYTES_LEFT = UINT64_C(1) << 20;

enum cache_result cache_fail(const struct cache *cache, const char *what, const char *name,
                             struct error *error)
{
    return (enum cache_result)error_set(error, CACHE_FAILED, "%s/%s: %s: %s", cache->folder, name,
                                        what, strerror(errno));
}

/* ------------------------------------------------------------------------------ open and close */

static int make_folder(const struct cache *cache, const char *name, struct error *error)
{
    if (mkdirat(cache->fd, name, 0700) == 0 || errno == EEXIST)
        return 0;
    cache_fail(cache, "cannot make the folder", name, error);
    return -1;
}

static int take_lock(struct cache *cache, struct error *error)
{
    char path[OS_PATH_BYTES_MAX];
    if (os_path_join(path, sizeof path, cache->folder, CACHE_LOCK, error) != 0)
        return -1;
    cache->lock = os_lock_file(path, error);
    return cache->lock < 0 ? -1 : 0;
}

/* Reads the folder's name, or gives it one. */
static int find_home(struct cache *cache, struct error *error)
{
    char path[OS_PATH_BYTES_MAX];
    if (os_path_join(path, sizeof path, cache->folder, CACHE_HOME, error) != 0)
        return -1;
    char *bytes = NULL;
    size_t count = 0;
    struct home_id home;
    if (os_read_file(path, sizeof home.bytes, &bytes, &count, NULL) == 0)
        memcpy(home.bytes, bytes, count);
    free(bytes);
    if (count != sizeof home.bytes &&
        (os_random_bytes(home.bytes, sizeof home.bytes, error) != 0 ||
         os_write_atomic(path, home.bytes, sizeof home.bytes, 0600, error) != 0))
        return -1;
    cache->home = home;
    return 0;
}

static int empty_incoming(struct cache *cache, struct error *error)
{
    char path[OS_PATH_BYTES_MAX];
    if (os_path_join(path, sizeof path, cache->folder, SLOT_FOLDER_INCOMING, error) != 0 ||
        os_remove_tree(path, error) != 0)
        return -1;
    return make_folder(cache, SLOT_FOLDER_INCOMING, error);
}

/* All of them now: on a full disk, a child that is written already must still find its place. */
static int make_blob_folders(struct cache *cache, struct error *error)
{
    char name[SLOT_FOLDER_NAME_BYTES];
    int failed = make_folder(cache, SLOT_FOLDER_BLOBS, error);
    for (unsigned i = 0; i < 256 && !failed; i++) {
        const struct digest digest = {{(uint8_t)i}};
        slot_folder_blob_parent(&digest, name);
        failed = make_folder(cache, name, error);
    }
    return failed;
}

static int open_folder(struct cache *cache, struct error *error)
{
    if (os_make_directories(cache->folder, 0700, error) != 0)
        return -1;
    cache->fd = open(cache->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cache->fd < 0) {
        cache_fail(cache, "cannot open the folder", "", error);
        return -1;
    }
    if (take_lock(cache, error) != 0 || find_home(cache, error) != 0 ||
        make_blob_folders(cache, error) != 0 || empty_incoming(cache, error) != 0)
        return -1;
    return cache_scan(cache, error);
}

int cache_open(const struct cache_options *options, struct cache **cache, struct error *error)
{
    struct cache *opened = calloc(1, sizeof *opened);
    *cache = opened;
    if (opened == NULL)
        return error_set(error, -1, "no memory for the cache");
    opened->fd = opened->lock = -1;
    opened->bytes_max = options->bytes_max;
    opened->slots = options->slots;
    opened->folder = strdup(options->folder);
    opened->index = cache_index_create(CACHE_ENTRIES_MAX);
    int failed = -1;
    if (opened->folder == NULL || opened->index == NULL)
        error_set(error, -1, "no memory for the cache");
    else
        failed = open_folder(opened, error);
    if (failed)
        cache_close(cache);
    else
        cache_make_room(opened, 0);
    return failed;
}

void cache_close(struct cache **cache)
{
    struct cache *closed = *cache;
    if (closed == NULL)
        return;
    if (closed->lock >= 0)
        close(closed->lock);
    if (closed->fd >= 0)
        close(closed->fd);
    cache_index_destroy(&closed->index);
    free(closed->folder);
    free(closed);
    *cache = NULL;
}

uint64_t cache_bytes_max(const struct cache *cache)
{
    return cache->bytes_max;
}

struct home_id cache_home(const struct cache *cache)
{
    return cache->home;
}

const char *cache_folder(const struct cache *cache)
{
    return cache->folder;
}

/* ------------------------------------------------------------------------------------ eviction */

static void remove_entry(struct cache *cache, uint32_t entry)
{
    char name[SLOT_FOLDER_NAME_BYTES];
    slot_folder_blob(cache_index_digest(cache->index, entry), name);
    unlinkat(cache->fd, name, 0);
    cache_index_remove(cache->index, entry);
}

static bool evict_oldest(struct cache *cache)
{
    uint32_t entry = cache_index_oldest(cache->index);
    if (entry == CACHE_ENTRY_NONE)
        return false;
    remove_entry(cache, entry);
    return true;
}

static bool fits(const struct cache *cache, uint64_t bytes)
{
    uint64_t used = cache_index_totals(cache->index).bytes;
    return used <= cache->bytes_max && bytes <= cache->bytes_max - used;
}

bool cache_make_room(struct cache *cache, uint64_t bytes)
{
    while (!fits(cache, bytes) || cache_index_is_full(cache->index))
        if (!evict_oldest(cache))
            return false;
    return true;
}

/* ------------------------------------------------------------------------------------- reading */

static int open_blob(const struct cache *cache, const struct digest *digest)
{
    char name[SLOT_FOLDER_NAME_BYTES];
    slot_folder_blob(digest, name);
    return openat(cache->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static bool bytes_match(int fd, const struct digest *expected)
{
    static const size_t AT_ONCE = 65536;
    uint8_t bytes[65536];
    struct digest_state state;
    digest_init(&state);
    for (;;) {
        ssize_t count = read(fd, bytes, AT_ONCE);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        if (count == 0)
            break;
        digest_update(&state, bytes, (size_t)count);
    }
    struct digest found = digest_final(&state);
    return digest_equal(&found, expected);
}

/*
 * The entry of a blob whose file is there and has been verified, or CACHE_ENTRY_NONE. What is gone
 * or damaged leaves the index, unless it is pinned: its users will notice.
 */
static uint32_t find_sound(struct cache *cache, const struct digest *digest, struct error *error)
{
    uint32_t entry = cache_index_find(cache->index, digest);
    if (entry == CACHE_ENTRY_NONE || cache_index_pins(cache->index, entry) > 0)
        return entry;
    int fd = open_blob(cache, digest);
    bool sound =
        fd >= 0 && (cache_index_is_verified(cache->index, entry) || bytes_match(fd, digest));
    if (fd >= 0)
        close(fd);
    if (sound) {
        cache_index_set_verified(cache->index, entry);
        return entry;
    }
    char name[SLOT_FOLDER_NAME_BYTES];
    slot_folder_blob(digest, name);
    error_set(error, CACHE_ABSENT, "%s/%s: %s; it is removed", cache->folder, name,
              fd < 0 ? "cannot be opened" : "its bytes are damaged");
    remove_entry(cache, entry);
    return CACHE_ENTRY_NONE;
}

static enum cache_result absent(const struct cache *cache, const struct digest *digest,
                                struct error *error)
{
    char name[SLOT_FOLDER_NAME_BYTES];
    slot_folder_blob(digest, name);
    return (enum cache_result)error_set(error, CACHE_ABSENT, "%s/%s: is not there", cache->folder,
                                        name);
}

enum cache_result cache_pin(struct cache *cache, const struct digest *digest, struct error *error)
{
    absent(cache, digest, error);
    uint32_t entry = find_sound(cache, digest, error);
    if (entry == CACHE_ENTRY_NONE)
        return CACHE_ABSENT;
    cache_index_pin(cache->index, entry);
    return CACHE_OK;
}

void cache_unpin(struct cache *cache, const struct digest *digest)
{
    uint32_t entry = cache_index_find(cache->index, digest);
    assert(entry != CACHE_ENTRY_NONE);
    cache_index_unpin(cache->index, entry);
    cache_make_room(cache, 0);
}

enum cache_result cache_read(struct cache *cache, const struct digest *digest,
                             struct cache_piece *piece, struct error *error)
{
    absent(cache, digest, error);
    uint32_t entry = find_sound(cache, digest, error);
    int fd = entry == CACHE_ENTRY_NONE ? -1 : open_blob(cache, digest);
    if (fd < 0)
        return CACHE_ABSENT;
    cache_index_touch(cache->index, entry);
    piece->total = cache_index_bytes(cache->index, entry);
    piece->count = 0;
    ssize_t count = 1;
    while (piece->count < piece->room && count != 0) {
        count = pread(fd, (char *)piece->bytes + piece->count, piece->room - piece->count,
                      (off_t)(piece->offset + piece->count));
        if (count < 0 && errno != EINTR)
            break;
        piece->count += count > 0 ? (size_t)count : 0;
    }
    enum cache_result result = CACHE_OK;
    char name[SLOT_FOLDER_NAME_BYTES];
    slot_folder_blob(digest, name);
    if (count < 0)
        result = cache_fail(cache, "cannot read", name, error);
    close(fd);
    return result;
}

/* ------------------------------------------------------------------------------------- writing */

int cache_prepare_slot(struct cache *cache, uint32_t slot, struct error *error)
{
    char name[SLOT_FOLDER_NAME_BYTES], path[OS_PATH_BYTES_MAX];
    slot_folder_staging(slot, name);
    if (os_path_join(path, sizeof path, cache->folder, name, error) != 0 ||
        os_remove_tree(path, error) != 0)
        return -1;
    return make_folder(cache, name, error);
}

static int move_in_place(struct cache *cache, const char *name, const struct digest *digest,
                         struct error *error)
{
    char place[SLOT_FOLDER_NAME_BYTES];
    slot_folder_blob(digest, place);
    if (renameat(cache->fd, name, cache->fd, place) == 0)
        return 0;
    cache_fail(cache, "cannot move into its place", name, error);
    return -1;
}

enum cache_result cache_publish(struct cache *cache, const char *name, const struct digest *digest,
                                uint64_t bytes, struct error *error)
{
    uint32_t entry = cache_index_find(cache->index, digest);
    /* What was found at the start and never looked into may be of any size. */
    if (entry != CACHE_ENTRY_NONE && cache_index_bytes(cache->index, entry) != bytes) {
        assert(cache_index_pins(cache->index, entry) == 0);
        remove_entry(cache, entry);
        entry = CACHE_ENTRY_NONE;
    }
    if (entry == CACHE_ENTRY_NONE) {
        cache_make_room(cache, bytes); /* as far as pins allow: the bytes are on the disk already */
        entry = cache_index_add(cache->index, digest, bytes);
    }
    if (entry == CACHE_ENTRY_NONE)
        return (enum cache_result)error_set(error, CACHE_FAILED,
                                            "%s: no room for another file beside %d pinned ones",
                                            cache->folder, CACHE_ENTRIES_MAX);
    cache_index_pin(cache->index, entry);
    if (move_in_place(cache, name, digest, error) != 0) {
        cache_index_unpin(cache->index, entry);
        if (cache_index_pins(cache->index, entry) == 0)
            remove_entry(cache, entry);
        return CACHE_FAILED;
    }
    cache_index_set_verified(cache->index, entry);
    return CACHE_OK;
}

enum cache_result cache_adopt(struct cache *cache, const struct cache_child *child,
                              struct error *error)
{
    char name[SLOT_FOLDER_NAME_BYTES];
    slot_folder_child(child->slot, &child->digest, name);
    struct stat status;
    if (fstatat(cache->fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return cache_fail(cache, "the slot's child is not there", name, error);
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != child->bytes)
        return (enum cache_result)error_set(
            error, CACHE_FAILED, "%s/%s: the slot's child has %jd bytes, it said %ju",
            cache->folder, name, (intmax_t)status.st_size, (uintmax_t)child->bytes);
    if (child->bytes > cache->largest_child)
        cache->largest_child = child->bytes;
    return cache_publish(cache, name, &child->digest, child->bytes, error);
}

/* --------------------------------------------------------------------------------------- level */

bool cache_disk_has(struct cache *cache, uint64_t bytes)
{
    uint64_t free_bytes, needed = bytes + DISK_BYTES_LEFT;
    if (os_free_bytes(cache->folder, &free_bytes, NULL) != 0)
        return false;
    while (free_bytes < needed) {
        uint64_t before = cache_index_totals(cache->index).bytes;
        if (!evict_oldest(cache))
            return false;
        free_bytes += before - cache_index_totals(cache->index).bytes;
    }
    return true;
}

static bool is_folder(const struct cache *cache, const char *name)
{
    struct stat status;
    return fstatat(cache->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

static bool holds_lock(const struct cache *cache)
{
    struct stat held, found;
    return fstat(cache->lock, &held) == 0 &&
           fstatat(cache->fd, CACHE_LOCK, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
           held.st_ino == found.st_ino && held.st_dev == found.st_dev;
}

bool cache_is_there(const struct cache *cache, struct error *error)
{
    char first[SLOT_FOLDER_NAME_BYTES];
    const struct digest digest = {{0}};
    slot_folder_blob_parent(&digest, first); /* all of them were made at the start */
    const char *missing = !holds_lock(cache)                        ? CACHE_LOCK
                          : !is_folder(cache, SLOT_FOLDER_INCOMING) ? SLOT_FOLDER_INCOMING
                          : !is_folder(cache, first)                ? first
                                                                    : NULL;
    if (missing == NULL)
        return true;
    error_set(error, CACHE_FAILED, "its cache was taken away: %.120s/%s is gone", cache->folder,
              missing);
    return false;
}

struct cache_level cache_measure(struct cache *cache)
{
    uint32_t children = cache->slots + 1;
    uint64_t wanted = cache->largest_child * children;
    bool disk = cache_disk_has(cache, wanted > cache->refused ? wanted : cache->refused);
    if (disk)
        cache->refused = 0;
    struct cache_totals totals = cache_index_totals(cache->index);
    /* A limit that is too small for anything must not starve a worker that holds nothing. */
    bool crowded =
        totals.pinned_entries > 0 && (totals.pinned_bytes > cache->bytes_max ||
                                      wanted > cache->bytes_max - totals.pinned_bytes ||
                                      children > CACHE_ENTRIES_MAX - totals.pinned_entries);
    return (struct cache_level){
        .full = !disk || crowded,
        .bytes = totals.bytes,
        .pinned_bytes = totals.pinned_bytes,
        .entries = totals.entries,
        .pinned_entries = totals.pinned_entries,
    };
}

void cache_forget_refused(struct cache *cache)
{
    cache->refused = 0;
}
