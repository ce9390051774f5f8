/*
 * train_subject.h: what bench-train measures: a cohort of networks of one model, an engine and
 * made-up samples, and how long a stretch of training takes them.
 *
 * Times are CPU seconds of the calling thread. What cannot go on (no memory) ends the program.
 */
#ifndef RATCHET_TESTS_BENCH_TRAIN_SUBJECT_H
#define RATCHET_TESTS_BENCH_TRAIN_SUBJECT_H

#include "worker/engine/engine.h"

#include <stdnoreturn.h>

/* The published study's slices. */
enum { TRAIN_SAMPLES = 50000, EVALUATION_SAMPLES = 10000, TRAIN_COHORT_MAX = 64 };

/* Bytes as of images; labels drawn evenly. */
struct train_data {
    struct samples samples;
    uint32_t *index; /* the first TRAIN_SAMPLES are for training, the others for evaluation */
};

struct train_data_options {
    uint32_t inputs, classes;
    double density; /* share of the inputs that is not zero */
};

void train_data_init(struct train_data *data, const struct train_data_options *options);
void train_data_fini(struct train_data *data);

/* What is measured. */
struct train_setting {
    const char *model; /* "mlp:18x18" */
    enum optimizer optimizer;
    enum engine_numeric numeric;
    enum precision precision;
    uint32_t batch;
    const struct train_data *data;
    uint32_t classes;
};

struct train_subject {
    const struct train_data *data;
    struct model *model;
    struct engine *engine;
    uint32_t batch, networks;
    struct cohort_member members[TRAIN_COHORT_MAX];
    uint32_t next; /* the step of the epoch to go on with */
};

/* The words of these settings, NULL behind the last. */
extern const char *const train_numerics[], *const train_precisions[];

/* -1 with the reason: not a model, no such numerics here. */
int train_subject_init(struct train_subject *subject, const struct train_setting *setting,
                       uint32_t networks, struct error *error) __attribute__((warn_unused_result));
void train_subject_fini(struct train_subject *subject);

/*
 * Floating-point operations of a step of one network over n samples, as the model needs them:
 * forward, weight gradients, and deltas but for the first layer's. No padding, and neither losses,
 * activations nor the optimiser.
 */
double train_subject_flops(const struct train_subject *subject, uint32_t n);

/* Chance of a unit to be dropped, from now on. */
void train_subject_drop(struct train_subject *subject, double rate);

/* Steps of the first `cohort` networks over mini-batches of n samples, at most `batch`. */
struct train_stretch {
    uint32_t cohort, n;
    uint64_t steps;
};

/* Seconds per step and network. */
double train_subject_time(struct train_subject *subject, const struct train_stretch *stretch);

/* Steps that take a cohort about a fiftieth of a second; also warms the caches up. */
uint64_t train_subject_round(struct train_subject *subject, uint32_t cohort);

/* Seconds in which one network is evaluated on EVALUATION_SAMPLES. */
double train_subject_time_evaluation(struct train_subject *subject);

/* The sizes that are tried where none is asked for. */
enum { TRAIN_COHORTS = 4 };
extern const uint32_t train_cohorts[TRAIN_COHORTS];

/*
 * Measures all of train_cohorts for about so many seconds: seconds per step and network of each,
 * and the ceiling meanwhile in GFLOP/s. Gives the place of the fastest.
 */
uint32_t train_subject_best_cohort(struct train_subject *subject, double seconds,
                                   double per_step[TRAIN_COHORTS], double *ceiling_gflops);

/* Says why on standard error, and ends the program with code 1. */
noreturn void train_fail(const struct error *error);

#endif
