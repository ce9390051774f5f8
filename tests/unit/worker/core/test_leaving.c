/* test_leaving.c: the way out. */
#include "worker_model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* One job runs, one is queued. */
static struct model *make_busy(void)
{
    struct worker_config config = model_config();
    config.slots = 1;
    struct model *model = model_create_ready(&config);
    struct job first = model_job(1), second = model_job(2);
    model_start_job(model, &first, 1);
    model_start_job(model, &second, 1);
    return model;
}

static void expect_goodbye(const struct model *model, const char *reason)
{
    assert_string_equal(model_message(model, MESSAGE_GOODBYE, 0)->goodbye.reason, reason);
    assert_int_equal(model_effect(model, WORKER_EXIT, 0)->exit.code, WORKER_EXIT_DONE);
    assert_int_equal(model->effects->items[model->effects->count - 1].kind, WORKER_EXIT);
    assert_string_equal(worker_core_view(model->core, model->now).state, "gone");
}

static void expect_leaving(const struct model *model)
{
    assert_false(model->gone);
    assert_string_equal(worker_core_view(model->core, model->now).state, "leaving");
}

static void test_an_idle_worker_leaves_at_once(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    model_leave(model);
    expect_goodbye(model, "asked to leave");
    model_destroy(model);
}

static void test_a_worker_whose_cache_is_too_small_for_the_run_leaves(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    struct job job = model_job(1);
    model_lease(model, &job, 1);
    model_blob_too_large(model, &job.spec, 5000, 100);
    const char *reason = "this run has a blob of 5000 bytes and the whole cache has room for 100: "
                         "a larger --cache-bytes is needed";
    assert_string_equal(model_message(model, MESSAGE_GOODBYE, 0)->goodbye.reason, reason);
    assert_int_equal(model_effect(model, WORKER_EXIT, 0)->exit.code, WORKER_EXIT_FAILED);
    model_destroy(model);
}

static void test_a_settled_result_is_not_waited_for(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    struct job job = model_job(1);
    struct lease_key key = model_key(1, 1, 1);
    model_start_job(model, &job, 1);
    model_finish(model, 0, NULL, 0);
    model_verdict(model, &key, VERDICT_HELD);
    model_leave(model);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 0);
    expect_goodbye(model, "asked to leave");
    model_destroy(model);
}

static void test_a_worker_that_never_got_in_leaves_at_once(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    struct job job = model_job(1);
    struct digest child = model_digest("child", 1);
    struct lease_key key = model_key(1, 1, 1);
    struct result result = model_result(&job, &key, &child);
    model_recover(model, &model->run, &result);
    model_tick(model, 1000);
    model_leave(model);
    expect_goodbye(model, "asked to leave");
    assert_int_equal(model->spooled_count, 1);
    model_expect_no_pins(model);
    model_destroy(model);
}

static void test_leaving_drops_what_is_queued_and_says_so(void **state)
{
    (void)state;
    struct model *model = make_busy();
    model_leave(model);
    expect_leaving(model);
    assert_int_equal(model_count(model, WORKER_KILL_SLOT), 0);
    const struct heartbeat *beat = &model_message(model, MESSAGE_HEARTBEAT, 0)->heartbeat;
    assert_int_equal(beat->capacity, 0);
    assert_int_equal(beat->held_count, 1);
    assert_int_equal(beat->held[0].lease.job.job, 1);
    struct job third = model_job(3);
    model_lease(model, &third, 1);
    assert_int_equal(model->effects->count, 0);
    assert_int_equal(model_next_beat(model)->capacity, 0);
    model_destroy(model);
}

/* Leaving, with the job of make_busy() finished after a good while. */
static struct model *make_delivering(const struct digest *child)
{
    struct model *model = make_busy();
    model_leave(model);
    for (uint32_t i = 0; i < 100; i++) {
        model_next_beat(model);
        model_receive_kind(model, MESSAGE_ALIVE);
    }
    expect_leaving(model);
    model_finish(model, 0, child, 0);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 1);
    assert_int_equal(model_count(model, WORKER_SPOOL), 1); /* in case no verdict comes */
    expect_leaving(model);
    return model;
}

static void test_leaving_waits_for_running_jobs_and_their_verdicts(void **state)
{
    (void)state;
    const enum verdict_kind verdicts[] = {VERDICT_HELD, VERDICT_RELEASED};
    for (uint32_t i = 0; i < 2; i++) {
        struct model *model = make_delivering(NULL);
        struct lease_key key = model_key(1, 1, 1);
        model_verdict(model, &key, VERDICT_LATER);
        expect_leaving(model);
        model_verdict(model, &key, verdicts[i]);
        expect_goodbye(model, "asked to leave");
        model_destroy(model);
    }
}

/* A held child may be admitted, and is then fetched from here. */
static void test_leaving_waits_until_children_are_released(void **state)
{
    (void)state;
    struct digest child = model_digest("child", 1);
    struct model *model = make_delivering(&child);
    struct lease_key key = model_key(1, 1, 1);
    model_verdict(model, &key, VERDICT_HELD);
    expect_leaving(model);
    model_tick(model, model->now + 7000);
    expect_leaving(model);
    model_verdict(model, &key, VERDICT_RELEASED);
    expect_goodbye(model, "asked to leave");
    model_expect_no_pins(model);
    model_destroy(model);
}

static void test_leaving_does_not_wait_for_verdicts_for_ever(void **state)
{
    (void)state;
    struct digest child = model_digest("child", 1);
    struct model *model = make_busy();
    model_leave(model);
    model_tick(model, 3000);
    model_finish(model, 0, &child, 0);
    expect_leaving(model);
    uint64_t last = model->now;
    while (!model->gone) {
        assert_true(worker_core_deadline(model->core) > last);
        last = worker_core_deadline(model->core);
        model_tick(model, last);
    }
    assert_int_equal(model->now, 3000 + 8000);
    expect_goodbye(model, "asked to leave");
    model_destroy(model);
}

static void test_a_death_ends_the_waiting_too(void **state)
{
    (void)state;
    struct model *model = make_busy();
    model_leave(model);
    model_die(model, 0, 6);
    assert_int_equal(model_sent(model, MESSAGE_DEATH), 1);
    expect_goodbye(model, "asked to leave");
    model_destroy(model);
}

static void test_asking_twice_does_not_wait(void **state)
{
    (void)state;
    struct model *model = make_busy();
    model_leave(model);
    model_leave(model);
    expect_goodbye(model, "asked twice to leave");
    model_leave(model);
    assert_int_equal(model->effects->count, 0);
    model_destroy(model);
}

static void test_without_a_cache_nothing_is_waited_for(void **state)
{
    (void)state;
    struct model *model = make_busy();
    model_cache_gone(model, "its cache was taken away");
    assert_string_equal(model_message(model, MESSAGE_GOODBYE, 0)->goodbye.reason,
                        "its cache was taken away");
    assert_int_equal(model_effect(model, WORKER_EXIT, 0)->exit.code, WORKER_EXIT_FAILED);
    model_destroy(model);
}

static void test_the_end_of_the_run_ends_the_leaving_even_of_one_that_stays(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 1;
    config.stay = true;
    struct model *model = model_create_ready(&config);
    struct job job = model_job(1);
    model_start_job(model, &job, 1);
    model_leave(model);
    expect_leaving(model);
    model_stop(model, STOP_RUN_DONE);
    assert_int_equal(model_effect(model, WORKER_EXIT, 0)->exit.code, WORKER_EXIT_DONE);
    model_destroy(model);
}

static void test_a_leaving_worker_still_rejoins_to_deliver(void **state)
{
    (void)state;
    struct model *model = make_busy();
    model_leave(model);
    model->epoch = 2;
    model->now += 500;
    model_receive_kind(model, MESSAGE_REJOIN);
    assert_int_equal(model_message(model, MESSAGE_HELLO, 0)->hello.beat.capacity, 0);
    model_finish(model, 0, NULL, 0);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 0);
    model_welcome(model);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 1);
    expect_leaving(model);
    struct lease_key key = model_key(1, 1, 1);
    model_verdict(model, &key, VERDICT_RELEASED);
    expect_goodbye(model, "asked to leave");
    model_destroy(model);
}

static void test_dropping_a_long_queue_takes_several_steps(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    for (uint64_t i = 0; i < 1000; i++) {
        struct job job = model_job(i);
        job.spec = model_digest("spec", i);
        model_start_job(model, &job, 1);
    }
    assert_int_equal(worker_core_view(model->core, model->now).running, 2);
    model_leave(model);
    uint32_t steps = 1, beats = model_sent(model, MESSAGE_HEARTBEAT);
    for (; worker_core_deadline(model->core) <= model->now; steps++) {
        assert_int_equal(beats, 0); /* not before the list is true */
        model_tick(model, model->now);
        beats += model_sent(model, MESSAGE_HEARTBEAT);
    }
    assert_true(steps > 998 * 2 / WORKER_EFFECTS_MAX);
    assert_int_equal(beats, 1);
    assert_int_equal(worker_core_view(model->core, model->now).queued, 0);
    for (uint32_t slot = 0; slot < 2; slot++)
        model_die(model, slot, 9);
    model_expect_no_pins(model);
    model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_idle_worker_leaves_at_once),
        cmocka_unit_test(test_a_worker_whose_cache_is_too_small_for_the_run_leaves),
        cmocka_unit_test(test_a_settled_result_is_not_waited_for),
        cmocka_unit_test(test_a_worker_that_never_got_in_leaves_at_once),
        cmocka_unit_test(test_leaving_drops_what_is_queued_and_says_so),
        cmocka_unit_test(test_leaving_waits_for_running_jobs_and_their_verdicts),
        cmocka_unit_test(test_leaving_waits_until_children_are_released),
        cmocka_unit_test(test_leaving_does_not_wait_for_verdicts_for_ever),
        cmocka_unit_test(test_a_death_ends_the_waiting_too),
        cmocka_unit_test(test_asking_twice_does_not_wait),
        cmocka_unit_test(test_without_a_cache_nothing_is_waited_for),
        cmocka_unit_test(test_the_end_of_the_run_ends_the_leaving_even_of_one_that_stays),
        cmocka_unit_test(test_a_leaving_worker_still_rejoins_to_deliver),
        cmocka_unit_test(test_dropping_a_long_queue_takes_several_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
