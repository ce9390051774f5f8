/* test_key_text.c: key files as text: what is one, and which line of what is none is named. */
#include "common/key_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define HEX_B "abababababababababababababababababababababababababababababababab"

static int parse(const char *text, struct key_file *key, struct error *error)
{
    return key_text_parse(text, strlen(text), key, error);
}

static void test_three_forms(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "ratchet-key 1\npublic " HEX_A "\n",
        "ratchet-key 1\npublic " HEX_A "\nsecret " HEX_B "\n",
        "ratchet-key 1\npublic " HEX_A "\nsecret " HEX_B "\nserver " HEX_B "\n",
    };
    for (int i = 0; i < 3; i++) {
        struct key_file key;
        char again[KEY_TEXT_BYTES_MAX], hex[KEY_HEX_BYTES];
        assert_int_equal(parse(texts[i], &key, NULL), 0);
        assert_int_equal(key.has_secret, i >= 1);
        assert_int_equal(key.has_server, i == 2);
        public_key_to_hex(&key.own, hex);
        assert_string_equal(hex, HEX_A);
        assert_int_equal(key_text_print(&key, again), strlen(texts[i]));
        assert_string_equal(again, texts[i]);
    }
}

static void test_what_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", "line 1"},
        {"ratchet-keys 1\n", "line 1: is not"},
        {"ratchet-key 2\npublic " HEX_A "\n", "version 2"},
        {"ratchet-key 1\n", "line 2: the public key is missing"},
        {"ratchet-key 1\npublic " HEX_A, "line 2"},
        {"ratchet-key 1\npublic  " HEX_A "\n", "line 2: a blank too many"},
        {"ratchet-key 1\npublic " HEX_A " \n", "line 2: a blank too many"},
        {"ratchet-key 1\nsecret " HEX_A "\n", "line 2: \"public\""},
        {"ratchet-key 1\npublic " HEX_A "0\n", "line 2"},
        {"ratchet-key 1\npublic " HEX_A "\nserver " HEX_B "\n", "line 3: \"secret\""},
        {"ratchet-key 1\npublic " HEX_A "\n\n", "line 3"},
        {"ratchet-key 1\npublic " HEX_ZEROS "\n", "line 2: a public key of zeros"},
        {"ratchet-key 1\r\npublic " HEX_A "\n", "line 1"},
        {"ratchet-key 1\npublic " HEX_A "\nsecret " HEX_B "\nserver " HEX_B "\nmore\n", "line 5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct key_file key;
        struct error error = {.text = ""};
        if (parse(cases[i].text, &key, &error) == 0)
            fail_msg("'%s' was taken", cases[i].text);
        if (strstr(error.text, cases[i].said) == NULL)
            fail_msg("'%s' does not say '%s'", error.text, cases[i].said);
    }
}

static void test_lines_are_bounded(void **state)
{
    (void)state;
    char text[2 * WORD_LINE_BYTES_MAX];
    struct error error = {.text = ""};
    memset(text, 'a', sizeof text);
    text[WORD_LINE_BYTES_MAX] = '\n';
    struct word_lines lines = {.text = text, .bytes = WORD_LINE_BYTES_MAX + 1};
    assert_int_equal(word_lines_next(&lines, &error), WORD_LINES_BAD);
    assert_non_null(strstr(error.text, "line 1: is longer"));
    text[WORD_LINE_BYTES_MAX - 1] = '\n';
    lines = (struct word_lines){.text = text, .bytes = WORD_LINE_BYTES_MAX};
    assert_int_equal(word_lines_next(&lines, &error), WORD_LINES_LINE);
    assert_int_equal(lines.count, 1);
    assert_int_equal(word_lines_next(&lines, &error), WORD_LINES_END);
    static const char many[] = "a a a a a a a a a\n";
    lines = (struct word_lines){.text = many, .bytes = sizeof many - 1};
    assert_int_equal(word_lines_next(&lines, &error), WORD_LINES_BAD);
}

static void test_numbers(void **state)
{
    (void)state;
    uint64_t value = 7;
    static const char *const wrong[] = {"",   "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616",
                                        "101"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(word_to_number(wrong[i], 100, &value));
    assert_int_equal(value, 7);
    assert_true(word_to_number("100", 100, &value));
    assert_int_equal(value, 100);
    assert_true(word_to_number("18446744073709551615", UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_forms),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_lines_are_bounded),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
