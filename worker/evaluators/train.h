/*
 * train.h: the evaluator that trains: damage a network, train it on, measure it.
 *
 * A job is carried out in this order: read the parents' checkpoints, let the operator make the
 * child (worker/operators), train it for the spec's steps on the training slice, evaluate it on the
 * slices that the job names, store its checkpoint. Jobs of one data stream are trained in lockstep.
 *
 * Fitness is the accuracy on the select slice (or minus the loss there); if the experiment has no
 * such slice, on the training slice. Parameters or a loss that are not finite make the outcome
 * OUTCOME_DIVERGED. The detail (proto/detail.h) has this job's hits, the child's cumulative damage
 * and a confusion matrix for each slice that was evaluated.
 */
#ifndef RATCHET_WORKER_EVALUATORS_TRAIN_H
#define RATCHET_WORKER_EVALUATORS_TRAIN_H

#include "worker/data/dataset.h"
#include "worker/engine/engine.h"
#include "worker/evaluators/evaluator.h"

enum train_fitness { FITNESS_ACCURACY = 0, FITNESS_LOSS = 1 };

/* The spec's settings; shapes and units as in the headers of engine and data. */
struct train_spec {
    struct model_text model;
    enum activation activation;
    enum initialisation initialisation;
    enum engine_numeric numeric;
    struct slice_sizes sizes;
    enum input_scaling inputs;
    struct training_settings training; /* train_spec_training completes it */
    double weight_decay, dropout;      /* unless the operator says otherwise */
    uint64_t epochs, steps;            /* steps count instead of epochs when not 0 */
    enum optimizer_state kept;         /* of the optimiser's state, from parent to child */
    enum train_fitness fitness;
};

/* 0, or -1 with line and reason: unknown key, wrong type, out of range, no model. */
int train_spec_parse(const char *spec, struct train_spec *parsed, struct error *error)
    __attribute__((warn_unused_result));

/* Steps that a job trains for on a slice of so many samples. */
uint64_t train_spec_steps(const struct train_spec *spec, uint32_t samples);
/* The same settings with what depends on the number of samples: the schedule's steps, and its
 * decay_steps where the spec has 0 for a pass over the data. */
struct training_settings train_spec_training(const struct train_spec *spec, uint32_t samples);

/* What evaluator_find("train") gives. */
extern const struct evaluator train_evaluator;

#endif
