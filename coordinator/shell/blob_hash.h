/*
 * blob_hash.h: BLAKE2b-256 of blobs that come in side by side, piece by piece.
 *
 * Checkpoints arrive from many workers at once, and their pieces wait here until there are some of
 * several blobs, which are then hashed together (blake2b.h): more than twice as fast as one after
 * the other. The digests are those of common/digest.h. Pure but for the memory that create takes.
 */
#ifndef RATCHET_COORDINATOR_SHELL_BLOB_HASH_H
#define RATCHET_COORDINATOR_SHELL_BLOB_HASH_H

#include "coordinator/shell/blake2b.h"

/* An unfinished hash. Lives in its owner's memory, and stays there while pieces of it wait. */
struct blob_hash {
    struct blake2b state;
    size_t held; /* bytes that may be the last ones */
    uint8_t block[BLAKE2B_BLOCK_BYTES];
};

struct blob_hasher; /* the pieces that wait: two mebibytes at most */

enum blob_hash_way { BLOB_HASH_FAST, BLOB_HASH_ONE_BY_ONE };

/* One by one: as on a CPU that cannot do better. NULL: no memory. */
struct blob_hasher *blob_hasher_create(enum blob_hash_way way);
void blob_hasher_destroy(struct blob_hasher **hasher);

void blob_hash_init(struct blob_hash *hash);
/* Copies the piece, which follows those that were added to this hash before. */
void blob_hasher_add(struct blob_hasher *hasher, struct blob_hash *hash, const void *bytes,
                     size_t count);
/* The digest of all that was added; whatever waits, of other hashes too, is hashed. Once. */
struct digest blob_hasher_finish(struct blob_hasher *hasher, struct blob_hash *hash);
/* Drops what waits of a hash that is not wanted any more. */
void blob_hasher_forget(struct blob_hasher *hasher, const struct blob_hash *hash);

#endif
