/* test_replay_compare.c: every bit of a result counts, and the first that differs is named. */
#include "coordinator/replay/replay_compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t detail[] = {1, 2, 3};

struct pair {
    struct commit_record record;
    struct result result;
    struct replay_committed committed;
    struct replay_difference difference;
};

static int setup(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);
    assert_non_null(pair);
    struct commit_record *record = &pair->record;
    record->job.key.job = 12;
    record->outcome = OUTCOME_OK;
    record->fitness = 0.5;
    record->metric_count = 2;
    record->metrics[0] = (struct metric){METRIC_SELECT_LOSS, 0.25};
    record->metrics[1] = (struct metric){METRIC_SELECT_ACCURACY, 0.5};
    record->steps = 196;
    record->child = digest_of("child", 5);
    record->child_bytes = 5;
    strcpy(record->numeric, "portable");
    struct result *result = &pair->result;
    result->outcome = record->outcome;
    result->fitness = record->fitness;
    result->metric_count = record->metric_count;
    memcpy(result->metrics, record->metrics, sizeof record->metrics);
    result->steps = record->steps;
    result->child = record->child;
    result->child_bytes = record->child_bytes;
    result->detail = detail;
    result->detail_bytes = sizeof detail;
    pair->committed = (struct replay_committed){
        .record = record, .detail = detail, .detail_bytes = sizeof detail};
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void expect_difference(struct pair *pair, const char *says)
{
    struct error error = {0};
    assert_int_equal(replay_compare(&pair->committed, &pair->result, &pair->difference, &error),
                     -1);
    if (strstr(error.text, says) == NULL)
        fail_msg("'%s' does not say '%s'", error.text, says);
    assert_true(strlen(error.text) < sizeof error.text - 1);
}

static void test_equal(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(replay_compare(&pair->committed, &pair->result, &pair->difference, NULL), 0);
    /* What no digest covers does not count. */
    pair->result.compute_ms = 99;
    pair->record.attempts = 7;
    pair->record.opinions = 3;
    assert_int_equal(replay_compare(&pair->committed, &pair->result, &pair->difference, NULL), 0);
}

static void test_outcome(void **state)
{
    struct pair *pair = *state;
    pair->result.outcome = OUTCOME_DIVERGED;
    expect_difference(pair, "0/12: outcome: ok was committed, diverged came out");
}

static void test_fitness_bit_by_bit(void **state)
{
    struct pair *pair = *state;
    pair->result.fitness = 0.25;
    expect_difference(pair, "0/12: fitness: 0.5 was committed, 0.25 came out");
    pair->record.fitness = 0;
    pair->result.fitness = -0.0;
    expect_difference(pair, "fitness: 0 was committed, -0 came out");
    pair->record.fitness = __builtin_nan("1");
    pair->result.fitness = __builtin_nan("2");
    expect_difference(pair, "fitness: bits 7ff8000000000001 was committed");
    pair->result.fitness = pair->record.fitness;
    assert_int_equal(replay_compare(&pair->committed, &pair->result, &pair->difference, NULL), 0);
}

static void test_metrics(void **state)
{
    struct pair *pair = *state;
    pair->result.metrics[1].value = 0.75;
    expect_difference(pair, "select_accuracy: 0.5 was committed, 0.75 came out");
    assert_int_equal(pair->difference.key.job, 12);
    assert_string_equal(pair->difference.field, "select_accuracy");
    assert_string_equal(pair->difference.committed, "0.5");
    assert_string_equal(pair->difference.came_out, "0.75");
    pair->result.metrics[1].id = METRIC_TEST_LOSS;
    expect_difference(pair, "a metric's number: 4 was committed, 7 came out");
    pair->result.metric_count = 1;
    expect_difference(pair, "number of metrics: 2 was committed, 1 came out");
}

static void test_steps_and_child(void **state)
{
    struct pair *pair = *state;
    pair->result.child_bytes++;
    expect_difference(pair, "bytes: 5 was committed, 6 came out");
    pair->result.child = (struct digest){0};
    expect_difference(pair, "was committed, none came out");
    pair->result.child = digest_of("other", 5);
    expect_difference(pair, "checkpoint: ");
    pair->result.steps = 0;
    expect_difference(pair, "steps: 196 was committed, 0 came out");
}

static void test_detail(void **state)
{
    struct pair *pair = *state;
    static const uint8_t other[] = {1, 2, 4};
    pair->result.detail = other;
    expect_difference(pair, "detail");
    pair->result.detail_bytes = 0;
    expect_difference(pair, "none came out");
    pair->committed.detail_bytes = 0;
    assert_int_equal(replay_compare(&pair->committed, &pair->result, &pair->difference, NULL), 0);
    pair->result.detail_bytes = 1;
    expect_difference(pair, "none was committed");
}

static void test_the_class_may_explain_it(void **state)
{
    struct pair *pair = *state;
    pair->result.steps = 1;
    expect_difference(pair, "the portable class gives equal bits everywhere");
    strcpy(pair->record.numeric, "openblas-0.3.21-SkylakeX-1");
    expect_difference(pair, "computed in the class openblas-0.3.21-SkylakeX-1");
    /* The ledger may be a stranger's. */
    strcpy(pair->record.numeric, "\033[2J");
    expect_difference(pair, "in the class ?[2J, and");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_equal),           TEST(test_outcome), TEST(test_fitness_bit_by_bit),
        TEST(test_metrics),         TEST(test_detail),  TEST(test_the_class_may_explain_it),
        TEST(test_steps_and_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
