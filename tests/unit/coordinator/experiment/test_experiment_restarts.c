/* test_experiment_restarts.c: restarts found individuals and mutate none: they need no operators.
 */
#include "coordinator/experiment/experiment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct experiment *parse(const char *text)
{
    struct error error = {""};
    struct experiment *experiment = experiment_parse(text, "x.yaml", NULL, 0, &error);
    if (experiment == NULL)
        fail_msg("%s", error.text);
    return experiment;
}

/* A list that is given all the same is part of the experiment. */
static void restarts_need_no_operators(void **state)
{
    (void)state;
    static const char head[] = "name: t\nevaluator: null\nbudget: {jobs: 1}\n"
                               "strategy: {name: random}\n";
    char listed[256];
    snprintf(listed, sizeof listed, "%soperators: [{name: none}]\n", head);
    struct experiment *bare = parse(head), *with = parse(listed);
    struct core_config config = {0};
    struct line_config line;
    experiment_fill_core(bare, &config);
    config.line(config.line_context, 0, &line);
    assert_int_equal(line.search.operator_count, 0);
    assert_string_equal(line.search.founder.name, "init");
    assert_null(strstr(experiment_canonical(bare), "operators"));
    assert_non_null(strstr(experiment_canonical(with), "operators.0.name = none\n"));
    char differences[256];
    experiment_differences(experiment_canonical(with), experiment_canonical(bare), differences,
                           sizeof differences);
    assert_non_null(strstr(differences, "operators.0.name"));
    experiment_destroy(&bare);
    experiment_destroy(&with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restarts_need_no_operators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
