/*
 * restore.h: checkpoints that a run goes on from and that are gone or damaged: made again by replay
 * while the run is opened.
 *
 * After `ratchet salvage` most of a population may be missing: `keep: live` dropped what a later
 * population did not need.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_RESTORE_H
#define RATCHET_COORDINATOR_COMMANDS_RESTORE_H

#include "coordinator/shell/run.h"

struct restoring {
    const char *device; /* as --device takes it, or NULL */
    bool was_told;      /* that something is restored: one line is enough */
};

/* For struct run_restorer; `context` is a struct restoring. */
int restore_checkpoint(void *context, struct run *run, const struct commit_record *record,
                       struct error *error);

#endif
