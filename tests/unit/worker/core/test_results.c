/* test_results.c: offers, resends and verdicts. */
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

/* Ticks every 10 ms up to `until`, with signs of life; when each RESULT went out, up to `max`. */
static uint32_t collect_offers(struct model *model, uint64_t until, uint64_t *when, uint32_t max)
{
    uint32_t count = 0;
    while (model->now < until) {
        model_tick(model, model->now + 10);
        for (uint32_t i = 0; i < model_sent(model, MESSAGE_RESULT); i++) {
            assert_true(count < max);
            when[count++] = model->now;
        }
        if (model_sent(model, MESSAGE_HEARTBEAT) > 0)
            model_receive_kind(model, MESSAGE_ALIVE);
    }
    return count;
}

/* ---------------------------------------------------------------------------------- offers */

static void test_a_result_is_sent_at_once_and_whole(void **state)
{
    (void)state;
    struct model *model = make_finished(0);
    struct job job = model_job(1);
    struct digest asked = job_digest(&job), child = model_digest("child", 1);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 1);
    assert_int_equal(model_count(model, WORKER_SPOOL), 0);
    const struct message *message = model_message(model, MESSAGE_RESULT, 0);
    const struct result *result = &message->result;
    struct lease_key key = model_key(1, 1, 1);
    assert_int_equal(message->epoch, 1);
    assert_true(lease_key_equal(result->lease, key));
    assert_true(digest_equal(&result->job, &asked));
    assert_true(digest_equal(&result->child, &child));
    assert_int_equal(result->outcome, OUTCOME_OK);
    assert_int_equal(result->detail_bytes, 7);
    assert_string_equal((const char *)result->detail, "detail");
    /* What the job read is no longer needed; what it made is, until the verdict. */
    assert_int_equal(model_pins(model, &job.spec), 0);
    assert_int_equal(model_pins(model, &job.parents[0]), 0);
    assert_int_equal(model_pins(model, &child), 1);
    model_destroy(model);
}

static void test_a_result_without_verdict_is_sent_in_doubling_pauses(void **state)
{
    (void)state;
    struct model *model = make_finished(0);
    uint64_t when[8];
    assert_int_equal(collect_offers(model, 1000 + 61000, when, 8), 5);
    assert_int_equal(when[0], 3000);
    assert_int_equal(when[1], 7000);
    assert_int_equal(when[2], 15000);
    assert_int_equal(when[3], 31000);
    assert_int_equal(when[4], 47000);
    model_destroy(model);
}

static void test_held_ends_the_resends_but_not_the_holding(void **state)
{
    (void)state;
    struct model *model = make_finished(0);
    uint64_t when[8];
    judge(model, 1, VERDICT_HELD);
    assert_int_equal(collect_offers(model, 100000, when, 8), 0);
    assert_int_equal(model_held(model_next_beat(model), 1)->phase, HELD_FINISHED);
    struct digest child = model_digest("child", 1);
    assert_int_equal(model_pins(model, &child), 1);
    model_destroy(model);
}

static void test_later_means_once_more_after_a_pause(void **state)
{
    (void)state;
    struct model *model = make_finished(0);
    uint64_t when[8];
    assert_int_equal(collect_offers(model, 7000, when, 8), 2);
    judge(model, 1, VERDICT_LATER);
    assert_int_equal(collect_offers(model, 14000, when, 8), 2);
    assert_int_equal(when[0], 9000);
    assert_int_equal(when[1], 11000); /* the pauses start from the shortest again */
    judge(model, 1, VERDICT_HELD);
    judge(model, 1, VERDICT_LATER);
    assert_int_equal(model->now, 14000);
    assert_int_equal(collect_offers(model, 15000, when, 8), 0);
    judge(model, 1, VERDICT_LATER); /* said once more, it does not put the offer off */
    assert_int_equal(collect_offers(model, 16500, when, 8), 1);
    assert_int_equal(when[0], 16000);
    model_destroy(model);
}

static void test_released_ends_the_result(void **state)
{
    (void)state;
    struct model *model = make_finished(5000);
    assert_int_equal(model->spooled_count, 1);
    judge(model, 1, VERDICT_RELEASED);
    assert_int_equal(model->effects->count, 2);
    assert_int_equal(model_count(model, WORKER_UNSPOOL), 1);
    assert_int_equal(finished(model), 0);
    model_expect_no_pins(model);
    judge(model, 1, VERDICT_RELEASED); /* doubled */
    assert_int_equal(model->effects->count, 0);
    assert_null(model_held(model_next_beat(model), 1));
    assert_int_equal(collect_offers(model, 100000, NULL, 0), 0);
    model_destroy(model);
}

static void test_a_verdict_on_another_lease_is_ignored(void **state)
{
    (void)state;
    struct model *model = make_finished(0);
    struct lease_key key = model_key(1, 1, 2);
    model_verdict(model, &key, VERDICT_RELEASED);
    assert_int_equal(finished(model), 1);
    key = model_key(2, 1, 1);
    model_verdict(model, &key, VERDICT_RELEASED);
    assert_int_equal(finished(model), 1);
    key = model_key(1, 2, 1);
    model_verdict(model, &key, VERDICT_RELEASED);
    assert_int_equal(finished(model), 1);
    model_destroy(model);
}

static void test_a_queued_or_running_job_heeds_only_a_release(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 1;
    struct model *model = model_create_ready(&config);
    struct job first = model_job(1), second = model_job(2);
    model_start_job(model, &first, 1);
    model_start_job(model, &second, 1);
    judge(model, 1, VERDICT_HELD);
    judge(model, 2, VERDICT_LATER);
    assert_int_equal(worker_core_view(model->core, model->now).running, 1);
    assert_int_equal(worker_core_view(model->core, model->now).queued, 1);
    judge(model, 2, VERDICT_RELEASED);
    assert_int_equal(model_count(model, WORKER_KILL_SLOT), 0);
    judge(model, 1, VERDICT_RELEASED);
    assert_int_equal(model_count(model, WORKER_KILL_SLOT), 1);
    model_expect_no_pins(model);
    model_destroy(model);
}

static void test_results_wait_for_a_silent_coordinator(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 1;
    struct model *model = model_create_ready(&config);
    struct job job = model_job(1);
    model_start_job(model, &job, 1);
    model_tick(model, 1000 + MODEL_LOST_MS / 3 + 1);
    model_finish(model, 0, NULL, 0);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 0);
    assert_int_equal(model_count(model, WORKER_SPOOL), 1);
    uint64_t deadline = worker_core_deadline(model->core);
    assert_true(deadline > model->now); /* waiting is not a busy loop */
    model->now += 500;
    model_receive_kind(model, MESSAGE_ALIVE);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 1);
    model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_result_is_sent_at_once_and_whole),
        cmocka_unit_test(test_a_result_without_verdict_is_sent_in_doubling_pauses),
        cmocka_unit_test(test_held_ends_the_resends_but_not_the_holding),
        cmocka_unit_test(test_later_means_once_more_after_a_pause),
        cmocka_unit_test(test_released_ends_the_result),
        cmocka_unit_test(test_a_verdict_on_another_lease_is_ignored),
        cmocka_unit_test(test_a_queued_or_running_job_heeds_only_a_release),
        cmocka_unit_test(test_results_wait_for_a_silent_coordinator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
