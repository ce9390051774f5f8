/*
 * test_slices.c: slices are disjoint, drawn by the seed alone, and never more than there is.
 */
#include "worker/data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct dataset dataset = {.samples = 1200, .train_count = 1000, .test_count = 200};

static struct slices cut(const struct slice_sizes *sizes)
{
    struct slices slices;
    struct error error = {""};
    if (slices_create(&dataset, sizes, &slices, &error) != 0)
        fail_msg("%s", error.text);
    return slices;
}

static void expect_refusal(const struct slice_sizes *sizes, const char *text)
{
    struct slices slices;
    struct error error = {""};
    assert_int_equal(slices_create(&dataset, sizes, &slices, &error), -1);
    assert_string_equal(error.text, text);
    assert_null(slices.index);
    slices_destroy(&slices);
}

static void slices_share_no_sample(void **state)
{
    (void)state;
    const struct slice_sizes sizes = {.train = 800, .select = 150, .confirm = 50, .split_seed = 3};
    struct slices slices = cut(&sizes);
    uint32_t seen[1200] = {0}, in_place = 0;
    assert_int_equal(slices.sizes.test, 200); /* 0 means all */
    for (uint32_t i = 0; i < 1200; i++) {
        assert_true(slices.index[i] < 1200);
        assert_int_equal(seen[slices.index[i]]++, 0);
        if (i < 1000)
            assert_true(slices.index[i] < 1000);
        else
            assert_int_equal(slices.index[i], i);
        in_place += slices.index[i] == i && i < 1000;
    }
    assert_true(in_place < 10);
    slices_destroy(&slices);
    assert_null(slices.index);
}

static void seed_and_train_size_name_the_samples(void **state)
{
    (void)state;
    const struct slice_sizes some = {.train = 300, .select = 100, .test = 7, .split_seed = 3};
    const struct slice_sizes more = {.train = 300, .select = 10, .confirm = 690, .split_seed = 3};
    const struct slice_sizes other = {.train = 300, .select = 100, .test = 7, .split_seed = 4};
    struct slices a = cut(&some), b = cut(&more), c = cut(&other), d = cut(&some);
    assert_memory_equal(a.index, b.index, 310 * sizeof *a.index);
    assert_memory_not_equal(a.index, c.index, 300 * sizeof *a.index);
    assert_memory_equal(a.index, d.index, 407 * sizeof *a.index);
    assert_int_equal(a.sizes.test, 7);
    assert_int_equal(a.index[400], 1000);
    assert_int_equal(a.index[406], 1006);
    slices_destroy(&a);
    slices_destroy(&b);
    slices_destroy(&c);
    slices_destroy(&d);
}

/* Runs are replayed years later: what seed 1 draws of a thousand may never change. */
static void the_draw_is_pinned(void **state)
{
    (void)state;
    static const uint32_t expected[5] = {322, 985, 355, 143, 72};
    const struct slice_sizes sizes = {.train = 5, .split_seed = 1};
    struct slices slices = cut(&sizes);
    assert_memory_equal(slices.index, expected, sizeof expected);
    slices_destroy(&slices);
}

static void no_slice_but_test_may_be_empty(void **state)
{
    (void)state;
    const struct slice_sizes none = {.test = 200};
    struct slices slices = cut(&none);
    assert_int_equal(slices.index[0], 1000);
    assert_int_equal(slices.index[199], 1199);
    slices_destroy(&slices);
}

static void too_much_is_refused_with_both_numbers(void **state)
{
    (void)state;
    const struct slice_sizes many = {.train = 800, .select = 150, .confirm = 51};
    const struct slice_sizes wrapped = {.train = UINT32_MAX, .select = 2};
    const struct slice_sizes test = {.train = 1, .test = 201};
    expect_refusal(&many, "the slices train 800 + select 150 + confirm 51 = 1001 need more than "
                          "the 1000 training samples of the data set");
    expect_refusal(&wrapped, "the slices train 4294967295 + select 2 + confirm 0 = 4294967297 "
                             "need more than the 1000 training samples of the data set");
    expect_refusal(&test, "the slice test 201 needs more than the 200 test samples of the data "
                          "set");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_share_no_sample),
        cmocka_unit_test(seed_and_train_size_name_the_samples),
        cmocka_unit_test(the_draw_is_pinned),
        cmocka_unit_test(no_slice_but_test_may_be_empty),
        cmocka_unit_test(too_much_is_refused_with_both_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
