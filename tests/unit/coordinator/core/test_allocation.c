/*
 * test_allocation.c: a core takes all its memory when it is created; stepping it takes none.
 *
 * A whole run with second opinions, losses and a stop is stepped, and the count must not move.
 */
#include "core_fixture.h"

#include "tests/unit/allocation_counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fixture f;

static void test_stepping_allocates_nothing(void **state)
{
    (void)state;
    const char *const names[] = {"ratchet", "tournament", "random"};
    for (int i = 0; i < 3; i++) {
        fixture_open(&f, names[i], 200, 8);
        f.config.opinion_promising = true;
        f.config.line_count = 4;
        f.config.open_lines = 2;
        uint64_t before = allocations();
        fixture_start(&f);
        assert_true(allocations() > before); /* the count counts */
        before = allocations();
        fixture_hello(&f, 0, 3);
        fixture_hello(&f, 1, 3);
        for (int tick = 0; tick < 40; tick++) {
            fixture_tick(&f, 500);
            fixture_beat(&f, 0, 3, NULL);
        }
        fixture_run(&f, 1);
        assert_true(f.finished);
        assert_int_equal(f.notes[NOTE_WORKER_LOST], 1);
        assert_int_equal(allocations(), before);
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stepping_allocates_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
