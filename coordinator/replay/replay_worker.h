/*
 * replay_worker.h: all that one worker has had committed, made again in its order.
 *
 * For a worker that others have caught in the wrong: audits hold its further results back, but what
 * it gave before is in the ledger. The first commit that does not come out again, its own or an
 * ancestor's that had to be made again on the way, is where the run has to go back to.
 */
#ifndef RATCHET_COORDINATOR_REPLAY_REPLAY_WORKER_H
#define RATCHET_COORDINATOR_REPLAY_REPLAY_WORKER_H

#include "coordinator/replay/replay.h"

struct worker_commits {
    char name[NAME_BYTES_MAX]; /* of the worker */
    struct job_key *keys;      /* in the order of their commits */
    size_t count;
};

/*
 * `who` is a worker's name or how its instance begins (four digits at least); workers of one name
 * count as one, since the ledger's commits know no more. Jobs that were given up as failed are
 * nobody's work. 0, or -1 with the reason: nothing was committed by such a worker.
 */
int worker_commits_find(struct reader *reader, const char *who, struct worker_commits *commits,
                        struct error *error) __attribute__((warn_unused_result));
void worker_commits_free(struct worker_commits *commits);

struct worker_outcome {
    uint64_t commits;    /* that came out again */
    uint64_t jobs;       /* their ancestors' counted in */
    uint64_t compute_ms; /* of all of them */
    /* Of REPLAY_DIFFERS: */
    struct replay_difference difference;
    struct commit_record wrong; /* the commit that it is in */
};

/*
 * As replay(), for each of them; `progressed` counts commits, nobody takes a child. Stops at the
 * first that differs.
 */
enum replay_result worker_commits_replay(struct reader *reader,
                                         const struct worker_commits *commits,
                                         const struct replay_options *options,
                                         struct worker_outcome *outcome, struct error *error)
    __attribute__((warn_unused_result));

#endif
