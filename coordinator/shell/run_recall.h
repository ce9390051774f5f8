/*
 * run_recall.h: the experiment of a run, from its ledger alone.
 *
 * The ledger has the file as it was written, the settings of the search as they were resolved, and
 * the limits under which the run was served last. Together they make an experiment whose core
 * replays the ledger. For commands that get no EXP.yaml.
 */
#ifndef RATCHET_COORDINATOR_SHELL_RUN_RECALL_H
#define RATCHET_COORDINATOR_SHELL_RUN_RECALL_H

#include "coordinator/experiment/experiment.h"
#include "coordinator/shell/ledger.h"

/* NULL with the reason. */
struct experiment *run_recall(struct ledger *ledger, const struct ledger_header *header,
                              struct error *error);

#endif
