/*
 * run_restore.h: a checkpoint put back into a run that had lost it.
 *
 * A run whose blob was removed or damaged cannot be resumed, though `ratchet replay` can make the
 * checkpoint again. This is the one way from there into RUN/blobs besides a coordinator's own.
 */
#ifndef RATCHET_COORDINATOR_SHELL_RUN_RESTORE_H
#define RATCHET_COORDINATOR_SHELL_RUN_RESTORE_H

#include "common/digest.h"
#include "common/error.h"

#include <stddef.h>

struct checkpoint_bytes {
    struct digest digest; /* checked */
    const void *bytes;
    size_t count;
};

/*
 * Whatever lies under that digest is replaced. Takes the run's lock: -1 with the reason while a
 * coordinator uses it, for bytes of another digest, without room or permission. 0 when the
 * checkpoint is on the disk for good.
 */
int run_restore(const char *run, const struct checkpoint_bytes *checkpoint, struct error *error)
    __attribute__((warn_unused_result));

#endif
