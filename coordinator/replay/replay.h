/*
 * replay.h: a committed individual, made again from the ledger, and held against what was
 * committed.
 *
 * A job is a pure function of its description, which the ledger has. What it needs beside that is
 * its parents' checkpoints: where the run no longer keeps one (`keep: live`), the parent is made
 * again first, and so on towards the founders. Jobs are carried out one after another by a slot
 * process of `ratchet-worker` (proto/slot_folder.h), in a scratch folder; the run itself is only
 * read, beside a living coordinator too.
 *
 * Each job that is made again must come out as committed: outcome, fitness and metrics bit by bit,
 * steps, child's digest, detail. The first difference ends the replay and is named.
 */
#ifndef RATCHET_COORDINATOR_REPLAY_REPLAY_H
#define RATCHET_COORDINATOR_REPLAY_REPLAY_H

#include "coordinator/reading/reader.h"

#include <stddef.h>

enum replay_extent {
    REPLAY_FROM_STORED = 1, /* stored ancestors are taken as they are, after checking their digest
                             */
    REPLAY_FROM_FOUNDERS,   /* the whole lineage is made again */
};

struct replay_options {
    const char *program; /* ratchet-worker */
    const char *device;  /* what it computes on, as --device takes it; NULL: it chooses */
    enum replay_extent extent;
    /* Called before each job and at the end, with how many of how many are done. May be NULL. */
    void (*progressed)(void *context, uint64_t done, uint64_t total);
    /* Gets the child's checkpoint once all is equal; the bytes are borrowed. 0, or -1 with the
     * reason. NULL: nobody wants it; otherwise a job that made none is refused beforehand. */
    int (*take_child)(void *context, const uint8_t *bytes, size_t count, struct error *error);
    void *context;
};

/* The first field that did not come out as committed: both sides as words, room for a digest. */
struct replay_difference {
    struct job_key key;
    char field[40];
    char committed[DIGEST_HEX_BYTES], came_out[DIGEST_HEX_BYTES];
};

struct replay_outcome {
    uint64_t jobs;        /* made again, as committed; the one that was asked for is the last */
    uint64_t compute_ms;  /* of all of them */
    struct digest child;  /* zero when the job makes none */
    struct digest detail; /* of the detail's bytes; zero: none */
    struct replay_difference difference; /* of REPLAY_DIFFERS only */
};

enum replay_result {
    REPLAY_EQUAL = 0,
    REPLAY_DIFFERS, /* *error names job and field, and what may explain it (numeric class) */
    REPLAY_FAILED,  /* a blob is missing, the slot died, the disk is full, ...: *error says */
    REPLAY_STOPPED, /* by one of os_signal.h, which the caller blocks */
};

/* `record` is of the reader's run. Main thread only. */
enum replay_result replay(struct reader *reader, const struct commit_record *record,
                          const struct replay_options *options, struct replay_outcome *outcome,
                          struct error *error) __attribute__((warn_unused_result));

#endif
