/* test_operator_label.c: a name where that tells entries apart, otherwise what they differ in. */
#include "coordinator/shell/operator_label.h"

#include "common/operator_catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void add(struct search_config *search, const char *name)
{
    const struct operator_info *info = operator_find(name);
    assert_non_null(info);
    struct operator_call *call = &search->operators[search->operator_count++].call;
    strcpy(call->name, name);
    call->param_count = info->param_count;
    for (uint32_t i = 0; i < info->param_count; i++)
        call->params[i] = info->params[i].fallback;
}

static void expect(const struct search_config *search, uint32_t index, const char *wanted)
{
    char label[OPERATOR_LABEL_BYTES_MAX];
    format_operator_label(search, index, label);
    assert_string_equal(label, wanted);
}

static void test_names_suffice(void **state)
{
    (void)state;
    struct search_config search = {.operator_count = 0};
    add(&search, "noise");
    add(&search, "none");
    search.operators[0].call.params[0] = 0.25;
    expect(&search, 0, "noise");
    expect(&search, 1, "none");
}

static void test_namesakes_show_what_differs(void **state)
{
    (void)state;
    struct search_config search = {.operator_count = 0};
    add(&search, "noise");
    add(&search, "none");
    add(&search, "noise");
    search.operators[0].call.params[0] = 0.25;
    search.operators[2].call.params[0] = 0.5;
    expect(&search, 0, "noise scale=0.25");
    expect(&search, 1, "none");
    expect(&search, 2, "noise scale=0.5");
}

static void test_namesakes_that_differ_in_weight_only(void **state)
{
    (void)state;
    struct search_config search = {.operator_count = 0};
    add(&search, "none");
    add(&search, "none");
    expect(&search, 0, "none #0");
    expect(&search, 1, "none #1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_suffice),
        cmocka_unit_test(test_namesakes_show_what_differs),
        cmocka_unit_test(test_namesakes_that_differ_in_weight_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
