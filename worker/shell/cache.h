/*
 * cache.h: a worker's folder of checkpoints, specs and data, by digest.
 *
 * Content-addressed files with pins: what a job reads, and every child whose verdict is open, is
 * pinned and stays; the rest is evicted, least recently used first, when the folder grows beyond
 * its limit. Only the supervisor's process uses this; its slots read the files by name
 * (proto/slot_folder.h).
 *
 * The folder outlives the process. kill -9 leaves whole files under blobs/ and scraps under
 * incoming/, which the next start removes. A file that survived a start is held against its digest
 * when it is first used: a damaged one is removed and counts as absent.
 *
 * Touches files; knows no cluster.
 */
#ifndef RATCHET_WORKER_SHELL_CACHE_H
#define RATCHET_WORKER_SHELL_CACHE_H

#include "common/digest.h"
#include "common/error.h"
#include "proto/job.h"

#include <stddef.h>

struct cache;

/* More files than this are not kept, whatever their size. */
enum { CACHE_ENTRIES_MAX = 65536 };

enum cache_result {
    CACHE_OK = 0,
    CACHE_ABSENT,    /* not here, or damaged and therefore removed */
    CACHE_NO_ROOM,   /* what is pinned leaves no room for it, or what else is on the disk */
    CACHE_TOO_LARGE, /* an empty cache would have no room for it */
    CACHE_FAILED,    /* I/O error, or bytes that are not what they were said to be */
};

struct cache_options {
    const char *folder; /* made when missing */
    uint64_t bytes_max;
    uint32_t slots; /* how many children may arrive before anybody can say stop */
};

/* Locks and indexes the folder. 0, or -1: used by another process, not writable, ... */
int cache_open(const struct cache_options *options, struct cache **cache, struct error *error)
    __attribute__((warn_unused_result));
/* Unlocks it; the files stay. */
void cache_close(struct cache **cache);

uint64_t cache_bytes_max(const struct cache *cache);
struct home_id cache_home(const struct cache *cache);
const char *cache_folder(const struct cache *cache);

/* ------------------------------------------------------------------------------------- reading */

/* One more user of a blob: CACHE_OK or CACHE_ABSENT. */
enum cache_result cache_pin(struct cache *cache, const struct digest *digest, struct error *error)
    __attribute__((warn_unused_result));
/* One user less; there must have been one. May evict. */
void cache_unpin(struct cache *cache, const struct digest *digest);

struct cache_piece {
    uint64_t offset, total; /* total: of the whole blob, filled in */
    void *bytes;            /* where they go */
    size_t room;
    size_t count; /* filled in: fewer than `room` at the end */
};

/* Reads a piece of a blob, pinned or not. CACHE_OK, CACHE_ABSENT or CACHE_FAILED. */
enum cache_result cache_read(struct cache *cache, const struct digest *digest,
                             struct cache_piece *piece, struct error *error)
    __attribute__((warn_unused_result));

/* ------------------------------------------------------------------------------------- writing */

/* Makes the folder into which slot `slot` writes, and empties it. 0 or -1. */
int cache_prepare_slot(struct cache *cache, uint32_t slot, struct error *error)
    __attribute__((warn_unused_result));

struct cache_child {
    uint32_t slot;
    struct digest digest;
    uint64_t bytes;
};

/* Takes over what a slot wrote as a child, and pins it. CACHE_OK or CACHE_FAILED. */
enum cache_result cache_adopt(struct cache *cache, const struct cache_child *child,
                              struct error *error) __attribute__((warn_unused_result));

/* A blob that arrives in pieces, in order. */
struct cache_writer;
/* CACHE_OK, CACHE_NO_ROOM or CACHE_FAILED. */
enum cache_result cache_writer_open(struct cache *cache, uint64_t total,
                                    struct cache_writer **writer, struct error *error)
    __attribute__((warn_unused_result));
enum cache_result cache_writer_append(struct cache_writer *writer, const void *bytes, size_t count,
                                      struct error *error) __attribute__((warn_unused_result));
/*
 * Puts it in its place, with one pin, if it is `expected`; ends the writer in any case. CACHE_OK,
 * CACHE_NO_ROOM or CACHE_FAILED.
 */
enum cache_result cache_writer_publish(struct cache_writer **writer, const struct digest *expected,
                                       struct error *error) __attribute__((warn_unused_result));
void cache_writer_abandon(struct cache_writer **writer);

/* --------------------------------------------------------------------------------------- level */

struct cache_level {
    bool full; /* no room for what the slots may bring, or for a blob that they need: under the
                  limit or on the disk */
    uint64_t bytes, pinned_bytes;
    uint32_t entries, pinned_entries;
};

/* Also evicts when others have filled the disk. A blob that the disk had no room for counts as
 * needed from then on. */
struct cache_level cache_measure(struct cache *cache);
/*
 * False when the folder, its lock or one of the folders inside is not what was opened any more:
 * somebody tidied up. The reason names it. Nothing can be kept there then, and somebody else may
 * have taken the place.
 */
bool cache_is_there(const struct cache *cache, struct error *error);
/* What was refused so far is not needed any more: there is another run. */
void cache_forget_refused(struct cache *cache);

#endif
