/* test_cohorts.c: which jobs a slot is given together, and how they end. */
#include "worker_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { COHORT = 4 };

static struct worker_config config_of(uint32_t slots)
{
    struct worker_config config = model_config();
    config.slots = slots;
    config.jobs_per_slot = 8;
    return config;
}

/* A job of its own line on a stream, without parents: nothing has to be fetched but the spec. */
static struct job job_on(uint64_t stream, uint32_t line)
{
    struct job job = model_job(stream);
    job.key.line = line;
    job.stream = stream;
    job.parent_count = 0;
    return job;
}

/* A worker that knows that four jobs go together. Its slots are idle. */
static struct model *make_taught(const struct worker_config *config)
{
    struct model *model = model_create_ready(config);
    struct job first = job_on(99, 99);
    model_start_job(model, &first, 1);
    model_slot_cohort(model, 0, COHORT);
    model_finish(model, 0, NULL, 0);
    return model;
}

/* Leases that come while the slots are busy: `count` lines' jobs of each of `streams` streams. */
static void lease_all(struct model *model, uint32_t streams, uint32_t count)
{
    for (uint32_t stream = 0; stream < streams; stream++)
        for (uint32_t line = 0; line < count; line++) {
            struct job job = job_on(stream, line);
            model_lease(model, &job, 1);
        }
}

/* All slots at work on jobs of their own. */
static void keep_busy(struct model *model)
{
    for (uint32_t i = 0; i < model->slot_count; i++) {
        struct job job = job_on(50 + i, 50);
        model_start_job(model, &job, 1);
        assert_int_equal(model_count(model, WORKER_RUN), 1);
    }
}

static void test_jobs_of_one_stream_go_together(void **state)
{
    (void)state;
    struct worker_config config = config_of(1);
    struct model *model = make_taught(&config);
    keep_busy(model);
    lease_all(model, 2, 3);
    model_finish(model, 0, NULL, 0);
    assert_int_equal(model_count(model, WORKER_RUN), 3);
    for (uint32_t i = 0; i < 3; i++) {
        const struct worker_effect *run = model_effect(model, WORKER_RUN, i);
        assert_int_equal(run->run.lease.job.stream, 0);
        assert_int_equal(run->run.lease.key.job.line, i);
        assert_int_equal(run->run.more, 2 - i);
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(model_count(model, WORKER_RUN), i == 0 ? 3 : 0);
        model_finish(model, 0, NULL, 0);
    }
    assert_int_equal(model_count(model, WORKER_RUN), 3); /* those of the other stream */
    struct worker_view view = worker_core_view(model->core, model->now);
    assert_int_equal(view.cohorts, 2);
    assert_int_equal(view.cohort_jobs, 6);
    model_destroy(model);
}

static void test_no_more_than_the_slot_and_the_user_want(void **state)
{
    (void)state;
    static const uint32_t most[] = {WORKER_COHORT_MAX, 3, 1};
    for (uint32_t i = 0; i < 3; i++) {
        struct worker_config config = config_of(1);
        config.cohort = most[i];
        struct model *model = make_taught(&config);
        keep_busy(model);
        lease_all(model, 1, 8);
        model_finish(model, 0, NULL, 0);
        assert_int_equal(model_count(model, WORKER_RUN), most[i] < COHORT ? most[i] : COHORT);
        model_destroy(model);
    }
}

static void test_an_unknown_spec_goes_alone(void **state)
{
    (void)state;
    struct worker_config config = config_of(1);
    struct model *model = model_create_ready(&config);
    keep_busy(model);
    lease_all(model, 1, 4);
    model_finish(model, 0, NULL, 0);
    assert_int_equal(model_count(model, WORKER_RUN), 1);
    model_destroy(model);
}

static void test_no_slot_takes_the_work_of_others(void **state)
{
    (void)state;
    struct worker_config config = config_of(4);
    struct model *model = make_taught(&config);
    keep_busy(model);
    lease_all(model, 1, 5);
    /* Eight jobs that are not finished, four slots: each takes two at most; then seven. */
    model_finish(model, 2, NULL, 0);
    assert_int_equal(model_count(model, WORKER_RUN), 2);
    model_finish(model, 0, NULL, 0);
    assert_int_equal(model_count(model, WORKER_RUN), 1);
    model_destroy(model);
}

static void test_idle_slots_share_alike(void **state)
{
    (void)state;
    struct worker_config config = config_of(3);
    struct model *model = make_taught(&config);
    struct job jobs[6];
    for (uint32_t i = 0; i < 6; i++) {
        jobs[i] = job_on(1, i);
        jobs[i].data = model_digest("data", 7);
        model_lease(model, &jobs[i], 1);
    }
    model_answer_fetches(model); /* the data set, for which all of them wait */
    uint32_t given[3] = {0};
    assert_int_equal(model_count(model, WORKER_RUN), 6);
    for (uint32_t i = 0; i < 6; i++)
        given[model_effect(model, WORKER_RUN, i)->run.slot]++;
    for (uint32_t slot = 0; slot < 3; slot++)
        assert_int_equal(given[slot], 2);
    model_destroy(model);
}

/* Only those go together that train on the same, for the first time. */
static void test_who_stays_alone(void **state)
{
    (void)state;
    enum { CASES = 7 };
    for (uint32_t i = 0; i < CASES; i++) {
        struct worker_config config = config_of(1);
        struct model *model = make_taught(&config);
        keep_busy(model);
        struct job plain = job_on(1, 1), other = job_on(1, 2);
        struct message message = {.kind = MESSAGE_LEASE, .epoch = model->epoch};
        uint32_t reason = LEASE_FIRST;
        other.spec = i == 0 ? model_digest("spec", 77) : other.spec;
        other.data = i == 1 ? model_digest("data", 7) : other.data;
        other.seed += i == 2;
        other.stream += i == 3;
        other.kind = i == 4 ? JOB_EVALUATE : other.kind;
        reason = i == 5 ? LEASE_RETRY : i == 6 ? LEASE_AUDIT : reason;
        message.lease = (struct lease){
            .key = {.job = other.key, .epoch = 1, .attempt = 1}, .reason = reason, .job = other};
        model_lease(model, &plain, 1);
        model_receive(model, &message);
        model_answer_fetches(model);
        model_finish(model, 0, NULL, 0);
        assert_int_equal(model_count(model, WORKER_RUN), 1);
        model_destroy(model);
    }
}

/* A lease that waits here is given anew, for another reason. */
static void test_a_job_that_is_tried_again_leaves_its_company(void **state)
{
    (void)state;
    struct worker_config config = config_of(1);
    struct model *model = make_taught(&config);
    keep_busy(model);
    lease_all(model, 1, 2);
    struct job second = job_on(0, 1);
    struct message message = {.kind = MESSAGE_LEASE, .epoch = model->epoch};
    message.lease = (struct lease){
        .key = {.job = second.key, .epoch = 1, .attempt = 2}, .reason = LEASE_RETRY, .job = second};
    model_receive(model, &message);
    model_finish(model, 0, NULL, 0);
    assert_int_equal(model_count(model, WORKER_RUN), 1);
    model_destroy(model);
}

/* ------------------------------------------------------------------------------------ their end
 */

/* One slot that runs the jobs of lines 0 to 3 of stream 0. */
static struct model *make_cohort(void)
{
    struct worker_config config = config_of(1);
    struct model *model = make_taught(&config);
    keep_busy(model);
    lease_all(model, 1, COHORT);
    model_finish(model, 0, NULL, 0);
    assert_int_equal(model_count(model, WORKER_RUN), COHORT);
    return model;
}

static struct lease_key key_of(uint32_t line)
{
    struct lease_key key = model_key(1, 0, 1);
    key.job.line = line;
    return key;
}

static void test_a_death_names_all_that_were_alive(void **state)
{
    (void)state;
    struct model *model = make_cohort();
    model_finish(model, 0, NULL, 0);
    model_die(model, 0, 11);
    const struct death *death = &model_message(model, MESSAGE_DEATH, 0)->death;
    assert_int_equal(death->lease_count, COHORT - 1);
    assert_int_equal(death->cohort, COHORT);
    for (uint32_t i = 0; i < COHORT - 1; i++)
        assert_int_equal(death->leases[i].job.line, i + 1);
    assert_int_equal(worker_core_view(model->core, model->now).running, 0);
    model_destroy(model);
}

static void test_the_last_one_was_not_alone(void **state)
{
    (void)state;
    struct model *model = make_cohort();
    for (uint32_t i = 0; i < COHORT - 1; i++)
        model_finish(model, 0, NULL, 0);
    model_die(model, 0, 11);
    const struct death *death = &model_message(model, MESSAGE_DEATH, 0)->death;
    assert_int_equal(death->lease_count, 1);
    assert_int_equal(death->cohort, COHORT);
    model_destroy(model);
}

/* The others go on, and its result is dropped; a slot of which nothing is wanted is killed. */
static void test_one_that_is_not_wanted_does_not_end_the_others(void **state)
{
    (void)state;
    struct model *model = make_cohort();
    struct digest child = model_digest("child", 1);
    struct lease_key first = key_of(0);
    model_verdict(model, &first, VERDICT_RELEASED);
    assert_int_equal(model_count(model, WORKER_KILL_SLOT), 0);
    model_finish(model, 0, &child, 0);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 0);
    assert_int_equal(model_pins(model, &child), 0);
    model_finish(model, 0, NULL, 0);
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 1);
    assert_int_equal(worker_core_view(model->core, model->now).running, 2);
    for (uint32_t line = 2; line < COHORT; line++) {
        struct lease_key key = key_of(line);
        model_verdict(model, &key, VERDICT_RELEASED);
    }
    assert_int_equal(model_count(model, WORKER_KILL_SLOT), 1);
    model_destroy(model);
}

static void test_nobody_waits_for_what_nobody_wants(void **state)
{
    (void)state;
    struct model *model = make_cohort();
    for (uint32_t line = 1; line < COHORT; line++) {
        struct lease_key key = key_of(line);
        model_verdict(model, &key, VERDICT_RELEASED);
    }
    assert_int_equal(model_count(model, WORKER_KILL_SLOT), 0);
    model_finish(model, 0, NULL, 0); /* line 0, the only one that is wanted */
    assert_int_equal(model_sent(model, MESSAGE_RESULT), 1);
    assert_int_equal(model_count(model, WORKER_KILL_SLOT), 1);
    model_destroy(model);
}

static void test_a_cohort_is_handed_over(void **state)
{
    (void)state;
    struct model *model = make_cohort();
    struct partial partial = model_partial(10), other = model_partial(11);
    static const struct partial none;
    model_drain(model);
    assert_int_equal(model_count(model, WORKER_STOP_SLOT), 1);
    model_give(model, 0, &partial);
    assert_int_equal(model_sent(model, MESSAGE_HANDOVER), 1);
    model_give(model, 0, &none);
    model_finish(model, 0, NULL, 0);
    model_give(model, 0, &other);
    assert_int_equal(model_sent(model, MESSAGE_HANDOVER), 1);
    struct worker_view view = worker_core_view(model->core, model->now);
    assert_int_equal(view.running, 0);
    model_destroy(model);
}

/* -------------------------------------------------------------------------------- work wanted */

static void test_more_work_is_wanted_where_streams_are_shared(void **state)
{
    (void)state;
    struct worker_config config = config_of(2);
    config.jobs_per_slot = 2;
    struct model *model = make_taught(&config);
    assert_int_equal(model_next_beat(model)->capacity, 4);
    struct job jobs[] = {job_on(1, 1), job_on(2, 1), job_on(2, 2)};
    for (uint32_t i = 0; i < 2; i++)
        model_start_job(model, &jobs[i], 1);
    assert_int_equal(model_next_beat(model)->capacity, 4); /* one line's streams differ */
    model_lease(model, &jobs[2], 1);
    assert_int_equal(model_sent(model, MESSAGE_HEARTBEAT), 1);
    assert_int_equal(model_message(model, MESSAGE_HEARTBEAT, 0)->heartbeat.capacity, 4 * COHORT);
    model->run = model_run(2);
    model->epoch++;
    model_welcome(model);
    assert_int_equal(model_next_beat(model)->capacity, 4);
    model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_of_one_stream_go_together),
        cmocka_unit_test(test_no_more_than_the_slot_and_the_user_want),
        cmocka_unit_test(test_an_unknown_spec_goes_alone),
        cmocka_unit_test(test_no_slot_takes_the_work_of_others),
        cmocka_unit_test(test_idle_slots_share_alike),
        cmocka_unit_test(test_who_stays_alone),
        cmocka_unit_test(test_a_job_that_is_tried_again_leaves_its_company),
        cmocka_unit_test(test_a_death_names_all_that_were_alive),
        cmocka_unit_test(test_the_last_one_was_not_alone),
        cmocka_unit_test(test_one_that_is_not_wanted_does_not_end_the_others),
        cmocka_unit_test(test_nobody_waits_for_what_nobody_wants),
        cmocka_unit_test(test_a_cohort_is_handed_over),
        cmocka_unit_test(test_more_work_is_wanted_where_streams_are_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
