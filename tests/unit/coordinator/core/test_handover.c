/* test_handover.c: jobs come back partly trained, and whoever gets them goes on from there. */
#include "core_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct partial state_of_steps(uint64_t steps)
{
    return (struct partial){digest_of(&steps, sizeof steps), 1000, steps};
}

static struct message handover_of(const struct fixture *fixture, const struct lease *lease,
                                  uint64_t steps)
{
    return (struct message){
        .kind = MESSAGE_HANDOVER,
        .epoch = fixture->config.epoch,
        .handover = {.lease = lease->key,
                     .job = job_digest(&lease->job),
                     .partial = state_of_steps(steps)},
    };
}

static void hand_over(struct fixture *fixture, uint32_t worker, const struct lease *lease,
                      uint64_t steps)
{
    const struct message message = handover_of(fixture, lease, steps);
    fixture_say(fixture, worker, &message);
}

static void store(struct fixture *fixture, const struct digest *digest)
{
    fixture_step(fixture, &(struct core_event){
                              .kind = CORE_BLOB_STORED,
                              .now_ms = fixture->now,
                              .blob = {.digest = *digest},
                          });
    fixture_settle(fixture);
}

static void lack(struct fixture *fixture, uint32_t worker, const struct digest *digest)
{
    fixture_step(fixture, &(struct core_event){
                              .kind = CORE_BLOB_UNAVAILABLE,
                              .now_ms = fixture->now,
                              .blob = {.from = fixture_worker(worker), .digest = *digest},
                          });
    fixture_settle(fixture);
}

/* Worker 0 has the run's first job, and is to leave: it takes no more. */
static struct lease open_with_a_lease(struct fixture *fixture)
{
    struct lease lease;
    fixture_open(fixture, "random", 40, 1);
    fixture_start(fixture);
    fixture_hello(fixture, 0, 1);
    assert_true(fixture_take_lease(fixture, 0, &lease));
    assert_int_equal(lease.partial.bytes, 0);
    const struct held held = {
        .lease = lease.key,
        .job_prefix = job_prefix(&(struct digest[]){job_digest(&lease.job)}[0]),
        .phase = HELD_RUNNING,
    };
    fixture_beat(fixture, 0, 0, &held);
    fixture->hold_pulls = true;
    return lease;
}

static uint32_t released(const struct fixture *fixture, uint32_t worker)
{
    uint32_t count = 0;
    const struct instance_id instance = fixture_worker(worker);
    for (uint32_t i = 0; i < fixture->mail_count; i++)
        count += instance_equal(&fixture->mail[i].to, &instance) &&
                 fixture->mail[i].message.kind == MESSAGE_VERDICT &&
                 fixture->mail[i].message.verdict.kind == VERDICT_RELEASED;
    return count;
}

static void test_a_job_goes_on_elsewhere_once_the_bytes_are_there(void **state)
{
    (void)state;
    static struct fixture fixture;
    struct lease lease = open_with_a_lease(&fixture), next;
    const struct partial partial = state_of_steps(70);
    fixture_hello(&fixture, 1, 1);
    hand_over(&fixture, 0, &lease, 70);
    assert_int_equal(fixture.pull_count, 1);
    assert_true(digest_equal(&fixture.pulled, &partial.state));
    /* Until then nobody else has the job and the worker keeps the state. */
    assert_int_equal(released(&fixture, 0), 0);
    assert_false(fixture_take_lease(&fixture, 1, &next));
    hand_over(&fixture, 0, &lease, 70); /* said again */
    assert_int_equal(fixture.pull_count, 1);
    store(&fixture, &partial.state);
    assert_int_equal(released(&fixture, 0), 1);
    assert_int_equal(fixture.notes[NOTE_JOB_HANDED_OVER], 1);
    assert_true(fixture_take_lease(&fixture, 1, &next));
    assert_true(job_key_equal(next.key.job, lease.key.job));
    assert_int_equal(next.partial.steps, 70);
    assert_int_equal(next.partial.bytes, 1000);
    assert_true(digest_equal(&next.partial.state, &partial.state));
    assert_true(core_needs_blob(fixture.core, &partial.state));
    /* The result ends the need for it. */
    fixture.hold_pulls = false;
    const struct result result = fixture_result(&next);
    fixture_give(&fixture, 1, &result);
    assert_false(core_needs_blob(fixture.core, &partial.state));
    assert_int_equal(fixture.drop_count > 0, 1);
    fixture_run(&fixture, 2);
    assert_true(fixture.finished);
    fixture_close(&fixture);
}

static void test_without_the_bytes_it_starts_from_the_beginning(void **state)
{
    (void)state;
    static struct fixture fixture;
    struct lease lease = open_with_a_lease(&fixture), next;
    const struct partial partial = state_of_steps(70);
    hand_over(&fixture, 0, &lease, 70);
    fixture_hello(&fixture, 1, 1);
    lack(&fixture, 0, &partial.state);
    assert_int_equal(released(&fixture, 0), 1);
    assert_true(fixture_take_lease(&fixture, 1, &next));
    assert_int_equal(next.partial.bytes, 0);
    assert_false(core_needs_blob(fixture.core, &partial.state));
    fixture_close(&fixture);
}

static void test_a_worker_that_goes_before_calls_the_transfer_off(void **state)
{
    (void)state;
    static struct fixture fixture;
    struct lease lease = open_with_a_lease(&fixture), next;
    const struct partial partial = state_of_steps(70);
    hand_over(&fixture, 0, &lease, 70);
    fixture_hello(&fixture, 1, 1);
    const struct message goodbye = {.kind = MESSAGE_GOODBYE, .epoch = fixture.config.epoch};
    fixture_say(&fixture, 0, &goodbye);
    assert_int_equal(fixture.cancel_count, 1);
    assert_true(fixture_take_lease(&fixture, 1, &next));
    assert_int_equal(next.partial.bytes, 0);
    /* What comes in all the same is dropped again. */
    uint32_t drops = fixture.drop_count;
    store(&fixture, &partial.state);
    assert_int_equal(fixture.drop_count, drops + 1);
    fixture_close(&fixture);
}

/* Hands worker `worker`'s lease over and stores it; the next one to get it is `next`. */
static struct lease pass_on(struct fixture *fixture, uint32_t worker, const struct lease *lease,
                            uint64_t steps, uint32_t next_worker)
{
    struct lease next;
    const struct partial partial = state_of_steps(steps);
    const struct held held = {
        .lease = lease->key,
        .job_prefix = job_prefix(&(struct digest[]){job_digest(&lease->job)}[0]),
        .phase = HELD_RUNNING,
    };
    fixture_beat(fixture, worker, 0, &held);
    fixture_hello(fixture, next_worker, 1);
    uint32_t pulls = fixture->pull_count;
    hand_over(fixture, worker, lease, steps);
    if (fixture->pull_count > pulls)
        store(fixture, &partial.state);
    assert_true(fixture_take_lease(fixture, next_worker, &next));
    return next;
}

static void test_the_state_with_most_steps_is_kept(void **state)
{
    (void)state;
    static struct fixture fixture;
    struct lease lease = open_with_a_lease(&fixture);
    const struct partial first = state_of_steps(70), second = state_of_steps(90);
    lease = pass_on(&fixture, 0, &lease, 70, 1);
    lease = pass_on(&fixture, 1, &lease, 90, 2);
    assert_int_equal(lease.partial.steps, 90);
    assert_false(core_needs_blob(fixture.core, &first.state));
    lease = pass_on(&fixture, 2, &lease, 80, 3); /* it could not use what it was given */
    assert_int_equal(fixture.pull_count, 2);
    assert_int_equal(lease.partial.steps, 90);
    assert_true(core_needs_blob(fixture.core, &second.state));
    fixture_close(&fixture);
}

static void test_what_died_or_failed_is_done_anew(void **state)
{
    (void)state;
    for (int dies = 0; dies < 2; dies++) {
        static struct fixture fixture;
        struct lease lease = open_with_a_lease(&fixture), next;
        const struct partial partial = state_of_steps(70);
        lease = pass_on(&fixture, 0, &lease, 70, 1);
        struct message message = {.epoch = fixture.config.epoch};
        if (dies) {
            message.kind = MESSAGE_DEATH;
            message.death = (struct death){.signal = 11, .lease_count = 1};
            message.death.leases[0] = lease.key;
        } else {
            message.kind = MESSAGE_RESULT;
            message.result = fixture_result(&lease);
            message.result.outcome = OUTCOME_FAILED;
        }
        fixture_say(&fixture, 1, &message);
        assert_false(core_needs_blob(fixture.core, &partial.state));
        assert_true(fixture_take_lease(&fixture, 1, &next));
        assert_int_equal(next.partial.bytes, 0);
        fixture_close(&fixture);
    }
}

static void test_what_nobody_asked_for_is_released_at_once(void **state)
{
    (void)state;
    static struct fixture fixture;
    struct lease lease = open_with_a_lease(&fixture), next;
    struct message message = handover_of(&fixture, &lease, 70);
    message.handover.lease.attempt++; /* no such lease */
    fixture_say(&fixture, 0, &message);
    assert_int_equal(released(&fixture, 0), 1);
    fixture_hello(&fixture, 1, 0);
    message = handover_of(&fixture, &lease, 70); /* not its lease */
    fixture_say(&fixture, 1, &message);
    assert_int_equal(released(&fixture, 1), 1);
    assert_int_equal(fixture.pull_count, 0);
    /* Of another description: the lease ends, and nothing of it is believed. */
    message.handover.job.bytes[0] ^= 1;
    fixture_hello(&fixture, 2, 1);
    fixture_say(&fixture, 0, &message);
    assert_int_equal(released(&fixture, 0), 2);
    assert_int_equal(fixture.pull_count, 0);
    assert_true(fixture_take_lease(&fixture, 2, &next));
    assert_int_equal(next.partial.bytes, 0);
    fixture_close(&fixture);
}

/* Bytes that the core knows as something else are not taken for a state. */
static void test_a_state_that_is_anothers_is_not_taken(void **state)
{
    (void)state;
    static struct fixture fixture;
    struct lease first, second;
    fixture_open(&fixture, "random", 40, 2);
    fixture_start(&fixture);
    fixture_hello(&fixture, 0, 2);
    assert_true(fixture_take_lease(&fixture, 0, &first));
    assert_true(fixture_take_lease(&fixture, 0, &second));
    fixture.hold_pulls = true;
    hand_over(&fixture, 0, &first, 70);
    hand_over(&fixture, 0, &second, 70); /* the very same bytes */
    assert_int_equal(fixture.pull_count, 1);
    assert_int_equal(released(&fixture, 0), 1);
    fixture_close(&fixture);
}

/* Only its own class can go on bit for bit. */
static void test_another_class_starts_from_the_beginning(void **state)
{
    (void)state;
    static struct fixture fixture;
    struct lease lease, next;
    fixture_open(&fixture, "random", 40, 1);
    fixture.config.mode = COMMIT_ARRIVAL;
    fixture.config.numeric[0] = '\0';
    fixture_start(&fixture);
    fixture.hold_pulls = true;
    fixture_hello_as(&fixture, 0, 1, "portable");
    assert_true(fixture_take_lease(&fixture, 0, &lease));
    fixture_hello_as(&fixture, 1, 1, "cuda");
    const struct partial partial = state_of_steps(70);
    fixture_beat(&fixture, 0, 0, NULL);
    hand_over(&fixture, 0, &lease, 70);
    store(&fixture, &partial.state);
    assert_true(fixture_take_lease(&fixture, 1, &next));
    assert_true(job_key_equal(next.key.job, lease.key.job));
    assert_int_equal(next.partial.bytes, 0);
    fixture_close(&fixture);
}

static void test_a_restart_knows_of_no_state(void **state)
{
    (void)state;
    static struct fixture fixture;
    struct lease lease = open_with_a_lease(&fixture);
    const struct partial partial = state_of_steps(70);
    lease = pass_on(&fixture, 0, &lease, 70, 1);
    fixture_restart(&fixture);
    assert_false(core_needs_blob(fixture.core, &partial.state));
    fixture_hello(&fixture, 2, 1);
    fixture_tick(&fixture, 5000);
    assert_true(fixture_take_lease(&fixture, 2, &lease));
    assert_int_equal(lease.partial.bytes, 0);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_job_goes_on_elsewhere_once_the_bytes_are_there),
        cmocka_unit_test(test_without_the_bytes_it_starts_from_the_beginning),
        cmocka_unit_test(test_a_worker_that_goes_before_calls_the_transfer_off),
        cmocka_unit_test(test_the_state_with_most_steps_is_kept),
        cmocka_unit_test(test_what_died_or_failed_is_done_anew),
        cmocka_unit_test(test_what_nobody_asked_for_is_released_at_once),
        cmocka_unit_test(test_a_state_that_is_anothers_is_not_taken),
        cmocka_unit_test(test_another_class_starts_from_the_beginning),
        cmocka_unit_test(test_a_restart_knows_of_no_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
