/*
 * cache_layout.h: where things lie inside a worker's cache folder.
 *
 *   lock                     held by the supervisor that uses the folder
 *   home                     16 random bytes: the folder's name in the cluster
 *   blobs/ab/<62 digits>     whole, under the digest of its bytes
 *   incoming/                unfinished or not yet accounted for; emptied at every start
 *   incoming/slot-3/<64>     what slot 3 has written as a child
 *   spool/<run>/...          finished results (spool.h)
 *
 * Both sides of a slot need it: the supervisor owns the tree and alone moves files into blobs/; a
 * slot process reads blobs/ and writes only into its own incoming/slot-N. Names are relative to the
 * folder and made from digests and numbers, never from text that arrived.
 */
#ifndef RATCHET_WORKER_SHELL_CACHE_LAYOUT_H
#define RATCHET_WORKER_SHELL_CACHE_LAYOUT_H

#include "common/digest.h"

#include <stdint.h>

enum { CACHE_NAME_BYTES = 96 };

#define CACHE_LOCK "lock"
#define CACHE_HOME "home"
#define CACHE_BLOBS "blobs"
#define CACHE_INCOMING "incoming"

/* "blobs/ab/<62 digits>" */
void cache_blob_name(const struct digest *digest, char name[CACHE_NAME_BYTES]);
/* "blobs/ab" */
void cache_blob_folder(const struct digest *digest, char name[CACHE_NAME_BYTES]);
/* "incoming/slot-3" */
void cache_staging_folder(uint32_t slot, char name[CACHE_NAME_BYTES]);
/* "incoming/slot-3/<64 digits>" */
void cache_staging_name(uint32_t slot, const struct digest *digest, char name[CACHE_NAME_BYTES]);

#endif
