/* test_train_failures.c: jobs that this worker cannot do: each fails alone, and says why. */
#include "tests/unit/worker/evaluators/train_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

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
        train_fixture_run_one(fixture,
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
    train_fixture_run_one(fixture, train_fixture_spec, &job);
    expect_failure(fixture, 0, "names no data set");
    job.data = digest_of("nobody", 6);
    train_fixture_run_one(fixture, train_fixture_spec, &job);
    expect_failure(fixture, 0, "no such blob");
    job.data = train_fixture_founder(fixture, train_fixture_spec);
    train_fixture_run_one(fixture, train_fixture_spec, &job);
    expect_failure(fixture, 0, "not a data set of Ratchet");
    job.data = fixture->data;
    train_fixture_run_one(fixture,
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
    train_fixture_run_one(fixture, train_fixture_spec, &job);
    expect_failure(fixture, 0, "the cache is full");
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, train_fixture_set_up, train_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_job_that_cannot_be_prepared_fails_alone),
        TEST(test_a_data_set_that_does_not_serve_fails_the_job),
        TEST(test_a_full_cache_fails_the_job),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
