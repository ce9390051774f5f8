/*
 * archive.h: blobs in memory.
 *
 * The archive owns every byte string that anybody ever made in one simulation. A shelf is
 * somebody's collection of them: the coordinator's blob store, a worker's cache. It knows for each
 * blob how often it is pinned and whether it would survive a power cut. Its order is the same in
 * every replay.
 */
#ifndef RATCHET_TESTS_SIMULATION_ARCHIVE_H
#define RATCHET_TESTS_SIMULATION_ARCHIVE_H

#include "common/digest.h"

#include <stddef.h>
#include <stdint.h>

struct blob {
    struct digest digest;
    size_t count;
    uint8_t bytes[];
};

struct shelf_item {
    uint64_t prefix; /* of the digest: what is compared first */
    const struct blob *blob;
    uint32_t pins;
    bool synced;
};

struct shelf {
    struct shelf_item *items;
    uint32_t count;
    size_t capacity;
    uint32_t *index; /* of more than a few items: places plus one, by digest; 0: empty */
    uint32_t index_size;
};

void shelf_fini(struct shelf *shelf);
/* The item, or NULL. The pointer holds until the next put or take. */
struct shelf_item *shelf_find(const struct shelf *shelf, const struct digest *digest);
/* Finds the blob, or adds it: unpinned, not synced. */
struct shelf_item *shelf_put(struct shelf *shelf, const struct blob *blob);
/* Removes an item that is there. */
void shelf_take(struct shelf *shelf, struct shelf_item *item);

struct archive {
    struct shelf all;
};

void archive_fini(struct archive *archive);
/* The blob with these bytes, made when it is new. Lives as long as the archive. */
const struct blob *archive_add(struct archive *archive, const void *bytes, size_t count);
const struct blob *archive_find(const struct archive *archive, const struct digest *digest);

#endif
