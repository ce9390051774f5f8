/* test_figure_script.c: what enters a script from outside stays between its quotes. */
#include "coordinator/report/figure_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_label(const char *text, const char *wanted)
{
    struct script script = {0};
    script_label(&script, text);
    assert_false(script.failed);
    assert_string_equal(script.text, wanted);
    assert_int_equal(script.bytes, strlen(wanted));
    script_free(&script);
}

static void test_labels_are_quoted(void **state)
{
    (void)state;
    assert_label("", "''");
    assert_label("noise scale=0.1", "'noise scale=0.1'");
    assert_label("'; system('x'); '", "'\u2019; system(\u2019x\u2019); \u2019'");
    assert_label("`x` \"$(y)\" @z {a} ]]> \\", "'`x` \"$(y)\" @z {a} ]]\u203a \\'");
    assert_label("a\n!x\r\t\x01\x7f", "'a?!x\?\?\?\?'");
}

static void test_labels_are_utf8(void **state)
{
    (void)state;
    assert_label("\u00b5\u2026\U0001f600", "'\u00b5\u2026\U0001f600'");
    assert_label("\xff\x80\xc3", "'\?\?\?'");
    assert_label("\xc0\xaf", "'\?\?'");             /* a slash in two bytes */
    assert_label("\xed\xa0\x80", "'\?\?\?'");       /* half a pair */
    assert_label("\xef\xbf\xbf", "'\?\?\?'");       /* not for exchange */
    assert_label("\xf4\x90\x80\x80", "'\?\?\?\?'"); /* beyond Unicode */
    assert_label("\xc2\x85|", "'??|'");             /* a control in two bytes */
}

static void test_long_labels_are_cut(void **state)
{
    (void)state;
    char text[64], wanted[128];
    memset(text, 'x', sizeof text);
    text[SCRIPT_LABEL_COLUMNS] = '\0';
    snprintf(wanted, sizeof wanted, "'%s'", text);
    assert_label(text, wanted);
    text[SCRIPT_LABEL_COLUMNS] = 'x';
    text[SCRIPT_LABEL_COLUMNS + 1] = '\0';
    snprintf(wanted, sizeof wanted, "'%.*s\u2026'", SCRIPT_LABEL_COLUMNS - 1, text);
    assert_label(text, wanted);
}

static void test_scripts_grow_and_are_bounded(void **state)
{
    (void)state;
    struct script script = {0};
    size_t bytes = 0;
    for (unsigned i = 0; i < 10000; i++, bytes += 10)
        script_add(&script, "%09u\n", i);
    assert_int_equal(script.bytes, bytes);
    assert_memory_equal(script.text, "000000000\n000000001\n", 20);
    assert_string_equal(script.text + bytes - 10, "000009999\n");
    while (!script.failed && script.bytes < 2 * (size_t)SCRIPT_BYTES_MAX)
        script_add(&script, "%100000d", 1);
    assert_true(script.failed);
    assert_true(script.bytes <= SCRIPT_BYTES_MAX);
    script_free(&script);
    assert_null(script.text);
}

static void test_values(void **state)
{
    (void)state;
    struct script script = {0};
    script_value(&script, 0.5);
    script_value(&script, -1234567.25);
    script_value(&script, 1e-12);
    assert_string_equal(script.text, " 0.5 -1234567.25 1e-12");
    script_free(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_are_quoted),
        cmocka_unit_test(test_labels_are_utf8),
        cmocka_unit_test(test_long_labels_are_cut),
        cmocka_unit_test(test_scripts_grow_and_are_bounded),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
