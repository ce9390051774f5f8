/*
 * replay_plan.h: which jobs have to be carried out to make one again, and in which order.
 *
 * From the job that is asked for, the plan goes back to the parents whose checkpoints are not at
 * hand, and so on: each job once, parents before children. No recursion: a lineage may be thousands
 * of generations long. Every commit that it meets is held against itself and against its children's
 * word for it.
 */
#ifndef RATCHET_COORDINATOR_REPLAY_REPLAY_PLAN_H
#define RATCHET_COORDINATOR_REPLAY_REPLAY_PLAN_H

#include "common/fixed_map.h"
#include "coordinator/core/core.h"

#include <stddef.h>

struct replay_step {
    struct job_key key;
    uint64_t sequence;
    struct digest child; /* zero: it makes none */
    uint64_t uses; /* later steps that have it for a parent, and whoever asked for it; a job with it
                    * twice counts twice */
    uint64_t needed; /* uses of all steps that make these bytes, kept by the first of them */
    uint64_t parents[JOB_PARENTS_MAX]; /* sequences of those that are steps; 0: at hand */
};

struct replay_plan {
    struct replay_step *steps; /* by sequence, the job that was asked for last */
    size_t count;
    struct fixed_map *children; /* by digest: the first step that makes these bytes */
};

struct replay_source {
    void *context;
    /* Whether a checkpoint is at hand, and will be: 1, 0, or -1 with the reason. */
    int (*obtain)(void *context, const struct digest *digest, struct error *error);
    /* A commit: 1, 0 when there is none, -1 with the reason. */
    int (*find)(void *context, struct job_key key, struct commit_record *record,
                struct error *error);
};

/* 0, or -1 with the reason: what the ledger says makes no sense, or no more of it. */
int replay_plan_make(struct replay_plan *plan, const struct commit_record *wanted,
                     const struct replay_source *source, struct error *error)
    __attribute__((warn_unused_result));
void replay_plan_free(struct replay_plan *plan);

/*
 * A step is done: its parents have one use less. Calls `drop` for each checkpoint that was made by
 * a step and that neither a later one nor whoever asked for it needs.
 */
void replay_plan_done(struct replay_plan *plan, const struct replay_step *step,
                      void (*drop)(const void *context, const struct digest *checkpoint),
                      const void *context);

#endif
