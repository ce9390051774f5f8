/*
 * null.c: the null evaluator's jobs as pure functions; see null.h.
 *
 * A checkpoint is always the same header followed by `dim` floats, so it is recognised by comparing
 * its header with the one that would be written: no parser runs per job. All arithmetic is +, -, *
 * and / on doubles in a fixed order, rounded to float where it is stored: the same bits on every
 * IEEE machine.
 */
#include "worker/evaluators/null.h"

#include "common/operator_catalog.h"
#include "common/philox.h"
#include "common/safetensors.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "floats are stored as they lie in memory");

enum { HEADER_BYTES_MAX = 128 };

/* How far the target of a slice lies from the common one: slices agree roughly, never exactly. */
static const double slice_shift = 0.05;

/* ----------------------------------------------------------------------------- checkpoints */

/* Writes the header that every checkpoint of this dim has; returns its size. */
static size_t write_header(const struct null_spec *spec, uint8_t header[HEADER_BYTES_MAX])
{
    struct safetensors_tensor genome = {
        .name = "genome",
        .type = SAFETENSORS_F32,
        .rank = 1,
        .shape = {spec->dim},
    };
    size_t size = safetensors_write(&genome, 1, header, HEADER_BYTES_MAX);
    assert(size > 0);
    return size;
}

size_t null_child_bytes_max(const struct null_spec *spec)
{
    uint8_t header[HEADER_BYTES_MAX];
    return write_header(spec, header) + sizeof(float) * spec->dim;
}

/* The genome of a checkpoint, not aligned; NULL when it is not one of this dim. */
static const uint8_t *genome_in(const struct null_spec *spec, struct bytes checkpoint)
{
    uint8_t header[HEADER_BYTES_MAX];
    size_t size = write_header(spec, header);
    if (checkpoint.count != size + sizeof(float) * spec->dim ||
        memcmp(checkpoint.data, header, size) != 0)
        return NULL;
    return checkpoint.data + size;
}

static double gene_at(const uint8_t *genome, uint32_t i)
{
    float gene;
    memcpy(&gene, genome + sizeof gene * i, sizeof gene);
    return (double)gene;
}

static void gene_set(uint8_t *genome, uint32_t i, double value)
{
    float gene = (float)value;
    memcpy(genome + sizeof gene * i, &gene, sizeof gene);
}

/* ------------------------------------------------------------------------------- landscape */

/* Uniform in [-1, 1). */
static double random_signed(struct random *random)
{
    return 2.0 * random_unit(random) - 1.0;
}

/* The target of a slice, element by element. */
struct target {
    struct random common, slice;
};

static struct target target_open(const struct job *job, enum slice slice)
{
    return (struct target){
        .common = random_open(job->seed, 0, 0, RANDOM_NULL),
        .slice = random_open(job->seed, 0, slice, RANDOM_NULL),
    };
}

static double target_next(struct target *target)
{
    double common = random_signed(&target->common);
    return common + slice_shift * random_signed(&target->slice);
}

/* The mean of (g - t)^2 over the genome. */
static double loss_on(const struct null_spec *spec, const struct job *job, enum slice slice,
                      const uint8_t *genome)
{
    struct target target = target_open(job, slice);
    double sum = 0;
    for (uint32_t i = 0; i < spec->dim; i++) {
        double off = gene_at(genome, i) - target_next(&target);
        sum += off * off;
    }
    return sum / spec->dim;
}

/* --------------------------------------------------------------------- operators, training */

/* What an operator works on. */
struct mutation {
    const struct null_spec *spec;
    const struct job *job;
    const uint8_t *parents[JOB_PARENTS_MAX];
    uint8_t *child;
};

static void apply_init(const struct mutation *mutation)
{
    const struct job *job = mutation->job;
    struct random random = random_open(job->seed, job->key.line, job->key.job, RANDOM_INIT);
    for (uint32_t i = 0; i < mutation->spec->dim; i++)
        gene_set(mutation->child, i, random_signed(&random));
}

static void apply_none(const struct mutation *mutation)
{
    memcpy(mutation->child, mutation->parents[0], sizeof(float) * mutation->spec->dim);
}

static void apply_noise(const struct mutation *mutation)
{
    const struct job *job = mutation->job;
    struct random random = random_open(job->seed, job->key.line, job->key.job, RANDOM_VICTIM);
    for (uint32_t i = 0; i < mutation->spec->dim; i++)
        gene_set(mutation->child, i,
                 gene_at(mutation->parents[0], i) + job->call.params[0] * random_signed(&random));
}

static void apply_crossover(const struct mutation *mutation)
{
    const struct job *job = mutation->job;
    struct random random = random_open(job->seed, job->key.line, job->key.job, RANDOM_VICTIM);
    for (uint32_t i = 0; i < mutation->spec->dim; i++) {
        uint32_t from = random_unit(&random) < job->call.params[0] ? 1 : 0;
        gene_set(mutation->child, i, gene_at(mutation->parents[from], i));
    }
}

/*
 * One step towards the training slice's target. Each element's share of the step is drawn by the
 * data stream, as the order of mini-batches would shape a real step.
 */
static void train(const struct mutation *mutation)
{
    const struct job *job = mutation->job;
    struct target target = target_open(job, SLICE_TRAIN);
    struct random order = random_open(job->seed, 0, job->stream, RANDOM_DATA_ORDER);
    for (uint32_t i = 0; i < mutation->spec->dim; i++) {
        double gene = gene_at(mutation->child, i);
        double pull = mutation->spec->heal * (0.5 + 0.5 * random_unit(&order));
        gene_set(mutation->child, i, gene + pull * (target_next(&target) - gene));
    }
}

struct operator_row {
    const char *name;
    void (*apply)(const struct mutation *mutation);
};

static const struct operator_row operators[] = {
    {"init", apply_init},
    {"none", apply_none},
    {"noise", apply_noise},
    {"crossover", apply_crossover},
};

static const struct operator_row *operator_row(const char *name)
{
    for (uint32_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (strcmp(operators[i].name, name) == 0)
            return &operators[i];
    return NULL;
}

/* ------------------------------------------------------------------------------ whole jobs */

static void fail(struct result *result, const char *what, const char *name)
{
    result->outcome = OUTCOME_FAILED;
    snprintf(result->reason, sizeof result->reason, "null evaluator: %s%s", what, name);
}

/* The job's operator, if the call fits its row of the catalogue. */
static const struct operator_row *operator_of(const struct job *job, struct result *result)
{
    const struct operator_row *row = operator_row(job->call.name);
    const struct operator_info *info = operator_find(job->call.name);
    if (row == NULL || info == NULL) {
        fail(result, "no such operator: ", job->call.name);
        return NULL;
    }
    if (job->parent_count != info->parents) {
        fail(result, "wrong number of parents for ", job->call.name);
        return NULL;
    }
    if (job->call.param_count != info->param_count) {
        fail(result, "wrong number of parameters for ", job->call.name);
        return NULL;
    }
    return row;
}

static int find_genomes(struct mutation *mutation, const struct bytes *parents,
                        struct result *result)
{
    for (uint32_t i = 0; i < mutation->job->parent_count; i++) {
        mutation->parents[i] = genome_in(mutation->spec, parents[i]);
        if (mutation->parents[i] == NULL) {
            fail(result, "a parent is not a checkpoint of this genome length", "");
            return -1;
        }
    }
    return 0;
}

static bool all_finite(const struct null_spec *spec, const uint8_t *genome)
{
    for (uint32_t i = 0; i < spec->dim; i++)
        if (!isfinite(gene_at(genome, i)))
            return false;
    return true;
}

/* Minus the loss on the slice that selection looks at; on the best substitute where it was not
 * asked. */
static double fitness_of(const struct result *result)
{
    static const enum metric_id order[] = {METRIC_SELECT_LOSS, METRIC_TEST_LOSS,
                                           METRIC_CONFIRM_LOSS, METRIC_TRAIN_LOSS};
    for (uint32_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const struct metric *metric = result_metric(result, order[i]);
        if (metric != NULL)
            return -metric->value;
    }
    return NAN;
}

static void evaluate(const struct null_spec *spec, const struct job *job, const uint8_t *genome,
                     struct result *result)
{
    static const struct {
        enum slice slice;
        enum metric_id loss;
    } rows[] = {
        {SLICE_TRAIN, METRIC_TRAIN_LOSS},
        {SLICE_SELECT, METRIC_SELECT_LOSS},
        {SLICE_CONFIRM, METRIC_CONFIRM_LOSS},
        {SLICE_TEST, METRIC_TEST_LOSS},
    };
    if (!all_finite(spec, genome)) {
        result->outcome = OUTCOME_DIVERGED;
        return;
    }
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!(job->slices & rows[i].slice))
            continue;
        result->metrics[result->metric_count++] = (struct metric){
            .id = rows[i].loss,
            .value = loss_on(spec, job, rows[i].slice, genome),
        };
    }
    result->outcome = OUTCOME_OK;
    result->fitness = fitness_of(result);
}

/* The child's size; 0 when the job failed or diverged. */
static size_t mutate(struct mutation *mutation, const struct operator_row *row, uint8_t *child,
                     struct result *result)
{
    uint8_t header[HEADER_BYTES_MAX];
    size_t header_bytes = write_header(mutation->spec, header);
    memcpy(child, header, header_bytes);
    mutation->child = child + header_bytes;
    row->apply(mutation);
    train(mutation);
    result->steps = 1;
    evaluate(mutation->spec, mutation->job, mutation->child, result);
    if (result->outcome != OUTCOME_OK)
        return 0;
    return header_bytes + sizeof(float) * mutation->spec->dim;
}

size_t null_evaluate(const struct null_spec *spec, const struct job *job,
                     const struct bytes parents[JOB_PARENTS_MAX], uint8_t *child,
                     struct result *result)
{
    struct mutation mutation = {.spec = spec, .job = job};
    const struct operator_row *row = NULL;
    result->fitness = NAN;
    result->metric_count = 0;
    result->child_bytes = 0;
    result->steps = 0;
    result->reason[0] = '\0';
    assert(job->parent_count <= JOB_PARENTS_MAX);
    if (job->kind == JOB_MUTATE) {
        row = operator_of(job, result);
        if (row == NULL)
            return 0;
    } else if (job->parent_count != 1) {
        fail(result, "an evaluation has one parent", "");
        return 0;
    }
    if (find_genomes(&mutation, parents, result) != 0)
        return 0;
    if (job->kind == JOB_EVALUATE)
        evaluate(spec, job, mutation.parents[0], result);
    else
        result->child_bytes = mutate(&mutation, row, child, result);
    return result->child_bytes;
}
