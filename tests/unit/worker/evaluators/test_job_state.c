/* test_job_state.c: the frame of a partly carried out job, and the null evaluator's use of it. */
#include "tests/unit/worker/evaluators/memory_cache.h"
#include "worker/evaluators/job_state.h"
#include "worker/evaluators/null.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t content[] = "half a job";

static struct digest a_job(uint64_t number)
{
    return digest_of(&number, sizeof number);
}

/* The caller's to free. */
static uint8_t *write_state(uint64_t job, size_t *count)
{
    const struct job_progress progress = {.steps = 0x1122334455667788,
                                          .content = {content, sizeof content}};
    struct digest description = a_job(job);
    *count = job_state_bytes(&progress);
    uint8_t *bytes = malloc(*count);
    assert_non_null(bytes);
    job_state_write(&progress, &description, bytes);
    return bytes;
}

static void test_what_was_written_is_read(void **state)
{
    (void)state;
    size_t count;
    uint8_t *bytes = write_state(3, &count);
    struct digest job = a_job(3);
    struct job_progress progress;
    struct error error;
    assert_int_equal(job_state_read((struct bytes){bytes, count}, &job, &progress, &error), 0);
    assert_true(progress.steps == 0x1122334455667788);
    assert_int_equal(progress.content.count, sizeof content);
    assert_memory_equal(progress.content.data, content, sizeof content);
    free(bytes);
}

static void test_the_state_of_another_job_is_refused(void **state)
{
    (void)state;
    size_t count;
    uint8_t *bytes = write_state(3, &count);
    struct digest job = a_job(4);
    struct job_progress progress;
    struct error error;
    assert_int_equal(job_state_read((struct bytes){bytes, count}, &job, &progress, &error), -1);
    assert_string_equal(error.text, "it is the state of another job");
    free(bytes);
}

static void test_every_flipped_bit_and_every_cut_is_seen(void **state)
{
    (void)state;
    size_t count;
    uint8_t *bytes = write_state(3, &count);
    struct digest job = a_job(3);
    struct job_progress progress;
    struct error error;
    for (size_t i = 0; i < 8 * count; i++) {
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(job_state_read((struct bytes){bytes, count}, &job, &progress, &error), -1);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t cut = 0; cut < count; cut++)
        assert_int_equal(job_state_read((struct bytes){bytes, cut}, &job, &progress, &error), -1);
    assert_int_equal(job_state_read((struct bytes){bytes, count}, &job, &progress, &error), 0);
    free(bytes);
}

/* ---------------------------------------------------------------------------------------- null */

static void run_null(struct memory_cut *cut, const char *spec)
{
    const struct job job = {
        .kind = JOB_MUTATE, .slices = SLICE_SELECT, .seed = 3, .call = {.name = "init"}};
    struct error error;
    struct evaluator_environment environment = memory_cut_environment(cut);
    void *handle = null_evaluator.open(spec, &error);
    assert_non_null(handle);
    null_evaluator.run(handle, &environment, &job, 1);
    null_evaluator.close(&handle);
}

static void test_a_null_job_sleeps_on_where_it_was_cut(void **state)
{
    (void)state;
    struct memory_cut cut = {.cache = memory_cache_create(), .looks = UINT32_MAX};
    run_null(&cut, "evaluator = null\nnull.work_ms = 0\n");
    struct result whole = cut.cache->results[0];
    memory_cache_forget_results(cut.cache);
    cut.looks = 1;
    run_null(&cut, "evaluator = null\nnull.work_ms = 100\n");
    assert_int_equal(cut.cache->times[0], 0);
    assert_int_equal(cut.handed.steps, 40); /* two stretches of 20 ms */
    cut.looks = 0;
    run_null(&cut, "evaluator = null\nnull.work_ms = 100\n");
    assert_int_equal(cut.handed.steps, 60);
    cut.looks = UINT32_MAX;
    run_null(&cut, "evaluator = null\nnull.work_ms = 100\n");
    assert_int_equal(cut.cache->times[0], 1);
    assert_true(digest_equal(&cut.cache->results[0].child, &whole.child));
    assert_int_equal(cut.cache->results[0].steps, whole.steps);
    memory_cut_fini(&cut);
    memory_cache_destroy(&cut.cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_the_state_of_another_job_is_refused),
        cmocka_unit_test(test_every_flipped_bit_and_every_cut_is_seen),
        cmocka_unit_test(test_a_null_job_sleeps_on_where_it_was_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
