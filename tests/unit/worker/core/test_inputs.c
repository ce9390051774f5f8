/* test_inputs.c: the blobs that jobs need: fetched once, shared, pinned, given back. */
#include "worker_model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct model *make_ready(void)
{
    struct worker_config config = model_config();
    return model_create_ready(&config);
}

static void expect_counts(const struct model *model, uint32_t queued, uint32_t running,
                          uint32_t finished)
{
    struct worker_view view = worker_core_view(model->core, model->now);
    assert_int_equal(view.queued, queued);
    assert_int_equal(view.running, running);
    assert_int_equal(view.finished, finished);
}

/* ----------------------------------------------------------------------------------- bytes */

static void test_a_lease_fetches_its_bytes_and_then_runs(void **state)
{
    (void)state;
    struct model *model = make_ready();
    struct job job = model_job(3);
    model_lease(model, &job, 1);
    assert_int_equal(model->effects->count, 2);
    assert_true(digest_equal(&model_effect(model, WORKER_FETCH, 0)->digest, &job.spec));
    assert_true(digest_equal(&model_effect(model, WORKER_FETCH, 1)->digest, &job.parents[0]));
    expect_counts(model, 1, 0, 0);
    model_blob_ready(model, &job.spec);
    assert_int_equal(model->effects->count, 0);
    model_blob_ready(model, &job.parents[0]);
    assert_int_equal(model->effects->count, 1);
    const struct worker_effect *run = model_effect(model, WORKER_RUN, 0);
    assert_int_equal(run->run.slot, 0);
    assert_int_equal(run->run.lease.key.job.job, 3);
    assert_int_equal(run->run.lease.key.attempt, 1);
    assert_int_equal(run->run.lease.reason, LEASE_FIRST);
    struct digest sent = job_digest(&run->run.lease.job), asked = job_digest(&job);
    assert_true(digest_equal(&sent, &asked));
    expect_counts(model, 0, 1, 0);
    model_destroy(model);
}

static struct job job_on_data(uint64_t number)
{
    struct job job = model_job(number);
    job.data = model_digest("data", 0);
    return job;
}

static void test_the_data_set_is_fetched_between_spec_and_parents(void **state)
{
    (void)state;
    struct model *model = make_ready();
    struct job job = job_on_data(3);
    job.parent_count = 2;
    job.parents[1] = model_digest("parent", 4);
    model_lease(model, &job, 1);
    assert_int_equal(model->effects->count, 4);
    assert_true(digest_equal(&model_effect(model, WORKER_FETCH, 0)->digest, &job.spec));
    assert_true(digest_equal(&model_effect(model, WORKER_FETCH, 1)->digest, &job.data));
    assert_true(digest_equal(&model_effect(model, WORKER_FETCH, 2)->digest, &job.parents[0]));
    assert_true(digest_equal(&model_effect(model, WORKER_FETCH, 3)->digest, &job.parents[1]));
    model_blob_ready(model, &job.spec);
    model_blob_ready(model, &job.parents[0]);
    model_blob_ready(model, &job.parents[1]);
    assert_int_equal(model->effects->count, 0);
    model_blob_ready(model, &job.data);
    assert_int_equal(model_count(model, WORKER_RUN), 1);
    model_finish(model, 0, NULL, 0);
    model_expect_no_pins(model);
    model_destroy(model);
}

/* It is large: between two jobs it must not lose its pin, nor be asked for again. */
static void test_the_data_set_stays_pinned_while_any_job_needs_it(void **state)
{
    (void)state;
    struct model *model = make_ready();
    struct job first = job_on_data(0);
    model_lease(model, &first, 1);
    model_answer_fetches(model);
    for (uint64_t i = 1; i < 10; i++) {
        struct job next = job_on_data(i);
        model_lease(model, &next, 1);
        assert_int_equal(model_count(model, WORKER_FETCH), 1); /* its parent */
        model_answer_fetches(model);
        struct lease_key before = {.job = {.job = i - 1}, .epoch = 1, .attempt = 1};
        model_verdict(model, &before, VERDICT_RELEASED);
        assert_int_equal(model_pins(model, &next.data), 1);
    }
    struct lease_key last = {.job = {.job = 9}, .epoch = 1, .attempt = 1};
    model_verdict(model, &last, VERDICT_RELEASED);
    model_expect_no_pins(model);
    model_destroy(model);
}

static void test_a_data_set_that_cannot_be_had_drops_its_jobs(void **state)
{
    (void)state;
    struct model *model = make_ready();
    struct job first = job_on_data(1), second = job_on_data(2), other = model_job(3);
    model_lease(model, &first, 1);
    model_lease(model, &second, 1);
    model_lease(model, &other, 1);
    model_blob_ready(model, &first.spec);
    model_blob_ready(model, &other.parents[0]);
    expect_counts(model, 2, 1, 0);
    model_blob_failed(model, &first.data);
    expect_counts(model, 0, 1, 0);
    const struct heartbeat *beat = model_next_beat(model);
    assert_null(model_held(beat, 1));
    assert_null(model_held(beat, 2));
    assert_non_null(model_held(beat, 3));
    model_destroy(model);
}

static void test_a_blob_that_several_jobs_need_is_fetched_once(void **state)
{
    (void)state;
    struct model *model = make_ready();
    struct job first = model_job(1), second = model_job(2);
    second.parents[0] = first.parents[0];
    model_lease(model, &first, 1);
    assert_int_equal(model_count(model, WORKER_FETCH), 2);
    model_lease(model, &second, 1);
    assert_int_equal(model->effects->count, 0);
    model_answer_fetches(model);
    expect_counts(model, 0, 2, 0);
    /* The last user gives the pins back. */
    model_verdict(model, &(struct lease_key){.job = first.key, .epoch = 1, .attempt = 1},
                  VERDICT_RELEASED);
    assert_int_equal(model_pins(model, &first.spec), 1);
    model_verdict(model, &(struct lease_key){.job = second.key, .epoch = 1, .attempt = 1},
                  VERDICT_RELEASED);
    model_expect_no_pins(model);
    model_destroy(model);
}

static void test_two_equal_parents_are_one_blob(void **state)
{
    (void)state;
    struct model *model = make_ready();
    struct job job = model_job(1);
    job.parent_count = 2;
    job.parents[1] = job.parents[0];
    model_lease(model, &job, 1);
    assert_int_equal(model_count(model, WORKER_FETCH), 2);
    model_answer_fetches(model);
    assert_int_equal(model_count(model, WORKER_RUN), 1);
    model_finish(model, 0, NULL, 0);
    model_expect_no_pins(model);
    model_destroy(model);
}

static void test_bytes_that_cannot_be_had_drop_their_jobs(void **state)
{
    (void)state;
    struct model *model = make_ready();
    struct job first = model_job(1), second = model_job(2), other = model_job(3);
    second.parents[0] = first.parents[0];
    model_lease(model, &first, 1);
    model_lease(model, &second, 1);
    model_lease(model, &other, 1);
    model_blob_ready(model, &first.spec);
    model_blob_failed(model, &first.parents[0]);
    expect_counts(model, 1, 0, 0);
    assert_int_equal(model_sent(model, MESSAGE_DEATH), 0);
    model_blob_ready(model, &other.parents[0]);
    assert_int_equal(model_effect(model, WORKER_RUN, 0)->run.lease.key.job.job, 3);
    /* The coordinator finds out by the heartbeat and may lease the job again: then it is tried
     * again. */
    assert_null(model_held(model_next_beat(model), 1));
    model_lease(model, &first, 2);
    assert_int_equal(model_count(model, WORKER_FETCH), 1);
    model_destroy(model);
}

static void test_a_failed_blob_takes_nobody_in_while_its_jobs_are_dropped(void **state)
{
    (void)state;
    enum { JOBS = 600 };
    struct model *model = make_ready();
    struct digest lost = model_digest("lost", 0);
    for (uint64_t i = 0; i < JOBS; i++) {
        struct job job = model_job(i);
        job.spec = model_digest("spec", i);
        job.parents[0] = lost;
        model_lease(model, &job, 1);
        model_blob_ready(model, &job.spec);
    }
    model_blob_failed(model, &lost);
    assert_true(worker_core_deadline(model->core) <= model->now); /* more of them are left */
    struct job late = model_job(JOBS);
    late.parents[0] = lost;
    model_lease(model, &late, 1);
    assert_int_equal(model_count(model, WORKER_FETCH), 0);
    while (worker_core_deadline(model->core) <= model->now)
        model_tick(model, model->now);
    expect_counts(model, 0, 0, 0);
    model_expect_no_pins(model);
    model_lease(model, &late, 2);
    assert_int_equal(model_count(model, WORKER_FETCH), 2);
    model_destroy(model);
}

static void test_a_fetch_that_nobody_waits_for_any_more_gives_its_pin_back(void **state)
{
    (void)state;
    struct model *model = make_ready();
    struct job job = model_job(1);
    struct lease_key key = model_key(1, 1, 1);
    model_lease(model, &job, 1);
    model_verdict(model, &key, VERDICT_RELEASED);
    assert_int_equal(model->effects->count, 0);
    model_blob_ready(model, &job.spec);
    assert_int_equal(model_count(model, WORKER_UNPIN), 1);
    model_blob_failed(model, &job.parents[0]);
    assert_int_equal(model->effects->count, 0);
    model_expect_no_pins(model);
    model_destroy(model);
}

static void test_a_fetch_under_way_serves_a_later_job(void **state)
{
    (void)state;
    struct model *model = make_ready();
    struct job job = model_job(1);
    struct lease_key key = model_key(1, 1, 1);
    model_lease(model, &job, 1);
    model_verdict(model, &key, VERDICT_RELEASED);
    model_lease(model, &job, 2);
    assert_int_equal(model->effects->count, 0);
    model_answer_fetches(model);
    assert_int_equal(model_count(model, WORKER_RUN), 1);
    model_destroy(model);
}

/* Whatever is due of beats is sent, so that the next one is news. */
static uint32_t capacity_told(struct model *model)
{
    return model_next_beat(model)->capacity;
}

static void test_children_that_leave_no_room_for_inputs_stop_the_asking(void **state)
{
    (void)state;
    struct model *model = make_ready();
    const struct digest child = model_digest("child", 1);
    struct job first = model_job(1), second = job_on_data(2), third = model_job(3);
    model_start_job(model, &first, 1);
    model_finish(model, 0, &child, 0);
    model_lease(model, &second, 1);
    model_blob_ready(model, &second.spec);
    model_blob_no_room(model, &second.data);
    assert_int_equal(model_sent(model, MESSAGE_HEARTBEAT), 1); /* at once */
    assert_int_equal(model_message(model, MESSAGE_HEARTBEAT, 0)->heartbeat.capacity, 0);
    assert_int_equal(capacity_told(model), 0);
    struct lease_key key = model_key(1, 1, 1);
    model_verdict(model, &key, VERDICT_RELEASED);
    assert_int_equal(model_sent(model, MESSAGE_HEARTBEAT), 1);
    assert_true(model_message(model, MESSAGE_HEARTBEAT, 0)->heartbeat.capacity > 0);
    /* Without any child it is not for want of a verdict: it asks on. */
    model_lease(model, &third, 1);
    model_blob_no_room(model, &third.spec);
    assert_true(capacity_told(model) > 0);
    model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lease_fetches_its_bytes_and_then_runs),
        cmocka_unit_test(test_the_data_set_is_fetched_between_spec_and_parents),
        cmocka_unit_test(test_the_data_set_stays_pinned_while_any_job_needs_it),
        cmocka_unit_test(test_a_data_set_that_cannot_be_had_drops_its_jobs),
        cmocka_unit_test(test_a_blob_that_several_jobs_need_is_fetched_once),
        cmocka_unit_test(test_two_equal_parents_are_one_blob),
        cmocka_unit_test(test_bytes_that_cannot_be_had_drop_their_jobs),
        cmocka_unit_test(test_a_failed_blob_takes_nobody_in_while_its_jobs_are_dropped),
        cmocka_unit_test(test_a_fetch_that_nobody_waits_for_any_more_gives_its_pin_back),
        cmocka_unit_test(test_a_fetch_under_way_serves_a_later_job),
        cmocka_unit_test(test_children_that_leave_no_room_for_inputs_stop_the_asking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
