/*
 * run_data.h: how a run comes to its data set, and to the same one again.
 *
 * A new run packs it into its blob store; its digest becomes a fact of the ledger. From then on the
 * fact decides: while the blob is there nobody looks for the source, and a blob that is gone or
 * damaged is packed again and must come out the same. A part of run_open().
 */
#ifndef RATCHET_COORDINATOR_SHELL_RUN_DATA_H
#define RATCHET_COORDINATOR_SHELL_RUN_DATA_H

#include "coordinator/shell/run.h"

/*
 * Has the blob in run->store and its digest in run->data, which stays zero when the experiment
 * needs none. Needs the store, and the ledger if the run has one already. `packer`: see struct
 * run_options.
 */
enum run_result run_data_obtain(struct run *run, const char *packer, struct error *error)
    __attribute__((warn_unused_result));

/* The digest alone, as the ledger has it. */
int run_data_recall(struct run *run, struct error *error) __attribute__((warn_unused_result));

/* Lets the ledger know the digest, unless it does. The blob is on the disk for good before. */
int run_data_remember(struct run *run, struct error *error) __attribute__((warn_unused_result));

#endif
