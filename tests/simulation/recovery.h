/*
 * recovery.h: a core from the records of a ledger, as `ratchet` makes it when a run is resumed.
 */
#ifndef RATCHET_TESTS_SIMULATION_RECOVERY_H
#define RATCHET_TESTS_SIMULATION_RECOVERY_H

#include "tests/simulation/disk.h"
#include "tests/simulation/trial.h"

/* Creates the core and replays all committed records. NULL with the record and the reason. */
struct core *recovery_run(const struct core_config *config, const struct disk *disk,
                          struct error *error);

#endif
