/* test_drain.c: a user tells a worker to leave: it gets no more work, is told so until it hears it,
 * and everybody who asks is answered. */
#include "core_fixture.h"

#include "coordinator/core/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct user_command drain_of(const char *worker)
{
    struct user_command command = {.kind = COMMAND_DRAIN};
    snprintf(command.worker, sizeof command.worker, "%s", worker);
    return command;
}

static void order_drain(struct fixture *fixture, const char *worker)
{
    const struct user_command command = drain_of(worker);
    fixture_order(fixture, &command);
}

static const char *state_of(const struct fixture *fixture, uint32_t worker)
{
    struct worker_explanation explained;
    struct instance_id instance = fixture_worker(worker);
    return core_explain_worker(fixture->core, &instance, &explained) ? explained.state : "gone";
}

static void test_a_draining_worker_gets_no_more_work(void **state)
{
    (void)state;
    static struct fixture fixture;
    struct lease lease;
    fixture_open(&fixture, "random", 40, 8);
    fixture_start(&fixture);
    fixture_hello(&fixture, 0, 2);
    assert_true(fixture_take_lease(&fixture, 0, &lease));
    assert_true(fixture_take_lease(&fixture, 0, &lease));
    order_drain(&fixture, "w0");
    assert_true(fixture.answer.done);
    assert_non_null(strstr(fixture.answer.reason, "it hands over or finishes 2 jobs"));
    assert_int_equal(fixture_count(&fixture, 0, MESSAGE_DRAIN), 1);
    assert_int_equal(fixture.notes[NOTE_WORKER_DRAINING], 1);
    assert_string_equal(state_of(&fixture, 0), "draining");
    /* Its result is welcome, and it is given nothing in return, whatever it asks for. */
    const struct result result = fixture_result(&lease);
    fixture_give(&fixture, 0, &result);
    fixture_beat(&fixture, 0, 8, NULL);
    assert_false(fixture_take_lease(&fixture, 0, &lease));
    assert_int_equal(fixture_count(&fixture, 0, MESSAGE_DRAIN), 2); /* said again */
    fixture_hello(&fixture, 1, 1);
    assert_true(fixture_take_lease(&fixture, 1, &lease));
    fixture_close(&fixture);
}

/* It takes no work because it leaves: that is no lack of room, and no result is given up for it. */
static void test_who_leaves_is_not_full(void **state)
{
    (void)state;
    static struct fixture fixture;
    struct lease lease;
    fixture_open(&fixture, "random", 40, 8);
    fixture_start(&fixture);
    fixture_hello(&fixture, 0, 2);
    assert_true(fixture_take_lease(&fixture, 0, &lease)); /* the job whose turn it is, */
    assert_true(fixture_take_lease(&fixture, 0, &lease)); /* and the next one, which is done first
                                                           */
    const struct result result = fixture_result(&lease);
    fixture_give(&fixture, 0, &result);
    order_drain(&fixture, "w0");
    for (uint32_t i = 0; i < 60; i++) {
        fixture_tick(&fixture, 1000);
        fixture_beat(&fixture, 0, 0, NULL);
    }
    assert_int_equal(fixture.notes[NOTE_STUCK] + fixture.notes[NOTE_RESULT_DROPPED], 0);
    fixture_close(&fixture);
}

static void test_an_order_may_be_repeated(void **state)
{
    (void)state;
    static struct fixture fixture;
    fixture_open(&fixture, "random", 40, 8);
    fixture_start(&fixture);
    fixture_hello(&fixture, 0, 2);
    order_drain(&fixture, "w0");
    order_drain(&fixture, "w0");
    assert_true(fixture.answer.done);
    assert_int_equal(fixture.notes[NOTE_WORKER_DRAINING], 1);
    fixture_close(&fixture);
}

static void test_orders_that_are_refused(void **state)
{
    (void)state;
    static struct fixture fixture;
    fixture_open(&fixture, "random", 2, 2);
    fixture_start(&fixture);
    order_drain(&fixture, "nobody");
    assert_false(fixture.answer.done);
    assert_non_null(strstr(fixture.answer.reason, "no worker 'nobody'"));
    fixture_hello(&fixture, 0, 2);
    fixture_run(&fixture, 1);
    assert_true(fixture.finished);
    order_drain(&fixture, "w0");
    assert_false(fixture.answer.done);
    assert_string_equal(fixture.answer.reason, "the run has ended");
    fixture_close(&fixture);
}

static void test_namesakes_are_told_apart_by_instance(void **state)
{
    (void)state;
    static struct fixture fixture;
    fixture_open(&fixture, "random", 40, 8);
    fixture_start(&fixture);
    fixture_hello(&fixture, 0, 1);
    fixture_hello(&fixture, 1, 1);
    struct instance_id instance = fixture_worker(1);
    char digits[NAME_BYTES_MAX] = "";
    for (size_t i = 0; i < sizeof instance.bytes; i++)
        snprintf(digits + 2 * i, 3, "%02x", instance.bytes[i]);
    order_drain(&fixture, digits);
    assert_true(fixture.answer.done);
    assert_string_equal(state_of(&fixture, 0), "ready");
    assert_string_equal(state_of(&fixture, 1), "draining");
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_draining_worker_gets_no_more_work),
        cmocka_unit_test(test_who_leaves_is_not_full),
        cmocka_unit_test(test_an_order_may_be_repeated),
        cmocka_unit_test(test_orders_that_are_refused),
        cmocka_unit_test(test_namesakes_are_told_apart_by_instance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
