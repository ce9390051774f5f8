/*
 * blob_store_private.h: what the parts of the blob store share. Private to blob_store*.c.
 *
 *   blob_store.c        opening, removing, errors, where a blob lies
 *   blob_store_write.c  writing and publishing
 *   blob_store_read.c   reading and verifying
 *   blob_store_sync.c   surviving a power cut
 *   blob_store_behind.c the thread that does so without keeping anybody waiting
 *   blob_store_uncache.c the thread that frees the memory of blobs which came in a flood
 *   blob_store_index.c  which blobs there are
 */
#ifndef RATCHET_COORDINATOR_SHELL_BLOB_STORE_PRIVATE_H
#define RATCHET_COORDINATOR_SHELL_BLOB_STORE_PRIVATE_H

#include "common/os_file.h"
#include "coordinator/shell/blob_hash.h"
#include "coordinator/shell/blob_store.h"
#include "coordinator/shell/blob_store_index.h"

enum {
    BLOB_FOLDERS = 256,
    BLOB_NAME_HEX = DIGEST_HEX_BYTES - 1 - 2,
    BLOB_UNSYNCED_MAX = 32, /* more blobs than this are synced with the whole file system at once */
};

/*
 * Where so much is on its way to the disk, what comes next is a flood, and so much of it need not
 * stay in memory: most will not be asked for again, and what is will be read once.
 */
static const uint64_t BLOB_FLOOD_BYTES = UINT64_C(16) << 20;
static const uint64_t BLOB_FLOOD_REST_BYTES = UINT64_C(64) << 20;

/* What was published and does not survive a power cut yet. */
struct blob_unsynced {
    uint64_t bytes;
    uint32_t count; /* above the maximum: more than fit, or from an earlier process */
    struct digest digests[BLOB_UNSYNCED_MAX];
};

/* The threads; each made when it is needed first. */
struct blob_behind;
struct blob_uncache;

struct blob_store {
    int root;
    char path[OS_PATH_BYTES_MAX]; /* for errors */
    uint64_t bytes_max;
    uint64_t bytes_coming; /* written by open writers: they count as well */
    struct blob_index index;
    struct blob_unsynced unsynced;
    struct blob_hasher *hasher;   /* of all that is being written */
    uint64_t flood_left;          /* bytes that are to come before the flood is over */
    uint64_t bytes_behind;        /* what `behind` was given and is not done with */
    struct blob_behind *behind;   /* or NULL */
    struct blob_uncache *uncache; /* or NULL */
};

/* A blob's folder and its name therein. */
struct blob_place {
    char folder[3];
    char name[BLOB_NAME_HEX + 1];
};

struct blob_place blob_place(const struct digest *digest);
/* Below: a descriptor, or -1 with errno. Links are not followed. */
int blob_open_folder(const struct blob_store *store, const char *name);
int blob_open(const struct blob_store *store, const struct digest *digest); /* for reading */

/* Syncs these; looks at nothing of the store that changes, so that any thread may. */
enum blob_result blob_sync_these(const struct blob_store *store,
                                 const struct blob_unsynced *unsynced, struct error *error);

/* Hands the list, which is empty then, to the thread, which must be idle. */
enum blob_result blob_behind_start(struct blob_store *store, struct error *error);
/* BLOB_BUSY while the thread is at work; then once what became of it; BLOB_OK when it is idle. */
enum blob_result blob_behind_poll(struct blob_store *store, struct error *error);
/* The same, waiting for its end. */
enum blob_result blob_behind_wait(struct blob_store *store, struct error *error);
void blob_behind_stop(struct blob_store *store);

/* Has the blob, which was published, written and its pages given back, as soon as may be. */
void blob_uncache_soon(struct blob_store *store, const struct digest *digest);
void blob_uncache_stop(struct blob_store *store);

/* error_set for our results. */
enum blob_result blob_fail(struct error *error, enum blob_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What an error number means: BLOB_FULL, BLOB_LATER or BLOB_FAILED. */
enum blob_result blob_result_of(int reason);
/* For a system call that failed just now. */
enum blob_result blob_fail_errno(const struct blob_store *store, const char *what,
                                 struct error *error);
enum blob_result blob_fail_named(const struct blob_store *store, enum blob_result result,
                                 const struct digest *digest, const char *what,
                                 struct error *error);

#endif
