/*
 * os_signal.h: the signals that ask a program to stop: SIGINT, SIGTERM and SIGHUP.
 *
 * Commands that have something to clean up block them at their start, so that they interrupt
 * nothing and wait to be noticed; nobody takes them, so that the command can tell by its exit code
 * which one it was. A signal that was ignored when the program began stays so: `nohup` and a
 * shell's background jobs mean it.
 */
#ifndef RATCHET_COMMON_OS_SIGNAL_H
#define RATCHET_COMMON_OS_SIGNAL_H

#include <signal.h>

/* Those of them that are not ignored: what a command blocks. */
sigset_t signal_stops(void);

/* The number of one that was blocked and is waiting; 0: none. */
int signal_stop_waiting(void);

#endif
