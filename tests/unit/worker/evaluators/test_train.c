/* test_train.c: jobs of the train evaluator: training, evaluation and what their results say. */
#include "common/safetensors.h"
#include "tests/unit/worker/evaluators/train_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static double metric_of(const struct result *result, enum metric_id id)
{
    const struct metric *metric = result_metric(result, id);
    return metric == NULL ? (double)NAN : metric->value;
}

static void test_a_founder_is_trained_measured_and_stored(void **state)
{
    struct train_fixture *fixture = *state;
    const struct job job = train_fixture_init_job(fixture, 0);
    const struct result *result = train_fixture_run_one(fixture, train_fixture_spec, &job);
    assert_int_equal(result->outcome, OUTCOME_OK);
    assert_int_equal(result->steps, 8); /* 256 samples in batches of 32 */
    assert_int_equal(result->metric_count, 2);
    assert_true(result->fitness == metric_of(result, METRIC_SELECT_ACCURACY));
    assert_true(result->fitness >= 0 && result->fitness <= 1);
    assert_true(metric_of(result, METRIC_SELECT_LOSS) > 0);
    const struct memory_blob *blob = memory_cache_find(fixture->cache, &result->child);
    assert_non_null(blob);
    assert_int_equal(result->child_bytes, blob->size);

    struct detail *detail = train_fixture_detail(result);
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
    double one =
        metric_of(train_fixture_run_one(fixture, train_fixture_spec, &job), METRIC_SELECT_LOSS);
    double forty = metric_of(train_fixture_run_one(fixture, spec, &job), METRIC_SELECT_LOSS);
    assert_true(forty < one - 0.2);
}

static void test_an_evaluation_gives_the_same_fitness_to_the_bit(void **state)
{
    struct train_fixture *fixture = *state;
    struct job job = train_fixture_init_job(fixture, 0);
    struct result founder = *train_fixture_run_one(fixture, train_fixture_spec, &job);
    job.kind = JOB_EVALUATE;
    job.slices = SLICE_SELECT | SLICE_CONFIRM | SLICE_TEST;
    job.parent_count = 1;
    job.parents[0] = founder.child;
    job.call = (struct operator_call){0};
    const struct result *result = train_fixture_run_one(fixture, train_fixture_spec, &job);
    assert_int_equal(result->outcome, OUTCOME_OK);
    assert_true(result->fitness == founder.fitness);
    assert_int_equal(result->metric_count, 6);
    assert_int_equal(result->steps, 0);
    assert_int_equal(result->child_bytes, 0);
    struct detail *detail = train_fixture_detail(result);
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
    struct detail *detail =
        train_fixture_detail(train_fixture_run_one(fixture, train_fixture_spec, &job));
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
    struct digest first = train_fixture_run_one(fixture, train_fixture_spec, &one)->child;
    struct digest second = train_fixture_run_one(fixture, train_fixture_spec, &two)->child;
    assert_false(digest_equal(&first, &second)); /* only the masks differ */
    struct digest again = train_fixture_run_one(fixture, train_fixture_spec, &one)->child;
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
        const struct result *result = train_fixture_run_one(fixture, spec, &job);
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
    assert_int_equal(train_fixture_run_one(fixture, spec, &job)->outcome, OUTCOME_OK);
}

static void test_fitness_is_that_of_the_select_slice(void **state)
{
    struct train_fixture *fixture = *state;
    char spec[512];
    struct job job = train_fixture_init_job(fixture, 0);
    job.slices = SLICE_ALL;
    const struct result *result = train_fixture_run_one(fixture, train_fixture_spec, &job);
    double select = metric_of(result, METRIC_SELECT_ACCURACY);
    assert_true(result->fitness == select);
    assert_true(select != metric_of(result, METRIC_TRAIN_ACCURACY)); /* or it would say nothing */
    snprintf(spec, sizeof spec, "%strain.fitness = loss\n", train_fixture_spec);
    result = train_fixture_run_one(fixture, spec, &job);
    select = metric_of(result, METRIC_SELECT_LOSS);
    assert_true(result->fitness == -select);
    assert_true(select != metric_of(result, METRIC_TRAIN_LOSS));
}

static void test_without_a_select_slice_the_training_slice_counts(void **state)
{
    struct train_fixture *fixture = *state;
    const struct job job = train_fixture_init_job(fixture, 0);
    const struct result *result = train_fixture_run_one(
        fixture,
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
    const struct result *result = train_fixture_run_one(fixture, spec, &job);
    assert_int_equal(result->outcome, OUTCOME_DIVERGED);
    assert_true(isnan(result->fitness));
    assert_int_equal(result->child_bytes, 0);
    assert_int_equal(result->metric_count, 0);
    assert_int_equal(result->steps, 200);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, train_fixture_set_up, train_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_founder_is_trained_measured_and_stored),
        TEST(test_training_lowers_the_loss),
        TEST(test_an_evaluation_gives_the_same_fitness_to_the_bit),
        TEST(test_each_slice_is_evaluated_on_its_own_samples),
        TEST(test_each_job_has_dropout_of_its_own),
        TEST(test_inputs_are_scaled_as_the_spec_says),
        TEST(test_an_evaluation_does_not_prepare_the_training),
        TEST(test_fitness_is_that_of_the_select_slice),
        TEST(test_without_a_select_slice_the_training_slice_counts),
        TEST(test_what_diverges_is_a_result_without_a_child),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
