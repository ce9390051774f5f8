/*
 * test_simulator.c: what one has to be able to rely on when a seed fails: it fails again, and
 * alone.
 */
#include "tests/simulation/seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 40 };

static struct simulation_result run(uint64_t seed, const char *faults)
{
    struct seed_setup setup = {.seed = seed};
    struct error error;
    assert_int_equal(fault_choice_parse(faults, &setup.faults, &error), 0);
    return seed_run(&setup);
}

static void a_seed_is_the_same_whenever_it_runs(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct simulation_result first = run(seed, "default");
        struct simulation_result again = run(seed, "default");
        assert_int_equal(first.failure.kind, FAILURE_NONE);
        assert_true(digest_equal(&first.digest, &again.digest));
        assert_int_equal(first.simulated_ms, again.simulated_ms);
        assert_int_equal(first.datagrams, again.datagrams);
        assert_int_equal(first.evaluations, again.evaluations);
        assert_memory_equal(first.fault_counts, again.fault_counts, sizeof first.fault_counts);
    }
}

static void faults_that_are_off_do_not_happen(void **state)
{
    (void)state;
    static const uint64_t none[FAULT_COUNT];
    uint64_t losses = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct simulation_result calm = run(seed, "none");
        assert_memory_equal(calm.fault_counts, none, sizeof none);
        struct simulation_result lossy = run(seed, "loss");
        losses += lossy.fault_counts[FAULT_LOSS];
        lossy.fault_counts[FAULT_LOSS] = 0;
        assert_memory_equal(lossy.fault_counts, none, sizeof none);
    }
    assert_true(losses > 0);
}

static void fault_lists_are_read(void **state)
{
    (void)state;
    struct fault_choice choice;
    struct error error;
    assert_int_equal(fault_choice_parse("default,-poison,loss", &choice, &error), 0);
    assert_int_equal(choice.allowed >> FAULT_POISON & 1, 0);
    assert_int_equal(choice.allowed >> FAULT_STOP & 1, 1);
    assert_int_equal(choice.forced, 1u << FAULT_LOSS);
    assert_int_equal(fault_choice_parse("loss,hail", &choice, &error), -1);
    assert_non_null(strstr(error.text, "hail"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_is_the_same_whenever_it_runs),
        cmocka_unit_test(faults_that_are_off_do_not_happen),
        cmocka_unit_test(fault_lists_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
