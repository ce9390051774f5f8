/*
 * spool.h: finished results that must outlive the worker: CACHE/spool/<run>/<line>-<job>.result
 *
 * While the coordinator is away, results that took long are kept on disk until their verdict; a
 * worker that was killed meanwhile offers them again in its next life. A file is the packed result
 * and a digest over run and result, written beside its place and renamed: it is there whole, or it
 * is noticed. Files are not synced: what a power cut damages is computed again. The child itself
 * lies in the cache, which is not the spool's business.
 */
#ifndef RATCHET_WORKER_SHELL_SPOOL_H
#define RATCHET_WORKER_SHELL_SPOOL_H

#include "common/error.h"
#include "proto/job.h"
#include "worker/shell/log.h"

struct spool;

/* Results that one start recovers; the rest waits for the next one. */
enum { SPOOL_RECOVERED_MAX = HELD_MAX };
/* Results of runs that nobody has asked for this long are dropped: they pin children. */
enum { SPOOL_DAYS_MAX = 14 };

/* `folder` is the cache's, held under its lock. NULL with the reason. */
struct spool *spool_open(const char *folder, struct log *log, struct error *error);
void spool_close(struct spool **spool);

/* Writes or replaces the result of (run, result->lease.job). 0 or -1. */
int spool_put(struct spool *spool, const struct run_id *run, const struct result *result,
              struct error *error) __attribute__((warn_unused_result));
/* Removes it, if it is there. */
void spool_remove(struct spool *spool, const struct run_id *run, struct job_key job);

/*
 * Calls `take` for every sound result; what it does not want (false) is removed, as are files that
 * are damaged or too old. Returns how many were taken.
 */
uint32_t spool_recover(struct spool *spool,
                       bool (*take)(void *context, const struct run_id *run,
                                    const struct result *result),
                       void *context);

#endif
