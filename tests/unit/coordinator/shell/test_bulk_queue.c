/* test_bulk_queue.c: requests for bytes are answered in fair turns, and nobody's are endless. */
#include "coordinator/shell/bulk_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct bulk_request request_of(uint32_t worker, uint64_t offset)
{
    return (struct bulk_request){
        .by = {{1, (uint8_t)worker, (uint8_t)(worker >> 8)}},
        .pull = {.offset = offset, .length = 1},
    };
}

static bool add(struct bulk_queue *queue, uint32_t worker, uint64_t offset)
{
    struct bulk_request request = request_of(worker, offset);
    return bulk_queue_add(queue, &request);
}

static void expect(struct bulk_queue *queue, uint32_t worker, uint64_t offset)
{
    struct bulk_request request, expected = request_of(worker, offset);
    assert_true(bulk_queue_next(queue, &request));
    assert_true(instance_equal(&request.by, &expected.by));
    assert_int_equal(request.pull.offset, offset);
}

static struct bulk_queue *make(void)
{
    struct bulk_queue *queue = bulk_queue_create();
    assert_non_null(queue);
    return queue;
}

static void expect_empty(struct bulk_queue *queue)
{
    struct bulk_request request;
    assert_false(bulk_queue_next(queue, &request));
    assert_int_equal(bulk_queue_count(queue), 0);
}

static void test_one_workers_requests_keep_their_order(void **state)
{
    (void)state;
    struct bulk_queue *queue = make();
    for (uint64_t i = 0; i < 5; i++)
        assert_true(add(queue, 1, i));
    for (uint64_t i = 0; i < 5; i++)
        expect(queue, 1, i);
    expect_empty(queue);
    bulk_queue_destroy(&queue);
}

static void test_who_asks_for_little_does_not_wait_for_who_asks_for_much(void **state)
{
    (void)state;
    struct bulk_queue *queue = make();
    for (uint64_t i = 0; i < BULK_QUEUE_EACH; i++)
        assert_true(add(queue, 1, i));
    assert_true(add(queue, 2, 100));
    assert_true(add(queue, 3, 200));
    assert_true(add(queue, 2, 101));
    expect(queue, 1, 0);
    expect(queue, 2, 100);
    expect(queue, 3, 200);
    expect(queue, 1, 1);
    expect(queue, 2, 101);
    for (uint64_t i = 2; i < BULK_QUEUE_EACH; i++)
        expect(queue, 1, i);
    expect_empty(queue);
    bulk_queue_destroy(&queue);
}

static void test_a_worker_that_asks_for_too_much_takes_no_place_of_others(void **state)
{
    (void)state;
    struct bulk_queue *queue = make();
    for (uint64_t i = 0; i < BULK_QUEUE_EACH; i++)
        assert_true(add(queue, 1, i));
    assert_false(add(queue, 1, 1000));
    assert_int_equal(bulk_queue_count(queue), BULK_QUEUE_EACH);
    assert_true(add(queue, 2, 0));
    expect(queue, 1, 0);
    assert_true(add(queue, 1, 1000)); /* one was answered: there is room for one */
    assert_false(add(queue, 1, 1001));
    bulk_queue_destroy(&queue);
}

static void test_all_together_are_bounded_and_all_room_comes_back(void **state)
{
    (void)state;
    struct bulk_queue *queue = make();
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < BULK_QUEUE_ALL; i++)
            assert_true(add(queue, i, i));
        assert_false(add(queue, BULK_QUEUE_ALL, 0));
        for (uint32_t i = 0; i < BULK_QUEUE_ALL; i++)
            expect(queue, i, i);
        expect_empty(queue);
    }
    bulk_queue_destroy(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_workers_requests_keep_their_order),
        cmocka_unit_test(test_who_asks_for_little_does_not_wait_for_who_asks_for_much),
        cmocka_unit_test(test_a_worker_that_asks_for_too_much_takes_no_place_of_others),
        cmocka_unit_test(test_all_together_are_bounded_and_all_room_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
