/* test_cache_index.c: the cache's bookkeeping against a slow and simple model of it. */
#include "worker/shell/cache_index.h"

#include "common/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { CAPACITY = 24, NAMES = 40, STEPS = 20000 };

struct model_entry {
    bool present;
    uint32_t pins;
    uint64_t bytes, used;
};

static struct digest name_of(uint32_t name)
{
    return digest_of(&name, sizeof name);
}

static void check_against(const struct cache_index *index, const struct model_entry *model)
{
    struct cache_totals totals = {0}, found = cache_index_totals(index);
    uint32_t oldest = NAMES;
    for (uint32_t i = 0; i < NAMES; i++) {
        struct digest digest = name_of(i);
        uint32_t entry = cache_index_find(index, &digest);
        assert_int_equal(entry != CACHE_ENTRY_NONE, model[i].present);
        if (!model[i].present)
            continue;
        assert_int_equal(cache_index_pins(index, entry), model[i].pins);
        assert_int_equal(cache_index_bytes(index, entry), model[i].bytes);
        totals.entries++;
        totals.bytes += model[i].bytes;
        totals.pinned_entries += model[i].pins > 0;
        totals.pinned_bytes += model[i].pins > 0 ? model[i].bytes : 0;
        if (model[i].pins == 0 && (oldest == NAMES || model[i].used < model[oldest].used))
            oldest = i;
    }
    assert_int_equal(totals.entries, found.entries);
    assert_int_equal(totals.pinned_entries, found.pinned_entries);
    assert_int_equal(totals.bytes, found.bytes);
    assert_int_equal(totals.pinned_bytes, found.pinned_bytes);
    assert_int_equal(cache_index_is_full(index), totals.entries == CAPACITY);
    if (oldest == NAMES) {
        assert_int_equal(cache_index_oldest(index), CACHE_ENTRY_NONE);
        return;
    }
    struct digest digest = name_of(oldest);
    assert_int_equal(cache_index_oldest(index), cache_index_find(index, &digest));
}

static void step(struct cache_index *index, struct model_entry *model, struct random *random,
                 uint64_t now)
{
    uint32_t name = random_below(random, NAMES);
    struct model_entry *entry = &model[name];
    struct digest digest = name_of(name);
    uint32_t found = cache_index_find(index, &digest);
    switch (random_below(random, 5)) {
    case 0:
        if (entry->present)
            return;
        uint64_t bytes = random_below(random, 1000);
        bool full = cache_index_is_full(index);
        assert_int_equal(cache_index_add(index, &digest, bytes) == CACHE_ENTRY_NONE, full);
        if (!full)
            *entry = (struct model_entry){.present = true, .bytes = bytes, .used = now};
        break;
    case 1:
        if (!entry->present || entry->pins > 0)
            return;
        cache_index_remove(index, found);
        *entry = (struct model_entry){0};
        break;
    case 2:
        if (!entry->present)
            return;
        cache_index_pin(index, found);
        entry->pins++;
        break;
    case 3:
        if (entry->pins == 0)
            return;
        cache_index_unpin(index, found);
        if (--entry->pins == 0)
            entry->used = now;
        break;
    default:
        if (!entry->present)
            return;
        cache_index_touch(index, found);
        if (entry->pins == 0)
            entry->used = now;
        break;
    }
}

static void test_agrees_with_a_simple_model(void **state)
{
    (void)state;
    struct model_entry model[NAMES] = {{0}};
    struct cache_index *index = cache_index_create(CAPACITY);
    struct random random = random_open(7, 0, 0, RANDOM_NULL);
    assert_non_null(index);
    for (uint64_t i = 1; i <= STEPS; i++) {
        step(index, model, &random, i);
        if (i % 16 == 0)
            check_against(index, model);
    }
    cache_index_destroy(&index);
    assert_null(index);
}

static void test_tells_digests_apart_that_begin_alike(void **state)
{
    (void)state;
    struct cache_index *index = cache_index_create(4);
    struct digest one = name_of(1), other = one;
    other.bytes[DIGEST_BYTES - 1] ^= 1;
    assert_int_not_equal(cache_index_add(index, &one, 5), CACHE_ENTRY_NONE);
    assert_int_equal(cache_index_find(index, &other), CACHE_ENTRY_NONE);
    assert_int_equal(cache_index_add(index, &other, 5), CACHE_ENTRY_NONE);
    assert_int_equal(cache_index_totals(index).entries, 1);
    cache_index_destroy(&index);
}

static void test_remembers_who_is_verified(void **state)
{
    (void)state;
    struct cache_index *index = cache_index_create(2);
    struct digest digest = name_of(1);
    uint32_t entry = cache_index_add(index, &digest, 5);
    assert_false(cache_index_is_verified(index, entry));
    cache_index_set_verified(index, entry);
    assert_true(cache_index_is_verified(index, entry));
    cache_index_remove(index, entry);
    entry = cache_index_add(index, &digest, 5);
    assert_false(cache_index_is_verified(index, entry));
    cache_index_destroy(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_a_simple_model),
        cmocka_unit_test(test_tells_digests_apart_that_begin_alike),
        cmocka_unit_test(test_remembers_who_is_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
