/*
 * test_operator_catalog.c: that the catalogue fits the limits that others size their arrays by, and
 * that its names and orders, which are in every digest, stay what they are.
 */
#include "common/limits.h"
#include "common/operator_catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char word_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

static void lists_what_it_finds(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t parents;
    } expected[] = {{"init", 0}, {"none", 1}, {"noise", 1}, {"crossover", 2}};
    enum { COUNT = sizeof expected / sizeof expected[0] };
    for (uint32_t i = 0; i < COUNT; i++) {
        const struct operator_info *info = operator_at(i);
        assert_non_null(info);
        assert_string_equal(info->name, expected[i].name);
        assert_int_equal(info->parents, expected[i].parents);
        assert_true(info->evaluators & FOR_NULL);
        assert_ptr_equal(operator_find(info->name), info);
    }
    assert_null(operator_at(COUNT));
    assert_null(operator_at(UINT32_MAX));
    assert_null(operator_find("nois"));
    assert_null(operator_find("noises"));
    assert_null(operator_find(""));
}

static void check_param(const struct param *param)
{
    assert_true(param->name[0] != '\0');
    assert_int_equal(strspn(param->name, word_letters), strlen(param->name));
    /* These two are keys of the list entry itself. */
    assert_string_not_equal(param->name, "name");
    assert_string_not_equal(param->name, "weight");
    assert_non_null(param->help);
    char text[64];
    double value;
    param_format(param, param->fallback, text, sizeof text);
    assert_int_equal(param_parse(param, text, &value, NULL), 0);
    assert_memory_equal(&value, &param->fallback, sizeof value);
}

static void every_row_is_within_the_limits(void **state)
{
    (void)state;
    const struct operator_info *info;
    for (uint32_t i = 0; (info = operator_at(i)) != NULL; i++) {
        assert_true(strlen(info->name) < OPERATOR_NAME_BYTES_MAX);
        assert_int_equal(strspn(info->name, word_letters), strlen(info->name));
        assert_true(info->summary[0] != '\0');
        assert_true(info->parents <= JOB_PARENTS_MAX);
        assert_true(info->evaluators != 0);
        assert_true(info->param_count <= OPERATOR_PARAMS_MAX);
        for (uint32_t j = 0; j < info->param_count; j++) {
            check_param(&info->params[j]);
            assert_int_equal(param_find(info->params, info->param_count, info->params[j].name), j);
        }
        assert_ptr_equal(operator_find(info->name), info);
    }
}

static void parameters_keep_their_ranges(void **state)
{
    (void)state;
    const struct operator_info *noise = operator_find("noise");
    const struct operator_info *crossover = operator_find("crossover");
    char range[64];
    assert_int_equal(noise->param_count, 1);
    assert_string_equal(noise->params[0].name, "scale");
    param_range(&noise->params[0], range, sizeof range);
    assert_string_equal(range, "0 .. 10");
    assert_true(noise->params[0].fallback == 0.1);
    assert_int_equal(crossover->param_count, 1);
    assert_string_equal(crossover->params[0].name, "rate");
    param_range(&crossover->params[0], range, sizeof range);
    assert_string_equal(range, "0 .. 1");
    assert_true(crossover->params[0].fallback == 0.5);
    assert_int_equal(operator_find("init")->param_count, 0);
    assert_int_equal(operator_find("none")->param_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_what_it_finds),
        cmocka_unit_test(every_row_is_within_the_limits),
        cmocka_unit_test(parameters_keep_their_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
