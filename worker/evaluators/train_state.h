/*
 * train_state.h: what the files of the train evaluator share; nobody else includes it.
 */
#ifndef RATCHET_WORKER_EVALUATORS_TRAIN_STATE_H
#define RATCHET_WORKER_EVALUATORS_TRAIN_STATE_H

#include "proto/detail.h"
#include "worker/evaluators/train.h"

/* The data set in use and what depends on its sizes. It stays open from job to job. */
struct train_data {
    bool is_open;
    struct digest digest;
    struct bytes bytes;
    struct dataset dataset;
    struct slices slices;
    struct samples samples;
    struct model *model;
    struct engine *engine;
};

struct train_state {
    struct train_spec spec;
    struct evaluator_environment environment; /* that the data came from, and goes back to */
    struct train_data data;
    struct detail *detail;         /* of the job that is being completed */
    struct evaluation *evaluation; /* likewise */
    uint8_t detail_bytes[DETAIL_BYTES_MAX];
};

/* One job of a cohort on its way. */
struct train_job {
    const struct job *job;
    uint32_t index;           /* into the jobs of the run */
    struct network *network;  /* owned: the child, or the individual to evaluate */
    struct damage_list *hits; /* owned */
    struct cohort_member member;
    uint64_t steps;
    bool handed_over;
};

/* ------------------------------------------------------------------------------- train_data.c */

/* Opens the data set of that digest, or does nothing when it is open. -1 with the reason. */
int train_data_open(struct train_state *state, const struct evaluator_environment *environment,
                    const struct digest *digest, struct error *error)
    __attribute__((warn_unused_result));
void train_data_close(struct train_state *state);
/* The samples of one slice. Nothing is copied. */
struct sample_slice train_slice(const struct train_data *data, enum slice slice);

/* -------------------------------------------------------------------------------- train_job.c */

/* Reads the parents and makes the child. On failure what was made is freed. -1 with the reason. */
int train_job_prepare(const struct train_state *state,
                      const struct evaluator_environment *environment, struct train_job *job,
                      struct error *error) __attribute__((warn_unused_result));
/* Evaluates, stores the child and fills *result; result->detail points into the state. */
void train_job_complete(struct train_state *state, const struct evaluator_environment *environment,
                        const struct train_job *job, struct result *result);
void train_job_fini(struct train_job *job);
/* A result that says why the worker could not do the job. */
void train_job_fail(struct result *result, const struct error *error);

#endif
