/* test_error.c: the sentence an error carries. */
#include "common/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void gives_back_the_code_and_writes_the_sentence(void **state)
{
    (void)state;
    struct error error;
    assert_int_equal(error_set(&error, -3, "%s:%d: no", "x.yaml", 12), -3);
    assert_string_equal(error.text, "x.yaml:12: no");
    assert_int_equal(error_set(&error, 4, "again"), 4);
    assert_string_equal(error.text, "again");
}

static void null_means_the_code_is_enough(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, -7, "%s", "nobody reads this"), -7);
}

static void cuts_what_does_not_fit(void **state)
{
    (void)state;
    struct {
        struct error error;
        char guard[8];
    } memory;
    memset(&memory, '#', sizeof memory);
    char long_text[2000];
    memset(long_text, 'a', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    error_set(&memory.error, -1, "%s", long_text);
    assert_int_equal(strlen(memory.error.text), sizeof memory.error.text - 1);
    assert_memory_equal(memory.guard, "########", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_the_code_and_writes_the_sentence),
        cmocka_unit_test(null_means_the_code_is_enough),
        cmocka_unit_test(cuts_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
