/*
 * cache_choose.h: which cache folder a worker uses when nobody names one.
 *
 * $XDG_CACHE_HOME/ratchet/N or ~/.cache/ratchet/N with the first N from 1 that no other worker of
 * this machine holds, so that any number of workers may be started side by side. Home directories
 * are often shared between lab machines, where a lock cannot be relied on: on a network file system
 * the machine's name comes in between, .cache/ratchet/HOST/N.
 */
#ifndef RATCHET_WORKER_SHELL_CACHE_CHOOSE_H
#define RATCHET_WORKER_SHELL_CACHE_CHOOSE_H

#include "worker/shell/cache.h"

/* As cache_open(); options->folder NULL: chosen as above. */
int cache_open_chosen(const struct cache_options *options, const char *host, struct cache **cache,
                      struct error *error) __attribute__((warn_unused_result));

#endif
