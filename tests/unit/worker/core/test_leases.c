/* test_leases.c: leases that come, come twice, or come too many. */
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

/* -------------------------------------------------------------------------- doubled leases */

static void test_a_doubled_lease_changes_nothing(void **state)
{
    (void)state;
    struct model *model = make_ready();
    struct job job = model_job(1);
    model_lease(model, &job, 1);
    model_lease(model, &job, 1);
    assert_int_equal(model->effects->count, 0);
    model_answer_fetches(model);
    model_lease(model, &job, 1);
    assert_int_equal(model->effects->count, 0);
    model_finish(model, 0, NULL, 0);
    model_lease(model, &job, 1);
    assert_int_equal(model->effects->count, 0);
    expect_counts(model, 0, 0, 1);
    model_destroy(model);
}

static void test_the_newest_lease_is_the_one_reported(void **state)
{
    (void)state;
    struct model *model = make_ready();
    struct job job = model_job(1);
    model_start_job(model, &job, 2);
    model_lease(model, &job, 3);
    assert_int_equal(model->effects->count, 0);
    model_lease(model, &job, 1); /* late: older than what is held */
    expect_counts(model, 0, 1, 0);
    assert_int_equal(model_next_beat(model)->held[0].lease.attempt, 3);
    model_finish(model, 0, NULL, 0);
    assert_int_equal(model_message(model, MESSAGE_RESULT, 0)->result.lease.attempt, 3);
    model_lease(model, &job, 4);
    assert_int_equal(model_message(model, MESSAGE_RESULT, 0)->result.lease.attempt, 4);
    model_verdict(model, &(struct lease_key){.job = job.key, .epoch = 1, .attempt = 3},
                  VERDICT_RELEASED);
    expect_counts(model, 0, 0, 1);
    model_verdict(model, &(struct lease_key){.job = job.key, .epoch = 1, .attempt = 4},
                  VERDICT_RELEASED);
    expect_counts(model, 0, 0, 0);
    model_destroy(model);
}

static void test_a_settled_result_is_sent_again_under_a_newer_lease(void **state)
{
    (void)state;
    struct model *model = make_ready();
    struct job job = model_job(1);
    model_start_job(model, &job, 1);
    model_finish(model, 0, NULL, 0);
    struct lease_key key = model_key(1, 1, 1);
    model_verdict(model, &key, VERDICT_HELD);
    model_lease(model, &job, 2);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 1);
    model_destroy(model);
}

static void test_an_opinion_stands_beside_the_result_it_doubts(void **state)
{
    (void)state;
    struct model *model = make_ready();
    struct job job = model_job(1), opinion = model_opinion(1);
    struct digest child = model_digest("child", 1);
    model_start_job(model, &job, 1);
    model_finish(model, 0, &child, 0);
    struct lease_key first = model_key(1, 1, 1), second = model_key(1, 1, 2);
    model_verdict(model, &first, VERDICT_HELD);
    model_start_job(model, &opinion, 2);
    expect_counts(model, 0, 1, 1);
    const struct heartbeat *beat = model_next_beat(model);
    assert_int_equal(beat->held_count, 2);
    assert_int_equal(beat->held[0].phase, HELD_FINISHED);
    assert_int_equal(beat->held[0].lease.attempt, 1);
    assert_int_equal(beat->held[1].phase, HELD_RUNNING);
    assert_int_equal(beat->held[1].lease.attempt, 2);
    assert_true(beat->held[0].job_prefix != beat->held[1].job_prefix);

    model_finish(model, 0, NULL, 0);
    const struct result *result = &model_message(model, MESSAGE_RESULT, 0)->result;
    struct digest asked = job_digest(&opinion);
    assert_true(digest_equal(&result->job, &asked));
    assert_int_equal(result->lease.attempt, 2);
    assert_int_equal(model_pins(model, &child), 1); /* the child's own pin */
    model_verdict(model, &second, VERDICT_RELEASED);
    expect_counts(model, 0, 0, 1);
    model_verdict(model, &first, VERDICT_RELEASED);
    expect_counts(model, 0, 0, 0);
    model_expect_no_pins(model);
    model_destroy(model);
}

static void test_a_lease_of_an_older_life_is_ignored(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    struct job job = model_job(1);
    model_tick(model, 1000);
    model->epoch = 3;
    model_welcome(model);
    struct message message = {
        .kind = MESSAGE_LEASE,
        .epoch = 3,
        .lease = {.key = model_key(2, 1, 9), .reason = LEASE_FIRST, .job = job},
    };
    model_receive(model, &message);
    assert_int_equal(model->effects->count, 0);
    expect_counts(model, 0, 0, 0);
    model_destroy(model);
}

static void test_a_full_table_takes_no_more_and_says_so(void **state)
{
    (void)state;
    struct model *model = make_ready();
    for (uint64_t i = 0; i < HELD_MAX; i++) {
        struct job job = model_job(i);
        job.parent_count = 0;
        model_lease(model, &job, 1);
    }
    expect_counts(model, HELD_MAX, 0, 0);
    struct job last = model_job(HELD_MAX);
    model_lease(model, &last, 1);
    assert_int_equal(model->effects->count, 0);
    const struct heartbeat *beat = model_next_beat(model);
    assert_int_equal(beat->held_count, HELD_MAX);
    assert_false(beat->held_cut);
    for (uint64_t i = 0; i < HELD_MAX; i++)
        assert_int_equal(beat->held[i].lease.job.job, i);
    /* A row that is given back is used again. */
    struct lease_key key = model_key(1, 17, 1);
    model_verdict(model, &key, VERDICT_RELEASED);
    model_lease(model, &last, 1);
    assert_int_equal(model_count(model, WORKER_FETCH), 1);
    model_destroy(model);
}

static void test_capacity_shrinks_when_finished_results_fill_the_table(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 1;
    config.jobs_per_slot = 4;
    struct model *model = model_create_ready(&config);
    for (uint64_t i = 0; i < HELD_MAX - 3; i++) {
        struct job job = model_job(i);
        model_start_job(model, &job, 1);
        model_finish(model, 0, NULL, 0);
        struct lease_key key = model_key(1, i, 1);
        model_verdict(model, &key, VERDICT_HELD);
    }
    assert_int_equal(model_next_beat(model)->capacity, 3);
    model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_doubled_lease_changes_nothing),
        cmocka_unit_test(test_the_newest_lease_is_the_one_reported),
        cmocka_unit_test(test_a_settled_result_is_sent_again_under_a_newer_lease),
        cmocka_unit_test(test_an_opinion_stands_beside_the_result_it_doubts),
        cmocka_unit_test(test_a_lease_of_an_older_life_is_ignored),
        cmocka_unit_test(test_a_full_table_takes_no_more_and_says_so),
        cmocka_unit_test(test_capacity_shrinks_when_finished_results_fill_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
