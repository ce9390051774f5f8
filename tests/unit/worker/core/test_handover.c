/* test_handover.c: running jobs are given back by a worker that leaves, and taken up by another. */
#include "worker_model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct partial none;

/* Two jobs run, one is queued. */
static struct model *make_busy(void)
{
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    for (uint64_t i = 1; i <= 3; i++) {
        struct job job = model_job(i);
        model_start_job(model, &job, 1);
    }
    return model;
}

static void expect_goodbye(const struct model *model, const char *reason)
{
    assert_string_equal(model_message(model, MESSAGE_GOODBYE, 0)->goodbye.reason, reason);
    assert_int_equal(model_effect(model, WORKER_EXIT, 0)->exit.code, WORKER_EXIT_DONE);
    model_expect_no_pins(model);
}

static void expect_offer(const struct model *model, uint64_t job, const struct partial *partial)
{
    const struct handover *offer = &model_message(model, MESSAGE_HANDOVER, 0)->handover;
    struct job described = model_job(job);
    struct digest description = job_digest(&described);
    assert_int_equal(offer->lease.job.job, job);
    assert_true(digest_equal(&offer->job, &description));
    assert_true(digest_equal(&offer->partial.state, &partial->state));
    assert_int_equal(offer->partial.steps, partial->steps);
}

static void test_busy_slots_are_asked_to_stop_and_the_queue_goes_at_once(void **state)
{
    (void)state;
    struct model *model = make_busy();
    model_hand_over(model);
    assert_int_equal(model_count(model, WORKER_STOP_SLOT), 2);
    const struct heartbeat *beat = &model_message(model, MESSAGE_HEARTBEAT, 0)->heartbeat;
    assert_int_equal(beat->capacity, 0);
    assert_int_equal(beat->held_count, 2);
    assert_null(model_held(beat, 3));
    model_destroy(model);
}

static void test_a_state_is_offered_until_it_is_released(void **state)
{
    (void)state;
    struct model *model = make_busy();
    const struct partial one = model_partial(11), two = model_partial(12);
    model_hand_over(model);
    model_give(model, 0, &one);
    expect_offer(model, 1, &one);
    model_give(model, 1, &two);
    expect_offer(model, 2, &two);
    /* Both wait for a verdict, and stay pinned. */
    const struct heartbeat *beat = model_next_beat(model);
    assert_int_equal(model_held(beat, 1)->phase, HELD_FINISHED);
    assert_int_equal(model_pins(model, &one.state), 1);
    model_receive_kind(model, MESSAGE_ALIVE);
    model_tick(model, model->now + 2000);
    assert_int_equal(model_sent(model, MESSAGE_HANDOVER), 2); /* said again */
    struct lease_key first = model_key(1, 1, 1), second = model_key(1, 2, 1);
    model_verdict(model, &first, VERDICT_HELD); /* nobody says so of a state */
    model_verdict(model, &first, VERDICT_LATER);
    assert_int_equal(model_pins(model, &one.state), 1);
    model_verdict(model, &first, VERDICT_RELEASED);
    assert_int_equal(model_pins(model, &one.state), 0);
    assert_false(model->gone);
    model_verdict(model, &second, VERDICT_RELEASED);
    expect_goodbye(model, "asked to leave");
    model_destroy(model);
}

static void test_a_slot_may_finish_instead(void **state)
{
    (void)state;
    struct model *model = make_busy();
    const struct partial one = model_partial(11);
    struct lease_key first = model_key(1, 1, 1), second = model_key(1, 2, 1);
    model_hand_over(model);
    model_finish(model, 1, NULL, 0);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 1);
    model_give(model, 0, &one);
    model_verdict(model, &second, VERDICT_RELEASED);
    model_verdict(model, &first, VERDICT_RELEASED);
    expect_goodbye(model, "asked to leave");
    model_destroy(model);
}

static void test_a_state_that_was_not_kept_is_given_up(void **state)
{
    (void)state;
    struct model *model = make_busy();
    model_hand_over(model);
    model_give(model, 0, &none);
    assert_int_equal(model_sent(model, MESSAGE_HANDOVER), 0);
    assert_null(model_held(&model_message(model, MESSAGE_HEARTBEAT, 0)->heartbeat, 1));
    model_give(model, 1, &none);
    expect_goodbye(model, "asked to leave");
    model_destroy(model);
}

/* Nobody answers, or a slot does not: SIGKILL will not wait either. */
static void test_it_leaves_in_time_whatever_happens(void **state)
{
    (void)state;
    for (int answers = 0; answers < 2; answers++) {
        struct model *model = make_busy();
        const struct partial one = model_partial(11);
        model_hand_over(model);
        uint64_t asked = model->now;
        if (answers)
            model_give(model, 0, &one);
        while (!model->gone)
            model_tick(model, worker_core_deadline(model->core));
        assert_int_equal(model->now, asked + 8000);
        model_destroy(model);
    }
}

static void test_a_drain_has_more_time_until_a_signal_comes(void **state)
{
    (void)state;
    struct model *model = make_busy();
    model_drain(model);
    assert_int_equal(model_count(model, WORKER_STOP_SLOT), 2);
    model_drain(model); /* said again with every heartbeat */
    assert_int_equal(model_count(model, WORKER_STOP_SLOT), 0);
    for (int i = 0; i < 30; i++) {
        model_next_beat(model);
        model_receive_kind(model, MESSAGE_ALIVE);
        assert_false(model->gone);
    }
    uint64_t asked = model->now;
    model_hand_over(model);
    assert_false(model->gone);
    while (!model->gone)
        model_tick(model, worker_core_deadline(model->core));
    assert_int_equal(model->now, asked + 8000);
    assert_string_equal(model_message(model, MESSAGE_GOODBYE, 0)->goodbye.reason,
                        "no longer needed");
    model_destroy(model);
}

static void test_a_second_signal_does_not_wait(void **state)
{
    (void)state;
    struct model *model = make_busy();
    model_hand_over(model);
    model_hand_over(model);
    assert_string_equal(model_message(model, MESSAGE_GOODBYE, 0)->goodbye.reason,
                        "asked twice to leave");
    model_destroy(model);
}

static void test_a_restarted_coordinator_is_offered_it_anew(void **state)
{
    (void)state;
    struct model *model = make_busy();
    const struct partial one = model_partial(11), two = model_partial(12);
    model_hand_over(model);
    model_give(model, 0, &one);
    model_give(model, 1, &two);
    model->epoch = 2;
    model->now += 500;
    model_receive_kind(model, MESSAGE_REJOIN);
    model_welcome(model);
    assert_int_equal(model_sent(model, MESSAGE_HANDOVER), 2);
    model_destroy(model);
}

/* --------------------------------------------------------------------------------- the taker */

static void test_the_state_is_one_more_input(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    struct job job = model_job(1);
    const struct partial one = model_partial(11);
    model_lease_on(model, &job, 2, &one);
    assert_int_equal(model_count(model, WORKER_RUN), 0);
    model_answer_fetches(model);
    const struct lease *lease = &model_effect(model, WORKER_RUN, 0)->run.lease;
    assert_int_equal(lease->partial.steps, 11);
    assert_int_equal(model_pins(model, &one.state), 1);
    model_finish(model, 0, NULL, 0);
    assert_int_equal(model_pins(model, &one.state), 0);
    model_destroy(model);
}

/* It is gone at the coordinator, or the cache has no room for it: the job starts from the
 * beginning.
 */
static void test_without_its_state_a_job_starts_from_the_beginning(void **state)
{
    (void)state;
    for (int too_large = 0; too_large < 2; too_large++) {
        struct worker_config config = model_config();
        struct model *model = model_create_ready(&config);
        struct job job = model_job(1);
        const struct partial one = model_partial(11);
        model_lease_on(model, &job, 2, &one);
        if (too_large)
            model_blob_too_large(model, &one.state, 5000, 100);
        else
            model_blob_failed(model, &one.state);
        assert_false(model->gone);
        uint32_t runs = model_count(model, WORKER_RUN);
        assert_int_equal(runs, 0);
        model_answer_fetches(model);
        const struct lease *lease = &model_effect(model, WORKER_RUN, 0)->run.lease;
        assert_int_equal(lease->partial.bytes, 0);
        model_finish(model, 0, NULL, 0);
        struct lease_key key = model_key(1, 1, 2);
        model_verdict(model, &key, VERDICT_RELEASED);
        model_expect_no_pins(model);
        model_destroy(model);
    }
}

/* The other blobs came first. */
static void test_the_last_input_to_fail_sets_the_job_going(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    struct job job = model_job(1);
    const struct partial one = model_partial(11);
    model_lease_on(model, &job, 2, &one);
    model_blob_ready(model, &job.spec);
    model_blob_ready(model, &job.parents[0]);
    model_blob_failed(model, &one.state);
    assert_int_equal(model_effect(model, WORKER_RUN, 0)->run.lease.partial.bytes, 0);
    model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_busy_slots_are_asked_to_stop_and_the_queue_goes_at_once),
        cmocka_unit_test(test_a_state_is_offered_until_it_is_released),
        cmocka_unit_test(test_a_slot_may_finish_instead),
        cmocka_unit_test(test_a_state_that_was_not_kept_is_given_up),
        cmocka_unit_test(test_it_leaves_in_time_whatever_happens),
        cmocka_unit_test(test_a_drain_has_more_time_until_a_signal_comes),
        cmocka_unit_test(test_a_second_signal_does_not_wait),
        cmocka_unit_test(test_a_restarted_coordinator_is_offered_it_anew),
        cmocka_unit_test(test_the_state_is_one_more_input),
        cmocka_unit_test(test_without_its_state_a_job_starts_from_the_beginning),
        cmocka_unit_test(test_the_last_input_to_fail_sets_the_job_going),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
