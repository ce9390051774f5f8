/* test_numeric.c: which numeric classes a run accepts, and for how long. */
#include "core_fixture.h"

#include "common/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char HASWELL[] = "openblas-0.3.21-Haswell-1";
/* 32 letters: the longest that there is. */
static const char SAPPHIRE[] = "openblas-0.3.21-Sapphirerapids-1";

static struct fixture f;

static void open_native(enum commit_mode mode)
{
    fixture_open(&f, "random", 8, 2);
    f.config.mode = mode;
    snprintf(f.config.numeric, sizeof f.config.numeric, "native");
    fixture_start(&f);
}

static void expect_refused(uint32_t worker, const char *numeric, const char *reason)
{
    uint32_t before = core_summary(f.core).workers;
    fixture_hello_as(&f, worker, 1, numeric);
    assert_int_equal(core_summary(f.core).workers, before);
    const struct message *refused = fixture_last(&f, worker, MESSAGE_REFUSED);
    assert_non_null(refused);
    assert_int_equal(refused->refused.code, REFUSED_NUMERIC);
    assert_string_equal(refused->refused.reason, reason);
}

static void expect_welcome(uint32_t worker, const char *numeric)
{
    fixture_hello_as(&f, worker, 1, numeric);
    const struct message *welcome = fixture_last(&f, worker, MESSAGE_WELCOME);
    assert_non_null(welcome);
    assert_string_equal(welcome->welcome.numeric, numeric);
}

static void test_a_portable_run_names_the_class_that_it_needs(void **state)
{
    (void)state;
    fixture_open(&f, "random", 8, 2);
    fixture_start(&f);
    expect_refused(0, HASWELL,
                   "does not offer portable, the numeric class of this run; an ordered run has "
                   "one");
    expect_welcome(1, "portable");
    fixture_close(&f);
}

static void test_the_first_native_worker_settles_the_class(void **state)
{
    (void)state;
    open_native(COMMIT_ORDERED);
    expect_refused(0, "portable",
                   "offers no native numeric class (openblas-...), which this run needs");
    expect_refused(1, "openblas", /* not even a name that begins like one */
                   "offers no native numeric class (openblas-...), which this run needs");
    expect_welcome(2, SAPPHIRE);
    expect_refused(3, HASWELL,
                   "does not offer openblas-0.3.21-Sapphirerapids-1, the numeric class of this "
                   "run; an ordered run has one");
    expect_welcome(4, SAPPHIRE);
    fixture_close(&f);
}

static void test_of_several_classes_the_first_that_fits_is_taken(void **state)
{
    (void)state;
    open_native(COMMIT_ORDERED);
    expect_welcome(0, SAPPHIRE);
    struct message message = {.kind = MESSAGE_HELLO};
    struct hello *hello = &message.hello;
    snprintf(hello->engine_version, sizeof hello->engine_version, "%s", RATCHET_VERSION);
    snprintf(hello->name, sizeof hello->name, "w1");
    hello->instance = fixture_worker(1);
    hello->home.bytes[0] = 9;
    hello->slots = hello->beat.capacity = 1;
    hello->numeric_count = 3;
    snprintf(hello->numeric[0], sizeof hello->numeric[0], "portable");
    snprintf(hello->numeric[1], sizeof hello->numeric[1], "%s", HASWELL);
    snprintf(hello->numeric[2], sizeof hello->numeric[2], "%s", SAPPHIRE);
    fixture_say(&f, 1, &message);
    assert_string_equal(fixture_last(&f, 1, MESSAGE_WELCOME)->welcome.numeric, SAPPHIRE);
    fixture_close(&f);
}

static void test_the_class_survives_a_restart_once_something_is_committed(void **state)
{
    (void)state;
    open_native(COMMIT_ORDERED);
    expect_welcome(0, HASWELL);
    fixture_restart(&f); /* nothing depends on it yet */
    expect_welcome(1, SAPPHIRE);
    fixture_tick(&f, f.config.reattach_ms);
    fixture_do(&f, 1);
    assert_int_equal(f.record_count, 1);
    assert_string_equal(f.records[0].commit.numeric, SAPPHIRE);
    fixture_restart(&f);
    expect_refused(0, HASWELL,
                   "does not offer openblas-0.3.21-Sapphirerapids-1, the numeric class of this "
                   "run; an ordered run has one");
    expect_welcome(1, SAPPHIRE);
    fixture_close(&f);
}

static void test_a_class_without_a_result_goes_with_its_last_worker(void **state)
{
    (void)state;
    open_native(COMMIT_ORDERED);
    expect_welcome(0, HASWELL);
    struct message goodbye = {.kind = MESSAGE_GOODBYE, .epoch = f.config.epoch};
    fixture_say(&f, 0, &goodbye);
    expect_welcome(1, SAPPHIRE);
    fixture_do(&f, 1);
    fixture_say(&f, 1, &goodbye);
    assert_int_equal(core_summary(f.core).workers, 0);
    expect_refused(2, HASWELL,
                   "does not offer openblas-0.3.21-Sapphirerapids-1, the numeric class of this "
                   "run; an ordered run has one");
    fixture_close(&f);
}

static void test_a_commit_of_another_class_is_named(void **state)
{
    (void)state;
    open_native(COMMIT_ORDERED);
    expect_welcome(0, HASWELL);
    fixture_do(&f, 0);
    fixture_do(&f, 0);
    assert_int_equal(f.record_count, 2);
    core_destroy(&f.core);
    f.records[0].commit.numeric[0] = '\0'; /* as of poison that was committed as failed */
    struct error error;
    f.core = core_create(&f.config, &error);
    assert_int_equal(core_replay(f.core, &f.records[0], &error), 0);
    assert_int_equal(core_replay(f.core, &f.records[1], &error), 0);
    core_destroy(&f.core);
    snprintf(f.records[0].commit.numeric, sizeof f.records[0].commit.numeric, "%s", SAPPHIRE);
    f.core = core_create(&f.config, &error);
    assert_int_equal(core_replay(f.core, &f.records[0], &error), 0);
    assert_int_equal(core_replay(f.core, &f.records[1], &error), -1);
    assert_string_equal(error.text, "commit 2: numeric: openblas-0.3.21-Haswell-1, but the run "
                                    "computes in openblas-0.3.21-Sapphirerapids-1");
    core_destroy(&f.core);
}

static void test_in_arrival_mode_native_classes_work_side_by_side(void **state)
{
    (void)state;
    open_native(COMMIT_ARRIVAL);
    expect_welcome(0, HASWELL);
    expect_welcome(1, SAPPHIRE);
    expect_refused(2, "portable",
                   "offers no native numeric class (openblas-...), which this run needs");
    fixture_run(&f, 2);
    assert_true(f.finished);
    struct digest digest = core_digest(f.core);
    fixture_restart(&f);
    struct digest again = core_digest(f.core);
    assert_true(digest_equal(&digest, &again));
    fixture_close(&f);

    fixture_open(&f, "random", 8, 2); /* and of a portable experiment: any */
    f.config.mode = COMMIT_ARRIVAL;
    f.config.numeric[0] = '\0';
    fixture_start(&f);
    expect_welcome(0, HASWELL);
    expect_welcome(1, "portable");
    fixture_close(&f);
}

static struct lease open_with_a_first_result(void)
{
    fixture_open(&f, "random", 8, 1);
    f.config.mode = COMMIT_ARRIVAL;
    f.config.opinion_promising = true;
    snprintf(f.config.numeric, sizeof f.config.numeric, "native");
    fixture_start(&f);
    expect_welcome(0, HASWELL);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    return lease;
}

static void test_an_opinion_is_asked_of_the_same_class_first(void **state)
{
    (void)state;
    struct lease lease = open_with_a_first_result(), opinion;
    expect_welcome(1, SAPPHIRE);
    expect_welcome(2, HASWELL);
    struct result result = fixture_result(&lease);
    fixture_give(&f, 0, &result);
    assert_false(fixture_take_lease(&f, 1, &opinion));
    assert_true(fixture_take_lease(&f, 2, &opinion));
    assert_int_equal(opinion.reason, LEASE_PROMISING);
    fixture_close(&f);
}

/* Its bits are another class's: that they differ says nothing. */
static void test_an_opinion_of_another_class_contradicts_nobody(void **state)
{
    (void)state;
    struct lease lease = open_with_a_first_result(), opinion;
    expect_welcome(1, SAPPHIRE);
    struct result result = fixture_result(&lease);
    fixture_give(&f, 0, &result);
    assert_int_equal(core_summary(f.core).commits, 0);
    assert_true(fixture_take_lease(&f, 1, &opinion));
    assert_int_equal(opinion.reason, LEASE_PROMISING);
    struct result second = fixture_result(&opinion);
    second.fitness *= 1 + 0x1p-50;
    fixture_give(&f, 1, &second);
    assert_int_equal(core_summary(f.core).commits, 1);
    assert_true(f.records[0].commit.fitness == result.fitness);
    assert_int_equal(f.notes[NOTE_OPINION_DIFFERS] + f.notes[NOTE_WORKER_BENCHED], 0);
    fixture_close(&f);
}

/* Of two of one class one is wrong; who that is, only a third of that class can say. */
static void test_a_dispute_is_not_settled_by_another_class(void **state)
{
    (void)state;
    struct lease lease = open_with_a_first_result(), opinion;
    expect_welcome(1, HASWELL);
    struct result result = fixture_result(&lease);
    fixture_give(&f, 0, &result);
    assert_true(fixture_take_lease(&f, 1, &opinion));
    expect_welcome(2, SAPPHIRE);
    struct result second = fixture_result(&opinion);
    second.fitness += 1;
    fixture_give(&f, 1, &second);
    assert_int_equal(f.notes[NOTE_OPINION_DIFFERS], 1);
    assert_true(fixture_take_lease(&f, 2, &opinion)); /* nobody else is there */
    expect_welcome(3, HASWELL);
    second = fixture_result(&opinion);
    fixture_give(&f, 2, &second);
    assert_int_equal(core_summary(f.core).commits, 0);
    assert_int_equal(f.notes[NOTE_WORKER_BENCHED], 0);
    assert_true(fixture_take_lease(&f, 3, &opinion));
    assert_int_equal(opinion.reason, LEASE_PROMISING);
    second = fixture_result(&opinion);
    fixture_give(&f, 3, &second);
    assert_int_equal(core_summary(f.core).commits, 1);
    assert_int_equal(f.notes[NOTE_WORKER_BENCHED], 1);
    fixture_close(&f);
}

/* Nobody of that class is left to say who is wrong: the job is done again, by somebody else. */
static void test_what_no_class_can_settle_is_done_again(void **state)
{
    (void)state;
    struct lease lease = open_with_a_first_result(), opinion, again;
    expect_welcome(1, HASWELL);
    struct result result = fixture_result(&lease);
    fixture_give(&f, 0, &result);
    assert_true(fixture_take_lease(&f, 1, &opinion));
    expect_welcome(2, SAPPHIRE);
    struct result second = fixture_result(&opinion);
    second.fitness += 1;
    fixture_give(&f, 1, &second);
    assert_true(fixture_take_lease(&f, 2, &opinion));
    second = fixture_result(&opinion);
    fixture_give(&f, 2, &second);
    assert_int_equal(core_summary(f.core).commits, 0);
    assert_true(fixture_take_lease(&f, 1, &again) || fixture_take_lease(&f, 2, &again));
    assert_int_equal(again.job.kind, JOB_MUTATE);
    assert_true(job_key_equal(again.key.job, lease.key.job));
    assert_int_equal(f.notes[NOTE_JOB_QUARANTINED], 0);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_portable_run_names_the_class_that_it_needs),
        cmocka_unit_test(test_the_first_native_worker_settles_the_class),
        cmocka_unit_test(test_of_several_classes_the_first_that_fits_is_taken),
        cmocka_unit_test(test_the_class_survives_a_restart_once_something_is_committed),
        cmocka_unit_test(test_a_class_without_a_result_goes_with_its_last_worker),
        cmocka_unit_test(test_a_commit_of_another_class_is_named),
        cmocka_unit_test(test_in_arrival_mode_native_classes_work_side_by_side),
        cmocka_unit_test(test_an_opinion_is_asked_of_the_same_class_first),
        cmocka_unit_test(test_an_opinion_of_another_class_contradicts_nobody),
        cmocka_unit_test(test_a_dispute_is_not_settled_by_another_class),
        cmocka_unit_test(test_what_no_class_can_settle_is_done_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
