/* test_null_spec.c: the null evaluator's settings: read, or refused with line and reason. */
#include "worker/evaluators/null.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ------------------------------------------------------------------------------------ spec */

static void test_spec_is_read(void **state)
{
    (void)state;
    struct null_spec spec;
    struct error error;
    assert_int_equal(null_spec_parse("evaluator = null\n"
                                     "null.crash_per_million = 20\n"
                                     "null.dim = 32\n"
                                     "null.heal = 0.125\n"
                                     "null.work_ms = 7\n"
                                     "numeric = portable\n",
                                     &spec, &error),
                     0);
    assert_int_equal(spec.dim, 32);
    assert_int_equal(spec.work_ms, 7);
    assert_int_equal(spec.crash_per_million, 20);
    assert_true(spec.heal == 0.125);
    /* Without a last newline, with comments, and with the defaults. */
    assert_int_equal(null_spec_parse("# a comment\n\nevaluator = null", &spec, &error), 0);
    assert_int_equal(spec.dim, 16);
    assert_int_equal(spec.work_ms, 0);
    assert_true(spec.heal == 0.1);
}

static void test_spec_errors_name_line_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *words;
    } rows[] = {
        {"", "evaluator = null"},
        {"null.dim = 16\n", "evaluator = null"},
        {"evaluator = train\n", "line 1: the evaluator is train"},
        {"evaluator = null\nnull.dmi = 16\n", "line 2: unknown key null.dmi"},
        {"evaluator = null\nnull.dim = 0\n", "line 2"},
        {"evaluator = null\nnull.dim = 1048577\n", "line 2"},
        {"evaluator = null\nnull.dim = 1.5\n", "line 2"},
        {"evaluator = null\nnull.dim = \n", "line 2"},
        {"evaluator = null\nnull.dim = 16x\n", "line 2"},
        {"evaluator = null\n\nnull.heal = 1.25\n", "line 3"},
        {"evaluator = null\nnull.heal = nan\n", "line 2"},
        {"evaluator = null\nnull.crash_per_million = -1\n", "line 2"},
        {"evaluator = null\nnull.dim = 1\nnull.dim = 2\n", "line 3: null.dim is given twice"},
        {"evaluator = null\nnonsense\n", "line 2: not a line of the form key = value"},
        {"evaluator=null\n", "line 1: not a line"},
    };
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct null_spec spec = {.dim = 77};
        struct error error = {.text = ""};
        assert_int_equal(null_spec_parse(rows[i].spec, &spec, &error), -1);
        if (strstr(error.text, rows[i].words) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", error.text, rows[i].words);
        assert_int_equal(spec.dim, 77);
    }
}

static void test_overlong_lines_are_refused(void **state)
{
    (void)state;
    char text[4096];
    struct null_spec spec;
    struct error error;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(null_spec_parse(text, &spec, &error), -1);
    assert_non_null(strstr(error.text, "line 1: longer than"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_is_read),
        cmocka_unit_test(test_spec_errors_name_line_and_reason),
        cmocka_unit_test(test_overlong_lines_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
