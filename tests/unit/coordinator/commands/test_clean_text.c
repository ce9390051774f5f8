/* test_clean_text.c: what strangers write is shown and obeyed in nothing. */
#include "coordinator/commands/clean_text.h"
#include "coordinator/commands/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void expect(const char *text, const char *wanted)
{
    char clean[64];
    clean_text(text, clean, sizeof clean);
    assert_string_equal(clean, wanted);
}

static void what_is_readable_stays(void **state)
{
    (void)state;
    expect("", "");
    expect("psa.output ~!", "psa.output ~!");
    expect("/home/j\xc3\xb6rg/\xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x90\x80",
           "/home/j\xc3\xb6rg/\xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x90\x80");
}

static void what_moves_a_terminal_does_not(void **state)
{
    (void)state;
    expect("\033[2Jx\r\n\t\177", "?[2Jx????");
    expect("\xc2\x9b"
           "2J \xc2\x85",
           "?2J ?");
    expect("\x9b"
           "2J",
           "?2J");
    expect("\xe2\x80\xae"
           "drah \xe2\x81\xa6 \xe2\x80\x8b \xef\xbb\xbf",
           "?drah ? ? ?");
    expect("\xc0\x9b \xed\xa0\x80 \xf8", "?? ??? ?");
}

static void a_character_is_never_cut(void **state)
{
    (void)state;
    char clean[4];
    clean_text("ab\xc3\xb6", clean, sizeof clean);
    assert_string_equal(clean, "ab");
    clean_text("a\xc3\xb6"
               "b",
               clean, sizeof clean);
    assert_string_equal(clean, "a\xc3\xb6");
    clean_text("abcdef", clean, sizeof clean);
    assert_string_equal(clean, "abc");
    clean_text("\033\033\033\033", clean, sizeof clean);
    assert_string_equal(clean, "???");
    clean_text("abc", clean, 1);
    assert_string_equal(clean, "");
}

/* Standard output while `print` runs. */
static void capture(void (*print)(void), char *text, size_t size)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    print();
    fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    close(kept);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void print_both(void)
{
    static const char *const titles[] = {"host", ">n", NULL};
    struct table *table = table_create(titles);
    table_add(table, "%s", "\033]0;owned\a");
    table_add(table, "%d", 7);
    table_print(table);
    table_destroy(&table);
    print_clean((struct clean_row){6, "name"}, "\033[31mred");
}

static void tables_and_rows_are_clean(void **state)
{
    (void)state;
    char text[256];
    capture(print_both, text, sizeof text);
    assert_string_equal(text, "host        n\n?]0;owned?  7\nname   ?[31mred\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_readable_stays),
        cmocka_unit_test(what_moves_a_terminal_does_not),
        cmocka_unit_test(a_character_is_never_cut),
        cmocka_unit_test(tables_and_rows_are_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
