/*
 * test_schedule.c: the learning rate of each step against the formulas in double with the C
 * library's functions, and the cosine behind it.
 */
#include "worker/engine/schedule.h"

#include "tests/reference/controls.h"
#include "worker/engine/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

/* -------------------------------------------------------------------------------- the cosine */

static void the_cosine_is_within_its_contract(void **state)
{
    (void)state;
    enum { STEPS = 1000003 };
    const long double pi = acosl(-1.0L);
    double worst = 0;
    for (uint32_t i = 0; i <= STEPS; i++) {
        double x = (double)i / STEPS;
        double error = fabs((double)((long double)portable_cosine(x) - cosl(pi * (long double)x)));
        worst = fmax(worst, error);
    }
    print_message("the cosine is off by at most %.3g\n", worst);
    assert_true(worst < 0x1p-52);
}

static void the_cosine_is_exact_where_it_can_be(void **state)
{
    (void)state;
    assert_true(portable_cosine(0) == 1);
    assert_true(portable_cosine(0.5) == 0);
    assert_true(portable_cosine(1) == -1);
    for (double x = 0; x < 0.5; x += 0x1p-9)
        assert_true(portable_cosine(1 - x) == -portable_cosine(x));
}

/* --------------------------------------------------------------------------------- schedules */

static void check(const struct schedule *schedule, uint64_t steps)
{
    const double lr = 0.3;
    for (uint64_t step = 0; step < steps; step++) {
        double rate = schedule_rate(schedule, lr, step);
        double expected = reference_rate(schedule, lr, step);
        if (!(fabs(rate - expected) <= 1e-15 * (1 + (double)step)))
            fail_msg("kind %d, step %u: %.17g, expected %.17g", (int)schedule->kind, (unsigned)step,
                     rate, expected);
    }
}

static void rates_are_their_formulas(void **state)
{
    (void)state;
    static const struct schedule schedules[] = {
        {.kind = SCHEDULE_CONSTANT},
        {.kind = SCHEDULE_COSINE, .steps = 1000},
        {.kind = SCHEDULE_COSINE, .steps = 1},
        {.kind = SCHEDULE_COSINE, .steps = 700, .final = 0.05},
        {.kind = SCHEDULE_SGDR, .restart_steps = 1, .restart_factor = 1},
        {.kind = SCHEDULE_SGDR, .restart_steps = 7, .restart_factor = 1, .final = 0.01},
        {.kind = SCHEDULE_SGDR, .restart_steps = 10, .restart_factor = 2},
        {.kind = SCHEDULE_SGDR, .restart_steps = 1, .restart_factor = 3, .final = 0.1},
        {.kind = SCHEDULE_SGDR, .restart_steps = 5, .restart_factor = 1000},
        {.kind = SCHEDULE_GEOMETRIC, .decay = 0.95, .decay_steps = 1},
        {.kind = SCHEDULE_GEOMETRIC, .decay = 0.5, .decay_steps = 20},
        {.kind = SCHEDULE_GEOMETRIC, .decay = 1, .decay_steps = 3},
    };
    for (size_t i = 0; i < sizeof schedules / sizeof schedules[0]; i++) {
        struct schedule schedule = schedules[i];
        check(&schedule, 1200);
        schedule.warmup = 1;
        check(&schedule, 1200);
        schedule.warmup = 13;
        schedule.steps += 13;
        check(&schedule, 1200);
    }
}

static void a_warm_up_ends_at_the_full_rate(void **state)
{
    (void)state;
    const struct schedule schedule = {.kind = SCHEDULE_COSINE, .warmup = 4, .steps = 14};
    assert_true(schedule_rate(&schedule, 0.8, 0) == 0.8 * 0.25);
    assert_true(schedule_rate(&schedule, 0.8, 3) == 0.8);
    assert_true(schedule_rate(&schedule, 0.8, 4) == 0.8);
    assert_true(schedule_rate(&schedule, 0.8, 9) == 0.4);
    assert_true(schedule_rate(&schedule, 0.8, 13) > 0);
    assert_true(schedule_rate(&schedule, 0.8, 14) == 0);
}

static void restarts_begin_at_the_full_rate(void **state)
{
    (void)state;
    const struct schedule schedule = {
        .kind = SCHEDULE_SGDR, .restart_steps = 3, .restart_factor = 2, .final = 0.25};
    static const uint64_t starts[] = {0, 3, 9, 21, 45};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        assert_true(schedule_rate(&schedule, 0.75, starts[i]) == 0.75);
        assert_true(starts[i] == 0 || schedule_rate(&schedule, 0.75, starts[i] - 1) < 0.5);
    }
    /* So late that the next stretch could not be counted. */
    const struct schedule late = {
        .kind = SCHEDULE_SGDR, .restart_steps = UINT64_C(1) << 40, .restart_factor = 1000};
    double rate = schedule_rate(&late, 1, UINT64_MAX - 1);
    assert_true(rate >= 0 && rate <= 1);
}

/* Lengths that do not fit what a caller promised leave the rate where it ends. */
static void a_cosine_stays_at_its_end(void **state)
{
    (void)state;
    const struct schedule schedule = {.kind = SCHEDULE_COSINE, .steps = 5, .final = 0.125};
    assert_true(schedule_rate(&schedule, 1, 5) == 0.125);
    assert_true(schedule_rate(&schedule, 1, UINT64_MAX) == 0.125);
    const struct schedule none = {.kind = SCHEDULE_COSINE, .steps = 5, .warmup = 5, .final = 0.125};
    assert_true(schedule_rate(&none, 1, 4) == 1);
    assert_true(schedule_rate(&none, 1, 5) == 0.125);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cosine_is_within_its_contract),
        cmocka_unit_test(the_cosine_is_exact_where_it_can_be),
        cmocka_unit_test(rates_are_their_formulas),
        cmocka_unit_test(a_warm_up_ends_at_the_full_rate),
        cmocka_unit_test(restarts_begin_at_the_full_rate),
        cmocka_unit_test(a_cosine_stays_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
