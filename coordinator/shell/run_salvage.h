/*
 * run_salvage.h: a run directory whose ledger is damaged, brought back to its last good commit.
 *
 * The new ledger takes the place of the damaged one, which is kept beside it with its log as
 * RUN/ledger.sqlite.damaged. No more than that: what was lost is computed again when the run goes
 * on, in ordered mode to the same bits. Touches files; the caller knows what fits.
 */
#ifndef RATCHET_COORDINATOR_SHELL_RUN_SALVAGE_H
#define RATCHET_COORDINATOR_SHELL_RUN_SALVAGE_H

#include "coordinator/shell/ledger.h"

struct run_salvage_options {
    const char *directory;
    /* Called once before the first record; both are 0, or -1 with the reason. */
    int (*begin)(void *context, const struct ledger_header *header, struct error *error);
    int (*fits)(void *context, const struct ledger_record *record, struct error *error);
    void *context;
};

/*
 * Holds the run's lock meanwhile. When nothing is wrong (salvaged->is_sound), nothing is changed.
 * 0, or -1 with the reason: a coordinator serves the run, not even the header can be read, there is
 * a ledger.sqlite.damaged already.
 */
int run_salvage(const struct run_salvage_options *options, struct ledger_salvaged *salvaged,
                struct error *error) __attribute__((warn_unused_result));

#endif
