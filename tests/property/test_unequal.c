/*
 * test_unequal.c: what unequal machines must make of their speed (unequal.h; `bench-unequal` prints
 * the same numbers). Virtual time: the numbers are exact.
 */
#include "tests/simulation/unequal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 3 };

struct shares {
    double of_ideal, of_first;
};

/* The worst of several seeds, all of which must commit all jobs, with one digest in ordered mode.
 */
static struct shares worst_of(const struct unequal_scenario *given)
{
    struct unequal_scenario scenario = *given;
    struct shares worst = {10, 1000};
    struct unequal_scenario plain = scenario;
    plain.sorts[0] = (struct unequal_sort){.workers = 1, .slots = 1, .job_ms = 10};
    struct digest digest = unequal_run_first_sort(&plain).digest;
    for (scenario.seed = 1; scenario.seed <= SEEDS; scenario.seed++) {
        struct unequal_result result = unequal_run(&scenario);
        struct unequal_result first = unequal_run_first_sort(&scenario);
        double of_ideal = result.ideal_ms / (double)result.ms;
        double of_first = (double)first.ms / (double)result.ms;
        assert_true(result.finished);
        assert_int_equal(result.commits, (uint64_t)given->lines * (given->jobs + 1));
        if (given->mode == COMMIT_ORDERED)
            assert_true(digest_equal(&result.digest, &digest));
        worst.of_ideal = of_ideal < worst.of_ideal ? of_ideal : worst.of_ideal;
        worst.of_first = of_first < worst.of_first ? of_first : worst.of_first;
    }
    return worst;
}

/* All scenarios of that name; at least one. */
static struct shares worst_named(const char *name)
{
    struct shares worst = {10, 1000};
    uint32_t found = 0;
    for (const struct unequal_scenario *at = unequal_scenarios; at->name != NULL; at++) {
        if (strcmp(at->name, name) != 0)
            continue;
        struct shares shares = worst_of(at);
        worst.of_ideal = shares.of_ideal < worst.of_ideal ? shares.of_ideal : worst.of_ideal;
        worst.of_first = shares.of_first < worst.of_first ? shares.of_first : worst.of_first;
        found++;
    }
    assert_true(found > 0);
    return worst;
}

static void a_slow_slot_costs_the_others_little(void **state)
{
    (void)state;
    static const char *const names[] = {
        "nine equal slots",
        "eight and one at a tenth",
        "the same with noise",
        "one becomes ten times slower",
        "four lines",
        "three speeds",
        "arrival",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (worst_named(names[i]).of_ideal < 0.95)
            fail_msg("%s: less than 95 %% of the ideal", names[i]);
}

/* Measuring 16 workers costs the fast one a few jobs; with a window that is wide enough they give
 * much more. */
static void a_fast_slot_is_never_held_up_by_slow_ones(void **state)
{
    (void)state;
    assert_true(worst_named("a GPU and 16 cores").of_first > 0.995);
    assert_true(worst_named("a GPU and 16 cores, a wide window").of_first > 1.1);
    assert_true(worst_named("a GPU and a machine of 16 slots").of_first > 1.1);
}

static void slow_workers_go_on_when_the_fast_ones_leave(void **state)
{
    (void)state;
    assert_true(worst_named("the fast ones leave").of_ideal > 0.9);
}

static void a_scenario_is_the_same_whenever_it_runs(void **state)
{
    (void)state;
    struct unequal_result first = unequal_run(&unequal_scenarios[2]);
    struct unequal_result again = unequal_run(&unequal_scenarios[2]);
    assert_int_equal(first.ms, again.ms);
    assert_int_equal(first.twins, again.twins);
    assert_int_equal(first.carried_out, again.carried_out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_slot_costs_the_others_little),
        cmocka_unit_test(a_fast_slot_is_never_held_up_by_slow_ones),
        cmocka_unit_test(slow_workers_go_on_when_the_fast_ones_leave),
        cmocka_unit_test(a_scenario_is_the_same_whenever_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
