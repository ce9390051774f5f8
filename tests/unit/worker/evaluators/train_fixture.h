/*
 * train_fixture.h: a small data set and the train evaluator on it, for tests.
 */
#ifndef RATCHET_TESTS_UNIT_WORKER_EVALUATORS_TRAIN_FIXTURE_H
#define RATCHET_TESTS_UNIT_WORKER_EVALUATORS_TRAIN_FIXTURE_H

#include "proto/detail.h"
#include "tests/unit/worker/evaluators/memory_cache.h"
#include "worker/evaluators/train.h"

/* MNIST-1D, 400 samples: 320 to train on, 80 for the test. */
struct train_fixture {
    struct memory_cache *cache;
    struct digest data;
};

/* train 256, select 32, confirm 32, batch 32, one epoch, lr 1e-3, mlp:2x12. */
extern const char train_fixture_spec[];

void train_fixture_init(struct train_fixture *fixture);
void train_fixture_fini(struct train_fixture *fixture);

/* A founder's job, number `number`, data stream 0. */
struct job train_fixture_init_job(const struct train_fixture *fixture, uint64_t number);
/* A job of one parent. The parameters are the operator's defaults. */
struct job train_fixture_child_job(const struct train_fixture *fixture, uint64_t number,
                                   const char *operator, const struct digest * parent);

/* Opens the evaluator, runs the jobs as cohorts of `cohort` at most, closes it. Each job has
 * exactly one result afterwards, in the cache, and nothing stays loaded. */
void train_fixture_run(struct train_fixture *fixture, const char *spec, const struct job *jobs,
                       uint32_t count, uint32_t cohort);
/* The founder of seed 1 under this spec; it is in the cache. */
struct digest train_fixture_founder(struct train_fixture *fixture, const char *spec);

/* cmocka's set-up and tear-down: *state is a fixture. */
int train_fixture_set_up(void **state);
int train_fixture_tear_down(void **state);
/* A cohort of one; its result, in the cache. */
const struct result *train_fixture_run_one(struct train_fixture *fixture, const char *spec,
                                           const struct job *job);
/* The model of train_fixture_spec; the caller destroys it. */
struct model *train_fixture_model(void);
/* A checkpoint of the cache, and a result's detail; the caller's to destroy and to free. */
struct network *train_fixture_read(struct train_fixture *fixture, const struct model *model,
                                   const struct digest *digest, enum optimizer_state kept);
struct detail *train_fixture_detail(const struct result *result);

#endif
