/*
 * cache_internal.h: what the files of the cache share, and nobody else includes.
 *
 *   cache.c          open, pin, read, adopt, evict
 *   cache_scan.c     what the folder holds at the start
 *   cache_writer.c   blobs that arrive in pieces
 *
 * Where things lie inside the folder:
 *
 *   lock                held by the supervisor that uses the folder
 *   home                16 random bytes: the folder's name in the cluster
 *   blobs/, incoming/   what slots need to know: proto/slot_folder.h. incoming/ also has unfinished
 *                       fetches, and is emptied at every start
 *   spool/<run>/...     finished results (spool.h)
 */
#ifndef RATCHET_WORKER_SHELL_CACHE_INTERNAL_H
#define RATCHET_WORKER_SHELL_CACHE_INTERNAL_H

#include "worker/shell/cache.h"
#include "worker/shell/cache_index.h"

#define CACHE_LOCK "lock"
#define CACHE_HOME "home"

struct cache {
    struct cache_index *index;
    char *folder;
    int fd, lock; /* of the folder itself, and of its lock */
    uint64_t bytes_max;
    uint64_t largest_child; /* seen so far: what room is kept for */
    uint64_t refused;       /* bytes of a blob that the disk had no room for; 0: none is wanted */
    uint64_t writers;       /* opened so far; names their files */
    uint32_t slots;
    struct home_id home;
};

/* error_set with "FOLDER/name: what: strerror(errno)"; returns CACHE_FAILED. */
enum cache_result cache_fail(const struct cache *cache, const char *what, const char *name,
                             struct error *error);

/* Fills the index from blobs/, oldest first, and removes what cannot be a blob. 0 or -1. */
int cache_scan(struct cache *cache, struct error *error) __attribute__((warn_unused_result));

/* Evicts until `bytes` more fit under the limit and into the index; false when pins prevent it. */
bool cache_make_room(struct cache *cache, uint64_t bytes);

/* True when the disk itself has room for `bytes`, and a little for others, if need be after giving
 * up what nobody has pinned. */
bool cache_disk_has(struct cache *cache, uint64_t bytes);

/* Moves a whole and verified file, `name` within the folder, to its place, indexes and pins it. */
enum cache_result cache_publish(struct cache *cache, const char *name, const struct digest *digest,
                                uint64_t bytes, struct error *error)
    __attribute__((warn_unused_result));

#endif
