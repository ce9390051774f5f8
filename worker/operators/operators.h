/*
 * operators.h: what mutation does to a network: the implementations of common/operator_catalog.h's
 * rows for the train evaluator.
 *
 * An operator changes the child's numbers before training (damage), or the way in which it trains
 * (the controls `decay` and `dropout`), or neither (`none`). It tells what it hit; the cumulative
 * damage of the child is kept beside its weights. Every choice is drawn from the job's own
 * RANDOM_VICTIM sequence, fresh weights from RANDOM_INIT: the same job hits the same units
 * anywhere.
 */
#ifndef RATCHET_WORKER_OPERATORS_OPERATORS_H
#define RATCHET_WORKER_OPERATORS_OPERATORS_H

#include "common/operator_catalog.h"
#include "proto/detail.h"
#include "proto/job.h"
#include "worker/engine/network.h"

/* How a job trains; comes in with the experiment's values. */
struct operator_training {
    double weight_decay, dropout;
};

struct operator_input {
    const struct job *job; /* seed, key and call; checked by operator_check */
    const struct network *parents[JOB_PARENTS_MAX]; /* job->parent_count of them */
};

/*
 * Checks a job's call against the catalogue: known, for the train evaluator, right number of
 * parents and parameters, each in range. 0, or -1 with the reason. Nothing is computed.
 */
int operator_check(const struct job *job, struct error *error) __attribute__((warn_unused_result));

/*
 * Makes the child (of the parents' model) as it is before training, and says in `training` how it
 * trains: what the operator does not set there stays as it came in. `hits` is overwritten with what
 * this job hit, as runs in ascending order of layer and unit; child->damage becomes the first
 * parent's with the hits added, or the hits alone without parents. All of the child is overwritten,
 * except that without parents it keeps its `state`. It is none of the parents; the two parents may
 * be one network. The call must have passed operator_check.
 */
void operator_apply(const struct operator_input *input, struct network *child,
                    struct operator_training *training, struct damage_list *hits);

/* The network's cumulative damage as runs: what a result's detail says of it. */
void operator_list_damage(const struct network *network, struct damage_list *list);

#endif
