/*
 * test_philox.c: the generator against its published answers, and what is drawn from it.
 *
 * Known answers: Random123's kat_vectors, lines "philox4x32 10".
 */
#include "common/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    uint32_t counter[4], key[2], answer[4];
} known[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static void gives_the_published_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct philox_block counter;
        memcpy(counter.words, known[i].counter, sizeof counter.words);
        struct philox_block block = philox_4x32_10(counter, known[i].key[0], known[i].key[1]);
        assert_memory_equal(block.words, known[i].answer, sizeof block.words);
    }
}

/* Where each input of random_open goes: this mapping is in every digest. */
static void a_sequence_is_key_and_counter(void **state)
{
    (void)state;
    struct random random = random_open(UINT64_C(0x1122334455667788), 0xabcdef,
                                       UINT64_C(0x99aabbccddeeff00), RANDOM_VICTIM);
    for (uint32_t position = 0; position < 3; position++) {
        struct philox_block counter = {{position, 0x03abcdef, 0xddeeff00, 0x99aabbcc}};
        struct philox_block block = philox_4x32_10(counter, 0x55667788, 0x11223344);
        for (int i = 0; i < 4; i++)
            assert_int_equal(random_u32(&random), block.words[i]);
    }
}

static void every_name_has_a_sequence_of_its_own(void **state)
{
    (void)state;
    struct random sequences[] = {
        random_open(1, 0, 0, RANDOM_STRATEGY),
        random_open(2, 0, 0, RANDOM_STRATEGY),
        random_open(1, 1, 0, RANDOM_STRATEGY),
        random_open(1, 0, 1, RANDOM_STRATEGY),
        random_open(1, 0, 0, RANDOM_OPERATOR),
        random_open(UINT64_C(1) << 32, 0, 0, RANDOM_STRATEGY),
        random_open(1, 0, UINT64_C(1) << 32, RANDOM_STRATEGY),
    };
    enum { COUNT = sizeof sequences / sizeof sequences[0] };
    uint64_t first[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        first[i] = random_u64(&sequences[i]);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(first[i] != first[j]);
}

static void wider_draws_are_made_of_words(void **state)
{
    (void)state;
    struct random words = random_open(5, 0, 9, RANDOM_INIT), wide = words, units = words;
    for (int i = 0; i < 100; i++) {
        uint64_t low = random_u32(&words), high = random_u32(&words);
        assert_true(random_u64(&wide) == (low | high << 32));
        double unit = random_unit(&units);
        assert_true(unit == (double)((low | high << 32) >> 11) / 9007199254740992.0);
        assert_true(unit >= 0 && unit < 1);
    }
}

/*
 * With the bound 3 * 2^30, four words fall on three values: without rejection every third value
 * would come twice as often as its neighbours.
 */
static void below_a_bound_is_unbiased(void **state)
{
    (void)state;
    struct random random = random_open(7, 0, 0, RANDOM_VICTIM);
    const uint32_t bound = UINT32_C(3) << 30;
    int counts[3] = {0};
    enum { DRAWS = 300000 };
    for (int i = 0; i < DRAWS; i++) {
        uint32_t draw = random_below(&random, bound);
        assert_true(draw < bound);
        counts[draw % 3]++;
    }
    /* Six standard deviations of a fair count are 1549. */
    for (int i = 0; i < 3; i++)
        assert_in_range(counts[i], DRAWS / 3 - 1600, DRAWS / 3 + 1600);
}

static void small_bounds_reach_every_value(void **state)
{
    (void)state;
    struct random random = random_open(8, 0, 0, RANDOM_VICTIM);
    for (uint32_t bound = 1; bound <= 10; bound++) {
        uint32_t seen = 0;
        for (int i = 0; i < 400; i++) {
            uint32_t draw = random_below(&random, bound);
            assert_true(draw < bound);
            seen |= UINT32_C(1) << draw;
        }
        assert_int_equal(seen, (UINT32_C(1) << bound) - 1);
    }
    uint32_t largest = 0;
    for (int i = 0; i < 400; i++) {
        uint32_t draw = random_below(&random, UINT32_MAX);
        largest = draw > largest ? draw : largest;
    }
    assert_true(largest > UINT32_C(0xe0000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_published_answers),
        cmocka_unit_test(a_sequence_is_key_and_counter),
        cmocka_unit_test(every_name_has_a_sequence_of_its_own),
        cmocka_unit_test(wider_draws_are_made_of_words),
        cmocka_unit_test(below_a_bound_is_unbiased),
        cmocka_unit_test(small_bounds_reach_every_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
