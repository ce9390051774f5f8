/*
 * blob_store_private.h: what the parts of the blob store share. Private to blob_store*.c.
 *
 *   blob_store.c        opening, removing, errors, where a blob lies
 *   blob_store_write.c  writing and publishing
 *   blob_store_read.c   reading and verifying
 *   blob_store_sync.c   surviving a power cut
 *   blob_store_index.c  which blobs there are
 */
#ifndef RATCHET_COORDINATOR_SHELL_BLOB_STORE_PRIVATE_H
#define RATCHET_COORDINATOR_SHELL_BLOB_STORE_PRIVATE_H

#include "common/os_file.h"
#include "coordinator/shell/blob_store.h"
#include "coordinator/shell/blob_store_index.h"

enum {
    BLOB_FOLDERS = 256,
    BLOB_NAME_HEX = DIGEST_HEX_BYTES - 1 - 2,
    BLOB_UNSYNCED_MAX = 32, /* more blobs than this are synced with the whole file system at once */
};

struct blob_store {
    int root;
    char path[OS_PATH_BYTES_MAX]; /* for errors */
    uint64_t bytes_max;
    uint64_t bytes_coming; /* written by open writers: they count as well */
    struct blob_index index;
    struct digest unsynced[BLOB_UNSYNCED_MAX];
    uint32_t unsynced_count; /* above the maximum: more than fit, or from an earlier process */
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

/* error_set for our results. */
enum blob_result blob_fail(struct error *error, enum blob_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* For a system call that failed just now: BLOB_FULL or BLOB_FAILED. */
enum blob_result blob_fail_errno(const struct blob_store *store, const char *what,
                                 struct error *error);
enum blob_result blob_fail_named(const struct blob_store *store, enum blob_result result,
                                 const struct digest *digest, const char *what,
                                 struct error *error);

#endif
