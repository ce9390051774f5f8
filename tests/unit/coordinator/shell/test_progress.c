/* test_progress.c: the rate is that of the last seconds, the median that of the last commits. */
#include "coordinator/shell/progress.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_near(double value, double wanted, double within)
{
    if (!(fabs(value - wanted) <= within))
        fail_msg("%.17g is not %.17g", value, wanted);
}

static void add(struct progress *progress, double fitness)
{
    const struct commit_record record = {.fitness = fitness};
    progress_add_commit(progress, &record);
}

static void test_nothing_is_known_at_first(void **state)
{
    (void)state;
    struct progress progress;
    progress_init(&progress);
    assert_true(isnan(progress_rate(&progress)));
    assert_true(isnan(progress_median(&progress)));
    assert_true(isnan(progress_seconds_left(&progress, 10)));
    progress_mark(&progress, 1000, 5);
    assert_true(isnan(progress_rate(&progress)));
}

static void test_rate_forgets_what_is_long_ago(void **state)
{
    (void)state;
    struct progress progress;
    progress_init(&progress);
    /* 100 commits a second for a minute, then 10. */
    for (uint64_t ms = 0; ms <= 60000; ms += 250)
        progress_mark(&progress, ms, ms / 10);
    assert_near(progress_rate(&progress), 100, 1e-9);
    for (uint64_t ms = 250; ms <= 12000; ms += 250)
        progress_mark(&progress, 60000 + ms, 6000 + ms / 100);
    assert_near(progress_rate(&progress), 10, 0.5);
    assert_near(progress_seconds_left(&progress, 100), 10, 0.5);
}

static void test_marks_that_come_too_soon_are_skipped(void **state)
{
    (void)state;
    struct progress progress;
    progress_init(&progress);
    for (uint64_t ms = 0; ms < 100000; ms++)
        progress_mark(&progress, ms, ms);
    assert_near(progress_rate(&progress), 1000, 1e-9);
}

static void test_standstill_has_no_time_left(void **state)
{
    (void)state;
    struct progress progress;
    progress_init(&progress);
    progress_mark(&progress, 0, 7);
    progress_mark(&progress, 1000, 7);
    assert_near(progress_rate(&progress), 0, 0);
    assert_true(isnan(progress_seconds_left(&progress, 1)));
}

static void test_median_of_the_last(void **state)
{
    (void)state;
    struct progress progress;
    progress_init(&progress);
    add(&progress, 3);
    assert_near(progress_median(&progress), 3, 0);
    add(&progress, 1);
    assert_near(progress_median(&progress), 2, 0);
    add(&progress, (double)NAN);
    add(&progress, (double)-INFINITY);
    assert_near(progress_median(&progress), 2, 0);
    for (int i = 0; i < PROGRESS_RECENT; i++)
        add(&progress, 100 + i % 3);
    assert_near(progress_median(&progress), 101, 0);
}

static void test_final_evaluations_do_not_count(void **state)
{
    (void)state;
    struct progress progress;
    progress_init(&progress);
    const struct commit_record final = {.job.key.job = JOB_NUMBER_FINAL, .fitness = 5};
    progress_add_commit(&progress, &final);
    assert_true(isnan(progress_median(&progress)));
}

static void test_jobs_that_came_to_nothing(void **state)
{
    (void)state;
    struct progress progress;
    progress_init(&progress);
    static const enum outcome outcomes[] = {OUTCOME_OK, OUTCOME_DIVERGED, OUTCOME_FAILED,
                                            OUTCOME_DIVERGED};
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        struct commit_record record = {.outcome = outcomes[i], .fitness = (double)NAN};
        progress_add_commit(&progress, &record);
        record.job.key.job = JOB_NUMBER_FINAL;
        progress_add_commit(&progress, &record);
    }
    assert_int_equal(progress.diverged, 2);
    assert_int_equal(progress.failed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_known_at_first),
        cmocka_unit_test(test_rate_forgets_what_is_long_ago),
        cmocka_unit_test(test_marks_that_come_too_soon_are_skipped),
        cmocka_unit_test(test_standstill_has_no_time_left),
        cmocka_unit_test(test_median_of_the_last),
        cmocka_unit_test(test_final_evaluations_do_not_count),
        cmocka_unit_test(test_jobs_that_came_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
