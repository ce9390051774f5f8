/*
 * test_allocation.c: a core takes all its memory when it is created; stepping it takes none.
 *
 * A whole run with second opinions, losses and a stop is stepped, and the count must not move.
 */
#include "coordinator/core/explain.h"
#include "core_fixture.h"

#include "tests/unit/allocation_counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fixture f;

/* Views take no memory either. */
static void ask_why(void)
{
    struct job_explanation job;
    struct line_explanation line;
    struct worker_explanation worker;
    struct instance_id found[2];
    for (uint64_t number = 0; number < 20; number++)
        core_explain_job(f.core, (struct job_key){0, number}, &job);
    assert_true(core_explain_line(f.core, 0, &line));
    assert_int_equal(core_find_workers(f.core, "w0", found, 2), 1);
    assert_true(core_explain_worker(f.core, &found[0], &worker));
    assert_int_not_equal(core_explain_run(f.core), RUN_IS_OVER);
}

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
        ask_why();
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
