/*
 * inputs.h: what the user said during a run, and a run that is told the same.
 *
 * A line that was stopped ends otherwise than the reference, and where it was stopped is a matter
 * of chance. But that chance is in the ledger: a fault-free run that is given the same inputs at
 * the same places must come to the same digest. It goes on from a ledger that is made up of the
 * reference's own commits, up to where the inputs came, and of the inputs.
 */
#ifndef RATCHET_TESTS_SIMULATION_INPUTS_H
#define RATCHET_TESTS_SIMULATION_INPUTS_H

#include "tests/simulation/history.h"

/* Reads the stops out of a ledger; skips are a matter of skips.h. */
void inputs_note(struct history *history, const struct ledger_record *records, size_t count);

/* A beginning of a run: records for its ledger. */
struct beginning {
    struct ledger_record *records;
    size_t count;
};

/* The reference's commits and the inputs of `run`, as a ledger. NULL, or what is wrong: the
 * reference lacks a commit. */
const char *inputs_make_beginning(struct beginning *beginning, const struct history *reference,
                                  const struct history *run) __attribute__((warn_unused_result));
void inputs_free_beginning(struct beginning *beginning);

#endif
