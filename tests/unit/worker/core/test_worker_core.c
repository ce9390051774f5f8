/*
 * test_worker_core.c: what holds in every step, whatever happens.
 *
 * Random lives, with the model's checks on each step; and the promise that a step allocates
 * nothing, seen by counting.
 */
#include "random_life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOCATOR_IS_TAKEN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ALLOCATOR_IS_TAKEN 1
#endif
#endif

enum { LIVES = 60, STEPS = 2000 };

static volatile uint64_t allocation_count; /* volatile: a compiler knows that malloc leaves it alone
                                            */

static uint64_t allocations(void)
{
    return allocation_count;
}

#ifndef ALLOCATOR_IS_TAKEN
/* glibc's own, under the names by which replacements may call them. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    allocation_count++;
    return __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
    allocation_count++;
    return __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
    allocation_count++;
    return __libc_realloc(old, size);
}
#endif

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
    }
    /* The lives were worth living: each kind of thing happened often. */
    assert_true(all.runs > 1000);
    assert_true(all.results > 1000);
    assert_true(all.verdicts > 1000);
    assert_true(all.deaths > 100);
    assert_true(all.kills > 100);
    assert_true(all.sweeps > 100);
}

static void test_a_step_allocates_nothing(void **state)
{
    (void)state;
#ifdef ALLOCATOR_IS_TAKEN
    (void)allocations;
    print_message("skipped: a sanitizer has taken the allocator\n");
    skip();
#else
    uint64_t before = allocations();
    void *volatile block = malloc(1); /* volatile: a compiler may leave out an unused pair */
    free(block);
    assert_true(allocations() > before); /* the counter counts */
    for (uint64_t seed = 1; seed <= 5; seed++)
        random_life_run(seed, STEPS, allocations);
#endif
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
        cmocka_unit_test(test_a_step_allocates_nothing),
        cmocka_unit_test(test_creation_alone_takes_memory_and_destruction_gives_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
