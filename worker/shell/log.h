/*
 * log.h: one line to stderr for each thing that a person who runs a worker wants to know.
 *
 *   2026-03-01T12:00:00Z lab7-4f joined "psa-mnist": 8 slots, computes portable
 *
 * A line never waits: when the reader of stderr has stopped reading (a paused terminal, a full
 * pipe), lines are dropped and counted, because heartbeats must not depend on who reads the log.
 */
#ifndef RATCHET_WORKER_SHELL_LOG_H
#define RATCHET_WORKER_SHELL_LOG_H

#include "common/limits.h"

#include <stdint.h>

struct log {
    int fd; /* borrowed */
    char name[NAME_BYTES_MAX];
    uint64_t dropped; /* lines since the last one that got through */
};

void log_init(struct log *log, int fd, const char *name);
/* One line; unprintable characters become '?', what is too long is cut. */
void log_line(struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
