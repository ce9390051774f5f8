/*
 * test_trust.c: second opinions, deaths and failures: whom the core believes, and when it gives a
 * job up.
 */
#include "core_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct fixture f;

static void test_a_would_be_champion_is_evaluated_by_another_host(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 1);
    f.config.opinion_promising = true;
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    struct lease lease, opinion;
    assert_true(fixture_take_lease(&f, 0, &lease));
    struct result result = fixture_result(&lease);
    fixture_give(&f, 0, &result);
    assert_int_equal(core_summary(f.core).commits, 0);
    assert_true(fixture_take_lease(&f, 1, &opinion));
    assert_int_equal(opinion.reason, LEASE_PROMISING);
    assert_int_equal(opinion.job.kind, JOB_EVALUATE);
    assert_true(digest_equal(&opinion.job.parents[0], &result.child));
    struct result second = fixture_result(&opinion);
    fixture_give(&f, 1, &second);
    assert_int_equal(core_summary(f.core).commits, 1);
    fixture_close(&f);
}

static void test_a_liar_is_outvoted_and_benched(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 1);
    f.config.opinion_promising = true;
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    struct lease lease, opinion;
    assert_true(fixture_take_lease(&f, 0, &lease));
    fixture_hello(&f, 1, 1);
    fixture_hello(&f, 2, 1);
    struct result lie = fixture_result(&lease);
    double truth = lie.fitness;
    lie.fitness = 2;
    fixture_give(&f, 0, &lie);
    for (int i = 0; i < 2; i++) {
        uint32_t by = fixture_take_lease(&f, 1, &opinion) ? 1 : 2;
        if (by == 2)
            assert_true(fixture_take_lease(&f, 2, &opinion));
        struct result honest = fixture_result(&opinion);
        fixture_give(&f, by, &honest);
    }
    assert_int_equal(f.notes[NOTE_OPINION_DIFFERS], 2);
    assert_int_equal(core_summary(f.core).commits, 0);
    fixture_run(&f, 3);
    assert_true(f.finished);
    assert_true(f.records[0].commit.fitness == truth);
    for (uint32_t i = 0; i < f.record_count; i++)
        assert_string_not_equal(f.records[i].commit.worker, "w0");
    fixture_close(&f);
}

/* Gives an opinion that is `off` from the truth. */
static void give_opinion(uint32_t worker, double off)
{
    struct lease lease;
    assert_true(fixture_take_lease(&f, worker, &lease));
    assert_int_equal(lease.reason, LEASE_PROMISING);
    struct result result = fixture_result(&lease);
    result.fitness += off;
    fixture_give(&f, worker, &result);
}

static void test_who_contradicts_itself_is_benched_and_nobody_else(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 1);
    f.config.opinion_promising = true;
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    fixture_hello(&f, 1, 1);
    struct result honest = fixture_result(&lease);
    fixture_give(&f, 0, &honest);
    give_opinion(1, 0.5);
    assert_int_equal(f.notes[NOTE_WORKER_BENCHED], 0);
    give_opinion(1, 0.7); /* it is asked once more, not the one whose result it is */
    assert_int_equal(f.notes[NOTE_WORKER_BENCHED], 1);
    fixture_run(&f, 1); /* the honest one is alone now, and finishes */
    assert_true(f.finished);
    assert_int_equal(f.finish, FINISH_DONE);
    assert_int_equal(f.notes[NOTE_WORKER_BENCHED], 1);
    fixture_close(&f);
}

/* Worker 1 contradicts worker 0, and has no room for work since. */
static void test_whoever_cannot_be_asked_settles_nothing(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 1);
    f.config.opinion_promising = true;
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    fixture_hello(&f, 1, 1);
    struct result honest = fixture_result(&lease);
    fixture_give(&f, 0, &honest);
    fixture_beat(&f, 1, 0, NULL);
    give_opinion(1, 0.5);
    fixture_do(&f, 0); /* there is nobody else */
    assert_int_equal(core_summary(f.core).commits, 1);
    fixture_close(&f);
}

/* Time passes in which only worker 0 is heard, which holds this lease. */
static void pass_without_the_other(uint64_t ms, const struct lease *lease)
{
    struct digest job = job_digest(&lease->job);
    const struct held held = {
        .lease = lease->key, .phase = HELD_RUNNING, .job_prefix = job_prefix(&job)};
    for (uint64_t passed = 0; passed < ms; passed += 500) {
        f.now += 500;
        fixture_beat(&f, 0, 1, &held);
    }
}

/* The same, but then it falls silent, and may be back in a moment. */
static void test_whoever_is_silent_is_waited_for(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 1);
    f.config.opinion_promising = true;
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    fixture_hello(&f, 1, 1);
    struct result honest = fixture_result(&lease);
    fixture_give(&f, 0, &honest);
    fixture_beat(&f, 1, 0, NULL);
    give_opinion(1, 0.5);
    assert_true(fixture_take_lease(&f, 0, &lease));
    pass_without_the_other(f.config.suspect_ms, &lease);
    assert_int_equal(f.notes[NOTE_WORKER_SUSPECT], 1);
    honest = fixture_result(&lease);
    fixture_give(&f, 0, &honest);
    assert_int_equal(core_summary(f.core).commits, 0);
    assert_int_equal(fixture_count(&f, 0, MESSAGE_LEASE), 0);
    pass_without_the_other(f.config.lost_ms, &lease);
    fixture_do(&f, 0); /* it did not come back */
    assert_int_equal(core_summary(f.core).commits, 1);
    fixture_close(&f);
}

static void test_two_workers_that_never_agree_stop_the_line(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 1);
    f.config.opinion_promising = true;
    f.config.poison_fails = true; /* even then: nobody knows which one is right */
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    fixture_hello(&f, 1, 1);
    for (int i = 0; i < 8; i++) {
        uint32_t holder = 0;
        if (i > 0 && !fixture_take_lease(&f, holder, &lease)) {
            holder = 1;
            assert_true(fixture_take_lease(&f, holder, &lease));
        }
        struct result result = fixture_result(&lease);
        result.fitness += holder * 0.5; /* worker 1 is always off by as much */
        fixture_give(&f, holder, &result);
        give_opinion(1 - holder, (1 - holder) * 0.5);
        give_opinion(1 - holder, (1 - holder) * 0.5);
    }
    assert_int_equal(f.notes[NOTE_WORKER_BENCHED], 0);
    assert_int_equal(f.notes[NOTE_JOB_QUARANTINED], 1);
    assert_true(f.finished);
    assert_int_equal(f.finish, FINISH_POISONED);
    fixture_close(&f);
}

static struct message death_of(const struct lease *lease, int32_t signal)
{
    struct message message = {.kind = MESSAGE_DEATH, .epoch = f.config.epoch};
    message.death = (struct death){
        .exit_code = -1,
        .signal = signal,
        .lease_count = 1,
        .leases = {lease->key},
    };
    return message;
}

static void kill_it(int times, int32_t signal)
{
    for (int i = 0; i < times; i++) {
        struct lease lease;
        assert_true(fixture_take_lease(&f, 0, &lease));
        struct message death = death_of(&lease, signal);
        fixture_say(&f, 0, &death);
    }
}

static void test_three_deaths_of_its_own_quarantine_a_job(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 1);
    f.config.line_count = 2;
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    kill_it(5, 9); /* somebody's kill -9 proves nothing */
    assert_int_equal(f.notes[NOTE_JOB_QUARANTINED], 0);
    kill_it(3, 11);
    assert_int_equal(f.notes[NOTE_JOB_QUARANTINED], 1);
    assert_int_equal(core_summary(f.core).lines_stalled, 1);
    fixture_run(&f, 1); /* the other line goes on */
    assert_true(f.finished);
    assert_int_equal(f.finish, FINISH_POISONED);
    assert_int_equal(core_summary(f.core).lines_closed, 1);
    fixture_restart(&f); /* and the stalled one may be tried again */
    fixture_tick(&f, f.config.reattach_ms);
    fixture_hello(&f, 0, 1);
    fixture_run(&f, 1);
    assert_int_equal(f.finish, FINISH_DONE);
    fixture_close(&f);
}

/* In company nobody is guilty, and the last one left had company, too; then they go singly. */
static void test_a_death_in_company_counts_against_nobody(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 3);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    for (int i = 0; i < 5; i++) {
        struct lease lease, mate;
        assert_true(fixture_take_lease(&f, 0, &lease));
        assert_int_equal(lease.reason, i == 0 ? LEASE_FIRST : LEASE_RETRY);
        struct message death = death_of(&lease, 11);
        death.death.cohort = 4;
        if (i % 2 == 0 && fixture_take_lease(&f, 0, &mate))
            death.death.leases[death.death.lease_count++] = mate.key;
        fixture_say(&f, 0, &death);
    }
    assert_int_equal(f.notes[NOTE_SLOT_DIED], 5);
    assert_int_equal(f.notes[NOTE_JOB_QUARANTINED], 0);
    fixture_run(&f, 1);
    assert_int_equal(f.finish, FINISH_DONE);
    fixture_close(&f);
}

/* A heartbeat from before the death comes behind it, and then a copy of the death. */
static void test_a_death_counts_once_though_its_lease_is_taken_up_again(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 2);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1); /* is busy: the job whose process died waits for it */
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    const struct digest description = job_digest(&lease.job);
    const struct held held = {
        .lease = lease.key, .job_prefix = job_prefix(&description), .phase = HELD_RUNNING};
    const struct message death = death_of(&lease, 11);
    for (uint32_t i = 0; i < 4; i++) {
        fixture_say(&f, 0, &death);
        fixture_beat(&f, 0, 1, &held);
    }
    assert_int_equal(f.notes[NOTE_SLOT_DIED], 4);
    assert_int_equal(f.notes[NOTE_JOB_QUARANTINED], 0);
    fixture_close(&f);
}

/* A heartbeat from before the failure comes behind it, and then a copy of the failure. */
static void test_a_failure_counts_once_though_its_lease_is_taken_up_again(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 2);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1); /* is busy: the job that failed waits for it */
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    const struct digest description = job_digest(&lease.job);
    const struct held held = {
        .lease = lease.key, .job_prefix = job_prefix(&description), .phase = HELD_RUNNING};
    struct result result = fixture_result(&lease);
    result.outcome = OUTCOME_FAILED;
    result.fitness = (double)NAN;
    for (uint32_t i = 0; i < 4; i++) {
        fixture_give(&f, 0, &result);
        fixture_beat(&f, 0, 1, &held);
    }
    assert_true(f.notes[NOTE_ATTEMPT_FAILED] > 1); /* the lease was there again */
    assert_int_equal(f.notes[NOTE_JOB_QUARANTINED], 0);
    fixture_close(&f);
}

static void test_a_job_that_failed_goes_elsewhere(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 1);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    for (uint32_t i = 1; i < 3; i++)
        fixture_hello(&f, i, 1);
    for (uint32_t i = 0; i < 2; i++) {
        struct result result = fixture_result(&lease);
        result.outcome = OUTCOME_FAILED;
        result.fitness = (double)NAN;
        fixture_give(&f, i, &result);
        fixture_give(&f, i, &result); /* a copy counts for nothing */
        assert_int_equal(f.notes[NOTE_ATTEMPT_FAILED], i + 1);
        assert_true(fixture_take_lease(&f, i + 1, &lease));
    }
    fixture_run(&f, 3);
    struct result result = fixture_result(&lease);
    fixture_give(&f, 2, &result);
    assert_int_equal(f.notes[NOTE_JOB_QUARANTINED], 0);
    assert_true(core_summary(f.core).commits > 0);
    fixture_close(&f);
}

static void test_poison_may_be_committed_as_failed(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 1);
    f.config.poison_fails = true;
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    kill_it(3, 6);
    assert_int_equal(core_summary(f.core).commits, 1);
    assert_int_equal(f.records[0].commit.outcome, OUTCOME_FAILED);
    fixture_run(&f, 1);
    assert_int_equal(f.finish, FINISH_DONE);
    struct digest digest = core_digest(f.core);
    fixture_restart(&f);
    struct digest again = core_digest(f.core);
    assert_true(digest_equal(&digest, &again));
    fixture_close(&f);
}

/* Nobody may be handed for ever what it cannot take: it goes to another worker. */
static void test_a_job_that_was_not_taken_up_goes_elsewhere(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 1);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    assert_int_equal(fixture_count(&f, 0, MESSAGE_LEASE), 1);
    fixture_hello(&f, 1, 1);
    fixture_tick(&f, f.config.confirm_ms);
    fixture_beat(&f, 0, 1, NULL);
    assert_int_equal(f.notes[NOTE_LEASE_UNCLAIMED], 1);
    assert_int_equal(fixture_count(&f, 0, MESSAGE_LEASE), 1);
    assert_int_equal(fixture_count(&f, 1, MESSAGE_LEASE), 1);
    fixture_close(&f);
}

/* A worker that fails at once must not fail three times while the others are busy. */
static void test_a_failed_job_waits_for_a_busy_worker(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 2);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 1, &lease));
    struct result result = fixture_result(&lease);
    result.outcome = OUTCOME_FAILED;
    result.fitness = (double)NAN;
    fixture_give(&f, 1, &result);
    assert_int_equal(fixture_count(&f, 1, MESSAGE_LEASE), 0);
    fixture_do(&f, 0); /* it is free now, and gets it */
    assert_true(fixture_take_lease(&f, 0, &lease));
    assert_int_equal(lease.key.job.job, result.lease.job.job);
    fixture_close(&f);
}

static void test_a_benched_worker_is_better_than_none(void **state)
{
    (void)state;
    fixture_open(&f, "random", 3, 1);
    f.config.opinion_promising = true;
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    fixture_hello(&f, 1, 1);
    fixture_hello(&f, 2, 1);
    struct result lie = fixture_result(&lease);
    lie.fitness = 2;
    fixture_give(&f, 0, &lie);
    give_opinion(fixture_count(&f, 1, MESSAGE_LEASE) > 0 ? 1 : 2, 0);
    give_opinion(fixture_count(&f, 1, MESSAGE_LEASE) > 0 ? 1 : 2, 0);
    assert_int_equal(f.notes[NOTE_WORKER_BENCHED], 1);
    struct message goodbye = {.kind = MESSAGE_GOODBYE, .epoch = f.config.epoch};
    fixture_say(&f, 1, &goodbye);
    assert_int_equal(fixture_count(&f, 0, MESSAGE_LEASE), 0);
    fixture_say(&f, 2, &goodbye);
    assert_int_equal(fixture_count(&f, 0, MESSAGE_LEASE), 1);
    fixture_close(&f);
}

/* Caches full of later results: the newest is given up, so that the oldest job finds a worker. */
static void test_full_caches_make_room_for_the_oldest_job(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 6);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_do(&f, 0); /* a champion: later children are not wanted unless they are better */
    struct lease oldest;
    assert_true(fixture_take_lease(&f, 0, &oldest));
    fixture_hello(&f, 1, 5);
    for (int i = 0; i < 5; i++) {
        struct lease lease;
        assert_true(fixture_take_lease(&f, 1, &lease));
        struct result result = fixture_result(&lease);
        result.fitness -= 1;
        fixture_give(&f, 1, &result);
    }
    struct message goodbye = {.kind = MESSAGE_GOODBYE, .epoch = f.config.epoch};
    fixture_say(&f, 0, &goodbye);
    assert_int_equal(core_summary(f.core).held, 5);
    for (int i = 0; i < 29; i++) {
        fixture_tick(&f, 500);
        fixture_beat(&f, 1, 0, NULL); /* no room */
    }
    assert_int_equal(f.notes[NOTE_RESULT_DROPPED], 0);
    for (int i = 0; i < 12; i++) { /* it was given the job once, before it said so */
        fixture_tick(&f, 500);
        fixture_beat(&f, 1, 0, NULL);
    }
    assert_true(f.notes[NOTE_RESULT_DROPPED] > 0);
    fixture_beat(&f, 1, 1, NULL);
    struct lease lease;
    while (fixture_take_lease(&f, 1, &lease))
        continue;
    assert_int_equal(lease.key.job.job, oldest.key.job.job);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_would_be_champion_is_evaluated_by_another_host),
        cmocka_unit_test(test_a_liar_is_outvoted_and_benched),
        cmocka_unit_test(test_who_contradicts_itself_is_benched_and_nobody_else),
        cmocka_unit_test(test_whoever_cannot_be_asked_settles_nothing),
        cmocka_unit_test(test_whoever_is_silent_is_waited_for),
        cmocka_unit_test(test_two_workers_that_never_agree_stop_the_line),
        cmocka_unit_test(test_three_deaths_of_its_own_quarantine_a_job),
        cmocka_unit_test(test_a_death_in_company_counts_against_nobody),
        cmocka_unit_test(test_a_death_counts_once_though_its_lease_is_taken_up_again),
        cmocka_unit_test(test_a_failure_counts_once_though_its_lease_is_taken_up_again),
        cmocka_unit_test(test_a_job_that_failed_goes_elsewhere),
        cmocka_unit_test(test_poison_may_be_committed_as_failed),
        cmocka_unit_test(test_a_job_that_was_not_taken_up_goes_elsewhere),
        cmocka_unit_test(test_a_failed_job_waits_for_a_busy_worker),
        cmocka_unit_test(test_a_benched_worker_is_better_than_none),
        cmocka_unit_test(test_full_caches_make_room_for_the_oldest_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
