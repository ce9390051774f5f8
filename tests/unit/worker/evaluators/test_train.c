/* test_train.c: jobs of the train evaluator from parents to result. */
#include "common/safetensors.h"
#include "proto/detail.h"
#include "tests/unit/worker/evaluators/train_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
    struct train_fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    train_fixture_init(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    train_fixture_fini(*state);
    free(*state);
    return 0;
}

static double metric_of(const struct result *result, enum metric_id id)
{
    for (uint32_t i = 0; i < result->metric_count; i++)
        if (result->metrics[i].id == id)
            return result->metrics[i].value;
    return (double)NAN;
}

static const struct result *run_one(struct train_fixture *fixture, const char *spec,
                                    const struct job *job)
{
    train_fixture_run(fixture, spec, job, 1, 1);
    return &fixture->cache->results[0];
}

/* The model of train_fixture_spec. */
static struct model *model_of_fixture(void)
{
    struct model_options options = {
        .activation = ACTIVATION_RELU,
        .initialisation = INITIALISATION_PYTORCH,
        .inputs = 40,
        .classes = 10,
    };
    struct error error;
    assert_int_equal(topology_parse("mlp:2x12", &options.topology, &error), 0);
    struct model *model = model_create(&options, &error);
    assert_non_null(model);
    return model;
}

static struct network *read_child(struct train_fixture *fixture, const struct model *model,
                                  const struct digest *digest, enum optimizer_state kept)
{
    struct error error = {""};
    struct network *network = network_create(model, kept);
    const struct memory_blob *blob = memory_cache_find(fixture->cache, digest);
    assert_non_null(network);
    assert_non_null(blob);
    if (network_checkpoint_read(network, blob->bytes, blob->size, &error) != 0)
        fail_msg("%s", error.text);
    return network;
}

static struct detail *read_detail(const struct result *result)
{
    struct error error = {""};
    struct detail *detail = calloc(1, sizeof *detail);
    assert_non_null(detail);
    if (detail_decode(result->detail, result->detail_bytes, detail, &error) != 0)
        fail_msg("%s", error.text);
    return detail;
}

/* ------------------------------------------------------------------------------------ results */

static void test_a_founder_is_trained_measured_and_stored(void **state)
{
    struct train_fixture *fixture = *state;
    const struct job job = train_fixture_init_job(fixture, 0);
    const struct result *result = run_one(fixture, train_fixture_spec, &job);
    assert_int_equal(result->outcome, OUTCOME_OK);
    assert_int_equal(result->steps, 8); /* 256 samples in batches of 32 */
    assert_int_equal(result->metric_count, 2);
    assert_true(result->fitness == metric_of(result, METRIC_SELECT_ACCURACY));
    assert_true(result->fitness >= 0 && result->fitness <= 1);
    assert_true(metric_of(result, METRIC_SELECT_LOSS) > 0);
    const struct memory_blob *blob = memory_cache_find(fixture->cache, &result->child);
    assert_non_null(blob);
    assert_int_equal(result->child_bytes, blob->size);

    struct detail *detail = read_detail(result);
    assert_int_equal(detail->hits.count, 0);
    assert_int_equal(detail->damage.count, 0);
    assert_int_equal(detail->matrix_count, 1);
    assert_int_equal(detail->matrices[0].slice, SLICE_SELECT);
    uint32_t all = 0, right = 0;
    for (uint32_t i = 0; i < 100; i++)
        all += detail->matrices[0].counts[i];
    for (uint32_t i = 0; i < 10; i++)
        right += detail->matrices[0].counts[11 * i];
    assert_int_equal(all, 32);
    assert_true(right / 32.0 == result->fitness);
    free(detail);
}

static void test_training_lowers_the_loss(void **state)
{
    struct train_fixture *fixture = *state;
    char spec[512];
    const struct job job = train_fixture_init_job(fixture, 0);
    snprintf(spec, sizeof spec, "%strain.epochs = 40\n", train_fixture_spec);
    double one = metric_of(run_one(fixture, train_fixture_spec, &job), METRIC_SELECT_LOSS);
    double forty = metric_of(run_one(fixture, spec, &job), METRIC_SELECT_LOSS);
    assert_true(forty < one - 0.2);
}

static void test_an_evaluation_gives_the_same_fitness_to_the_bit(void **state)
{
    struct train_fixture *fixture = *state;
    struct job job = train_fixture_init_job(fixture, 0);
    struct result founder = *run_one(fixture, train_fixture_spec, &job);
    job.kind = JOB_EVALUATE;
    job.slices = SLICE_SELECT | SLICE_CONFIRM | SLICE_TEST;
    job.parent_count = 1;
    job.parents[0] = founder.child;
    job.call = (struct operator_call){0};
    const struct result *result = run_one(fixture, train_fixture_spec, &job);
    assert_int_equal(result->outcome, OUTCOME_OK);
    assert_true(result->fitness == founder.fitness);
    assert_int_equal(result->metric_count, 6);
    assert_int_equal(result->steps, 0);
    assert_int_equal(result->child_bytes, 0);
    struct detail *detail = read_detail(result);
    assert_int_equal(detail->matrix_count, 3);
    free(detail);
}

/* How often each class stands in a slice, counted from the data set itself. */
static void count_labels(struct train_fixture *fixture, enum slice slice, uint32_t counts[10])
{
    const struct slice_sizes sizes = {
        .train = 256, .select = 32, .confirm = 32, .split_seed = 1337};
    const struct memory_blob *blob = memory_cache_find(fixture->cache, &fixture->data);
    struct dataset dataset;
    struct slices slices;
    struct error error;
    assert_int_equal(dataset_open(blob->bytes, blob->size, &dataset, &error), 0);
    assert_int_equal(slices_create(&dataset, &sizes, &slices, &error), 0);
    uint32_t first = 0, count = 256;
    if (slice != SLICE_TRAIN) {
        first = slice == SLICE_SELECT ? 256 : slice == SLICE_CONFIRM ? 288 : 320;
        count = slice == SLICE_TEST ? 80 : 32;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t sample = slices.index[first + i];
        assert_true((sample < dataset.train_count) == (slice != SLICE_TEST));
        counts[dataset.labels[sample]]++;
    }
    slices_destroy(&slices);
}

static void test_each_slice_is_evaluated_on_its_own_samples(void **state)
{
    struct train_fixture *fixture = *state;
    static const enum slice slices[] = {SLICE_TRAIN, SLICE_SELECT, SLICE_CONFIRM, SLICE_TEST};
    struct job job = train_fixture_init_job(fixture, 0);
    job.slices = SLICE_ALL;
    struct detail *detail = read_detail(run_one(fixture, train_fixture_spec, &job));
    assert_int_equal(detail->matrix_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t counts[10] = {0};
        count_labels(fixture, slices[i], counts);
        assert_int_equal(detail->matrices[i].slice, slices[i]);
        for (uint32_t row = 0; row < 10; row++) {
            uint32_t sum = 0;
            for (uint32_t column = 0; column < 10; column++)
                sum += detail->matrices[i].counts[10 * row + column];
            assert_int_equal(sum, counts[row]);
        }
    }
    free(detail);
}

static void test_each_job_has_dropout_of_its_own(void **state)
{
    struct train_fixture *fixture = *state;
    struct digest founder = train_fixture_founder(fixture, train_fixture_spec);
    struct job one = train_fixture_child_job(fixture, 1, "dropout", &founder);
    struct job two = train_fixture_child_job(fixture, 2, "dropout", &founder);
    struct digest first = run_one(fixture, train_fixture_spec, &one)->child;
    struct digest second = run_one(fixture, train_fixture_spec, &two)->child;
    assert_false(digest_equal(&first, &second)); /* only the masks differ */
    struct digest again = run_one(fixture, train_fixture_spec, &one)->child;
    assert_true(digest_equal(&first, &again));
}

/* Two samples of two bytes for each part, written by hand. */
static struct digest add_bytes_data(struct train_fixture *fixture)
{
    static const char source[] = "by hand";
    struct safetensors_tensor tensors[] = {
        {.name = "inputs", .type = SAFETENSORS_U8, .rank = 2, .shape = {4, 2}},
        {.name = "labels", .type = SAFETENSORS_U8, .rank = 1, .shape = {4}},
        {.name = "parts", .type = SAFETENSORS_U32, .rank = 1, .shape = {2}},
        {.name = "statistics", .type = SAFETENSORS_F64, .rank = 1, .shape = {2}},
        {.name = "classes", .type = SAFETENSORS_U8, .rank = 1, .shape = {4}},
        {.name = "source", .type = SAFETENSORS_U8, .rank = 1, .shape = {sizeof source - 1}},
    };
    static const uint8_t inputs[] = {255, 0, 0, 255, 51, 102, 204, 153}, labels[] = {0, 1, 0, 1};
    static const uint32_t parts[] = {2, 2};
    static const double statistics[] = {127.5, 127.5};
    uint8_t bytes[2048];
    size_t size = safetensors_write(tensors, 6, bytes, sizeof bytes);
    assert_true(size > 0);
    const struct {
        const void *bytes;
        size_t count;
    } data[] = {{inputs, sizeof inputs}, {labels, sizeof labels},
                {parts, sizeof parts},   {statistics, sizeof statistics},
                {"0\n1\n", 4},           {source, sizeof source - 1}};
    for (size_t i = 0; i < sizeof data / sizeof data[0]; i++) {
        memcpy(bytes + size, data[i].bytes, data[i].count);
        size += data[i].count;
    }
    return memory_cache_add(fixture->cache, bytes, size);
}

/* The same network on the same bytes: each scaling shows it other numbers. */
static void test_inputs_are_scaled_as_the_spec_says(void **state)
{
    struct train_fixture *fixture = *state;
    static const char *const scalings[] = {"standardise", "unit", "raw"};
    double losses[3];
    struct job job = train_fixture_init_job(fixture, 0);
    job.data = add_bytes_data(fixture);
    for (uint32_t i = 0; i < 3; i++) {
        char spec[512];
        snprintf(spec, sizeof spec,
                 "evaluator = train\nmodel.spec = mlp:1x8\ndata.train = 2\ndata.select = 0\n"
                 "data.confirm = 0\ntrain.lr = 0.001\ndata.inputs = %s\n",
                 scalings[i]);
        const struct result *result = run_one(fixture, spec, &job);
        assert_int_equal(result->outcome, OUTCOME_OK);
        losses[i] = metric_of(result, METRIC_TRAIN_LOSS);
    }
    assert_true(losses[0] != losses[1] && losses[1] != losses[2] && losses[0] != losses[2]);
}

/* If it walked through the training, this would take years. */
static void test_an_evaluation_does_not_prepare_the_training(void **state)
{
    struct train_fixture *fixture = *state;
    char spec[512];
    snprintf(spec, sizeof spec, "%strain.steps = 1000000000000\n", train_fixture_spec);
    struct digest founder = train_fixture_founder(fixture, train_fixture_spec);
    struct job job = train_fixture_child_job(fixture, 1, "none", &founder);
    job.kind = JOB_EVALUATE;
    assert_int_equal(run_one(fixture, spec, &job)->outcome, OUTCOME_OK);
}

static void test_fitness_is_that_of_the_select_slice(void **state)
{
    struct train_fixture *fixture = *state;
    char spec[512];
    struct job job = train_fixture_init_job(fixture, 0);
    job.slices = SLICE_ALL;
    const struct result *result = run_one(fixture, train_fixture_spec, &job);
    double select = metric_of(result, METRIC_SELECT_ACCURACY);
    assert_true(result->fitness == select);
    assert_true(select != metric_of(result, METRIC_TRAIN_ACCURACY)); /* or it would say nothing */
    snprintf(spec, sizeof spec, "%strain.fitness = loss\n", train_fixture_spec);
    result = run_one(fixture, spec, &job);
    select = metric_of(result, METRIC_SELECT_LOSS);
    assert_true(result->fitness == -select);
    assert_true(select != metric_of(result, METRIC_TRAIN_LOSS));
}

static void test_fitness_may_be_the_loss(void **state)
{
    struct train_fixture *fixture = *state;
    char spec[512];
    const struct job job = train_fixture_init_job(fixture, 0);
    snprintf(spec, sizeof spec, "%strain.fitness = loss\n", train_fixture_spec);
    const struct result *result = run_one(fixture, spec, &job);
    assert_true(result->fitness == -metric_of(result, METRIC_SELECT_LOSS));
}

static void test_without_a_select_slice_the_training_slice_counts(void **state)
{
    struct train_fixture *fixture = *state;
    const struct job job = train_fixture_init_job(fixture, 0);
    const struct result *result =
        run_one(fixture,
                "evaluator = train\nmodel.spec = mlp:1x8\ndata.train = 320\ndata.select = 0\n"
                "data.confirm = 0\ntrain.batch = 32\n",
                &job);
    assert_int_equal(result->outcome, OUTCOME_OK);
    assert_int_equal(result->metric_count, 2);
    assert_true(result->fitness == metric_of(result, METRIC_TRAIN_ACCURACY));
}

static void test_what_diverges_is_a_result_without_a_child(void **state)
{
    struct train_fixture *fixture = *state;
    char spec[512];
    const struct job job = train_fixture_init_job(fixture, 0);
    /* Each step multiplies the weights by about -10^4. */
    snprintf(spec, sizeof spec, "%strain.optimizer = sgd\ntrain.l2 = 100\ntrain.steps = 200\n",
             train_fixture_spec);
    memcpy(strstr(spec, "0.001"), "100.0", 5);
    const struct result *result = run_one(fixture, spec, &job);
    assert_int_equal(result->outcome, OUTCOME_DIVERGED);
    assert_true(isnan(result->fitness));
    assert_int_equal(result->child_bytes, 0);
    assert_int_equal(result->metric_count, 0);
    assert_int_equal(result->steps, 200);
}

/* ------------------------------------------------------------------- damage, through the training
 */

/* The only unit that a mask names. */
static struct damage_run the_hit(const struct result *result)
{
    struct detail *detail = read_detail(result);
    assert_int_equal(detail->hits.count, 1);
    assert_int_equal(detail->hits.runs[0].count, 1);
    struct damage_run run = detail->hits.runs[0];
    assert_true(detail->hits.complete && detail->damage.complete);
    free(detail);
    return run;
}

static uint32_t zeros_in_row(const struct network *network, const struct damage_run *hit)
{
    const struct model_layer *layer = &network->model->layers[hit->layer];
    const float *row = network->parameters + layer->weight + (size_t)hit->unit * layer->in;
    uint32_t zeros = network->parameters[layer->bias + hit->unit] == 0;
    for (uint32_t i = 0; i < layer->in; i++)
        zeros += row[i] == 0;
    return zeros;
}

static uint32_t zeros_in_column(const struct network *network, const struct damage_run *hit)
{
    const struct model_layer *layer = &network->model->layers[hit->layer + 1];
    uint32_t zeros = 0;
    for (uint32_t i = 0; i < layer->out; i++)
        zeros += network->parameters[layer->weight + (size_t)i * layer->in + hit->unit] == 0;
    return zeros;
}

/* psa.md 1.8-4: under ReLU a hidden unit whose row and bias are zero gets no gradient, ever. */
static void test_a_hidden_unit_stays_dead_under_relu_and_is_in_the_mask(void **state)
{
    struct train_fixture *fixture = *state;
    struct model *model = model_of_fixture();
    struct digest founder = train_fixture_founder(fixture, train_fixture_spec);
    const struct job job = train_fixture_child_job(fixture, 1, "psa.hidden", &founder);
    const struct result *result = run_one(fixture, train_fixture_spec, &job);
    struct damage_run hit = the_hit(result);
    struct network *child = read_child(fixture, model, &result->child, OPTIMIZER_STATE_NONE);
    assert_int_equal(hit.parts, DAMAGE_INCOMING | DAMAGE_BIAS | DAMAGE_OUTGOING);
    assert_int_equal(zeros_in_row(child, &hit), model->layers[hit.layer].in + 1);
    assert_int_equal(zeros_in_column(child, &hit), model->layers[hit.layer + 1].out);
    assert_int_equal(child->damage[model->layers[hit.layer].first_unit + hit.unit], hit.parts);
    network_destroy(&child);
    model_destroy(&model);
}

static void test_a_logit_and_a_reinitialised_unit_heal(void **state)
{
    struct train_fixture *fixture = *state;
    static const char *const names[] = {"psa.output", "reinit.hidden", "reinit.output"};
    struct model *model = model_of_fixture();
    struct digest founder = train_fixture_founder(fixture, train_fixture_spec);
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct job job = train_fixture_child_job(fixture, 1 + i, names[i], &founder);
        const struct result *result = run_one(fixture, train_fixture_spec, &job);
        struct damage_run hit = the_hit(result);
        struct network *child = read_child(fixture, model, &result->child, OPTIMIZER_STATE_NONE);
        assert_true(zeros_in_row(child, &hit) < model->layers[hit.layer].in / 2);
        network_destroy(&child);
    }
    model_destroy(&model);
}

static void test_damage_adds_up_along_the_lineage(void **state)
{
    struct train_fixture *fixture = *state;
    struct digest parent = train_fixture_founder(fixture, train_fixture_spec);
    uint32_t units = 0;
    for (uint32_t i = 1; i <= 5; i++) {
        const struct job job = train_fixture_child_job(fixture, i, "psa.hidden", &parent);
        const struct result *result = run_one(fixture, train_fixture_spec, &job);
        struct detail *detail = read_detail(result);
        uint32_t now = 0;
        for (uint32_t k = 0; k < detail->damage.count; k++)
            now += detail->damage.runs[k].count;
        assert_true(now == units || now == units + 1); /* a victim may be drawn twice */
        units = now;
        parent = result->child;
        free(detail);
    }
    assert_true(units >= 3);
}

static void test_decay_and_dropout_change_the_training_only(void **state)
{
    struct train_fixture *fixture = *state;
    struct digest founder = train_fixture_founder(fixture, train_fixture_spec);
    struct job none = train_fixture_child_job(fixture, 1, "none", &founder);
    struct digest plain = run_one(fixture, train_fixture_spec, &none)->child;
    static const char *const names[] = {"decay", "dropout"};
    for (uint32_t i = 0; i < 2; i++) {
        struct job job = train_fixture_child_job(fixture, 1, names[i], &founder);
        job.call.params[0] = i == 0 ? 10.0 : 0.1;
        const struct result *result = run_one(fixture, train_fixture_spec, &job);
        struct detail *detail = read_detail(result);
        assert_int_equal(detail->hits.count, 0);
        assert_false(digest_equal(&result->child, &plain));
        free(detail);
        job.call.params[0] = 0; /* without it, the same as none */
        result = run_one(fixture, train_fixture_spec, &job);
        assert_true(digest_equal(&result->child, &plain));
    }
}

/* psa.md 1.8-9: the published control changes no float: lr * wd = 1e-8 vanishes beside 1. */
static void test_the_published_decay_is_none_in_float32(void **state)
{
    struct train_fixture *fixture = *state;
    char spec[512];
    snprintf(spec, sizeof spec, "%s", train_fixture_spec);
    memcpy(strstr(spec, "0.001"), ".0001", 5);
    struct digest founder = train_fixture_founder(fixture, spec);
    struct job job = train_fixture_child_job(fixture, 1, "none", &founder);
    struct digest plain = run_one(fixture, spec, &job)->child;
    job = train_fixture_child_job(fixture, 1, "decay", &founder);
    assert_true(job.call.params[0] == 1e-4);
    struct digest decayed = run_one(fixture, spec, &job)->child;
    assert_true(digest_equal(&decayed, &plain));
}

static void test_kept_optimiser_state_travels_in_the_checkpoint(void **state)
{
    struct train_fixture *fixture = *state;
    char keep[512];
    struct model *model = model_of_fixture();
    snprintf(keep, sizeof keep, "%strain.optimizer_state = keep\n", train_fixture_spec);
    struct digest founder = train_fixture_founder(fixture, keep);
    struct network *network = read_child(fixture, model, &founder, OPTIMIZER_STATE_MOMENTS);
    assert_int_equal(network->optimizer_step, 8);
    network_destroy(&network);
    const struct job job = train_fixture_child_job(fixture, 1, "psa.hidden", &founder);
    struct result result = *run_one(fixture, keep, &job);
    struct damage_run hit = the_hit(&result);
    network = read_child(fixture, model, &result.child, OPTIMIZER_STATE_MOMENTS);
    assert_int_equal(network->optimizer_step, 16);
    /* The moments of what was zeroed were masked, so the unit stays at zero. */
    assert_int_equal(zeros_in_row(network, &hit), model->layers[hit.layer].in + 1);
    network_destroy(&network);
    /* An experiment that resets reads the same checkpoint and trains differently. */
    struct digest reset = run_one(fixture, train_fixture_spec, &job)->child;
    assert_false(digest_equal(&reset, &result.child));
    model_destroy(&model);
}

/* ------------------------------------------------------------------------------------ failures */

static void expect_failure(const struct train_fixture *fixture, uint32_t index, const char *words)
{
    const struct result *result = &fixture->cache->results[index];
    assert_int_equal(result->outcome, OUTCOME_FAILED);
    assert_int_equal(result->child_bytes, 0);
    if (strstr(result->reason, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", result->reason, words);
}

static void test_a_job_that_cannot_be_prepared_fails_alone(void **state)
{
    struct train_fixture *fixture = *state;
    const struct job foreign_founder = train_fixture_init_job(fixture, 0);
    const struct digest foreign =
        run_one(fixture,
                "evaluator = train\nmodel.spec = mlp:3x5\ndata.train = 64\n"
                "data.select = 32\ndata.confirm = 0\n",
                &foreign_founder)
            ->child;
    const struct digest noise = memory_cache_add(fixture->cache, "not safetensors", 15);
    const struct digest nobody = digest_of("nobody", 6);
    const struct digest founder = train_fixture_founder(fixture, train_fixture_spec);
    struct job jobs[] = {
        train_fixture_child_job(fixture, 1, "none", &founder),
        train_fixture_child_job(fixture, 2, "none", &nobody),
        train_fixture_child_job(fixture, 3, "none", &noise),
        train_fixture_child_job(fixture, 4, "none", &foreign),
        train_fixture_child_job(fixture, 5, "noise", &founder),
        train_fixture_child_job(fixture, 6, "none", &founder),
    };
    jobs[5].parent_count = 0;
    train_fixture_run(fixture, train_fixture_spec, jobs, 6, 6);
    assert_int_equal(fixture->cache->results[0].outcome, OUTCOME_OK);
    expect_failure(fixture, 1, "no such blob");
    expect_failure(fixture, 2, "safetensors");
    expect_failure(fixture, 3, "layers.");
    expect_failure(fixture, 4, "noise");
    expect_failure(fixture, 5, "parent");
}

static void test_a_data_set_that_does_not_serve_fails_the_job(void **state)
{
    struct train_fixture *fixture = *state;
    struct job job = train_fixture_init_job(fixture, 0);
    job.data = (struct digest){0};
    run_one(fixture, train_fixture_spec, &job);
    expect_failure(fixture, 0, "names no data set");
    job.data = digest_of("nobody", 6);
    run_one(fixture, train_fixture_spec, &job);
    expect_failure(fixture, 0, "no such blob");
    job.data = train_fixture_founder(fixture, train_fixture_spec);
    run_one(fixture, train_fixture_spec, &job);
    expect_failure(fixture, 0, "not a data set of Ratchet");
    job.data = fixture->data;
    run_one(fixture,
            "evaluator = train\nmodel.spec = mlp:1x4\ndata.train = 320\n"
            "data.select = 32\ndata.confirm = 0\n",
            &job);
    expect_failure(fixture, 0, "320");
}

static void test_a_full_cache_fails_the_job(void **state)
{
    struct train_fixture *fixture = *state;
    const struct job job = train_fixture_init_job(fixture, 0);
    fixture->cache->full = true;
    run_one(fixture, train_fixture_spec, &job);
    expect_failure(fixture, 0, "the cache is full");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_founder_is_trained_measured_and_stored),
        TEST(test_training_lowers_the_loss),
        TEST(test_an_evaluation_gives_the_same_fitness_to_the_bit),
        TEST(test_each_slice_is_evaluated_on_its_own_samples),
        TEST(test_each_job_has_dropout_of_its_own),
        TEST(test_inputs_are_scaled_as_the_spec_says),
        TEST(test_an_evaluation_does_not_prepare_the_training),
        TEST(test_fitness_is_that_of_the_select_slice),
        TEST(test_fitness_may_be_the_loss),
        TEST(test_without_a_select_slice_the_training_slice_counts),
        TEST(test_what_diverges_is_a_result_without_a_child),
        TEST(test_a_hidden_unit_stays_dead_under_relu_and_is_in_the_mask),
        TEST(test_a_logit_and_a_reinitialised_unit_heal),
        TEST(test_damage_adds_up_along_the_lineage),
        TEST(test_decay_and_dropout_change_the_training_only),
        TEST(test_the_published_decay_is_none_in_float32),
        TEST(test_kept_optimiser_state_travels_in_the_checkpoint),
        TEST(test_a_job_that_cannot_be_prepared_fails_alone),
        TEST(test_a_data_set_that_does_not_serve_fails_the_job),
        TEST(test_a_full_cache_fails_the_job),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
