/*
 * ending.h: what `run` and `serve` say when they end: how far the run came and what it found.
 *
 * In words, or with --json as the last event.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_ENDING_H
#define RATCHET_COORDINATOR_COMMANDS_ENDING_H

#include "common/os_file.h"
#include "coordinator/commands/progress_output.h"

enum ending_state { ENDING_DONE = 1, ENDING_PAUSED, ENDING_POISONED };

struct ending {
    enum ending_state state;
    int code; /* with which the program ends */
    const struct shell_outcome *outcome;
    const char *directory;
    char report[OS_PATH_BYTES_MAX]; /* the page; "": none was made */
};

/* Reads the champion from the ledger, which nobody has open any more; says nothing of it when that
 * cannot be read. */
void show_ending(const struct ending *ending, enum progress_style style);

#endif
