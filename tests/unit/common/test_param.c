/* test_param.c: what a parameter takes, how it is written, and what its errors say. */
#include "common/param.h"
#include "common/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct param real = {.name = "rate", .kind = PARAM_REAL, .least = 0, .most = 1};
static const struct param wide = {.name = "x", .kind = PARAM_REAL, .least = -1e300, .most = 1e300};
static const struct param whole = {.name = "n", .kind = PARAM_WHOLE, .least = 1, .most = 1e12};
static const struct param choice = {
    .name = "replace", .kind = PARAM_CHOICE, .choices = "parent|worst|oldest"};

static void check_value(const struct param *param, const char *text, double expected)
{
    double value = 12345;
    struct error error = {""};
    int failed = param_parse(param, text, &value, &error);
    if (failed)
        fail_msg("%s: %s", text, error.text);
    assert_memory_equal(&value, &expected, sizeof value);
}

static void check_error(const struct param *param, const char *text, const char *expected)
{
    double value = 12345;
    struct error error = {""};
    assert_int_equal(param_parse(param, text, &value, &error), -1);
    assert_string_equal(error.text, expected);
    assert_true(value == 12345);
    assert_int_equal(param_parse(param, text, &value, NULL), -1);
}

static void takes_decimal_and_exponent_forms(void **state)
{
    (void)state;
    check_value(&real, "0", 0);
    check_value(&real, "-0", 0);
    check_value(&real, "-0.0e5", 0);
    check_value(&real, "1", 1);
    check_value(&real, "0.1", 0.1);
    check_value(&real, ".5", 0.5);
    check_value(&real, "1.", 1);
    check_value(&real, "+0.25", 0.25);
    check_value(&real, "5e-1", 0.5);
    check_value(&real, "0.05E+1", 0.5);
    check_value(&real, "1e-400", 0);
    check_value(&wide, "-1e300", -1e300);
    check_value(&whole, "1", 1);
    check_value(&whole, "1e12", 1e12);
    check_value(&whole, "2.0", 2);
}

static void refuses_what_is_no_number(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",    " ",     " 1",    "1 ",  "1x",  "0x1",   "0x1p-1", "inf", "-inf", "infinity",
        "nan", "NaN",   "nan()", ".",   "+",   "-",     "e5",     "1e",  "1e+",  "1.2.3",
        "1,5", "1e5e5", "--1",   "+-1", "0b1", "1_000", "true",   "one", "1f",   "1\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double value = 12345;
        assert_int_equal(param_parse(&wide, texts[i], &value, NULL), -1);
        assert_true(value == 12345);
    }
    check_error(&real, "abc", "expected 0 .. 1, got 'abc'");
    check_error(&real, "", "expected 0 .. 1, got ''");
}

static void refuses_what_is_out_of_range(void **state)
{
    (void)state;
    check_error(&real, "1.0000001", "expected 0 .. 1, got '1.0000001'");
    check_error(&real, "-1e-9", "expected 0 .. 1, got '-1e-9'");
    check_error(&real, "1e999", "expected 0 .. 1, got '1e999'");
    check_error(&wide, "1e999", "expected -1e+300 .. 1e+300, got '1e999'");
    check_error(&whole, "0", "expected 1 .. 1000000000000 (whole), got '0'");
    check_error(&whole, "1000000000001",
                "expected 1 .. 1000000000000 (whole), got '1000000000001'");
    check_error(&whole, "2.5", "expected 1 .. 1000000000000 (whole), got '2.5'");
}

static void a_choice_is_the_index_of_its_word(void **state)
{
    (void)state;
    check_value(&choice, "parent", 0);
    check_value(&choice, "worst", 1);
    check_value(&choice, "oldest", 2);
    check_error(&choice, "wurst",
                "expected parent|worst|oldest, got 'wurst'; did you mean 'worst'?");
    check_error(&choice, "1", "expected parent|worst|oldest, got '1'");
    check_error(&choice, "", "expected parent|worst|oldest, got ''");
    check_error(&choice, "parent|worst", "expected parent|worst|oldest, got 'parent|worst'");
    char text[16];
    param_format(&choice, 2, text, sizeof text);
    assert_string_equal(text, "oldest");
}

static void check_text(const struct param *param, double value, const char *expected)
{
    char text[64];
    param_format(param, value, text, sizeof text);
    assert_string_equal(text, expected);
}

static void writes_the_shortest_text(void **state)
{
    (void)state;
    check_text(&real, 0.1, "0.1");
    check_text(&real, 0, "0");
    check_text(&real, 1, "1");
    check_text(&real, 1.0 / 3, "0.3333333333333333");
    check_text(&real, 0.1 + 0.2, "0.30000000000000004");
    check_text(&real, 1e-7, "1e-07");
    check_text(&whole, 1e12, "1000000000000");
    check_text(&whole, 65536, "65536");
}

static void text_comes_back_to_the_same_bits(void **state)
{
    (void)state;
    struct random random = random_open(3, 0, 0, RANDOM_STRATEGY);
    int tried = 0;
    while (tried < 20000) {
        uint64_t bits = random_u64(&random);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!(fabs(value) <= 1e300))
            continue;
        char text[64];
        param_format(&wide, value, text, sizeof text);
        check_value(&wide, text, value);
        tried++;
    }
}

static void says_its_range(void **state)
{
    (void)state;
    char text[64];
    param_range(&real, text, sizeof text);
    assert_string_equal(text, "0 .. 1");
    param_range(&whole, text, sizeof text);
    assert_string_equal(text, "1 .. 1000000000000 (whole)");
    param_range(&choice, text, sizeof text);
    assert_string_equal(text, "parent|worst|oldest");
}

static void finds_a_row_by_its_name(void **state)
{
    (void)state;
    const struct param rows[] = {real, whole, choice};
    assert_int_equal(param_find(rows, 3, "rate"), 0);
    assert_int_equal(param_find(rows, 3, "replace"), 2);
    assert_int_equal(param_find(rows, 2, "replace"), -1);
    assert_int_equal(param_find(NULL, 0, "rate"), -1);
    assert_int_equal(param_find(rows, 3, ""), -1);
}

static void quotes_what_a_terminal_can_bear(void **state)
{
    (void)state;
    char quoted[9];
    param_quote("abc", quoted, sizeof quoted);
    assert_string_equal(quoted, "abc");
    param_quote("12345678", quoted, sizeof quoted);
    assert_string_equal(quoted, "12345678");
    param_quote("123456789", quoted, sizeof quoted);
    assert_string_equal(quoted, "12345...");
    param_quote("\x1b[1m\n\xc3\xa4\x7f", quoted, sizeof quoted);
    assert_string_equal(quoted, "?[1m????");
    param_quote("", quoted, sizeof quoted);
    assert_string_equal(quoted, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_decimal_and_exponent_forms),
        cmocka_unit_test(refuses_what_is_no_number),
        cmocka_unit_test(refuses_what_is_out_of_range),
        cmocka_unit_test(a_choice_is_the_index_of_its_word),
        cmocka_unit_test(writes_the_shortest_text),
        cmocka_unit_test(text_comes_back_to_the_same_bits),
        cmocka_unit_test(says_its_range),
        cmocka_unit_test(finds_a_row_by_its_name),
        cmocka_unit_test(quotes_what_a_terminal_can_bear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
