/*
 * run_skip.h: a job given up in a run that nobody serves.
 *
 * The ledger gets an input behind its last record; whoever resumes the run replays it. Where a
 * coordinator serves the run, that one is asked instead: it knows more.
 */
#ifndef RATCHET_COORDINATOR_SHELL_RUN_SKIP_H
#define RATCHET_COORDINATOR_SHELL_RUN_SKIP_H

#include "common/error.h"
#include "proto/job.h"

/*
 * Holds the run's lock meanwhile, and replays the run to see which jobs are in flight. 0; 1 when it
 * is skipped already; or -1 with the reason and the ledger as it was: a coordinator serves the run,
 * it is damaged or of another version, the job is committed or not created yet.
 */
int run_skip(const char *directory, struct job_key job, struct error *error)
    __attribute__((warn_unused_result));

#endif
