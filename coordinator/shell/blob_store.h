/*
 * blob_store.h: content-addressed files: RUN/blobs/ab/cdef... by BLAKE2b-256 of their bytes.
 *
 * A blob appears under its name only when whole and verified: it is written beside the tree,
 * hashed, then renamed. kill -9 leaves at worst a partial file, which the next open removes. Names
 * come from digests, never from the wire. Touches files; knows no cluster, no ledger.
 */
#ifndef RATCHET_COORDINATOR_SHELL_BLOB_STORE_H
#define RATCHET_COORDINATOR_SHELL_BLOB_STORE_H

#include "common/digest.h"
#include "common/error.h"

struct blob_store;

enum blob_result {
    BLOB_OK = 0,
    BLOB_ABSENT,
    BLOB_CORRUPT, /* the bytes do not hash to the name */
    BLOB_FULL,    /* disk_max or the disk itself */
    BLOB_FAILED,  /* I/O error */
    BLOB_BUSY,    /* is being done */
    BLOB_LATER,   /* no descriptor is free: nothing is wrong with the store, try again later */
};

/* Counts what is there. `bytes_max`: disk_max, UINT64_MAX for none. Makes the folder if missing. */
enum blob_result blob_store_open(const char *path, uint64_t bytes_max, struct blob_store **store,
                                 struct error *error);
void blob_store_close(struct blob_store **store);

bool blob_store_has(const struct blob_store *store, const struct digest *digest);
/* As it was found or came in; 0 when it is not here. */
uint64_t blob_store_bytes_of(const struct blob_store *store, const struct digest *digest);
uint64_t blob_store_bytes(const struct blob_store *store);
uint64_t blob_store_count(const struct blob_store *store);

enum blob_result blob_store_put(struct blob_store *store, const void *bytes, size_t count,
                                struct digest *digest, struct error *error);

/*
 * A file that another program writes, in a place of the store, and that becomes a blob without
 * being copied: a path where nothing is yet, then the file taken. What is never adopted goes with
 * the next opening. Adopting reads the file once, verifies it and gives it its name; after a
 * failure the file is gone. BLOB_CORRUPT when it is not `expected`.
 */
enum blob_result blob_store_staging(struct blob_store *store, char *path, size_t size,
                                    struct error *error);
enum blob_result blob_store_adopt(struct blob_store *store, const char *path,
                                  const struct digest *expected, struct error *error);

/* A blob that arrives in pieces, in order. */
struct blob_writer;
enum blob_result blob_writer_open(struct blob_store *store, struct blob_writer **writer,
                                  struct error *error);
enum blob_result blob_writer_append(struct blob_writer *writer, const void *bytes, size_t count,
                                    struct error *error);
/* Verifies and publishes; ends the writer in any case. BLOB_CORRUPT when it is not `expected`;
 * after BLOB_LATER its bytes are gone, too. */
enum blob_result blob_writer_publish(struct blob_writer **writer, const struct digest *expected,
                                     struct error *error);
void blob_writer_abandon(struct blob_writer **writer);

/*
 * Reads up to `size` bytes at `offset` (none past the end); *total is the blob's size. A blob that
 * has not the size it came with is BLOB_CORRUPT; one that is read whole, in one call, is hashed as
 * well.
 */
enum blob_result blob_store_read(struct blob_store *store, const struct digest *digest,
                                 uint64_t offset, void *bytes, size_t size, size_t *count,
                                 uint64_t *total, struct error *error);
/* Hashes what is on the disk: BLOB_OK, _ABSENT, _CORRUPT or _FAILED. Removes nothing. */
enum blob_result blob_store_verify(struct blob_store *store, const struct digest *digest,
                                   struct error *error);
/*
 * Makes every blob published so far survive a power cut (publishing alone survives kill -9). To be
 * called before a ledger batch that names them is synced. The first call after opening covers what
 * an earlier process left, too.
 */
enum blob_result blob_store_sync(struct blob_store *store, struct error *error);
/*
 * The same without waiting for a disk: many bytes are synced by a thread of the store's own, and
 * BLOB_BUSY is said until it has caught up with all that was published in the meantime.
 */
enum blob_result blob_store_sync_soon(struct blob_store *store, struct error *error);
enum blob_result blob_store_remove(struct blob_store *store, const struct digest *digest,
                                   struct error *error);
/* Removes whatever `keep` does not want; returns how many went. */
uint64_t blob_store_sweep(struct blob_store *store,
                          bool (*keep)(const void *context, const struct digest *digest),
                          const void *context);

#endif
