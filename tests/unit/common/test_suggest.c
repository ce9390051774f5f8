/* test_suggest.c: distances between words, and which of them is near enough to suggest. */
#include "common/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void counts_edits(void **state)
{
    (void)state;
    static const struct {
        const char *one, *other;
        uint32_t distance;
    } cases[] = {
        {"", "", 0},         {"", "abc", 3},           {"size", "size", 0},
        {"sise", "size", 1}, {"sze", "size", 1},       {"sizze", "size", 1},
        {"jbos", "jobs", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
        {"SIZE", "size", 0}, {"abcd", "badc", 2},      {"noise", "none", 2},
        {"flaw", "lawn", 2}, {"abc", "xyz", 3},        {"saturday", "sunday", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(suggest_distance(cases[i].one, cases[i].other), cases[i].distance);
        assert_int_equal(suggest_distance(cases[i].other, cases[i].one), cases[i].distance);
    }
}

static void words_of_any_length_are_safe(void **state)
{
    (void)state;
    char longest[SUGGEST_WORD_BYTES_MAX + 1], longer[SUGGEST_WORD_BYTES_MAX + 2];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(suggest_distance(longest, longest), 0);
    assert_int_equal(suggest_distance(longest, ""), SUGGEST_WORD_BYTES_MAX);
    assert_int_equal(suggest_distance(longer, "a"), UINT32_MAX);
    assert_int_equal(suggest_distance("a", longer), UINT32_MAX);
    const char *const words[] = {"a", longest};
    assert_null(suggest_nearest(longer, words, 2));
}

static void suggests_the_nearest(void **state)
{
    (void)state;
    static const char *const words[] = {"name", "population", "size", "replace"};
    assert_string_equal(suggest_nearest("sise", words, 4), "size");
    assert_string_equal(suggest_nearest("popluation", words, 4), "population");
    assert_string_equal(suggest_nearest("populatino", words, 4), "population");
    assert_string_equal(suggest_nearest("Name", words, 4), "name");
    assert_null(suggest_nearest("tournament", words, 4));
    assert_null(suggest_nearest("", words, 4));
    assert_null(suggest_nearest("size", words, 0));
}

static void the_first_of_equals_wins(void **state)
{
    (void)state;
    static const char *const words[] = {"cat", "car", "can"};
    assert_string_equal(suggest_nearest("cap", words, 3), "cat");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_edits),
        cmocka_unit_test(words_of_any_length_are_safe),
        cmocka_unit_test(suggests_the_nearest),
        cmocka_unit_test(the_first_of_equals_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
