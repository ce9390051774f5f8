/*
 * job.h: a job, its result, and the names by which both are found again.
 *
 * A job is a pure function of its description: the same `struct job` gives the same result on any
 * worker of one numeric class. The description's digest travels with the result, so that an answer
 * to another question (an older attempt of a run that was rewound, say) can never be taken for this
 * one.
 */
#ifndef RATCHET_PROTO_JOB_H
#define RATCHET_PROTO_JOB_H

#include "common/digest.h"
#include "common/limits.h"

#include <stdbool.h>
#include <stdint.h>

/* Names one run directory for ever; drawn when the run is created. */
struct run_id {
    uint8_t bytes[16];
};

/* Names one life of one worker process; it is also its ROUTER identity, so byte 0 is never 0. */
struct instance_id {
    uint8_t bytes[16];
};

/* Names one worker's cache directory: it outlives the process that locks it. */
struct home_id {
    uint8_t bytes[16];
};

/* A job's place in its line. Numbers start at 0 in each line. */
struct job_key {
    uint32_t line;
    uint64_t job;
};

/* The number of a line's last job: the champion's evaluation on the test slice. */
#define JOB_NUMBER_FINAL UINT64_C(0x7fffffffffffffff)

/* One hand-out of a job. Epoch: which life of the coordinator. Attempts count from 1 in each epoch.
 */
struct lease_key {
    struct job_key job;
    uint64_t epoch;
    uint32_t attempt;
};

bool instance_equal(const struct instance_id *a, const struct instance_id *b);
bool job_key_equal(struct job_key a, struct job_key b);
bool lease_key_equal(struct lease_key a, struct lease_key b);

enum job_kind {
    JOB_MUTATE = 1,   /* operator, training, evaluation: makes a child */
    JOB_EVALUATE = 2, /* evaluates parents[0] as it is; makes no child */
};

/* Slices of the data set on which a job is evaluated: a bit set. */
enum slice {
    SLICE_TRAIN = 1,
    SLICE_SELECT = 2,
    SLICE_CONFIRM = 4,
    SLICE_TEST = 8,
    SLICE_ALL = 15,
};

struct operator_call {
    char name[OPERATOR_NAME_BYTES_MAX];
    uint32_t param_count;
    double params[OPERATOR_PARAMS_MAX]; /* in the order of the operator's table */
};

struct job {
    struct job_key key;
    enum job_kind kind;
    uint32_t slices;
    uint64_t seed;      /* the experiment's */
    uint64_t stream;    /* names the mini-batch order */
    struct digest spec; /* evaluator, model, data, training: a blob of text */
    struct digest data; /* the data set: a blob (worker/data); zero when the job has none */
    struct operator_call call;
    uint32_t parent_count;
    struct digest parents[JOB_PARENTS_MAX];
};

/* The digest of the canonical description. */
struct digest job_digest(const struct job *job);
/* Its first 8 bytes, little-endian: what heartbeats carry. */
uint64_t job_prefix(const struct digest *description);

enum outcome {
    OUTCOME_OK = 1,
    OUTCOME_DIVERGED = 2, /* NaN or infinity: a result, never a winner */
    OUTCOME_FAILED = 3,   /* the worker could not do it, says `reason`; no function of the job */
};

/* Numbers enter ledgers and digests: append only. */
enum metric_id {
    METRIC_TRAIN_LOSS = 1,
    METRIC_TRAIN_ACCURACY = 2,
    METRIC_SELECT_LOSS = 3,
    METRIC_SELECT_ACCURACY = 4,
    METRIC_CONFIRM_LOSS = 5,
    METRIC_CONFIRM_ACCURACY = 6,
    METRIC_TEST_LOSS = 7,
    METRIC_TEST_ACCURACY = 8,
    METRIC_UPDATES_LOST = 9, /* of parameters, to the rounding of their storage */
    METRIC_LAST = METRIC_UPDATES_LOST,
};

/* "select_accuracy"; NULL when `id` is none of the list. */
const char *metric_name(uint32_t id);
/* "select", of one slice; "?" when it is none. */
const char *slice_name(enum slice slice);
/* "ok", "diverged", "failed"; NULL when it is none. */
const char *outcome_name(uint32_t outcome);

struct metric {
    uint32_t id; /* enum metric_id */
    double value;
};

struct result {
    struct lease_key lease;
    struct digest job; /* of the description that was carried out */
    enum outcome outcome;
    double fitness; /* larger is better; NaN unless the outcome is OK */
    uint32_t metric_count;
    struct metric metrics[METRICS_MAX]; /* each id at most once */
    struct digest child;                /* zero when there is none */
    uint64_t child_bytes;               /* 0 when, and only when, there is none */
    uint64_t steps;                     /* optimiser steps carried out */
    uint32_t compute_ms;                /* wall clock; never in a digest, as is */
    uint32_t cohort;                    /* how many jobs its slot was given together and shared that
                                           time; 0: this one */
    char reason[REASON_BYTES_MAX];
    uint32_t detail_bytes;
    const uint8_t *detail; /* borrowed: mask, confusion matrix */
};

/* The metric of that id, or NULL. */
const struct metric *result_metric(const struct result *result, enum metric_id id);

/* Total order of fitness: NaN is the worst. True when a is strictly better than b. */
bool fitness_better(double a, double b);

#endif
