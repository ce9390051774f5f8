/*
 * train_job.c: one job of the train evaluator before and after its training.
 *
 * Before: parents are read and the operator makes the child. After: the child is evaluated, stored
 * and told about. Everything here is a function of (spec, job, bytes); the training in between is
 * engine.c's, for a whole cohort at once.
 */
#include "worker/evaluators/train_state.h"
#include "worker/operators/operators.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* -------------------------------------------------------------------------------------- before */

static struct network *read_parent(const struct train_state *state,
                                   const struct evaluator_environment *environment,
                                   const struct digest *digest, struct error *error)
{
    struct bytes bytes;
    struct network *parent = network_create(state->data.model, state->spec.kept);
    if (parent == NULL) {
        error_set(error, -1, "no memory for a network");
        return NULL;
    }
    int failed = environment->load(environment->context, digest, &bytes, error);
    if (!failed) {
        failed = network_checkpoint_read(parent, bytes.data, bytes.count, error);
        environment->release(environment->context, &bytes);
    }
    if (failed)
        network_destroy(&parent);
    return parent;
}

static int make_child(const struct train_state *state, struct train_job *job,
                      struct network *const parents[JOB_PARENTS_MAX], struct error *error)
{
    struct operator_input input = {.job = job->job};
    struct operator_training training = {
        .weight_decay = state->spec.weight_decay,
        .dropout = state->spec.dropout,
    };
    for (uint32_t i = 0; i < job->job->parent_count; i++)
        input.parents[i] = parents[i];
    job->network = network_create(state->data.model, state->spec.kept);
    if (job->network == NULL)
        return error_set(error, -1, "no memory for a network");
    operator_apply(&input, job->network, &training, job->hits);
    job->member = (struct cohort_member){
        .network = job->network,
        .weight_decay = training.weight_decay,
        .dropout = training.dropout,
        .dropout_key =
            random_open(job->job->seed, job->job->key.line, job->job->key.job, RANDOM_DROPOUT),
        .rounding_key =
            random_open(job->job->seed, job->job->key.line, job->job->key.job, RANDOM_ROUNDING),
    };
    return 0;
}

int train_job_prepare(const struct train_state *state,
                      const struct evaluator_environment *environment, struct train_job *job,
                      struct error *error)
{
    const struct job *what = job->job;
    struct network *parents[JOB_PARENTS_MAX] = {NULL};
    int failed = 0;
    assert(what->parent_count <= JOB_PARENTS_MAX);
    if (what->kind == JOB_MUTATE)
        failed = operator_check(what, error);
    else if (what->parent_count != 1)
        failed = error_set(error, -1, "an evaluation has one parent");
    job->hits = calloc(1, sizeof *job->hits);
    if (!failed && job->hits == NULL)
        failed = error_set(error, -1, "no memory for a damage mask");
    for (uint32_t i = 0; !failed && i < what->parent_count; i++) {
        parents[i] = read_parent(state, environment, &what->parents[i], error);
        failed = parents[i] == NULL;
    }
    if (!failed && what->kind == JOB_MUTATE) {
        failed = make_child(state, job, parents, error);
    } else if (!failed) {
        damage_list_clear(job->hits);
        job->network = parents[0];
        parents[0] = NULL;
    }
    for (uint32_t i = 0; i < JOB_PARENTS_MAX; i++)
        network_destroy(&parents[i]);
    if (failed)
        train_job_fini(job);
    return failed ? -1 : 0;
}

void train_job_fini(struct train_job *job)
{
    network_destroy(&job->network);
    free(job->hits);
    job->hits = NULL;
}

/* --------------------------------------------------------------------------------------- after */

struct slice_metrics {
    enum slice slice;
    enum metric_id loss, accuracy;
};

static const struct slice_metrics slice_metrics[] = {
    {SLICE_TRAIN, METRIC_TRAIN_LOSS, METRIC_TRAIN_ACCURACY},
    {SLICE_SELECT, METRIC_SELECT_LOSS, METRIC_SELECT_ACCURACY},
    {SLICE_CONFIRM, METRIC_CONFIRM_LOSS, METRIC_CONFIRM_ACCURACY},
    {SLICE_TEST, METRIC_TEST_LOSS, METRIC_TEST_ACCURACY},
};

enum { SLICES = sizeof slice_metrics / sizeof slice_metrics[0] };

/* The slices that are there; without a select slice, the training slice stands in for it. */
static uint32_t slices_to_evaluate(const struct train_data *data, uint32_t asked)
{
    uint32_t slices = asked;
    if (data->slices.sizes.select == 0 && (asked & SLICE_SELECT))
        slices |= SLICE_TRAIN;
    for (uint32_t i = 0; i < SLICES; i++)
        if (train_slice(data, slice_metrics[i].slice).count == 0)
            slices &= ~(uint32_t)slice_metrics[i].slice;
    return slices;
}

static void keep_matrix(struct detail *detail, const struct evaluation *evaluation,
                        enum slice slice, uint32_t classes)
{
    if (classes > DETAIL_CLASSES_MAX)
        return;
    struct confusion_matrix *matrix = &detail->matrices[detail->matrix_count++];
    matrix->slice = slice;
    matrix->classes = classes;
    for (uint32_t i = 0; i < classes * classes; i++)
        matrix->counts[i] = evaluation->confusion[i];
}

static void add_metric(struct result *result, enum metric_id id, double value)
{
    result->metrics[result->metric_count++] = (struct metric){.id = id, .value = value};
}

/* False when a loss was not finite. */
static bool evaluate_slices(struct train_state *state, const struct train_job *job,
                            struct result *result)
{
    uint32_t slices = slices_to_evaluate(&state->data, job->job->slices);
    for (uint32_t i = 0; i < SLICES; i++) {
        const struct slice_metrics *row = &slice_metrics[i];
        if (!(slices & (uint32_t)row->slice))
            continue;
        const struct sample_slice slice = train_slice(&state->data, row->slice);
        engine_evaluate(state->data.engine, &state->data.samples, &slice, job->network,
                        state->evaluation);
        if (!isfinite(state->evaluation->loss))
            return false;
        add_metric(result, row->loss, state->evaluation->loss);
        add_metric(result, row->accuracy, state->evaluation->accuracy);
        keep_matrix(state->detail, state->evaluation, row->slice, state->data.model->classes);
    }
    return true;
}

/* Where parameters are bfloat16; results of older experiments stay as they were. */
static void add_lost_updates(const struct train_state *state, const struct train_job *job,
                             struct result *result)
{
    const enum precision precision = state->spec.training.precision;
    if (job->job->kind == JOB_MUTATE &&
        (precision == PRECISION_BF16_NEAREST || precision == PRECISION_BF16_STOCHASTIC))
        add_metric(result, METRIC_UPDATES_LOST, (double)job->member.lost_updates);
}

/* On the slice that selection looks at; on the best substitute where it was not asked. */
static double fitness_of(const struct result *result, enum train_fitness fitness)
{
    static const enum metric_id order[][SLICES] = {
        [FITNESS_ACCURACY] = {METRIC_SELECT_ACCURACY, METRIC_TRAIN_ACCURACY,
                              METRIC_CONFIRM_ACCURACY, METRIC_TEST_ACCURACY},
        [FITNESS_LOSS] = {METRIC_SELECT_LOSS, METRIC_TRAIN_LOSS, METRIC_CONFIRM_LOSS,
                          METRIC_TEST_LOSS},
    };
    for (uint32_t i = 0; i < SLICES; i++) {
        const struct metric *metric = result_metric(result, order[fitness][i]);
        if (metric != NULL)
            return fitness == FITNESS_ACCURACY ? metric->value : -metric->value;
    }
    return (double)NAN;
}

static int store_child(const struct evaluator_environment *environment,
                       const struct network *network, struct result *result, struct error *error)
{
    size_t count = network_checkpoint_bytes(network);
    uint8_t *bytes = malloc(count);
    if (bytes == NULL)
        return error_set(error, -1, "no memory for a checkpoint of %zu bytes", count);
    network_checkpoint_write(network, bytes);
    int failed = environment->store(
        environment->context, (struct bytes){.data = bytes, .count = count}, &result->child, error);
    result->child_bytes = failed ? 0 : count;
    free(bytes);
    return failed;
}

void train_job_complete(struct train_state *state, const struct evaluator_environment *environment,
                        const struct train_job *job, struct result *result)
{
    struct error error;
    *result = (struct result){.fitness = (double)NAN, .steps = job->steps};
    state->detail->hits = *job->hits;
    state->detail->matrix_count = 0;
    operator_list_damage(job->network, &state->detail->damage);
    if (!network_is_finite(job->network) || !evaluate_slices(state, job, result)) {
        result->outcome = OUTCOME_DIVERGED;
        result->metric_count = 0;
        state->detail->matrix_count = 0;
    } else {
        result->outcome = OUTCOME_OK;
        add_lost_updates(state, job, result);
        result->fitness = fitness_of(result, state->spec.fitness);
        if (job->job->kind == JOB_MUTATE &&
            store_child(environment, job->network, result, &error) != 0) {
            train_job_fail(result, &error);
            return;
        }
    }
    result->detail = state->detail_bytes;
    result->detail_bytes = (uint32_t)detail_encode(state->detail, state->detail_bytes);
}

void train_job_fail(struct result *result, const struct error *error)
{
    *result = (struct result){.outcome = OUTCOME_FAILED, .fitness = (double)NAN};
    snprintf(result->reason, sizeof result->reason, "%.*s", REASON_BYTES_MAX - 1, error->text);
}
