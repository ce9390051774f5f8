/* test_renewal.c: a new life of the coordinator, or another run, and what is held. */
#include "worker_model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void judge(struct model *model, uint64_t job, enum verdict_kind kind)
{
    struct lease_key key = model_key(1, job, 1);
    model_verdict(model, &key, kind);
}

/* ------------------------------------------------------------------ new epochs, other runs */

static void test_a_new_life_is_offered_everything_again(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    for (uint64_t i = 0; i < 3; i++) {
        struct job job = model_job(i);
        model_start_job(model, &job, 1);
        model_finish(model, 0, NULL, 0);
    }
    judge(model, 0, VERDICT_HELD);
    judge(model, 1, VERDICT_HELD);
    model->now += 500;
    model->epoch = 2;
    model_receive_kind(model, MESSAGE_REJOIN);
    assert_int_equal(model_message(model, MESSAGE_HELLO, 0)->hello.beat.held_count, 3);
    model_welcome(model);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 3);
    for (uint32_t i = 0; i < 3; i++) {
        const struct message *message = model_message(model, MESSAGE_RESULT, i);
        assert_int_equal(message->epoch, 2);
        assert_int_equal(message->result.lease.epoch, 1);
    }
    /* A second welcome by the same life is no news. */
    struct lease_key key = model_key(1, 0, 1);
    model_verdict(model, &key, VERDICT_HELD);
    model_welcome(model);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 0);
    model_destroy(model);
}

static void test_running_jobs_survive_a_new_life(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 1;
    struct model *model = model_create_ready(&config);
    struct job job = model_job(1);
    model_start_job(model, &job, 1);
    model->epoch = 2;
    model_receive_kind(model, MESSAGE_REJOIN);
    model_welcome(model);
    assert_int_equal(model_count(model, WORKER_KILL_SLOT), 0);
    model_finish(model, 0, NULL, 0);
    assert_int_equal(model_message(model, MESSAGE_RESULT, 0)->result.lease.epoch, 1);
    model_destroy(model);
}

static void test_another_run_makes_a_clean_table(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 1;
    struct model *model = model_create_ready(&config);
    struct digest child = model_digest("child", 0);
    for (uint64_t i = 0; i < 3; i++) {
        struct job job = model_job(i);
        model_start_job(model, &job, 1);
        if (i == 0)
            model_finish(model, 0, &child, 5000);
    }
    model->run = model_run(2);
    model_receive_kind(model, MESSAGE_REJOIN);
    model_welcome(model);
    assert_int_equal(model_count(model, WORKER_KILL_SLOT), 1);
    assert_int_equal(model_count(model, WORKER_UNSPOOL), 0);
    assert_int_equal(model->spooled_count, 1);
    model_expect_no_pins(model);
    struct worker_view view = worker_core_view(model->core, model->now);
    assert_int_equal(view.queued + view.running + view.finished, 0);
    assert_int_equal(model_next_beat(model)->held_count, 0);
    /* Jobs of the new run may have the old ones' numbers. */
    struct job job = model_job(0);
    model_start_job(model, &job, 1);
    model_slot_ready(model, 0);
    assert_int_equal(model_count(model, WORKER_RUN), 1);
    model_destroy(model);
}

static void test_a_late_welcome_of_another_run_does_not_throw_work_away(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    struct job job = model_job(1);
    model_start_job(model, &job, 1);
    model->run = model_run(2);
    model_welcome(model);
    assert_int_equal(worker_core_view(model->core, model->now).running, 1);
    /* When our own coordinator is gone, the same welcome is good news. */
    model_tick(model, 1000 + MODEL_LOST_MS + 1);
    model_welcome(model);
    assert_int_equal(worker_core_view(model->core, model->now).running, 0);
    assert_int_equal(model_count(model, WORKER_KILL_SLOT), 1);
    model_destroy(model);
}

/* Results 0 .. count - 1, all HELD by the first life; the second one has just said welcome. */
static struct model *make_renewed(uint32_t count)
{
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    for (uint64_t i = 0; i < count; i++) {
        struct job job = model_job(i);
        model_start_job(model, &job, 1);
        model_finish(model, 0, NULL, 0);
        judge(model, i, VERDICT_HELD);
    }
    model->epoch = 2;
    model_receive_kind(model, MESSAGE_REJOIN);
    model_welcome(model);
    return model;
}

/* Ticks until nothing is left over; notes which results were offered. Returns the number of ticks.
 */
static uint32_t drain_offers(struct model *model, uint32_t *offers, uint32_t count)
{
    uint32_t ticks = 0;
    for (;;) {
        for (uint32_t i = 0; i < model_sent(model, MESSAGE_RESULT); i++) {
            uint64_t job = model_message(model, MESSAGE_RESULT, i)->result.lease.job.job;
            assert_true(job < count);
            offers[job]++;
        }
        if (worker_core_deadline(model->core) > model->now)
            return ticks;
        model_tick(model, model->now);
        ticks++;
    }
}

static void test_many_offers_are_spread_over_steps(void **state)
{
    (void)state;
    enum { RESULTS = 1000 };
    uint32_t offers[RESULTS] = {0};
    struct model *model = make_renewed(RESULTS);
    uint32_t ticks = drain_offers(model, offers, RESULTS);
    assert_in_range(ticks, RESULTS / WORKER_EFFECTS_MAX, RESULTS / WORKER_EFFECTS_MAX + 10);
    for (uint32_t i = 0; i < RESULTS; i++)
        assert_int_equal(offers[i], 1);
    model_destroy(model);
}

/* Between two steps of the pass over all tasks, any of them may end: also the one whose turn it is.
 */
static void test_no_result_is_forgotten_when_others_end_meanwhile(void **state)
{
    (void)state;
    enum { RESULTS = 600 };
    for (uint64_t ended = 0; ended < RESULTS; ended += 64) {
        uint32_t offers[RESULTS] = {0};
        struct model *model = make_renewed(RESULTS);
        assert_int_equal(model_sent(model, MESSAGE_RESULT), 0); /* the pass is not over */
        judge(model, ended, VERDICT_RELEASED);
        drain_offers(model, offers, RESULTS);
        for (uint32_t i = 0; i < RESULTS; i++)
            assert_int_equal(offers[i], i == ended ? 0 : 1);
        model_destroy(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_life_is_offered_everything_again),
        cmocka_unit_test(test_running_jobs_survive_a_new_life),
        cmocka_unit_test(test_another_run_makes_a_clean_table),
        cmocka_unit_test(test_a_late_welcome_of_another_run_does_not_throw_work_away),
        cmocka_unit_test(test_many_offers_are_spread_over_steps),
        cmocka_unit_test(test_no_result_is_forgotten_when_others_end_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
