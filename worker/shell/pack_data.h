/*
 * pack_data.h: ratchet-worker --pack-data, the data set of an experiment made into one file.
 *
 * The coordinator knows no data set; it starts a worker in this mode, once per run, and names the
 * file by its digest. There is no cache, no socket and no slot here: source in, file out, one line
 * of JSON on stdout.
 */
#ifndef RATCHET_WORKER_SHELL_PACK_DATA_H
#define RATCHET_WORKER_SHELL_PACK_DATA_H

#include "common/error.h"
#include "worker/data/dataset.h"

enum pack_data_result {
    PACK_DATA_DONE = 0,
    PACK_DATA_FAILED = 1, /* the file cannot be written, or stdout is closed */
    PACK_DATA_USAGE = 2,  /* no such data set, or sizes that it does not have */
    PACK_DATA_SOURCE = 3, /* missing or damaged */
};

struct pack_data_options {
    struct dataset_source source;
    const char *output; /* replaced, whole or not at all */
};

/* Prints {"digest", "bytes", "train", "test", "features", "classes"} once the file is there. */
enum pack_data_result pack_data(const struct pack_data_options *options, struct error *error)
    __attribute__((warn_unused_result));

#endif
