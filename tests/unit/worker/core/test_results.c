/* test_results.c: offers, resends, verdicts, the spool, other epochs and other runs. */
#include "worker_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* ---------------------------------------------------------------------------------------- offers
 */

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

/* ----------------------------------------------------------------------------------------- spool
 */

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

/* ------------------------------------------------------------------------------------- recovered
 */

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

/* ------------------------------------------------------------------------- new epochs, other runs
 */

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

static void test_many_offers_are_spread_over_steps(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    enum { RESULTS = 1000 };
    for (uint64_t i = 0; i < RESULTS; i++) {
        struct job job = model_job(i);
        model_start_job(model, &job, 1);
        model_finish(model, 0, NULL, 0);
        judge(model, i, VERDICT_HELD);
    }
    model->epoch = 2;
    model_receive_kind(model, MESSAGE_REJOIN);
    model_welcome(model);
    uint32_t offered = model_sent(model, MESSAGE_RESULT), steps = 1;
    bool seen[RESULTS] = {false};
    for (; worker_core_deadline(model->core) <= model->now; steps++) {
        model_tick(model, model->now);
        offered += model_sent(model, MESSAGE_RESULT);
        for (uint32_t i = 0; i < model_sent(model, MESSAGE_RESULT); i++)
            seen[model_message(model, MESSAGE_RESULT, i)->result.lease.job.job] = true;
    }
    assert_int_equal(offered, RESULTS);
    assert_in_range(steps, RESULTS / WORKER_EFFECTS_MAX + 1, RESULTS / WORKER_EFFECTS_MAX + 10);
    uint32_t distinct = 0;
    for (uint32_t i = 0; i < RESULTS; i++)
        distinct += seen[i];
    assert_int_equal(distinct, RESULTS);
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
        cmocka_unit_test(test_long_results_are_spooled_with_what_they_say),
        cmocka_unit_test(test_a_failure_is_not_worth_a_file),
        cmocka_unit_test(test_of_two_results_of_one_job_the_first_is_spooled),
        cmocka_unit_test(test_recovered_results_wait_for_the_welcome_of_their_run),
        cmocka_unit_test(test_a_recovered_result_answers_a_new_lease),
        cmocka_unit_test(test_a_result_recovered_twice_is_held_once),
        cmocka_unit_test(test_more_than_the_table_holds_stays_on_disk),
        cmocka_unit_test(test_a_new_life_is_offered_everything_again),
        cmocka_unit_test(test_running_jobs_survive_a_new_life),
        cmocka_unit_test(test_another_run_makes_a_clean_table),
        cmocka_unit_test(test_a_late_welcome_of_another_run_does_not_throw_work_away),
        cmocka_unit_test(test_many_offers_are_spread_over_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
