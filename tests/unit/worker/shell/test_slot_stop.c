/*
 * test_slot_stop.c: real slot processes that are asked to stop: what they hand over, and that it
 * goes on from there.
 */
#include "slot_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char SPEC[] = "evaluator = null\nnull.dim = 8\n";
static const char MINUTE_SPEC[] = "evaluator = null\nnull.dim = 8\nnull.work_ms = 60000\n";

/* The slot begins a job of a minute and is asked to stop. */
static struct handover start_and_stop(struct slot_fixture *slots, const struct lease *lease)
{
    slot_pool_run(slots->pool, 0, lease);
    slot_pool_stop(slots->pool, 0);
    struct slot_event event = slot_fixture_expect(slots, SLOT_EVENT_HANDED_OVER);
    struct digest description = job_digest(&lease->job);
    assert_int_equal(event.slot, 0);
    assert_true(lease_key_equal(event.handover.lease, lease->key));
    assert_true(digest_equal(&event.handover.job, &description));
    return event.handover;
}

static void test_a_job_is_handed_over_and_goes_on_in_another_slot(void **state)
{
    struct slot_fixture *slots = *state;
    struct digest spec = slot_fixture_spec(slots, MINUTE_SPEC);
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    struct lease lease = slot_fixture_lease(0, &spec);
    struct handover first = start_and_stop(slots, &lease);
    assert_true(first.partial.steps > 0 && first.partial.bytes > 0);
    assert_true(file_exists(fixture_blob_path(slots->fixture, "c", &first.partial.state)));
    assert_int_equal(cache_measure(slots->cache).pinned_entries, 2); /* the spec is one */
    /* Each stop carries it further, if it goes on where it was. */
    lease.partial = first.partial;
    struct handover second = start_and_stop(slots, &lease);
    assert_int_equal(second.partial.steps, 2 * first.partial.steps);
}

/* A state of another job, or none at all: from the beginning. */
static void test_a_state_that_does_not_fit_is_passed_over(void **state)
{
    struct slot_fixture *slots = *state;
    struct digest spec = slot_fixture_spec(slots, MINUTE_SPEC);
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    struct lease lease = slot_fixture_lease(0, &spec);
    struct handover first = start_and_stop(slots, &lease);
    lease.partial = first.partial;
    /* The order to stop is there before the job begins, so each goes equally far. */
    struct lease other = slot_fixture_lease(1, &spec);
    other.partial = lease.partial;
    assert_int_equal(start_and_stop(slots, &other).partial.steps, first.partial.steps);
    lease.partial.state = blob_digest(10, 1); /* not in the cache */
    assert_int_equal(start_and_stop(slots, &lease).partial.steps, first.partial.steps);
}

static void test_an_order_to_stop_that_comes_too_late_means_nothing(void **state)
{
    struct slot_fixture *slots = *state;
    struct digest spec = slot_fixture_spec(slots, SPEC);
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    slot_pool_stop(slots->pool, 0); /* it is idle */
    for (uint64_t job = 0; job < 20; job++) {
        struct lease lease = slot_fixture_lease(job, &spec);
        slot_pool_run(slots->pool, 0, &lease);
        slot_pool_stop(slots->pool, 0);
        struct slot_event event = slot_fixture_expect(slots, SLOT_EVENT_FINISHED);
        assert_int_equal(event.result->outcome, OUTCOME_OK);
    }
}

int main(int argc, char **argv)
{
    int code = slot_fixture_main(argc, argv);
    if (code >= 0)
        return code;
#define TEST(name) cmocka_unit_test_setup_teardown(name, slot_fixture_setup, slot_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_job_is_handed_over_and_goes_on_in_another_slot),
        TEST(test_a_state_that_does_not_fit_is_passed_over),
        TEST(test_an_order_to_stop_that_comes_too_late_means_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
