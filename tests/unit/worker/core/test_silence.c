/* test_silence.c: a coordinator that is not heard, or says that it stops. */
#include "worker_model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void expect_state(const struct model *model, const char *state)
{
    assert_string_equal(worker_core_view(model->core, model->now).state, state);
}

static void receive_refused(struct model *model, enum refusal code)
{
    struct message message = {
        .kind = MESSAGE_REFUSED,
        .epoch = model->epoch,
        .refused = {.code = code, .reason = "another engine version"},
    };
    model_receive(model, &message);
}

static void expect_exit(const struct model *model, enum worker_exit code, const char *reason)
{
    assert_string_equal(model_effect(model, WORKER_EXIT, 0)->exit.reason, reason);
    assert_int_equal(model_effect(model, WORKER_EXIT, 0)->exit.code, code);
    expect_state(model, "gone");
    assert_true(worker_core_deadline(model->core) == UINT64_MAX);
}

/* --------------------------------------------------------------------------------- silence */

static void test_lost_coordinator_gets_hellos_instead_of_heartbeats(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    uint32_t hellos = 0, late_beats = 0;
    uint64_t first = 0;
    for (uint64_t now = 1001; now <= 20000; now++) {
        model_tick(model, now);
        if (model_sent(model, MESSAGE_HELLO) > 0 && hellos++ == 0)
            first = now;
        if (now > 1000 + MODEL_LOST_MS)
            late_beats += model_sent(model, MESSAGE_HEARTBEAT);
    }
    assert_int_equal(first, 1000 + MODEL_LOST_MS + 1);
    assert_int_equal(hellos, 6); /* at 0, 250, 750, 1750, 2750, 3750 ms of the 4000 */
    assert_int_equal(late_beats, 0);
    expect_state(model, "ready");

    model_receive_kind(model, MESSAGE_ALIVE);
    assert_int_equal(model_sent(model, MESSAGE_HEARTBEAT), 1);
    assert_int_equal(worker_core_deadline(model->core), 21000);
    model_destroy(model);
}

static void test_deadlines_alone_keep_every_appointment(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.linger_ms = MODEL_LINGER_MS;
    struct model *model = model_create_ready(&config);
    uint32_t steps = 0, beats = 0, hellos = 0;
    while (!model->gone) {
        uint64_t deadline = worker_core_deadline(model->core);
        assert_true(deadline > model->now); /* never a busy loop */
        model_tick(model, deadline);
        beats += model_sent(model, MESSAGE_HEARTBEAT);
        hellos += model_sent(model, MESSAGE_HELLO);
        steps++;
    }
    assert_int_equal(model->now, 1000 + MODEL_LINGER_MS + 1);
    assert_int_equal(beats, 15);
    assert_int_equal(hellos, 2 + 44 + 1); /* pauses of 250, 500, then 1000 ms in 45 s */
    assert_true(steps <= beats + hellos + 1);
    model_destroy(model);
}

static void test_patience_ends_after_linger(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.linger_ms = MODEL_LINGER_MS;
    struct model *model = model_create_ready(&config);
    model_tick(model, 1000 + MODEL_LINGER_MS);
    assert_int_equal(model_count(model, WORKER_EXIT), 0);
    model_tick(model, 1000 + MODEL_LINGER_MS + 1);
    expect_exit(model, WORKER_EXIT_DONE, "no coordinator for 60 s");
    model_destroy(model);
}

static void test_patience_outlasts_a_heartbeat(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.linger_ms = 5;
    struct model *model = model_create_ready(&config);
    uint64_t welcomed = model->now;
    while (!model->gone)
        model_tick(model, worker_core_deadline(model->core));
    assert_true(model->now > welcomed + 2000); /* heartbeats are a second apart */
    model_destroy(model);
}

static void test_never_welcomed_is_another_exit_code(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.linger_ms = MODEL_LINGER_MS;
    struct model *model = model_create(&config);
    model_tick(model, 1000);
    model_tick(model, 1000 + MODEL_LINGER_MS + 1);
    expect_exit(model, WORKER_EXIT_NOT_LET_IN, "cannot reach a coordinator");
    model_destroy(model);
}

static void test_a_full_coordinator_is_not_silence(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.linger_ms = MODEL_LINGER_MS;
    struct model *model = model_create(&config);
    model_tick(model, 1000);
    for (uint32_t i = 0; i < 10; i++) {
        model->now += MODEL_LINGER_MS / 2;
        receive_refused(model, REFUSED_FULL);
    }
    assert_false(model->gone);
    model_destroy(model);
}

static void test_time_that_goes_back_stands_still(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    model_tick(model, 2000);
    assert_int_equal(model_sent(model, MESSAGE_HEARTBEAT), 1);
    model_tick(model, 1);
    assert_int_equal(model->effects->count, 0);
    assert_int_equal(worker_core_deadline(model->core), 3000);
    model_destroy(model);
}

/* ------------------------------------------------------------------------------------ stop */

static void test_end_of_the_run_ends_the_worker(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    model_stop(model, STOP_RUN_DONE);
    expect_exit(model, WORKER_EXIT_DONE, "over");
    model_destroy(model);
}

static void test_end_of_the_run_is_heard_while_joining(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    model_tick(model, 1000);
    model_stop(model, STOP_RUN_DONE);
    expect_exit(model, WORKER_EXIT_DONE, "over");
    model_destroy(model);
}

static void test_stop_of_an_older_life_is_ignored(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    model->epoch = 5;
    model_tick(model, 1000);
    model_welcome(model);
    model->epoch = 4;
    model_stop(model, STOP_RUN_DONE);
    expect_state(model, "ready");
    model_destroy(model);
}

static void test_a_worker_that_stays_drops_everything_and_waits_for_the_next_run(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.stay = true;
    struct model *model = model_create_ready(&config);
    struct job jobs[] = {model_job(0), model_job(1), model_job(2), model_job(3)};
    struct digest child = model_digest("child", 0);
    for (uint32_t i = 0; i < 3; i++)
        model_start_job(model, &jobs[i], 1);
    model_finish(model, 0, &child, config.spool_ms);
    model_lease(model, &jobs[3], 1);
    model_answer_fetches(model);
    assert_int_equal(model->spooled_count, 1);

    model_stop(model, STOP_RUN_DONE);
    assert_int_equal(model_count(model, WORKER_KILL_SLOT), 2);
    assert_int_equal(model_count(model, WORKER_UNSPOOL), 1);
    assert_int_equal(model->spooled_count, 0);
    model_expect_no_pins(model);
    expect_state(model, "joining");
    assert_int_equal(worker_core_deadline(model->core), model->now + config.hello_ms_max);

    /* The next run counts its lives from 1, as every run does. */
    model_tick(model, model->now + config.hello_ms_max);
    assert_int_equal(model_message(model, MESSAGE_HELLO, 0)->epoch, 0);
    model->run = model_run(2);
    model_welcome(model);
    expect_state(model, "ready");
    model_destroy(model);
}

static void test_a_pause_is_an_outage_announced(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    struct job first = model_job(0), second = model_job(1), third = model_job(2);
    struct digest child = model_digest("child", 0);
    model_start_job(model, &first, 1);
    model_start_job(model, &second, 1);
    model_start_job(model, &third, 1);
    model->now = 5000;
    model_stop(model, STOP_RUN_PAUSED);
    expect_state(model, "joining");
    assert_int_equal(model->effects->count, 0);
    assert_int_equal(worker_core_deadline(model->core), 5250);
    model_tick(model, 5250);
    assert_int_equal(model_message(model, MESSAGE_HELLO, 0)->hello.beat.held_count, 3);

    /* Computing goes on; the result waits, on disk as well. */
    model_finish(model, 0, &child, 0);
    assert_int_equal(model_count(model, WORKER_RUN), 1);
    assert_int_equal(model_count(model, WORKER_SPOOL), 1);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 0);
    model->epoch = 2;
    model_welcome(model);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 1);
    model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lost_coordinator_gets_hellos_instead_of_heartbeats),
        cmocka_unit_test(test_deadlines_alone_keep_every_appointment),
        cmocka_unit_test(test_patience_ends_after_linger),
        cmocka_unit_test(test_patience_outlasts_a_heartbeat),
        cmocka_unit_test(test_never_welcomed_is_another_exit_code),
        cmocka_unit_test(test_a_full_coordinator_is_not_silence),
        cmocka_unit_test(test_time_that_goes_back_stands_still),
        cmocka_unit_test(test_end_of_the_run_ends_the_worker),
        cmocka_unit_test(test_end_of_the_run_is_heard_while_joining),
        cmocka_unit_test(test_stop_of_an_older_life_is_ignored),
        cmocka_unit_test(test_a_worker_that_stays_drops_everything_and_waits_for_the_next_run),
        cmocka_unit_test(test_a_pause_is_an_outage_announced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
