/* test_evaluator.c: the registry, and the null evaluator behind its environment. */
#include "worker/evaluators/evaluator.h"

#include "common/operator_catalog.h"
#include "tests/unit/worker/evaluators/memory_cache.h"
#include "worker/evaluators/null.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { COHORT = 4 };

static const char *const spec = "evaluator = null\nnull.dim = 16\nnull.heal = 0.25\n";

static void run_jobs(struct memory_cache *memory, const char *text, const struct job *jobs,
                     uint32_t count)
{
    struct error error = {.text = ""};
    const struct evaluator *evaluator = evaluator_find("null");
    struct evaluator_environment environment = memory_cache_environment(memory);
    void *handle = evaluator->open(text, &error);
    assert_non_null(handle);
    memory_cache_forget_results(memory);
    evaluator->run(handle, &environment, jobs, count);
    evaluator->close(&handle);
    assert_null(handle);
}

static struct job init_job(uint64_t number)
{
    return (struct job){
        .key = {.job = number},
        .kind = JOB_MUTATE,
        .slices = SLICE_SELECT,
        .seed = 1,
        .stream = number,
        .call = {.name = "init"},
    };
}

static struct job child_job(uint64_t number, const struct digest *parent)
{
    struct job job = init_job(number);
    strcpy(job.call.name, "none");
    job.parent_count = 1;
    job.parents[0] = *parent;
    return job;
}

/* -------------------------------------------------------------------------------- registry */

static void test_evaluators_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(evaluator_find("null"), &null_evaluator);
    assert_string_equal(evaluator_find("null")->name, "null");
    assert_null(evaluator_find("nul"));
    assert_null(evaluator_find(""));
}

/* The catalogue promises what the evaluator can do: a call by the catalogue must be understood. */
static void test_every_operator_of_the_catalogue_is_carried_out(void **state)
{
    (void)state;
    struct memory_cache *memory = memory_cache_create();
    struct job init = init_job(1);
    run_jobs(memory, spec, &init, 1);
    uint32_t tried = 0;
    for (uint32_t i = 0; operator_at(i) != NULL; i++) {
        const struct operator_info *info = operator_at(i);
        if (!(info->evaluators & FOR_NULL))
            continue;
        struct job job = init_job(2 + i);
        snprintf(job.call.name, sizeof job.call.name, "%s", info->name);
        job.call.param_count = info->param_count;
        for (uint32_t k = 0; k < info->param_count; k++)
            job.call.params[k] = info->params[k].fallback;
        job.parent_count = info->parents;
        for (uint32_t k = 0; k < info->parents; k++)
            job.parents[k] = memory->blobs[0].digest;
        run_jobs(memory, spec, &job, 1);
        assert_int_equal(memory->results[0].outcome, OUTCOME_OK);
        tried++;
    }
    assert_true(tried >= 4);
    memory_cache_destroy(&memory);
}

/* ----------------------------------------------------------------------------- environment */

static void test_a_cohort_gives_each_job_its_own_result(void **state)
{
    (void)state;
    struct memory_cache *together = memory_cache_create(), *alone = memory_cache_create();
    struct job jobs[COHORT];
    for (uint32_t i = 0; i < COHORT; i++)
        jobs[i] = init_job(i);
    run_jobs(together, spec, jobs, COHORT);
    for (uint32_t i = 0; i < COHORT; i++) {
        run_jobs(alone, spec, &jobs[i], 1);
        assert_int_equal(together->times[i], 1);
        assert_true(digest_equal(&together->results[i].child, &alone->results[0].child));
        assert_true(together->results[i].fitness == alone->results[0].fitness);
        assert_null(together->results[i].detail);
        assert_int_equal(together->results[i].detail_bytes, 0);
        for (uint32_t k = 0; k < i; k++)
            assert_false(digest_equal(&together->results[i].child, &together->results[k].child));
    }
    memory_cache_destroy(&together);
    memory_cache_destroy(&alone);
}

static void test_children_become_parents(void **state)
{
    (void)state;
    struct memory_cache *memory = memory_cache_create();
    struct job init = init_job(1);
    run_jobs(memory, spec, &init, 1);
    struct digest first = memory->results[0].child;
    assert_true(digest_equal(&first, &memory->blobs[0].digest));
    assert_int_equal(memory->results[0].child_bytes, memory->blobs[0].size);
    struct job child = child_job(2, &first);
    run_jobs(memory, spec, &child, 1);
    assert_int_equal(memory->results[0].outcome, OUTCOME_OK);
    assert_int_equal(memory->loaded, 0);
    struct job evaluation = child_job(3, &memory->results[0].child);
    double fitness = memory->results[0].fitness;
    evaluation.kind = JOB_EVALUATE;
    run_jobs(memory, spec, &evaluation, 1);
    assert_true(memory->results[0].fitness == fitness);
    assert_true(digest_is_zero(&memory->results[0].child));
    assert_int_equal(memory->count, 2);
    assert_int_equal(memory->loaded, 0);
    memory_cache_destroy(&memory);
}

static void expect_failure(const struct memory_cache *memory, const char *words)
{
    const struct result *result = &memory->results[0];
    assert_int_equal(memory->times[0], 1);
    assert_int_equal(result->outcome, OUTCOME_FAILED);
    assert_true(isnan(result->fitness));
    assert_int_equal(result->metric_count, 0);
    assert_int_equal(result->child_bytes, 0);
    assert_true(digest_is_zero(&result->child));
    assert_non_null(strstr(result->reason, words));
    assert_int_equal(memory->loaded, 0);
}

static void test_a_parent_that_is_not_there_is_a_failure(void **state)
{
    (void)state;
    struct memory_cache *memory = memory_cache_create();
    struct job init = init_job(1);
    run_jobs(memory, spec, &init, 1);
    struct digest unknown = digest_of("unknown", 7);
    struct job job = child_job(2, &memory->blobs[0].digest);
    strcpy(job.call.name, "crossover");
    job.call.param_count = 1;
    job.parent_count = 2;
    job.parents[1] = unknown; /* the first was loaded already, and is released */
    run_jobs(memory, spec, &job, 1);
    expect_failure(memory, "no such blob");
    memory_cache_destroy(&memory);
}

static void test_a_child_that_does_not_fit_is_a_failure(void **state)
{
    (void)state;
    struct memory_cache *memory = memory_cache_create();
    struct job init = init_job(1);
    memory->full = true;
    run_jobs(memory, spec, &init, 1);
    expect_failure(memory, "the cache is full");
    memory_cache_destroy(&memory);
}

static void test_a_spec_for_another_evaluator_does_not_open(void **state)
{
    (void)state;
    struct error error = {.text = ""};
    assert_null(evaluator_find("null")->open("evaluator = train\n", &error));
    assert_non_null(strstr(error.text, "train"));
    void *nothing = NULL;
    evaluator_find("null")->close(&nothing);
}

static void test_work_takes_its_time_and_leaves_no_trace(void **state)
{
    (void)state;
    struct memory_cache *slow = memory_cache_create(), *fast = memory_cache_create();
    struct job init = init_job(1);
    run_jobs(slow, "evaluator = null\nnull.heal = 0.25\nnull.work_ms = 5\n", &init, 1);
    run_jobs(fast, spec, &init, 1);
    assert_true(slow->results[0].compute_ms >= 5);
    assert_true(digest_equal(&slow->results[0].child, &fast->results[0].child));
    memory_cache_destroy(&slow);
    memory_cache_destroy(&fast);
}

/* A crash on demand kills the process by abort(), before anything is stored. */
static void test_crashes_come_when_they_were_asked_for(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct memory_cache *memory = memory_cache_create();
        struct job init = init_job(1);
        signal(SIGABRT, SIG_DFL);
        run_jobs(memory, "evaluator = null\nnull.crash_per_million = 1000000\n", &init, 1);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evaluators_are_found_by_name),
        cmocka_unit_test(test_every_operator_of_the_catalogue_is_carried_out),
        cmocka_unit_test(test_a_cohort_gives_each_job_its_own_result),
        cmocka_unit_test(test_children_become_parents),
        cmocka_unit_test(test_a_parent_that_is_not_there_is_a_failure),
        cmocka_unit_test(test_a_child_that_does_not_fit_is_a_failure),
        cmocka_unit_test(test_a_spec_for_another_evaluator_does_not_open),
        cmocka_unit_test(test_work_takes_its_time_and_leaves_no_trace),
        cmocka_unit_test(test_crashes_come_when_they_were_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
