/*
 * data_pack.h: the data set of an experiment, made into one file by a child process.
 *
 * The coordinator knows no form of data: `ratchet-worker --pack-data` does, and prints what it made
 * as one JSON line. What it says is held against bounds and believed in nothing that matters: the
 * digest is computed again by whoever takes the file. The child does not outlive us.
 */
#ifndef RATCHET_COORDINATOR_SHELL_DATA_PACK_H
#define RATCHET_COORDINATOR_SHELL_DATA_PACK_H

#include "common/digest.h"
#include "coordinator/experiment/experiment.h"

struct data_pack_options {
    const char *program; /* ratchet-worker */
    const struct experiment_data *data;
    const char *output; /* path of the file that it writes */
    uint64_t limit_ms;  /* then it is killed */
};

struct data_pack {
    struct digest digest;
    uint64_t bytes;
    struct data_counts counts;
    struct data_shape shape;
};

enum data_pack_result {
    DATA_PACK_DONE = 0,
    DATA_PACK_REFUSED, /* the data set is missing or damaged: the packer's own sentence */
    DATA_PACK_FAILED,  /* the packer cannot be started, died, took too long, made no sense */
    DATA_PACK_STOPPED, /* SIGINT, SIGTERM or SIGHUP, which the caller blocks, is waiting for it */
};

/* Whatever is left of the output after a failure is the caller's to remove. Main thread only. */
enum data_pack_result data_pack(const struct data_pack_options *options, struct data_pack *pack,
                                struct error *error) __attribute__((warn_unused_result));

#endif
