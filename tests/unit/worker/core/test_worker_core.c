/*
 * test_worker_core.c: what holds in every step, whatever happens.
 *
 * Random lives, with the model's checks on each step.
 */
#include "random_life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LIVES = 60, STEPS = 2000 };

static void test_random_lives_keep_every_promise(void **state)
{
    (void)state;
    struct random_life all = {0};
    for (uint64_t seed = 1; seed <= LIVES; seed++) {
        struct random_life life = random_life_run(seed, STEPS, NULL);
        all.runs += life.runs;
        all.results += life.results;
        all.verdicts += life.verdicts;
        all.deaths += life.deaths;
        all.kills += life.kills;
        all.sweeps += life.sweeps;
        all.company += life.company;
    }
    /* The lives were worth living: each kind of thing happened often. */
    assert_true(all.runs > 1000);
    assert_true(all.results > 1000);
    assert_true(all.verdicts > 1000);
    assert_true(all.deaths > 100);
    assert_true(all.kills > 100);
    assert_true(all.sweeps > 100);
    assert_true(all.company > 100);
}

static void test_creation_alone_takes_memory_and_destruction_gives_it_back(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct error error;
    for (uint32_t i = 0; i < 100; i++) {
        struct worker_core *core = worker_core_create(&config, &error);
        assert_non_null(core);
        worker_core_destroy(&core);
        assert_null(core);
        worker_core_destroy(&core); /* of nothing: nothing */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_lives_keep_every_promise),
        cmocka_unit_test(test_creation_alone_takes_memory_and_destruction_gives_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
