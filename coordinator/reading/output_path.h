/*
 * output_path.h: where a file goes that a command writes about a run.
 *
 * Links are followed, so that what they lead to is written and they stay. A file of the run itself
 * is refused, by whatever name it is reached: a ledger that was replaced by a picture is gone.
 */
#ifndef RATCHET_COORDINATOR_READING_OUTPUT_PATH_H
#define RATCHET_COORDINATOR_READING_OUTPUT_PATH_H

#include "common/os_file.h"

struct output_wish {
    const char *output; /* as --output was given */
    const char *run;    /* RUN; one that is not there has no files to spare */
};

/*
 * The path for os_write_atomic(), absolute and without links. 0, or -1 with what is against it as
 * far as that can be known before any work: a folder, a device, "-", no write access, the run's.
 */
int output_path_find(const struct output_wish *wish, char path[OS_PATH_BYTES_MAX],
                     struct error *error) __attribute__((warn_unused_result));

#endif
