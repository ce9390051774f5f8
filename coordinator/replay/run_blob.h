/*
 * run_blob.h: the blobs of a run as somebody reads them who must not change anything there.
 *
 * RUN may be served at this moment, read-only, or somebody else's archive. So the store is not
 * opened: files are read under their names, and what is given was held against its digest on the
 * way, byte for byte. A blob may go while nobody looks: a living run drops what it needs no more.
 */
#ifndef RATCHET_COORDINATOR_REPLAY_RUN_BLOB_H
#define RATCHET_COORDINATOR_REPLAY_RUN_BLOB_H

#include "common/digest.h"
#include "common/error.h"

#include <stddef.h>
#include <stdint.h>

/* All but WHOLE come with a sentence. */
enum run_blob_result {
    RUN_BLOB_WHOLE = 0,
    RUN_BLOB_ABSENT,
    RUN_BLOB_DAMAGED, /* its bytes do not hash to its name */
    RUN_BLOB_FAILED,  /* it cannot be read, the copy cannot be written, or a signal waits */
};

/* Into memory that is the caller's to free. */
enum run_blob_result run_blob_read(const char *run, const struct digest *digest, uint8_t **bytes,
                                   size_t *count, struct error *error)
    __attribute__((warn_unused_result));

/* Into a file that is open for writing. After anything but WHOLE its content means nothing. */
enum run_blob_result run_blob_copy(const char *run, const struct digest *digest, int to,
                                   struct error *error) __attribute__((warn_unused_result));

#endif
