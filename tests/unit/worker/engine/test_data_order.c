/* test_data_order.c: each epoch's order of the samples, and trainings that know only one. */
#include "worker/engine/data_order.h"

#include "tests/unit/worker/engine/setting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 1000 };

static struct epoch_order epoch_order(uint64_t seed, uint64_t stream, uint64_t epoch)
{
    return (struct epoch_order){{seed, stream}, epoch, COUNT};
}

static void every_epoch_is_a_permutation(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 3, 1000, 50000};
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t *order = malloc(counts[i] * sizeof *order);
        uint8_t *seen = calloc(counts[i], 1);
        assert_true(order != NULL && seen != NULL);
        data_order_shuffle(&(struct epoch_order){{1, 2}, 3, counts[i]}, order);
        for (uint32_t j = 0; j < counts[i]; j++) {
            assert_true(order[j] < counts[i]);
            assert_int_equal(seen[order[j]]++, 0);
        }
        free(order);
        free(seen);
    }
}

/* Written down once more, from data_order.h. */
static void the_order_is_the_documented_one(void **state)
{
    (void)state;
    const uint64_t epoch = UINT64_C(0x500000007);
    struct random keys = random_open(42, 5, 99, RANDOM_DATA_ORDER);
    for (uint32_t i = 0; i < 7 * 4; i++)
        random_u32(&keys);
    struct random random = random_open(0, 5, 99, RANDOM_DATA_ORDER);
    random.key[0] = random_u32(&keys);
    random.key[1] = random_u32(&keys);
    uint32_t expected[COUNT], order[COUNT];
    for (uint32_t i = 0; i < COUNT; i++)
        expected[i] = i;
    for (uint32_t i = COUNT - 1; i > 0; i--) {
        uint32_t j = random_below(&random, i + 1), moved = expected[i];
        expected[i] = expected[j];
        expected[j] = moved;
    }
    data_order_shuffle(&(struct epoch_order){{42, 99}, epoch, COUNT}, order);
    assert_memory_equal(order, expected, sizeof order);
}

static void seed_stream_and_epoch_each_change_it(void **state)
{
    (void)state;
    const struct epoch_order cases[] = {
        epoch_order(1, 1, 0),
        epoch_order(2, 1, 0),
        epoch_order(1, 2, 0),
        epoch_order(1, 1, 1),
        epoch_order(1, 1, 2),
        epoch_order(1, 1, UINT64_C(1) << 32),
        epoch_order(1, UINT64_C(1) << 32, 0),
        epoch_order(UINT64_C(1) << 32, 1, 0),
    };
    enum { CASES = sizeof cases / sizeof cases[0] };
    static uint32_t orders[CASES][COUNT], again[COUNT];
    for (uint32_t i = 0; i < CASES; i++) {
        data_order_shuffle(&cases[i], orders[i]);
        data_order_shuffle(&cases[i], again);
        assert_memory_equal(orders[i], again, sizeof again);
        for (uint32_t j = 0; j < i; j++)
            assert_memory_not_equal(orders[i], orders[j], sizeof again);
    }
}

/* First places over many epochs: each sample about as often. */
static void no_sample_is_preferred(void **state)
{
    (void)state;
    enum { FEW = 10, EPOCHS = 20000 };
    uint32_t counts[FEW] = {0}, order[FEW];
    for (uint32_t epoch = 0; epoch < EPOCHS; epoch++) {
        data_order_shuffle(&(struct epoch_order){{3, 4}, epoch, FEW}, order);
        counts[order[0]]++;
    }
    for (uint32_t i = 0; i < FEW; i++) /* a deviation is 42 */
        assert_in_range(counts[i], 1750, 2250);
}

static void the_cache_gives_what_was_asked_for(void **state)
{
    (void)state;
    struct order_cache cache = {.room = 0};
    static uint32_t expected[COUNT];
    const struct epoch_order asked[] = {
        epoch_order(1, 1, 0), epoch_order(1, 1, 0), epoch_order(1, 1, 1), epoch_order(1, 2, 1),
        epoch_order(2, 2, 1), {{2, 2}, 1, 10},      epoch_order(2, 2, 1), epoch_order(1, 1, 0),
    };
    assert_int_equal(order_cache_reserve(&cache, 10), 0);
    assert_int_equal(order_cache_reserve(&cache, COUNT), 0);
    for (uint32_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        assert_int_equal(order_cache_reserve(&cache, asked[i].count), 0);
        data_order_shuffle(&asked[i], expected);
        assert_memory_equal(order_cache_get(&cache, &asked[i]), expected,
                            asked[i].count * sizeof expected[0]);
    }
    order_cache_fini(&cache);
    assert_null(cache.permutation);
}

/* ---------------------------------------------------------------------------- in one order */

static struct setting open_sequential(void)
{
    struct setting setting = setting_open("mlp:2x6", ACTIVATION_GELU);
    setting.training.order = ORDER_SEQUENTIAL;
    return setting;
}

/* Samples in such an order that the shuffling of an epoch leads back to the slice's own. */
static void unshuffle(const struct setting *setting, uint64_t epoch, uint32_t *index)
{
    uint32_t permutation[SAMPLES];
    data_order_shuffle(&(struct epoch_order){setting_order, epoch, SAMPLES}, permutation);
    for (uint32_t i = 0; i < SAMPLES; i++)
        index[permutation[i]] = setting->data.slice.index[i];
}

static void sequential_epochs_take_the_slice_as_it_is(void **state)
{
    (void)state;
    struct setting setting = open_sequential();
    struct engine *sequential = setting_engine(&setting, kernels_current());
    setting.training.order = ORDER_SHUFFLED;
    struct engine *shuffled = setting_engine(&setting, kernels_current());
    struct cohort_member found = setting_member(&setting, 1),
                         expected = setting_member(&setting, 1);
    uint32_t index[SAMPLES];
    const struct sample_slice slice = {index, SAMPLES};
    setting_train(sequential, &setting, (struct step_range){0, 3 * PER_EPOCH}, &found, 1);
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        unshuffle(&setting, epoch, index);
        const struct step_range steps = {epoch * PER_EPOCH, (epoch + 1) * PER_EPOCH};
        assert_int_equal(engine_train(shuffled, &setting.data.samples, &slice, &setting_order,
                                      steps, &expected, 1, NULL),
                         0);
    }
    setting_assert_same(&found, &expected);
    setting_close_members(&found, 1);
    setting_close_members(&expected, 1);
    engine_destroy(&sequential);
    engine_destroy(&shuffled);
    setting_close(&setting);
}

static void seed_and_stream_change_no_sequential_training(void **state)
{
    (void)state;
    struct setting setting = open_sequential();
    struct engine *engine = setting_engine(&setting, kernels_current());
    struct cohort_member a = setting_member(&setting, 0), b = setting_member(&setting, 0);
    const struct data_order other = {setting_order.seed + 1, setting_order.stream + 1};
    setting_train(engine, &setting, (struct step_range){0, 12}, &a, 1);
    assert_int_equal(engine_train(engine, &setting.data.samples, &setting.data.slice, &other,
                                  (struct step_range){0, 12}, &b, 1, NULL),
                     0);
    setting_assert_same(&a, &b);
    setting_close_members(&a, 1);
    setting_close_members(&b, 1);
    engine_destroy(&engine);
    setting_close(&setting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_epoch_is_a_permutation),
        cmocka_unit_test(the_order_is_the_documented_one),
        cmocka_unit_test(seed_stream_and_epoch_each_change_it),
        cmocka_unit_test(no_sample_is_preferred),
        cmocka_unit_test(the_cache_gives_what_was_asked_for),
        cmocka_unit_test(sequential_epochs_take_the_slice_as_it_is),
        cmocka_unit_test(seed_and_stream_change_no_sequential_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
