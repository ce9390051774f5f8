/*
 * replay_by.h: `ratchet replay RUN --by WORKER`: all that one worker has had committed, made again.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_REPLAY_BY_H
#define RATCHET_COORDINATOR_COMMANDS_REPLAY_BY_H

#include "coordinator/commands/command.h"

/* The exit code: 0 when all came out again; the first that did not is named with what to do. */
int replay_by(const struct arguments *arguments);

#endif
