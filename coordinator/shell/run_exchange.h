/*
 * run_exchange.h: a new ledger in the place of a run's ledger, which is kept beside it.
 *
 * For commands that go back (salvage, rewind) and hold the run's lock. Touches files; knows nothing
 * of what is in them.
 */
#ifndef RATCHET_COORDINATOR_SHELL_RUN_EXCHANGE_H
#define RATCHET_COORDINATOR_SHELL_RUN_EXCHANGE_H

#include "coordinator/shell/run_directory.h"

/* Names in RUN. */
struct run_exchange {
    const char *fresh; /* the new ledger, closed */
    const char *kept;  /* where the present one goes; nothing is there */
};

/* 0, or -1 with the reason: then the ledger is still the one that it was. */
int run_exchange_ledger(const struct run_directory *directory, const struct run_exchange *exchange,
                        struct error *error) __attribute__((warn_unused_result));

/*
 * A process died between the steps of an exchange: the ledger is the one that it was, with its log.
 * To be called with the lock, before the ledger is opened. 0, or -1 with the reason.
 */
int run_exchange_undo(const struct run_directory *directory, struct error *error)
    __attribute__((warn_unused_result));

#endif
