/* test_json.c: what JSON cannot say is said in another way, and what was written can be read. */
#include "coordinator/shell/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double value, double wanted, double within)
{
    if (!(fabs(value - wanted) <= within))
        fail_msg("%.17g is not %.17g", value, wanted);
}

static void expect_text(struct json_node *node, const char *wanted)
{
    char *text = json_print(node, JSON_ONE_LINE);
    assert_string_equal(text, wanted);
    free(text);
    json_node_free(&node);
}

static void test_keys_keep_their_order(void **state)
{
    (void)state;
    struct json_node *root = json_node_object();
    json_set_u64(root, "zebra", 1);
    json_set_text(root, "ape", "x");
    json_set_bool(root, "middle", true);
    json_set_i64(root, "less", -3);
    json_set_text(root, "nothing", NULL);
    expect_text(root, "{\"zebra\":1,\"ape\":\"x\",\"middle\":true,\"less\":-3,\"nothing\":null}");
}

static void test_numbers_that_json_does_not_know(void **state)
{
    (void)state;
    struct json_node *root = json_node_object();
    json_set_f64(root, "nan", (double)NAN);
    json_set_f64(root, "infinite", (double)-INFINITY);
    json_set_u64(root, "most", INT64_MAX);
    json_set_u64(root, "more", UINT64_MAX);
    expect_text(root, "{\"nan\":null,\"infinite\":null,\"most\":9223372036854775807,"
                      "\"more\":\"18446744073709551615\"}");
}

static void test_reals_keep_their_bits(void **state)
{
    (void)state;
    static const double values[] = {0.1, 1.0 / 3, -5e-324, 1.7976931348623157e308, -0.0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct json_node *root = json_node_object();
        json_set_f64(root, "x", values[i]);
        char *text = json_print(root, JSON_ONE_LINE);
        json_node_free(&root);
        root = json_parse(text, strlen(text), NULL);
        assert_non_null(root);
        double back = json_get_f64(root, "x", 7);
        assert_memory_equal(&back, &values[i], sizeof back);
        free(text);
        json_node_free(&root);
    }
}

static void test_bytes_that_are_no_text(void **state)
{
    (void)state;
    struct json_node *root = json_node_object();
    json_set_text(root, "log", "caf\xe9 \"quoted\"\n");
    json_set_text(root, "fine", "caf\xc3\xa9");
    expect_text(root, "{\"log\":\"caf? \\\"quoted\\\"\\n\",\"fine\":\"caf\xc3\xa9\"}");
}

static void test_reading(void **state)
{
    (void)state;
    static const char text[] = "{\"a\": 5, \"b\": \"x\", \"c\": [{\"d\": 1.5}, {}], \"e\": -1}";
    struct json_node *root = json_parse(text, strlen(text), NULL);
    assert_non_null(root);
    assert_int_equal(json_get_u64(root, "a", 0), 5);
    assert_int_equal(json_get_u64(root, "b", 9), 9);
    assert_int_equal(json_get_u64(root, "e", 9), 9);
    assert_int_equal(json_get_u64(root, "absent", 9), 9);
    assert_string_equal(json_get_text(root, "b", ""), "x");
    assert_string_equal(json_get_text(root, "a", "fallback"), "fallback");
    assert_null(json_get_node(root, "absent"));
    const struct json_node *list = json_get_node(root, "c");
    assert_int_equal(json_array_count(list), 2);
    assert_near(json_get_f64(json_array_at(list, 0), "d", 0), 1.5, 0);
    assert_near(json_get_f64(root, "a", 0), 5, 0);
    json_node_free(&root);
}

static void test_what_is_not_json(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "{", "{\"a\":1,\"a\":2}", "[1] x", "nonsense"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct error error = {0};
        assert_null(json_parse(texts[i], strlen(texts[i]), &error));
        assert_true(strlen(error.text) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_keep_their_order),
        cmocka_unit_test(test_numbers_that_json_does_not_know),
        cmocka_unit_test(test_reals_keep_their_bits),
        cmocka_unit_test(test_bytes_that_are_no_text),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_what_is_not_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
