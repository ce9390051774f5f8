/*
 * test_allocation.c: the worker's core takes all its memory when it is created; a step takes none.
 */
#include "random_life.h"

#include "tests/unit/allocation_counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LIVES = 5, STEPS = 2000 };

static void test_a_step_allocates_nothing(void **state)
{
    (void)state;
    uint64_t before = allocations();
    void *volatile block = malloc(1); /* volatile: a compiler may leave out an unused pair */
    free(block);
    assert_true(allocations() > before); /* the counter counts */
    for (uint64_t seed = 1; seed <= LIVES; seed++)
        random_life_run(seed, STEPS, allocations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_step_allocates_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
