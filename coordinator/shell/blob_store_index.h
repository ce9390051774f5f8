/*
 * blob_store_index.h: which blobs there are, and how large: a hash set that grows. Private to the
 * blob store.
 *
 * Digests are random already, so their first bytes are the hash. Open addressing, at most half
 * full. Touches no file.
 */
#ifndef RATCHET_COORDINATOR_SHELL_BLOB_STORE_INDEX_H
#define RATCHET_COORDINATOR_SHELL_BLOB_STORE_INDEX_H

#include "common/digest.h"

struct blob_entry {
    struct digest digest;
    uint64_t bytes; /* BLOB_ENTRY_EMPTY: no entry */
};

#define BLOB_ENTRY_EMPTY UINT64_MAX

struct blob_index {
    struct blob_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t bytes; /* of all entries */
};

/* A zeroed index is an empty one. */
void blob_index_fini(struct blob_index *index);

/* NULL when it is not there. Holds until the next insert or remove. */
const struct blob_entry *blob_index_find(const struct blob_index *index,
                                         const struct digest *digest);
/* Makes room for one more, so that the next insert cannot fail. 0, or -1 when memory is out. */
int blob_index_reserve(struct blob_index *index) __attribute__((warn_unused_result));
/* Adds an entry that must not be there, after blob_index_reserve. */
void blob_index_insert(struct blob_index *index, const struct digest *digest, uint64_t bytes);
/* Removes the entry if it is there. Entries behind it may move, to places not before its own. */
void blob_index_remove(struct blob_index *index, const struct digest *digest);

#endif
