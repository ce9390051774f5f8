/* test_evaluator.c: the registry, and the null evaluator behind its environment. */
#include "worker/evaluators/evaluator.h"

#include "common/operator_catalog.h"
#include "worker/evaluators/null.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { BLOBS_MAX = 16, BLOB_BYTES = 4096, COHORT = 4 };

static const char *const spec = "evaluator = null\nnull.dim = 16\nnull.heal = 0.25\n";

/* A cache in memory that can be told to fail. */
struct memory {
    uint32_t count;
    struct digest digests[BLOBS_MAX];
    size_t sizes[BLOBS_MAX];
    uint8_t blobs[BLOBS_MAX][BLOB_BYTES];
    bool full;
    int32_t loaded; /* not yet released */
    uint32_t finished;
    struct result results[COHORT];
    uint32_t times[COHORT];
};

static int memory_load(void *context, const struct digest *digest, struct bytes *bytes,
                       struct error *error)
{
    struct memory *memory = context;
    for (uint32_t i = 0; i < memory->count; i++) {
        if (!digest_equal(&memory->digests[i], digest))
            continue;
        *bytes = (struct bytes){.data = memory->blobs[i], .count = memory->sizes[i]};
        memory->loaded++;
        return 0;
    }
    return error_set(error, -1, "no such blob");
}

static void memory_release(void *context, struct bytes *bytes)
{
    struct memory *memory = context;
    assert_non_null(bytes->data);
    memory->loaded--;
    assert_true(memory->loaded >= 0);
}

static int memory_store(void *context, struct bytes bytes, struct digest *digest,
                        struct error *error)
{
    struct memory *memory = context;
    if (memory->full)
        return error_set(error, -1, "the cache is full");
    assert_true(memory->count < BLOBS_MAX && bytes.count <= BLOB_BYTES);
    *digest = digest_of(bytes.data, bytes.count);
    memory->digests[memory->count] = *digest;
    memory->sizes[memory->count] = bytes.count;
    memcpy(memory->blobs[memory->count++], bytes.data, bytes.count);
    return 0;
}

static void memory_finish(void *context, uint32_t index, const struct result *result)
{
    struct memory *memory = context;
    assert_true(index < COHORT);
    memory->results[index] = *result;
    memory->times[index]++;
    memory->finished++;
}

static struct evaluator_environment environment_of(struct memory *memory)
{
    return (struct evaluator_environment){
        .context = memory,
        .load = memory_load,
        .release = memory_release,
        .store = memory_store,
        .finish = memory_finish,
    };
}

static void run_jobs(struct memory *memory, const char *text, const struct job *jobs,
                     uint32_t count)
{
    struct error error = {.text = ""};
    const struct evaluator *evaluator = evaluator_find("null");
    struct evaluator_environment environment = environment_of(memory);
    void *handle = evaluator->open(text, &error);
    assert_non_null(handle);
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

static struct memory *memory_make(void)
{
    struct memory *memory = calloc(1, sizeof *memory);
    assert_non_null(memory);
    return memory;
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
    struct memory *memory = memory_make();
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
            job.parents[k] = memory->digests[0];
        run_jobs(memory, spec, &job, 1);
        assert_int_equal(memory->results[0].outcome, OUTCOME_OK);
        tried++;
    }
    assert_true(tried >= 4);
    free(memory);
}

/* ----------------------------------------------------------------------------- environment */

static void test_a_cohort_gives_each_job_its_own_result(void **state)
{
    (void)state;
    struct memory *together = memory_make(), *alone = memory_make();
    struct job jobs[COHORT];
    for (uint32_t i = 0; i < COHORT; i++)
        jobs[i] = init_job(i);
    run_jobs(together, spec, jobs, COHORT);
    assert_int_equal(together->finished, COHORT);
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
    free(together);
    free(alone);
}

static void test_children_become_parents(void **state)
{
    (void)state;
    struct memory *memory = memory_make();
    struct job init = init_job(1);
    run_jobs(memory, spec, &init, 1);
    struct digest first = memory->results[0].child;
    assert_true(digest_equal(&first, &memory->digests[0]));
    assert_int_equal(memory->results[0].child_bytes, memory->sizes[0]);
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
    free(memory);
}

static void expect_failure(const struct memory *memory, const char *words)
{
    const struct result *result = &memory->results[0];
    assert_int_equal(memory->finished, 1);
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
    struct memory *memory = memory_make();
    struct job init = init_job(1);
    run_jobs(memory, spec, &init, 1);
    struct digest unknown = digest_of("unknown", 7);
    struct job job = child_job(2, &memory->digests[0]);
    strcpy(job.call.name, "crossover");
    job.call.param_count = 1;
    job.parent_count = 2;
    job.parents[1] = unknown; /* the first was loaded already, and is released */
    memory->finished = 0;
    run_jobs(memory, spec, &job, 1);
    expect_failure(memory, "no such blob");
    free(memory);
}

static void test_a_child_that_does_not_fit_is_a_failure(void **state)
{
    (void)state;
    struct memory *memory = memory_make();
    struct job init = init_job(1);
    memory->full = true;
    run_jobs(memory, spec, &init, 1);
    expect_failure(memory, "the cache is full");
    free(memory);
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
    struct memory *slow = memory_make(), *fast = memory_make();
    struct job init = init_job(1);
    run_jobs(slow, "evaluator = null\nnull.heal = 0.25\nnull.work_ms = 5\n", &init, 1);
    run_jobs(fast, spec, &init, 1);
    assert_true(slow->results[0].compute_ms >= 5);
    assert_true(digest_equal(&slow->results[0].child, &fast->results[0].child));
    free(slow);
    free(fast);
}

/* A crash on demand kills the process by abort(), before anything is stored. */
static void test_crashes_come_when_they_were_asked_for(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct memory *memory = memory_make();
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
