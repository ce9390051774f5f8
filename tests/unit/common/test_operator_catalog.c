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

static const char param_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
static const char name_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";

enum { BOTH = FOR_NULL | FOR_TRAIN };

static const struct {
    const char *name;
    uint32_t parents, evaluators;
    const char *param, *range, *founder;
    double fallback;
} expected[] = {
    {"init", 0, BOTH, NULL, NULL, NULL, 0},
    {"init.decay", 0, FOR_TRAIN, "weight_decay", "0 .. 100", NULL, 1e-4},
    {"init.dropout", 0, FOR_TRAIN, "rate", "0 .. 0.9", NULL, 0.1},
    {"none", 1, BOTH, NULL, NULL, NULL, 0},
    {"noise", 1, FOR_NULL, "scale", "0 .. 10", NULL, 0.1},
    {"crossover", 2, FOR_NULL, "rate", "0 .. 1", NULL, 0.5},
    {"psa.full", 1, FOR_TRAIN, NULL, NULL, NULL, 0},
    {"psa.hidden", 1, FOR_TRAIN, NULL, NULL, NULL, 0},
    {"psa.output", 1, FOR_TRAIN, NULL, NULL, NULL, 0},
    {"decay", 1, FOR_TRAIN, "weight_decay", "0 .. 100", "init.decay", 1e-4},
    {"dropout", 1, FOR_TRAIN, "rate", "0 .. 0.9", "init.dropout", 0.1},
    {"reinit.full", 1, FOR_TRAIN, NULL, NULL, NULL, 0},
    {"reinit.hidden", 1, FOR_TRAIN, NULL, NULL, NULL, 0},
    {"reinit.output", 1, FOR_TRAIN, NULL, NULL, NULL, 0},
    {"mask_replay", 1, FOR_TRAIN, NULL, NULL, NULL, 0},
    {"mask_cross", 2, FOR_TRAIN, "rate", "0 .. 1", NULL, 0.5},
};

enum { COUNT = sizeof expected / sizeof expected[0] };

static void lists_what_it_finds(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        const struct operator_info *info = operator_at(i);
        assert_non_null(info);
        assert_string_equal(info->name, expected[i].name);
        assert_int_equal(info->parents, expected[i].parents);
        assert_int_equal(info->evaluators, expected[i].evaluators);
        assert_ptr_equal(operator_find(info->name), info);
    }
    assert_null(operator_at(COUNT));
    assert_null(operator_at(UINT32_MAX));
    assert_null(operator_find("nois"));
    assert_null(operator_find("noises"));
    assert_null(operator_find("psa"));
    assert_null(operator_find("psa."));
    assert_null(operator_find(""));
}

static void check_param(const struct param *param)
{
    assert_true(param->name[0] != '\0');
    assert_int_equal(strspn(param->name, param_letters), strlen(param->name));
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
        assert_int_equal(strspn(info->name, name_letters), strlen(info->name));
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
    for (uint32_t i = 0; i < COUNT; i++) {
        const struct operator_info *info = operator_at(i);
        assert_int_equal(info->param_count, expected[i].param == NULL ? 0 : 1);
        if (expected[i].param == NULL)
            continue;
        char range[64];
        assert_string_equal(info->params[0].name, expected[i].param);
        param_range(&info->params[0], range, sizeof range);
        assert_string_equal(range, expected[i].range);
        assert_true(info->params[0].fallback == expected[i].fallback);
    }
}

/* A founder makes individuals where its operator runs, and takes what its operator takes. */
static void founders_fit_their_operators(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        const struct operator_info *info = operator_at(i);
        if (expected[i].founder == NULL) {
            assert_null(info->founder);
            continue;
        }
        assert_string_equal(info->founder, expected[i].founder);
        const struct operator_info *founder = operator_find(info->founder);
        assert_non_null(founder);
        assert_int_equal(founder->parents, 0);
        assert_true(info->parents > 0);
        assert_int_equal(founder->evaluators & info->evaluators, info->evaluators);
        assert_int_equal(founder->param_count, info->param_count);
        for (uint32_t j = 0; j < info->param_count; j++)
            assert_memory_equal(&founder->params[j], &info->params[j], sizeof info->params[j]);
    }
}

/* A terminal shows `ratchet operators` without breaking lines. */
static void summaries_fit_a_line(void **state)
{
    (void)state;
    const struct operator_info *info;
    for (uint32_t i = 0; (info = operator_at(i)) != NULL; i++) {
        assert_true(strlen(info->name) <= 14);
        assert_true(15 + strlen(info->summary) <= 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_what_it_finds),
        cmocka_unit_test(every_row_is_within_the_limits),
        cmocka_unit_test(parameters_keep_their_ranges),
        cmocka_unit_test(founders_fit_their_operators),
        cmocka_unit_test(summaries_fit_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
