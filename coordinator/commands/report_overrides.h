/*
 * report_overrides.h: what the command line said when a run was made.
 *
 * The ledger has the experiment's file as it was written and, as canonical text, what the run was
 * in truth. Where the two differ there was a --set, which can thus be told again.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_REPORT_OVERRIDES_H
#define RATCHET_COORDINATOR_COMMANDS_REPORT_OVERRIDES_H

#include "coordinator/report/report.h"

/*
 * "train.lr=0.02" and so on, ended by NULL: with them the run's file gives the run. NULL when the
 * file cannot be read any more. To be given back.
 */
char **report_overrides(const struct report *report);
void report_overrides_free(char **overrides);

#endif
