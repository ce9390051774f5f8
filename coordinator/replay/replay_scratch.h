/*
 * replay_scratch.h: the folder in which jobs are made again: proto/slot_folder.h, for one slot.
 *
 * It is made under $TMPDIR, or /tmp, for this process alone (mode 0700), and goes with all that is
 * in it when it is closed. Nothing in it is synced.
 */
#ifndef RATCHET_COORDINATOR_REPLAY_REPLAY_SCRATCH_H
#define RATCHET_COORDINATOR_REPLAY_REPLAY_SCRATCH_H

#include "common/os_file.h"
#include "coordinator/replay/run_blob.h"

struct replay_scratch {
    char path[OS_PATH_BYTES_MAX];
    int folder; /* its descriptor */
};

/* 0, or -1 with the reason and nothing left behind. */
int replay_scratch_open(struct replay_scratch *scratch, struct error *error)
    __attribute__((warn_unused_result));
void replay_scratch_close(struct replay_scratch *scratch);

/* Has the blob of that name: from before, or copied from RUN and verified. */
enum run_blob_result replay_scratch_bring(const struct replay_scratch *scratch, const char *run,
                                          const struct digest *digest, struct error *error)
    __attribute__((warn_unused_result));

/* A slot has written this child: it is verified and becomes a blob. 0 or -1. */
int replay_scratch_adopt(const struct replay_scratch *scratch, const struct digest *child,
                         uint64_t bytes, struct error *error) __attribute__((warn_unused_result));
/* It is not needed any more. */
void replay_scratch_drop(const struct replay_scratch *scratch, const struct digest *digest);
/* Its bytes, in memory that is the caller's to free. 0 or -1. */
int replay_scratch_read(const struct replay_scratch *scratch, const struct digest *digest,
                        uint8_t **bytes, size_t *count, struct error *error)
    __attribute__((warn_unused_result));

#endif
