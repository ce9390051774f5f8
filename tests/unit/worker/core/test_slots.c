/* test_slots.c: which job runs where and when; finished, died, killed. */
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

/* ----------------------------------------------------------------------------------- slots */

static void test_the_oldest_runnable_job_runs_first(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 1;
    struct model *model = model_create(&config);
    model_tick(model, 1000);
    model_welcome(model);
    struct job jobs[] = {model_job(9), model_job(4), model_job(7)};
    for (uint32_t i = 0; i < 3; i++)
        model_lease(model, &jobs[i], 1);
    model_blob_ready(model, &jobs[0].spec);
    for (uint32_t i = 3; i > 0; i--)
        model_blob_ready(model, &jobs[i - 1].parents[0]);
    assert_int_equal(model_count(model, WORKER_RUN), 0);
    model_slot_ready(model, 0);
    assert_int_equal(model_effect(model, WORKER_RUN, 0)->run.lease.key.job.job, 9);
    model_finish(model, 0, NULL, 0);
    assert_int_equal(model_effect(model, WORKER_RUN, 0)->run.lease.key.job.job, 4);
    model_finish(model, 0, NULL, 0);
    assert_int_equal(model_effect(model, WORKER_RUN, 0)->run.lease.key.job.job, 7);
    model_destroy(model);
}

static void test_ready_after_finished_makes_no_difference(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 1;
    struct model *model = model_create_ready(&config);
    struct job first = model_job(1), second = model_job(2);
    model_start_job(model, &first, 1);
    model_start_job(model, &second, 1);
    model_finish(model, 0, NULL, 0);
    assert_int_equal(model_count(model, WORKER_RUN), 1);
    model_slot_ready(model, 0); /* said after the first job, heard after the second began */
    assert_int_equal(model->effects->count, 0);
    expect_counts(model, 0, 1, 1);
    model_finish(model, 0, NULL, 0);
    expect_counts(model, 0, 0, 2);
    model_slot_ready(model, 0);
    assert_int_equal(model->effects->count, 0);
    model_destroy(model);
}

static void test_every_slot_gets_its_job(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = SLOTS_MAX;
    struct model *model = model_create_ready(&config);
    bool used[SLOTS_MAX] = {false};
    for (uint64_t i = 0; i < SLOTS_MAX; i++) {
        struct job job = model_job(i);
        job.parent_count = 0;
        model_lease(model, &job, 1);
    }
    assert_int_equal(model_count(model, WORKER_RUN), 0);
    model_answer_fetches(model);
    /* One spec arrives, 512 jobs can run: that takes more than one step, and ticks come at once. */
    uint32_t runs = 0;
    for (uint32_t steps = 0; steps < 4; steps++) {
        for (uint32_t i = 0; i < model_count(model, WORKER_RUN); i++) {
            uint32_t slot = model_effect(model, WORKER_RUN, i)->run.slot;
            assert_false(used[slot]);
            used[slot] = true;
            runs++;
        }
        if (worker_core_deadline(model->core) > model->now)
            break;
        model_tick(model, model->now);
    }
    assert_int_equal(runs, SLOTS_MAX);
    expect_counts(model, 0, SLOTS_MAX, 0);
    model_destroy(model);
}

static void test_a_death_is_reported_once_and_the_job_forgotten(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 1;
    struct model *model = model_create_ready(&config);
    struct job first = model_job(1), second = model_job(2);
    model_start_job(model, &first, 1);
    model_start_job(model, &second, 1);
    model_die(model, 0, 11);
    assert_int_equal(model_sent(model, MESSAGE_DEATH), 1);
    const struct death *death = &model_message(model, MESSAGE_DEATH, 0)->death;
    assert_int_equal(death->slot, 0);
    assert_int_equal(death->signal, 11);
    assert_int_equal(death->exit_code, -1);
    assert_false(death->out_of_memory);
    assert_string_equal(death->log_tail, "last");
    assert_int_equal(death->lease_count, 1);
    struct lease_key key = model_key(1, 1, 1);
    assert_true(lease_key_equal(death->leases[0], key));
    assert_int_equal(model_count(model, WORKER_KILL_SLOT), 0);
    assert_int_equal(model_count(model, WORKER_RUN), 0); /* not before the slot is ready again */
    assert_int_equal(model_pins(model, &first.parents[0]), 0);
    assert_null(model_held(model_next_beat(model), 1));
    model_slot_ready(model, 0);
    assert_int_equal(model_effect(model, WORKER_RUN, 0)->run.lease.key.job.job, 2);
    model_destroy(model);
}

static void test_a_slot_that_dies_idle_is_reported_without_a_job(void **state)
{
    (void)state;
    struct model *model = make_ready();
    struct job job = model_job(1);
    model_die(model, 0, 9);
    assert_int_equal(model_message(model, MESSAGE_DEATH, 0)->death.lease_count, 0);
    model_start_job(model, &job, 1);
    assert_int_equal(model_effect(model, WORKER_RUN, 0)->run.slot, 1);
    model_destroy(model);
}

static void test_a_death_before_the_welcome_is_not_reported(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    model_tick(model, 1000);
    model_die(model, 0, 9);
    assert_int_equal(model->effects->count, 0);
    model_destroy(model);
}

static void test_a_running_job_that_is_released_is_killed_silently(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 1;
    struct model *model = model_create_ready(&config);
    struct job first = model_job(1), second = model_job(2);
    struct lease_key key = model_key(1, 1, 1);
    model_start_job(model, &first, 1);
    model_start_job(model, &second, 1);
    model_verdict(model, &key, VERDICT_RELEASED);
    assert_int_equal(model_effect(model, WORKER_KILL_SLOT, 0)->slot, 0);
    assert_int_equal(model_count(model, WORKER_RUN), 0);
    expect_counts(model, 1, 0, 0);
    model_die(model, 0, 9);
    assert_int_equal(model->effects->count, 0);
    model_slot_ready(model, 0);
    assert_int_equal(model_effect(model, WORKER_RUN, 0)->run.lease.key.job.job, 2);
    model_destroy(model);
}

static void test_a_result_that_crosses_the_kill_is_discarded_with_its_pin(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 1;
    struct model *model = model_create_ready(&config);
    struct job first = model_job(1), second = model_job(2);
    struct digest child = model_digest("child", 1);
    struct lease_key key = model_key(1, 1, 1);
    model_start_job(model, &first, 1);
    model_start_job(model, &second, 1);
    model_verdict(model, &key, VERDICT_RELEASED);
    model_finish(model, 0, &child, 0);
    assert_int_equal(model_pins(model, &child), 0);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 0);
    assert_int_equal(model_count(model, WORKER_RUN), 0);
    model_slot_ready(model, 0);
    assert_int_equal(model_count(model, WORKER_RUN), 1);
    model_destroy(model);
}

static void test_an_answer_to_another_question_costs_the_slot(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 1;
    struct model *model = model_create_ready(&config);
    struct job job = model_job(1), other = model_job(2);
    struct digest child = model_digest("child", 1);
    model_start_job(model, &job, 1);
    struct lease_key key = model_key(1, 1, 1);
    struct result result = model_result(&other, &key, &child);
    model_finish_with(model, 0, &result);
    assert_int_equal(model_count(model, WORKER_KILL_SLOT), 1);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 0);
    expect_counts(model, 0, 0, 0);
    model_expect_no_pins(model);
    model_destroy(model);
}

static void test_capacity_is_zero_while_the_cache_is_full(void **state)
{
    (void)state;
    struct model *model = make_ready();
    model_cache_level(model, true);
    assert_int_equal(model_message(model, MESSAGE_HEARTBEAT, 0)->heartbeat.capacity, 0);
    assert_int_equal(model_message(model, MESSAGE_HEARTBEAT, 0)->heartbeat.cache_bytes, 0);
    model_cache_level(model, true);
    assert_int_equal(model->effects->count, 0);
    model_cache_level(model, false);
    assert_int_equal(model_message(model, MESSAGE_HEARTBEAT, 0)->heartbeat.capacity, 4);
    assert_int_equal(model_message(model, MESSAGE_HEARTBEAT, 0)->heartbeat.cache_bytes, 4096);
    model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_oldest_runnable_job_runs_first),
        cmocka_unit_test(test_ready_after_finished_makes_no_difference),
        cmocka_unit_test(test_every_slot_gets_its_job),
        cmocka_unit_test(test_a_death_is_reported_once_and_the_job_forgotten),
        cmocka_unit_test(test_a_slot_that_dies_idle_is_reported_without_a_job),
        cmocka_unit_test(test_a_death_before_the_welcome_is_not_reported),
        cmocka_unit_test(test_a_running_job_that_is_released_is_killed_silently),
        cmocka_unit_test(test_a_result_that_crosses_the_kill_is_discarded_with_its_pin),
        cmocka_unit_test(test_an_answer_to_another_question_costs_the_slot),
        cmocka_unit_test(test_capacity_is_zero_while_the_cache_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
