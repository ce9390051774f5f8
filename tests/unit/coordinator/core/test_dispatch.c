/*
 * test_dispatch.c: who gets which job when workers are not equally fast, and twins of late jobs.
 * How much of unequal machines' speed comes of it is in tests/property/test_unequal.c.
 */
#include "coordinator/core/explain.h"
#include "core_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct fixture f;

/* Nobody has to say anything to be there. */
static void open_run(uint32_t lookahead, enum commit_mode mode)
{
    fixture_open(&f, "random", 1000, lookahead);
    f.config.mode = mode;
    f.config.suspect_ms = f.config.lost_ms = 1000000000;
    fixture_start(&f);
}

static struct lease take(uint32_t worker)
{
    struct lease lease;
    assert_true(fixture_take_lease(&f, worker, &lease));
    return lease;
}

static bool has_lease(uint32_t worker)
{
    return fixture_count(&f, worker, MESSAGE_LEASE) > 0;
}

static void finish(uint32_t worker, const struct lease *lease, uint32_t compute_ms)
{
    struct result result = fixture_result(lease);
    result.compute_ms = compute_ms;
    fixture_give(&f, worker, &result);
}

static void pass(uint64_t ms)
{
    for (; ms > 1000; ms -= 1000)
        fixture_tick(&f, 1000);
    fixture_tick(&f, ms);
}

static struct job_explanation ask(uint64_t job)
{
    struct job_explanation explained;
    core_explain_job(f.core, (struct job_key){0, job}, &explained);
    return explained;
}

static enum worker_hold hold_of(uint32_t number)
{
    struct worker_explanation explained;
    struct instance_id instance = fixture_worker(number);
    assert_true(core_explain_worker(f.core, &instance, &explained));
    return explained.hold;
}

/* Worker 0 takes 100 ms for a job, worker 1 ten times as long; both have done one. */
static void open_unequal(uint32_t lookahead, enum commit_mode mode)
{
    open_run(lookahead, mode);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    struct lease fast = take(0), slow = take(1);
    assert_int_equal(fast.key.job.job, 0);
    assert_int_equal(slow.key.job.job, 1);
    finish(0, &fast, 100);
    finish(1, &slow, 1000);
}

static void test_oldest_to_the_fastest_newest_to_the_slowest(void **state)
{
    (void)state;
    open_unequal(40, COMMIT_ORDERED);
    struct lease fast = take(0), slow = take(1);
    assert_int_equal(fast.key.job.job, 2);
    assert_int_equal(slow.key.job.job, 41);
    finish(0, &fast, 100);
    fast = take(0);
    assert_int_equal(fast.key.job.job, 3);
    fixture_close(&f);
}

static void test_who_could_only_delay_gets_nothing(void **state)
{
    (void)state;
    open_unequal(8, COMMIT_ORDERED);
    struct lease fast = take(0);
    assert_int_equal(fast.key.job.job, 2);
    assert_false(has_lease(1));
    assert_int_equal(hold_of(1), WORKER_WOULD_DELAY);
    assert_int_equal(core_explain_run(f.core), RUN_DELAYS);
    assert_int_equal(core_crowd(f.core).slots_slow, 1);
    assert_int_equal(ask(3).worker_wait, WAIT_FASTER);
    struct worker_summary workers[2];
    assert_int_equal(core_workers(f.core, f.now, workers, 2), 2);
    assert_int_equal(workers[0].job_ms + workers[1].job_ms, 1100);

    /* The fast one leaves: there is nobody else any more. */
    struct message goodbye = {.kind = MESSAGE_GOODBYE, .epoch = f.config.epoch};
    fixture_say(&f, 0, &goodbye);
    for (uint64_t job = 2; job < 6; job++) {
        struct lease slow = take(1);
        assert_int_equal(slow.key.job.job, job);
        finish(1, &slow, 1000);
    }
    fixture_close(&f);
}

static void test_a_fast_worker_that_hangs_is_not_waited_for(void **state)
{
    (void)state;
    open_unequal(8, COMMIT_ORDERED);
    struct lease fast = take(0);
    struct digest description = job_digest(&fast.job);
    struct held held = {fast.key, job_prefix(&description), HELD_RUNNING};
    struct lease slow = {.reason = LEASE_FIRST};
    for (int i = 0; i < 60 && slow.reason != LEASE_LATE; i++) {
        pass(500);
        fixture_beat(&f, 0, 1, &held);
        if (!fixture_take_lease(&f, 1, &slow))
            continue;
        if (slow.reason != LEASE_LATE)
            finish(1, &slow, 1000);
    }
    assert_int_equal(slow.key.job.job, 2); /* in the end it has that job as well */
    fixture_close(&f);
}

static void test_in_arrival_mode_nobody_is_too_slow(void **state)
{
    (void)state;
    open_unequal(4, COMMIT_ARRIVAL);
    assert_int_equal(take(0).key.job.job, 2);
    assert_int_equal(take(1).key.job.job, 3);
    fixture_close(&f);
}

static void test_a_newcomer_is_measured_by_the_newest_job(void **state)
{
    (void)state;
    open_unequal(40, COMMIT_ORDERED);
    fixture_hello(&f, 2, 8);
    struct lease only = take(2);
    assert_int_equal(only.key.job.job, 40); /* the slow one has 41 */
    assert_false(has_lease(2));
    finish(2, &only, 10);
    for (uint64_t job = 3; job < 11; job++) /* it is the fastest of all */
        assert_int_equal(take(2).key.job.job, job);
    fixture_close(&f);
}

static void test_a_worker_that_was_idle_for_long_is_measured_again(void **state)
{
    (void)state;
    open_unequal(8, COMMIT_ORDERED);
    struct lease again, fast = {0};
    while (!fixture_take_lease(&f, 1, &again)) {
        assert_true(core_summary(f.core).commits < 900);
        fast = take(0);
        pass(100);
        finish(0, &fast, 100);
        fixture_beat(&f, 1, 1, NULL);
    }
    /* The newest; the fast one has finished one since. */
    assert_int_equal(again.key.job.job, fast.key.job.job + 7);
    finish(1, &again, 100); /* its old slowness is forgotten: it counts as fast, */
    fast = take(0);
    finish(0, &fast, 100);
    again = take(1);
    assert_in_range(again.key.job.job, fast.key.job.job + 1, fast.key.job.job + 2);
    fixture_close(&f);
}

/* ---------------------------------------------------------------------------------------- twins
 */

/* Two equal workers; worker 0 has the oldest job, all others of the window are done. */
static struct lease open_stalled(enum commit_mode mode)
{
    open_run(4, mode);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    struct lease first = take(0), second = take(1);
    finish(0, &first, 100);
    finish(1, &second, 100);
    first = take(0);
    assert_int_equal(first.key.job.job, 2);
    while (fixture_take_lease(&f, 1, &second))
        finish(1, &second, 100);
    assert_int_equal(core_summary(f.core).commits, 2);
    return first;
}

static void test_a_late_job_gets_a_twin(void **state)
{
    (void)state;
    struct lease first = open_stalled(COMMIT_ORDERED);
    pass(120);
    assert_false(has_lease(1)); /* not yet: it may be done at any moment */
    assert_in_range(core_deadline(f.core), f.now + 1, f.now + 31);
    pass(31);
    struct lease twin = take(1);
    assert_int_equal(twin.reason, LEASE_LATE);
    assert_int_equal(twin.key.job.job, 2);
    struct job_explanation job = ask(2);
    assert_int_equal(job.lease_count, 2);
    assert_int_equal(job.leases[1].reason, LEASE_LATE);
    fixture_hello(&f, 2, 4); /* a third one does not get it as well */
    pass(10000);
    assert_false(has_lease(2));

    uint32_t released = fixture_count(&f, 0, MESSAGE_VERDICT);
    finish(1, &twin, 100);
    assert_int_equal(fixture_count(&f, 0, MESSAGE_VERDICT), released + 1);
    assert_int_equal(fixture_last(&f, 0, MESSAGE_VERDICT)->verdict.kind, VERDICT_RELEASED);
    assert_int_equal(core_summary(f.core).commits, 6);
    assert_int_equal(f.records[2].commit.attempts, 2);
    finish(0, &first, 10000); /* it comes all the same, and counts for nothing */
    assert_int_equal(fixture_last(&f, 0, MESSAGE_VERDICT)->verdict.kind, VERDICT_RELEASED);
    assert_int_equal(core_summary(f.core).commits, 6);
    fixture_close(&f);
}

static void test_the_late_one_may_be_first_after_all(void **state)
{
    (void)state;
    struct lease first = open_stalled(COMMIT_ORDERED);
    pass(200);
    struct lease twin = take(1);
    finish(0, &first, 200);
    assert_int_equal(fixture_last(&f, 1, MESSAGE_VERDICT)->verdict.kind, VERDICT_RELEASED);
    assert_int_equal(core_summary(f.core).commits, 6);
    finish(1, &twin, 100);
    assert_int_equal(core_summary(f.core).commits, 6);
    fixture_close(&f);
}

static void die(uint32_t worker, const struct lease *lease)
{
    struct message message = {.kind = MESSAGE_DEATH, .epoch = f.config.epoch};
    message.death = (struct death){.exit_code = -1, .signal = 11, .lease_count = 1};
    message.death.leases[0] = lease->key;
    fixture_say(&f, worker, &message);
}

static void test_a_twin_is_no_evidence(void **state)
{
    (void)state;
    struct lease first = open_stalled(COMMIT_ORDERED);
    pass(200);
    for (int i = 0; i < 4; i++) {
        struct lease twin = take(1);
        assert_int_equal(twin.reason, LEASE_LATE);
        if (i % 2 == 0) {
            die(1, &twin);
        } else {
            struct result result = {.lease = twin.key, .outcome = OUTCOME_FAILED};
            result.job = job_digest(&twin.job);
            fixture_give(&f, 1, &result);
        }
    }
    assert_false(has_lease(1)); /* enough */
    struct job_explanation job = ask(2);
    assert_int_equal(job.stage, JOB_IS_LEASED);
    assert_int_equal(job.deaths + job.failures + job.trouble_count, 0);
    die(0, &first); /* what is no twin counts as ever */
    job = ask(2);
    assert_int_equal(job.deaths, 1);
    assert_int_equal(job.trouble_count, 1);
    fixture_close(&f);
}

static void test_a_twin_takes_the_place_of_a_lease_that_is_lost(void **state)
{
    (void)state;
    struct lease first = open_stalled(COMMIT_ORDERED);
    pass(200);
    struct lease twin = take(1);
    die(0, &first);
    assert_int_equal(ask(2).stage, JOB_IS_LEASED);
    assert_false(has_lease(0));
    finish(1, &twin, 100);
    assert_int_equal(core_summary(f.core).commits, 6);
    fixture_close(&f);
}

static void test_the_end_of_a_line_waits_for_nobody_in_arrival_mode(void **state)
{
    (void)state;
    fixture_open(&f, "random", 5, 4);
    f.config.mode = COMMIT_ARRIVAL;
    f.config.suspect_ms = f.config.lost_ms = 1000000000;
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    struct lease first = take(0), second = take(1);
    finish(0, &first, 100);
    finish(1, &second, 100);
    take(0);
    while (fixture_take_lease(&f, 1, &second) && second.reason != LEASE_LATE)
        finish(1, &second, 100);
    pass(200);
    second = take(1);
    assert_int_equal(second.reason, LEASE_LATE);
    finish(1, &second, 100);
    fixture_run(&f, 2);
    assert_true(f.finished);
    fixture_close(&f);
}

static void test_a_late_opinion_is_asked_of_somebody_else(void **state)
{
    (void)state;
    fixture_open(&f, "random", 1000, 2);
    f.config.opinion_promising = true;
    f.config.suspect_ms = f.config.lost_ms = 1000000000;
    fixture_start(&f);
    for (uint32_t worker = 0; worker < 3; worker++)
        fixture_hello(&f, worker, 1);
    struct lease first = take(0), opinion, second = take(1);
    finish(1, &second, 100);
    finish(0, &first, 100); /* its child would be champion: worker 1 or 2 is asked */
    uint32_t asked = has_lease(1) ? 1 : 2;
    opinion = take(asked);
    assert_int_equal(opinion.reason, LEASE_PROMISING);
    for (int i = 0; i < 200 && !has_lease(3 - asked); i++)
        pass(1000);
    assert_int_equal(fixture_last(&f, asked, MESSAGE_VERDICT)->verdict.kind, VERDICT_RELEASED);
    opinion = take(3 - asked);
    assert_int_equal(opinion.reason, LEASE_PROMISING);
    assert_int_equal(core_summary(f.core).commits, 0);
    struct result result = fixture_result(&opinion);
    fixture_give(&f, 3 - asked, &result);
    assert_true(core_summary(f.core).commits > 0);
    fixture_close(&f);
}

/* Worker 1 hangs in job 1. Worker 0 failed at job 0, which from then on waits for worker 1. */
static void test_whoever_is_waited_for_may_hang(void **state)
{
    (void)state;
    open_run(2, COMMIT_ORDERED);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    struct lease first = take(0), hangs = take(1);
    struct result failed = fixture_result(&first);
    failed.outcome = OUTCOME_FAILED;
    failed.child_bytes = 0;
    fixture_give(&f, 0, &failed);
    assert_false(has_lease(0));
    for (int i = 0; i < 1000 && !has_lease(0); i++)
        pass(1000);
    struct lease twin = take(0);
    assert_int_equal(twin.reason, LEASE_LATE);
    assert_int_equal(twin.key.job.job, hangs.key.job.job);
    finish(0, &twin, 100);
    assert_int_equal(fixture_last(&f, 1, MESSAGE_VERDICT)->verdict.kind, VERDICT_RELEASED);
    first = take(1);
    assert_int_equal(first.key.job.job, 0);
    finish(1, &first, 100);
    assert_int_equal(core_summary(f.core).commits, 2);
    fixture_close(&f);
}

/* The same where worker 1 is the only one to carry job 0 out a second time. */
static void test_the_auditor_may_hang(void **state)
{
    (void)state;
    fixture_open(&f, "random", 1000, 2);
    f.config.audit = 1;
    f.config.suspect_ms = f.config.lost_ms = 1000000000;
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    struct lease first = take(0), hangs = take(1);
    finish(0, &first, 100);
    assert_false(has_lease(0));
    for (int i = 0; i < 1000 && !has_lease(0); i++)
        pass(1000);
    struct lease twin = take(0);
    assert_int_equal(twin.key.job.job, hangs.key.job.job);
    finish(0, &twin, 100);
    assert_int_equal(take(1).reason, LEASE_AUDIT);
    fixture_close(&f);
}

/* A heartbeat whose list was cut: it takes nothing back. */
static void beat_of_many(uint32_t worker, uint32_t capacity)
{
    struct message beat = {.kind = MESSAGE_HEARTBEAT, .epoch = f.config.epoch};
    beat.heartbeat.capacity = capacity;
    beat.heartbeat.held_cut = true;
    fixture_say(&f, worker, &beat);
}

/* Four large workers hang with more jobs of 64 lines than a step has room for effects, and a fifth
 * has room for them all. */
static void test_many_late_jobs_get_their_twins_in_turn(void **state)
{
    (void)state;
    enum { LINES = 64, JOBS = 32, HANG = 4, LARGE = 512 };
    fixture_open(&f, "random", JOBS, JOBS);
    f.config.mode = COMMIT_ARRIVAL;
    f.config.line_count = f.config.open_lines = LINES;
    fixture_start(&f);
    fixture_hello(&f, HANG, 1);
    for (int i = 0; i < 3; i++) {
        struct lease lease = take(HANG);
        finish(HANG, &lease, 100);
    }
    struct lease last = take(HANG);
    beat_of_many(HANG, 0);
    finish(HANG, &last, 100);
    for (uint32_t worker = 0; worker < HANG; worker++)
        fixture_hello(&f, worker, LARGE);
    assert_int_equal(core_summary(f.core).leased, LINES * JOBS - 4);
    for (uint32_t worker = 0; worker < HANG; worker++) {
        struct lease lease = take(worker);
        finish(worker, &lease, 100);
    }
    f.mail_count = 0;
    for (int i = 0; i < 1000; i++) {
        f.now += 1000;
        for (uint32_t worker = 0; worker <= HANG; worker++)
            beat_of_many(worker, worker < HANG ? LARGE : 0);
        f.mail_count = 0;
    }
    assert_int_equal(core_summary(f.core).leased, LINES * JOBS - 4 - HANG);
    beat_of_many(HANG, HELD_MAX);
    assert_in_range(fixture_count(&f, HANG, MESSAGE_LEASE), CORE_EFFECTS_MAX, LINES * JOBS);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oldest_to_the_fastest_newest_to_the_slowest),
        cmocka_unit_test(test_who_could_only_delay_gets_nothing),
        cmocka_unit_test(test_a_fast_worker_that_hangs_is_not_waited_for),
        cmocka_unit_test(test_in_arrival_mode_nobody_is_too_slow),
        cmocka_unit_test(test_a_newcomer_is_measured_by_the_newest_job),
        cmocka_unit_test(test_a_worker_that_was_idle_for_long_is_measured_again),
        cmocka_unit_test(test_a_late_job_gets_a_twin),
        cmocka_unit_test(test_the_late_one_may_be_first_after_all),
        cmocka_unit_test(test_a_twin_is_no_evidence),
        cmocka_unit_test(test_a_twin_takes_the_place_of_a_lease_that_is_lost),
        cmocka_unit_test(test_a_late_opinion_is_asked_of_somebody_else),
        cmocka_unit_test(test_whoever_is_waited_for_may_hang),
        cmocka_unit_test(test_the_auditor_may_hang),
        cmocka_unit_test(test_many_late_jobs_get_their_twins_in_turn),
        cmocka_unit_test(test_the_end_of_a_line_waits_for_nobody_in_arrival_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
