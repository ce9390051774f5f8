/* test_choice.c: which operator founds a line. (How the others are drawn: test_strategies.c.) */
#include "common/operator_catalog.h"
#include "coordinator/search/choice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct operator_choice choice_of(const char *name, double param)
{
    struct operator_choice choice = {.parents = 1, .weight = 1};
    snprintf(choice.call.name, sizeof choice.call.name, "%s", name);
    const struct operator_info *info = operator_find(name);
    choice.call.param_count = info != NULL ? info->param_count : 1;
    for (uint32_t i = 0; i < choice.call.param_count; i++)
        choice.call.params[i] = param;
    return choice;
}

static void expect_plain_init(const struct search_config *config)
{
    struct operator_call founder = choice_founder(config);
    assert_string_equal(founder.name, "init");
    assert_int_equal(founder.param_count, 0);
}

static void test_a_lone_control_founds_its_own_line(void **state)
{
    (void)state;
    struct search_config config = {.operator_count = 1};
    config.operators[0] = choice_of("decay", 0.25);
    struct operator_call founder = choice_founder(&config);
    assert_string_equal(founder.name, "init.decay");
    assert_int_equal(founder.param_count, 1);
    assert_true(founder.params[0] == 0.25);
    config.operators[0] = choice_of("dropout", 0.5);
    founder = choice_founder(&config);
    assert_string_equal(founder.name, "init.dropout");
    assert_true(founder.params[0] == 0.5);
}

static void test_every_other_line_is_founded_by_init(void **state)
{
    (void)state;
    struct search_config config = {.operator_count = 1};
    config.operators[0] = choice_of("psa.full", 0);
    expect_plain_init(&config);
    config.operators[0] = choice_of("of another version", 0.5);
    expect_plain_init(&config);
    /* Among others a control is one operator of several, and founds nothing. */
    config.operator_count = 2;
    config.operators[0] = config.operators[1] = choice_of("decay", 0.25);
    expect_plain_init(&config);
    config.operator_count = 0;
    expect_plain_init(&config);
}

/* What the rule relies on. */
static void test_the_catalogue_names_founders_that_can_found(void **state)
{
    (void)state;
    uint32_t founders = 0;
    const struct operator_info *info;
    for (uint32_t i = 0; (info = operator_at(i)) != NULL; i++) {
        if (info->founder == NULL)
            continue;
        founders++;
        const struct operator_info *founder = operator_find(info->founder);
        assert_non_null(founder);
        assert_int_equal(founder->parents, 0);
        assert_int_equal(founder->evaluators, info->evaluators);
        assert_int_equal(founder->param_count, info->param_count);
        for (uint32_t p = 0; p < info->param_count; p++)
            assert_string_equal(founder->params[p].name, info->params[p].name);
    }
    assert_true(founders > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lone_control_founds_its_own_line),
        cmocka_unit_test(test_every_other_line_is_founded_by_init),
        cmocka_unit_test(test_the_catalogue_names_founders_that_can_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
