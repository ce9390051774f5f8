/*
 * test_transfer.c: pulling blobs, rule by rule.
 *
 * Chunks are handed to the machine one at a time, at times of the test's choosing. How the rules
 * work together when the network is bad is in test_transfer_network.c.
 */
#include "proto/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct transfer_limits small = {
    .concurrent = 2,
    .capacity = 4,
    .window = 3,
    .chunk_bytes = 100,
    .retry_ms = 50,
    .tries = 3,
};

static struct transfers *transfers;
static const struct instance_id alice = {{1}}, bob = {{2}};

static int set_up(void **state)
{
    (void)state;
    transfers = transfers_create(&small);
    return transfers == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    transfers_destroy(&transfers);
    return transfers != NULL;
}

static struct digest blob(uint32_t number)
{
    return digest_of(&number, sizeof number);
}

static struct transfer_id start(uint32_t number, uint64_t now_ms)
{
    struct digest digest = blob(number);
    return transfers_start(transfers, &alice, &digest, now_ms);
}

static struct chunk chunk_of(uint32_t number, uint64_t offset, uint32_t length, uint64_t total)
{
    return (struct chunk){
        .digest = blob(number), .offset = offset, .total = total, .length = length};
}

static struct transfer_step arrive(struct chunk chunk, uint64_t now_ms)
{
    return transfers_on_chunk(transfers, &alice, &chunk, now_ms);
}

static void expect_pull(uint64_t now_ms, uint32_t number, uint64_t offset, uint32_t length)
{
    struct instance_id peer;
    struct pull pull;
    struct digest digest = blob(number);
    assert_true(transfers_next_pull(transfers, now_ms, &peer, &pull));
    assert_memory_equal(&peer, &alice, sizeof peer);
    assert_true(digest_equal(&pull.digest, &digest));
    assert_int_equal(pull.offset, offset);
    assert_int_equal(pull.length, length);
}

static void expect_no_pull(uint64_t now_ms)
{
    struct instance_id peer;
    struct pull pull;
    assert_false(transfers_next_pull(transfers, now_ms, &peer, &pull));
}

static void expect_step(struct transfer_step step, enum transfer_outcome outcome,
                        struct transfer_id id)
{
    assert_int_equal(step.outcome, outcome);
    assert_int_equal(step.id.index, id.index);
    if (outcome != TRANSFER_IGNORED)
        assert_memory_equal(&step.peer, &alice, sizeof step.peer);
}

static void test_a_short_blob_takes_one_request(void **state)
{
    (void)state;
    assert_int_equal(transfers_deadline(transfers), UINT64_MAX);
    struct transfer_id id = start(1, 10);
    assert_int_equal(transfers_deadline(transfers), 0);
    expect_pull(10, 1, 0, 100);
    expect_no_pull(10);
    assert_int_equal(transfers_deadline(transfers), 60);
    expect_step(arrive(chunk_of(1, 0, 42, 42), 12), TRANSFER_COMPLETE, id);
    assert_int_equal(transfers_deadline(transfers), UINT64_MAX);
    expect_step(arrive(chunk_of(1, 0, 42, 42), 12), TRANSFER_IGNORED, TRANSFER_NONE);
}

static void test_an_empty_blob_takes_one_empty_chunk(void **state)
{
    (void)state;
    struct transfer_id id = start(1, 0);
    expect_pull(0, 1, 0, 100);
    expect_step(arrive(chunk_of(1, 0, 0, 0), 1), TRANSFER_COMPLETE, id);
}

static void test_the_window_opens_with_the_first_chunk(void **state)
{
    (void)state;
    struct transfer_id id = start(1, 0);
    expect_pull(0, 1, 0, 100);
    expect_step(arrive(chunk_of(1, 0, 100, 550), 1), TRANSFER_WRITE, id);
    expect_pull(1, 1, 100, 100);
    expect_pull(1, 1, 200, 100);
    expect_pull(1, 1, 300, 100);
    expect_no_pull(1);
    expect_step(arrive(chunk_of(1, 100, 100, 550), 2), TRANSFER_WRITE, id);
    expect_pull(2, 1, 400, 100);
    expect_no_pull(2);
    expect_step(arrive(chunk_of(1, 200, 100, 550), 3), TRANSFER_WRITE, id);
    expect_pull(3, 1, 500, 50);
    expect_step(arrive(chunk_of(1, 300, 100, 550), 4), TRANSFER_WRITE, id);
    expect_no_pull(4);
    expect_step(arrive(chunk_of(1, 400, 100, 550), 5), TRANSFER_WRITE, id);
    expect_step(arrive(chunk_of(1, 500, 50, 550), 6), TRANSFER_COMPLETE, id);
}

static void test_only_the_next_chunk_counts(void **state)
{
    (void)state;
    struct transfer_id id = start(1, 0);
    expect_pull(0, 1, 0, 100);
    expect_step(arrive(chunk_of(1, 100, 100, 550), 1), TRANSFER_IGNORED, TRANSFER_NONE);
    expect_step(arrive(chunk_of(1, 0, 100, 550), 1), TRANSFER_WRITE, id);
    expect_step(arrive(chunk_of(1, 0, 100, 550), 1), TRANSFER_IGNORED, TRANSFER_NONE);
    expect_step(arrive(chunk_of(1, 200, 100, 550), 1), TRANSFER_IGNORED, TRANSFER_NONE);
    expect_step(arrive(chunk_of(1, 150, 100, 550), 1), TRANSFER_IGNORED, TRANSFER_NONE);
    expect_step(arrive(chunk_of(1, 100, 0, 550), 1), TRANSFER_IGNORED, TRANSFER_NONE);
    expect_step(arrive(chunk_of(2, 100, 100, 550), 1), TRANSFER_IGNORED, TRANSFER_NONE);
    struct chunk next = chunk_of(1, 100, 100, 550);
    expect_step(transfers_on_chunk(transfers, &bob, &next, 1), TRANSFER_IGNORED, TRANSFER_NONE);
    expect_step(arrive(next, 1), TRANSFER_WRITE, id);
}

static void test_silence_goes_back_to_the_last_good_byte(void **state)
{
    (void)state;
    struct transfer_id id = start(1, 0);
    expect_pull(7, 1, 0, 100);
    expect_step(arrive(chunk_of(1, 0, 100, 400), 10), TRANSFER_WRITE, id);
    expect_pull(12, 1, 100, 100);
    expect_pull(12, 1, 200, 100);
    expect_pull(12, 1, 300, 100);
    assert_int_equal(transfers_deadline(transfers), 62);
    /* What does not count does not end the silence. */
    expect_step(arrive(chunk_of(1, 200, 100, 400), 60), TRANSFER_IGNORED, TRANSFER_NONE);
    expect_no_pull(61);
    expect_step(transfers_expire(transfers, 61), TRANSFER_IGNORED, TRANSFER_NONE);
    expect_step(transfers_expire(transfers, 62), TRANSFER_IGNORED, TRANSFER_NONE);
    expect_pull(62, 1, 100, 100);
    expect_pull(62, 1, 200, 100);
    /* A late answer to the first round is as good as one to the second. */
    expect_step(arrive(chunk_of(1, 100, 100, 400), 63), TRANSFER_WRITE, id);
    assert_int_equal(transfers_deadline(transfers), 0);
    expect_pull(63, 1, 300, 100);
    assert_int_equal(transfers_deadline(transfers), 113);
}

static void test_silence_is_given_up_after_so_many_periods(void **state)
{
    (void)state;
    struct transfer_id id = start(1, 0);
    expect_pull(0, 1, 0, 100);
    expect_no_pull(49);
    expect_pull(50, 1, 0, 100);
    expect_pull(100, 1, 0, 100);
    assert_int_equal(transfers_deadline(transfers), 150);
    expect_step(transfers_expire(transfers, 149), TRANSFER_IGNORED, TRANSFER_NONE);
    /* Whichever is called first: the third period ends it. */
    expect_no_pull(150);
    assert_int_equal(transfers_deadline(transfers), 0);
    expect_step(transfers_expire(transfers, 150), TRANSFER_FAILED, id);
    expect_step(transfers_expire(transfers, 150), TRANSFER_IGNORED, TRANSFER_NONE);
    struct digest digest = blob(1);
    assert_int_equal(transfers_find(transfers, &digest).index, TRANSFER_NONE.index);
    assert_int_equal(transfers_deadline(transfers), UINT64_MAX);
}

static void test_progress_forgives_silence(void **state)
{
    (void)state;
    struct transfer_id id = start(1, 0);
    for (uint32_t i = 0; i < 10; i++) {
        uint64_t now_ms = i * UINT64_C(1000);
        expect_pull(now_ms, 1, i * 100, 100);
        expect_no_pull(now_ms);
        expect_pull(now_ms + 50, 1, i * 100, 100);
        expect_pull(now_ms + 100, 1, i * 100, 100);
        expect_step(transfers_expire(transfers, now_ms + 149), TRANSFER_IGNORED, TRANSFER_NONE);
        expect_step(arrive(chunk_of(1, i * 100, 100, 1000), now_ms + 149),
                    i < 9 ? TRANSFER_WRITE : TRANSFER_COMPLETE, id);
    }
}

static int set_up_narrow(void **state)
{
    (void)state;
    struct transfer_limits limits = small;
    limits.window = 1;
    transfers = transfers_create(&limits);
    return transfers == NULL;
}

static void test_pulls_wait_their_turn(void **state)
{
    (void)state;
    struct transfer_id ids[4];
    for (uint32_t i = 0; i < 4; i++)
        ids[i] = start(i, 0);
    assert_int_equal(start(4, 0).index, TRANSFER_NONE.index);
    assert_int_equal(start(2, 0).index, ids[2].index);
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t k = 0; k < i; k++)
            assert_int_not_equal(ids[i].index, ids[k].index);
    expect_pull(0, 0, 0, 100);
    expect_pull(0, 1, 0, 100);
    expect_no_pull(0);
    /* A chunk for one that has not asked yet, of an earlier pull of the same blob. */
    expect_step(arrive(chunk_of(2, 0, 10, 10), 1), TRANSFER_IGNORED, TRANSFER_NONE);
    expect_step(arrive(chunk_of(1, 0, 10, 10), 1), TRANSFER_COMPLETE, ids[1]);
    expect_pull(1, 2, 0, 100);
    expect_no_pull(1);
    struct digest absent = blob(0);
    expect_step(transfers_on_absent(transfers, &bob, &absent), TRANSFER_IGNORED, TRANSFER_NONE);
    expect_step(transfers_on_absent(transfers, &alice, &absent), TRANSFER_FAILED, ids[0]);
    expect_step(transfers_on_absent(transfers, &alice, &absent), TRANSFER_IGNORED, TRANSFER_NONE);
    expect_pull(1, 3, 0, 100);
}

static void test_cancelling_makes_room(void **state)
{
    (void)state;
    struct transfer_id ids[4];
    for (uint32_t i = 0; i < 4; i++)
        ids[i] = start(i, 0);
    transfers_cancel(transfers, ids[2]); /* waits */
    transfers_cancel(transfers, ids[0]); /* active, has not asked */
    expect_pull(0, 1, 0, 100);
    expect_pull(0, 3, 0, 100);
    expect_no_pull(0);
    struct transfer_id again = start(0, 0);
    assert_int_not_equal(again.index, TRANSFER_NONE.index);
    transfers_cancel(transfers, ids[1]);
    expect_pull(0, 0, 0, 100);
}

static void test_a_total_cannot_change(void **state)
{
    (void)state;
    struct transfer_id id = start(1, 0);
    expect_pull(0, 1, 0, 100);
    expect_step(arrive(chunk_of(1, 0, 100, 550), 1), TRANSFER_WRITE, id);
    expect_step(arrive(chunk_of(1, 300, 100, 560), 1), TRANSFER_FAILED, id);
    expect_step(arrive(chunk_of(1, 100, 100, 550), 1), TRANSFER_IGNORED, TRANSFER_NONE);
}

static void test_a_blob_may_be_too_large(void **state)
{
    (void)state;
    struct transfer_id id = start(1, 0);
    expect_pull(0, 1, 0, 100);
    expect_step(arrive(chunk_of(1, 0, 100, BLOB_BYTES_MAX + 1), 1), TRANSFER_FAILED, id);
    id = start(1, 0);
    expect_step(arrive(chunk_of(1, 0, 100, BLOB_BYTES_MAX), 1), TRANSFER_WRITE, id);
}

static void test_active_pulls_take_turns(void **state)
{
    (void)state;
    start(1, 0);
    start(2, 0);
    expect_pull(0, 1, 0, 100);
    expect_pull(0, 2, 0, 100);
    arrive(chunk_of(1, 0, 100, 1000), 1);
    arrive(chunk_of(2, 0, 100, 1000), 1);
    expect_pull(1, 1, 100, 100);
    expect_pull(1, 2, 100, 100);
    expect_pull(1, 1, 200, 100);
    expect_pull(1, 2, 200, 100);
}

/* Digests in results are claims: two of them may agree in the half by which pulls are looked up. */
static void test_digests_that_look_alike_are_kept_apart(void **state)
{
    (void)state;
    struct digest one = blob(1), two = one;
    two.bytes[DIGEST_BYTES - 1] ^= 1;
    struct transfer_id id = transfers_start(transfers, &alice, &one, 0);
    assert_int_equal(transfers_start(transfers, &alice, &two, 0).index, TRANSFER_NONE.index);
    assert_int_equal(transfers_find(transfers, &two).index, TRANSFER_NONE.index);
    assert_int_equal(transfers_find(transfers, &one).index, id.index);
    struct chunk chunk = {.digest = two, .length = 10, .total = 10};
    expect_step(arrive(chunk, 0), TRANSFER_IGNORED, TRANSFER_NONE);
    expect_step(transfers_on_absent(transfers, &alice, &two), TRANSFER_IGNORED, TRANSFER_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_short_blob_takes_one_request),
        TEST(test_an_empty_blob_takes_one_empty_chunk),
        TEST(test_the_window_opens_with_the_first_chunk),
        TEST(test_only_the_next_chunk_counts),
        TEST(test_silence_goes_back_to_the_last_good_byte),
        TEST(test_silence_is_given_up_after_so_many_periods),
        cmocka_unit_test_setup_teardown(test_progress_forgives_silence, set_up_narrow, tear_down),
        TEST(test_pulls_wait_their_turn),
        TEST(test_cancelling_makes_room),
        TEST(test_a_total_cannot_change),
        TEST(test_a_blob_may_be_too_large),
        TEST(test_active_pulls_take_turns),
        TEST(test_digests_that_look_alike_are_kept_apart),
    };
    return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}
