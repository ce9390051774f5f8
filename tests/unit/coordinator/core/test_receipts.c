/* test_receipts.c: when a worker is told that its result is here, and when that is left out. */
#include "core_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct fixture f;

static uint32_t verdicts(uint32_t worker, enum verdict_kind kind)
{
    struct instance_id id = fixture_worker(worker);
    uint32_t count = 0;
    for (uint32_t i = 0; i < f.mail_count; i++)
        count += f.mail[i].message.kind == MESSAGE_VERDICT &&
                 f.mail[i].message.verdict.kind == kind && instance_equal(&f.mail[i].to, &id);
    return count;
}

/* Jobs 0 and 1 are leased to worker 0; gives the result of job 1, whose turn has not come. */
static void open_with_one_held(struct lease leases[2])
{
    fixture_open(&f, "random", 8, 2);
    fixture_start(&f);
    fixture_hello(&f, 0, 2);
    assert_true(fixture_take_lease(&f, 0, &leases[0]));
    assert_true(fixture_take_lease(&f, 0, &leases[1]));
    struct result result = fixture_result(&leases[1]);
    fixture_give(&f, 0, &result);
}

static void test_a_result_that_is_released_soon_gets_no_receipt(void **state)
{
    (void)state;
    struct lease leases[2];
    open_with_one_held(leases);
    fixture_tick(&f, f.config.receipt_ms - 1);
    assert_int_equal(verdicts(0, VERDICT_HELD), 0);
    struct result result = fixture_result(&leases[0]);
    fixture_give(&f, 0, &result);
    assert_int_equal(verdicts(0, VERDICT_RELEASED), 2);
    fixture_tick(&f, f.config.receipt_ms);
    assert_int_equal(verdicts(0, VERDICT_HELD), 0);
    fixture_close(&f);
}

static void test_a_result_that_waits_gets_one_receipt_in_time(void **state)
{
    (void)state;
    struct lease leases[2];
    open_with_one_held(leases);
    assert_int_equal(core_deadline(f.core), f.now + f.config.receipt_ms);
    fixture_tick(&f, f.config.receipt_ms);
    assert_int_equal(verdicts(0, VERDICT_HELD), 1);
    assert_true(
        lease_key_equal(fixture_last(&f, 0, MESSAGE_VERDICT)->verdict.lease, leases[1].key));
    assert_true(core_deadline(f.core) > f.now);
    fixture_tick(&f, 10 * f.config.receipt_ms);
    assert_int_equal(verdicts(0, VERDICT_HELD), 1);
    fixture_close(&f);
}

static void test_whoever_repeats_itself_is_told_at_once(void **state)
{
    (void)state;
    struct lease leases[2];
    open_with_one_held(leases);
    struct result result = fixture_result(&leases[1]);
    fixture_give(&f, 0, &result);
    assert_int_equal(verdicts(0, VERDICT_HELD), 1);
    fixture_tick(&f, f.config.receipt_ms);
    assert_int_equal(verdicts(0, VERDICT_HELD), 1);
    fixture_close(&f);
}

static void test_a_flood_of_receipts_is_cut_into_steps(void **state)
{
    (void)state;
    enum { JOBS = 300 };
    fixture_open(&f, "random", JOBS, JOBS);
    fixture_start(&f);
    fixture_hello(&f, 0, JOBS);
    struct lease first, lease;
    assert_true(fixture_take_lease(&f, 0, &first));
    while (fixture_take_lease(&f, 0, &lease)) {
        struct result result = fixture_result(&lease);
        fixture_give(&f, 0, &result);
    }
    fixture_tick(&f, f.config.receipt_ms);
    assert_in_range(verdicts(0, VERDICT_HELD), 1, JOBS - 2);
    assert_true(core_deadline(f.core) <= f.now);
    fixture_settle(&f);
    assert_int_equal(verdicts(0, VERDICT_HELD), JOBS - 1);
    fixture_close(&f);
}

/* Which worker the next job went to, and how many in a row after it. */
static uint32_t run_of_leases(uint32_t from)
{
    uint32_t run = 0;
    for (uint32_t i = from; i < f.mail_count; i++) {
        if (f.mail[i].message.kind != MESSAGE_LEASE)
            continue;
        if (run > 0 && !instance_equal(&f.mail[i].to, &f.mail[from].to))
            break;
        from = run == 0 ? i : from;
        run++;
    }
    return run;
}

/* Two workers of so many slots come to jobs that wait: how many does the first get in a row? */
static uint32_t turn_of(uint32_t slots)
{
    fixture_open(&f, "random", 64, 64);
    f.config.epoch = 2; /* nothing is leased before workers had time to join */
    fixture_start(&f);
    fixture_hello(&f, 0, slots);
    fixture_hello(&f, 1, slots);
    fixture_tick(&f, f.config.reattach_ms);
    uint32_t run = run_of_leases(0);
    assert_in_range(fixture_count(&f, 1, MESSAGE_LEASE), 1, slots);
    fixture_close(&f);
    return run;
}

static void test_workers_take_turns_by_their_size(void **state)
{
    (void)state;
    assert_int_equal(turn_of(1), 1);
    assert_int_equal(turn_of(4), 1);
    assert_int_equal(turn_of(16), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_result_that_is_released_soon_gets_no_receipt),
        cmocka_unit_test(test_a_result_that_waits_gets_one_receipt_in_time),
        cmocka_unit_test(test_whoever_repeats_itself_is_told_at_once),
        cmocka_unit_test(test_a_flood_of_receipts_is_cut_into_steps),
        cmocka_unit_test(test_workers_take_turns_by_their_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
