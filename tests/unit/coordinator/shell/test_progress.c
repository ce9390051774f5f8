/* test_progress.c: the rate is that of the last seconds, the median that of the last commits, and
 * operators are counted from the start. */
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
    assert_int_equal(progress_init(&progress), 0);
    assert_true(isnan(progress_rate(&progress)));
    assert_true(isnan(progress_median(&progress)));
    assert_true(isnan(progress_seconds_left(&progress, 10)));
    progress_mark(&progress, 1000, 5);
    assert_true(isnan(progress_rate(&progress)));
    progress_fini(&progress);
}

static void test_rate_forgets_what_is_long_ago(void **state)
{
    (void)state;
    struct progress progress;
    assert_int_equal(progress_init(&progress), 0);
    /* 100 commits a second for a minute, then 10. */
    for (uint64_t ms = 0; ms <= 60000; ms += 250)
        progress_mark(&progress, ms, ms / 10);
    assert_near(progress_rate(&progress), 100, 1e-9);
    for (uint64_t ms = 250; ms <= 12000; ms += 250)
        progress_mark(&progress, 60000 + ms, 6000 + ms / 100);
    assert_near(progress_rate(&progress), 10, 0.5);
    assert_near(progress_seconds_left(&progress, 100), 10, 0.5);
    progress_fini(&progress);
}

static void test_marks_that_come_too_soon_are_skipped(void **state)
{
    (void)state;
    struct progress progress;
    assert_int_equal(progress_init(&progress), 0);
    for (uint64_t ms = 0; ms < 100000; ms++)
        progress_mark(&progress, ms, ms);
    assert_near(progress_rate(&progress), 1000, 1e-9);
    progress_fini(&progress);
}

static void test_standstill_has_no_time_left(void **state)
{
    (void)state;
    struct progress progress;
    assert_int_equal(progress_init(&progress), 0);
    progress_mark(&progress, 0, 7);
    progress_mark(&progress, 1000, 7);
    assert_near(progress_rate(&progress), 0, 0);
    assert_true(isnan(progress_seconds_left(&progress, 1)));
    progress_fini(&progress);
}

static void test_median_of_the_last(void **state)
{
    (void)state;
    struct progress progress;
    assert_int_equal(progress_init(&progress), 0);
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
    progress_fini(&progress);
}

static void test_final_evaluations_do_not_count(void **state)
{
    (void)state;
    struct progress progress;
    assert_int_equal(progress_init(&progress), 0);
    const struct commit_record final = {.job.key.job = JOB_NUMBER_FINAL, .fitness = 5};
    progress_add_commit(&progress, &final);
    assert_true(isnan(progress_median(&progress)));
    progress_fini(&progress);
}

static void test_jobs_that_came_to_nothing(void **state)
{
    (void)state;
    struct progress progress;
    assert_int_equal(progress_init(&progress), 0);
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
    progress_fini(&progress);
}

/* ----------------------------------------------------------------------------------- operators */

struct birth {
    uint64_t job, parent; /* parent: NOBODY for a founder */
    uint32_t operator_index;
    double fitness;
    bool admitted;
};
#define NOBODY UINT64_MAX

static void bear(struct progress *progress, const struct birth *birth)
{
    struct commit_record record = {
        .job = {.key = {.line = 2, .job = birth->job}, .kind = JOB_MUTATE},
        .operator_index = birth->parent == NOBODY ? OPERATOR_INIT : birth->operator_index,
        .outcome = isnan(birth->fitness) ? OUTCOME_DIVERGED : OUTCOME_OK,
        .fitness = birth->fitness,
        .admitted = birth->admitted,
    };
    if (birth->parent != NOBODY) {
        record.job.parent_count = 1;
        record.parent_ids[0] = (struct job_key){.line = 2, .job = birth->parent};
    }
    progress_add_commit(progress, &record);
}

static void expect_counts(const struct progress *progress, uint32_t index,
                          struct progress_operator wanted)
{
    const struct progress_operator *counts = &progress->operators[index];
    assert_true(counts->tried == wanted.tried);
    assert_true(counts->compared == wanted.compared);
    assert_true(counts->improved == wanted.improved);
}

static void test_operators_are_counted(void **state)
{
    (void)state;
    static const struct birth births[] = {
        {.job = 0, .parent = NOBODY, .fitness = 0.5, .admitted = true},
        {.job = 1, .parent = 0, .operator_index = 3, .fitness = 0.6, .admitted = true},
        {.job = 2, .parent = 1, .operator_index = 3, .fitness = 0.6}, /* equal is not better */
        {.job = 3, .parent = 0, .operator_index = 1, .fitness = 0.4},
        {.job = 4, .parent = 1, .operator_index = 1, .fitness = (double)NAN},
        {.job = 5, .parent = 2, .operator_index = 1, .fitness = 0.9}, /* 2 was not admitted */
    };
    struct progress progress;
    assert_int_equal(progress_init(&progress), 0);
    /* A resumed run tells its ledger twice where more lines have to be open at once. */
    for (int life = 0; life < 2; life++) {
        progress_clear(&progress);
        for (size_t i = 0; i < sizeof births / sizeof births[0]; i++)
            bear(&progress, &births[i]);
        expect_counts(&progress, 3, (struct progress_operator){2, 2, 1});
        expect_counts(&progress, 1, (struct progress_operator){3, 1, 0});
        expect_counts(&progress, 0, (struct progress_operator){0, 0, 0});
    }
    progress_fini(&progress);
}

/* The last operator that there may be is counted, and the first number that is none is not. */
static void test_operators_are_counted_to_the_last(void **state)
{
    (void)state;
    struct progress progress;
    assert_int_equal(progress_init(&progress), 0);
    const struct fitness_table *parents = progress.parents; /* what lies behind the last one */
    bear(&progress,
         &(struct birth){.job = 1, .operator_index = OPERATORS_MAX, .fitness = (double)NAN});
    assert_ptr_equal(progress.parents, parents);
    bear(&progress,
         &(struct birth){.job = 2, .operator_index = OPERATORS_MAX - 1, .fitness = (double)NAN});
    expect_counts(&progress, OPERATORS_MAX - 1, (struct progress_operator){1, 0, 0});
    progress_fini(&progress);
}

static void test_what_was_cleared_is_no_parent(void **state)
{
    (void)state;
    struct progress progress;
    assert_int_equal(progress_init(&progress), 0);
    bear(&progress, &(struct birth){.job = 0, .parent = NOBODY, .fitness = 1, .admitted = true});
    progress_clear(&progress);
    bear(&progress, &(struct birth){.job = 1, .parent = 0, .fitness = 2});
    expect_counts(&progress, 0, (struct progress_operator){1, 0, 0});
    assert_near(progress_median(&progress), 2, 0);
    progress_fini(&progress);
}

static void test_a_champion_is_remembered(void **state)
{
    (void)state;
    struct progress progress;
    assert_int_equal(progress_init(&progress), 0);
    bear(&progress, &(struct birth){.job = 0, .parent = NOBODY, .fitness = 1, .admitted = true});
    for (uint64_t i = 1; i <= PROGRESS_PARENTS + 1000; i++)
        bear(&progress, &(struct birth){.job = i, .fitness = 2, .admitted = true});
    expect_counts(&progress, 0,
                  (struct progress_operator){PROGRESS_PARENTS + 1000, PROGRESS_PARENTS + 1000,
                                             PROGRESS_PARENTS + 1000});
    progress_fini(&progress);
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
        cmocka_unit_test(test_operators_are_counted),
        cmocka_unit_test(test_operators_are_counted_to_the_last),
        cmocka_unit_test(test_what_was_cleared_is_no_parent),
        cmocka_unit_test(test_a_champion_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
