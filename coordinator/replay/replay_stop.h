/*
 * replay_stop.h: the signals that end a replay before its time: SIGINT, SIGTERM and SIGHUP.
 *
 * The command blocks them at its start, so that they interrupt nothing and wait to be noticed;
 * nobody takes them, so that the command can tell by its exit code which one it was.
 */
#ifndef RATCHET_COORDINATOR_REPLAY_REPLAY_STOP_H
#define RATCHET_COORDINATOR_REPLAY_REPLAY_STOP_H

#include <signal.h>

sigset_t replay_stop_signals(void);

/* The number of one that is waiting; 0: none. */
int replay_stop_waiting(void);

#endif
