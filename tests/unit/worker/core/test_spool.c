/* test_spool.c: what goes to disk, and what comes back from there. */
#include "worker_model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* One slot, one job with a child, finished after `compute_ms`. */
static struct model *make_finished(uint32_t compute_ms)
{
    struct worker_config config = model_config();
    config.slots = 1;
    struct model *model = model_create_ready(&config);
    struct job job = model_job(1);
    struct digest child = model_digest("child", 1);
    model_start_job(model, &job, 1);
    model_finish(model, 0, &child, compute_ms);
    return model;
}

static void judge(struct model *model, uint64_t job, enum verdict_kind kind)
{
    struct lease_key key = model_key(1, job, 1);
    model_verdict(model, &key, kind);
}

static uint32_t finished(const struct model *model)
{
    return worker_core_view(model->core, model->now).finished;
}

/* ----------------------------------------------------------------------------------- spool */

static void test_long_results_are_spooled_with_what_they_say(void **state)
{
    (void)state;
    struct model *model = make_finished(5000);
    assert_int_equal(model_count(model, WORKER_SPOOL), 1);
    const struct worker_effect *effect = model_effect(model, WORKER_SPOOL, 0);
    assert_memory_equal(&effect->spool.run, &model->run, sizeof model->run);
    assert_int_equal(effect->spool.result->lease.job.job, 1);
    assert_int_equal(effect->spool.result->compute_ms, 5000);
    assert_string_equal((const char *)effect->spool.result->detail, "detail");
    model_destroy(model);

    model = make_finished(4999);
    assert_int_equal(model_count(model, WORKER_SPOOL), 0);
    model_destroy(model);
}

static void test_a_failure_is_not_worth_a_file(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 1;
    struct model *model = model_create_ready(&config);
    struct job job = model_job(1);
    struct lease_key key = model_key(1, 1, 1);
    model_start_job(model, &job, 1);
    struct result result = model_result(&job, &key, NULL);
    result.outcome = OUTCOME_FAILED;
    result.compute_ms = 100000;
    model_finish_with(model, 0, &result);
    assert_int_equal(model_count(model, WORKER_SPOOL), 0);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 1);
    model_destroy(model);
}

static void test_a_failure_does_not_answer_a_newer_lease(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 1;
    struct model *model = model_create_ready(&config);
    struct job job = model_job(1);
    struct lease_key key = model_key(1, 1, 1);
    model_start_job(model, &job, 1);
    struct result result = model_result(&job, &key, NULL);
    result.outcome = OUTCOME_FAILED;
    model_finish_with(model, 0, &result);
    model_lease(model, &job, 1);
    assert_int_equal(model->effects->count, 0); /* a double of the lease that failed */
    model_lease(model, &job, 2);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 0);
    model_answer_fetches(model);
    assert_int_equal(model_effect(model, WORKER_RUN, 0)->run.lease.key.attempt, 2);
    assert_int_equal(finished(model), 0);
    model_destroy(model);
}

static void test_of_two_results_of_one_job_the_first_is_spooled(void **state)
{
    (void)state;
    struct model *model = make_finished(5000);
    struct job opinion = model_opinion(1);
    model_start_job(model, &opinion, 2);
    model_finish(model, 0, NULL, 5000);
    assert_int_equal(model_count(model, WORKER_SPOOL), 0);
    struct lease_key key = model_key(1, 1, 2);
    model_verdict(model, &key, VERDICT_RELEASED);
    assert_int_equal(model_count(model, WORKER_UNSPOOL), 0);
    assert_int_equal(model->spooled_count, 1);
    judge(model, 1, VERDICT_RELEASED);
    assert_int_equal(model->spooled_count, 0);
    model_destroy(model);
}

/* ------------------------------------------------------------------------------- recovered */

static void test_recovered_results_wait_for_the_welcome_of_their_run(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    struct digest children[] = {model_digest("child", 0), model_digest("child", 1)};
    struct run_id other_run = model_run(2);
    for (uint64_t i = 0; i < 2; i++) {
        struct job job = model_job(i);
        struct lease_key key = model_key(3, i, 1);
        struct result result = model_result(&job, &key, &children[i]);
        model_recover(model, i == 0 ? &model->run : &other_run, &result);
        assert_int_equal(model->effects->count, 0);
    }
    assert_true(worker_core_deadline(model->core) <= model->now);
    model_tick(model, 1000);
    assert_int_equal(model_message(model, MESSAGE_HELLO, 0)->hello.beat.held_count, 0);
    model->epoch = 4;
    model_welcome(model);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 1);
    struct lease_key key = model_key(3, 0, 1);
    const struct result *offered = &model_message(model, MESSAGE_RESULT, 0)->result;
    assert_true(lease_key_equal(offered->lease, key)); /* under the lease of its own life */
    assert_int_equal(finished(model), 1);
    assert_int_equal(model_pins(model, &children[0]), 1);
    assert_int_equal(model_pins(model, &children[1]), 0);
    assert_int_equal(model->spooled_count, 2); /* the other run may come back for its own */
    assert_int_equal(model_next_beat(model)->held_count, 1);
    model_verdict(model, &key, VERDICT_RELEASED);
    assert_int_equal(model->spooled_count, 1);
    model_expect_no_pins(model);
    model_destroy(model);
}

static void test_a_recovered_result_answers_a_new_lease(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    struct job job = model_job(1);
    struct lease_key key = model_key(3, 1, 1);
    struct result result = model_result(&job, &key, NULL);
    model_recover(model, &model->run, &result);
    model->epoch = 4;
    model_tick(model, 1000);
    model_welcome(model);
    model_verdict(model, &key, VERDICT_HELD);
    model_lease(model, &job, 1);
    assert_int_equal(model_count(model, WORKER_FETCH), 0);
    assert_int_equal(model_message(model, MESSAGE_RESULT, 0)->result.lease.epoch, 4);
    model_destroy(model);
}

static void test_a_result_recovered_twice_is_held_once(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    struct job job = model_job(1), opinion = model_opinion(1);
    struct digest child = model_digest("child", 1);
    struct lease_key key = model_key(1, 1, 1);
    struct result result = model_result(&job, &key, &child);
    model_recover(model, &model->run, &result);
    model->spooled_count = 0; /* the same file once more */
    model_recover(model, &model->run, &result);
    assert_int_equal(model_count(model, WORKER_UNPIN), 1);
    assert_int_equal(model_pins(model, &child), 1);
    assert_int_equal(finished(model), 1);
    model->spooled_count = 0;
    result = model_result(&opinion, &key, NULL);
    model_recover(model, &model->run, &result);
    assert_int_equal(finished(model), 2);
    model_destroy(model);
}

static void test_more_than_the_table_holds_stays_on_disk(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    struct digest child = model_digest("child", 1);
    for (uint64_t i = 0; i <= HELD_MAX; i++) {
        struct job job = model_job(i);
        struct lease_key key = model_key(1, i, 1);
        struct result result = model_result(&job, &key, &child);
        model_recover(model, &model->run, &result);
    }
    assert_int_equal(finished(model), HELD_MAX);
    assert_int_equal(model_pins(model, &child), HELD_MAX);
    assert_int_equal(model->spooled_count, HELD_MAX + 1);
    /* Another run: all rows are free again, a bounded number at a time, before anything else. */
    model_tick(model, 1000);
    model->run = model_run(2);
    model_welcome(model);
    uint32_t steps = 0;
    while (worker_core_deadline(model->core) <= model->now) {
        model_tick(model, model->now);
        steps++;
    }
    assert_in_range(steps, HELD_MAX / WORKER_EFFECTS_MAX, HELD_MAX / WORKER_EFFECTS_MAX + 4);
    assert_int_equal(finished(model), 0);
    assert_int_equal(model->spooled_count, HELD_MAX + 1);
    model_expect_no_pins(model);
    model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_results_are_spooled_with_what_they_say),
        cmocka_unit_test(test_a_failure_is_not_worth_a_file),
        cmocka_unit_test(test_a_failure_does_not_answer_a_newer_lease),
        cmocka_unit_test(test_of_two_results_of_one_job_the_first_is_spooled),
        cmocka_unit_test(test_recovered_results_wait_for_the_welcome_of_their_run),
        cmocka_unit_test(test_a_recovered_result_answers_a_new_lease),
        cmocka_unit_test(test_a_result_recovered_twice_is_held_once),
        cmocka_unit_test(test_more_than_the_table_holds_stays_on_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
