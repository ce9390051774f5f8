/* test_task_heap.c: the heap against a plain search for the smallest key. */
#include "worker/core/task_heap.h"

#include "common/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TASKS = 64, STEPS = 20000 };

static struct task_heap *heap_make(void)
{
    struct task_heap *heap = calloc(1, sizeof *heap);
    assert_non_null(heap);
    return heap;
}

static void test_first_is_the_smallest(void **state)
{
    (void)state;
    struct task_heap *heap = heap_make();
    task_heap_set(heap, 5, 30);
    task_heap_set(heap, 6, 10);
    task_heap_set(heap, 7, 20);
    assert_int_equal(task_heap_first(heap).task, 6);
    assert_int_equal(task_heap_first(heap).key, 10);
    task_heap_set(heap, 6, 40);
    assert_int_equal(task_heap_first(heap).task, 7);
    task_heap_remove(heap, 7);
    assert_int_equal(task_heap_first(heap).task, 5);
    assert_false(task_heap_holds(heap, 7));
    assert_true(task_heap_holds(heap, 6));
    assert_int_equal(heap->count, 2);
    free(heap);
}

static void test_removing_what_is_not_there_changes_nothing(void **state)
{
    (void)state;
    struct task_heap *heap = heap_make();
    task_heap_set(heap, 1, 1);
    task_heap_remove(heap, 2);
    assert_int_equal(heap->count, 1);
    free(heap);
}

static void test_takes_every_row_of_the_table(void **state)
{
    (void)state;
    struct task_heap *heap = heap_make();
    for (uint32_t i = 0; i < HELD_MAX; i++)
        task_heap_set(heap, i, (uint64_t)i * 2654435761u % 4096);
    uint64_t last = 0;
    for (uint32_t i = 0; i < HELD_MAX; i++) {
        struct task_heap_node first = task_heap_first(heap);
        assert_true(first.key >= last);
        last = first.key;
        task_heap_remove(heap, first.task);
    }
    assert_int_equal(heap->count, 0);
    free(heap);
}

static void test_random_changes(void **state)
{
    (void)state;
    struct task_heap *heap = heap_make();
    struct random random = random_open(1, 0, 0, RANDOM_STRATEGY);
    uint64_t keys[TASKS];
    for (uint32_t i = 0; i < TASKS; i++)
        keys[i] = UINT64_MAX; /* not there */
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t task = random_below(&random, TASKS);
        if (random_below(&random, 3) == 0) {
            keys[task] = UINT64_MAX;
            task_heap_remove(heap, task);
        } else {
            keys[task] = random_below(&random, 1000);
            task_heap_set(heap, task, keys[task]);
        }
        uint64_t least = UINT64_MAX;
        uint32_t count = 0;
        for (uint32_t i = 0; i < TASKS; i++) {
            least = keys[i] < least ? keys[i] : least;
            count += keys[i] != UINT64_MAX;
            assert_int_equal(task_heap_holds(heap, i), keys[i] != UINT64_MAX);
        }
        assert_int_equal(heap->count, count);
        if (count > 0) {
            assert_int_equal(task_heap_first(heap).key, least);
            assert_int_equal(keys[task_heap_first(heap).task], least);
        }
    }
    free(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_is_the_smallest),
        cmocka_unit_test(test_removing_what_is_not_there_changes_nothing),
        cmocka_unit_test(test_takes_every_row_of_the_table),
        cmocka_unit_test(test_random_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
