/*
 * test_fixed_map.c: the map against a model that cannot be wrong: an array that is searched from
 * end to end.
 *
 * Keys come from a small range, so that most operations hit, and the map is kept near its capacity,
 * where probe paths are long and wrap around: that is where a deletion goes wrong, if it does.
 */
#include "common/fixed_map.h"
#include "common/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { KEYS = 96 };

struct model {
    uint32_t count;
    uint32_t values[KEYS]; /* FIXED_MAP_NONE: not there */
};

/* Neighbouring and far-apart keys: job numbers, lines in the high half, and noise. */
static struct map_key key_of(uint32_t index)
{
    switch (index % 3) {
    case 0:
        return (struct map_key){.low = index};
    case 1:
        return (struct map_key){.low = 7, .high = index};
    default:
        return (struct map_key){.low = index * UINT64_C(0x9E3779B97F4A7C15), .high = ~UINT64_C(0)};
    }
}

static void expect_equal(const struct fixed_map *map, const struct model *model)
{
    assert_int_equal(fixed_map_count(map), model->count);
    for (uint32_t i = 0; i < KEYS; i++)
        assert_int_equal(fixed_map_find(map, key_of(i)), model->values[i]);
}

static void step(struct fixed_map *map, struct model *model, struct random *random,
                 uint32_t capacity)
{
    uint32_t index = random_below(random, KEYS);
    if (model->values[index] != FIXED_MAP_NONE) {
        fixed_map_remove(map, key_of(index));
        model->values[index] = FIXED_MAP_NONE;
        model->count--;
    } else if (model->count < capacity) {
        uint32_t value = random_below(random, FIXED_MAP_NONE);
        fixed_map_insert(map, key_of(index), value);
        model->values[index] = value;
        model->count++;
    }
}

static void does_what_the_model_does(void **state)
{
    (void)state;
    static const uint32_t capacities[] = {1, 2, 3, 4, 5, 16, 31, 64, KEYS};
    for (uint32_t i = 0; i < sizeof capacities / sizeof capacities[0]; i++) {
        struct fixed_map *map = fixed_map_create(capacities[i]);
        assert_non_null(map);
        struct random random = random_open(capacities[i], 0, 0, RANDOM_STRATEGY);
        struct model model = {0};
        for (uint32_t k = 0; k < KEYS; k++)
            model.values[k] = FIXED_MAP_NONE;
        for (int round = 0; round < 5000; round++) {
            step(map, &model, &random, capacities[i]);
            expect_equal(map, &model);
        }
        fixed_map_destroy(&map);
        assert_null(map);
    }
}

static void halves_of_a_key_both_count(void **state)
{
    (void)state;
    struct fixed_map *map = fixed_map_create(4);
    assert_non_null(map);
    fixed_map_insert(map, (struct map_key){.low = 1, .high = 2}, 10);
    fixed_map_insert(map, (struct map_key){.low = 2, .high = 1}, 20);
    assert_int_equal(fixed_map_find(map, (struct map_key){.low = 1, .high = 2}), 10);
    assert_int_equal(fixed_map_find(map, (struct map_key){.low = 2, .high = 1}), 20);
    assert_int_equal(fixed_map_find(map, (struct map_key){.low = 1, .high = 1}), FIXED_MAP_NONE);
    assert_int_equal(fixed_map_find(map, (struct map_key){.low = 2, .high = 2}), FIXED_MAP_NONE);
    fixed_map_destroy(&map);
}

static void bytes_make_a_key(void **state)
{
    (void)state;
    uint8_t bytes[16] = {0};
    struct map_key zero = map_key_of_bytes(bytes);
    assert_true(zero.low == 0 && zero.high == 0);
    for (int i = 0; i < 16; i++) {
        bytes[i] = 1;
        struct map_key key = map_key_of_bytes(bytes);
        assert_int_equal(key.low != 0, i < 8);
        assert_int_equal(key.high != 0, i >= 8);
        bytes[i] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_what_the_model_does),
        cmocka_unit_test(halves_of_a_key_both_count),
        cmocka_unit_test(bytes_make_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
