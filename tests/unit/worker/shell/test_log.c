/* test_log.c: a line stays one line, whatever a coordinator put into it. */
#include "worker/shell/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_words_of_others_move_no_terminal(void **state)
{
    (void)state;
    struct log log;
    int ends[2];
    char line[256];
    assert_int_equal(pipe(ends), 0);
    log_init(&log, ends[1], "amber");
    log_line(&log, "leaves: %s", "\033[2J\nsecond\xc2\x9b\x32J K\xc3\xb6ln\xc2");
    close(ends[1]);
    ssize_t got = read(ends[0], line, sizeof line - 1);
    close(ends[0]);
    assert_true(got > 0);
    line[got] = '\0';
    const char *said = strstr(line, "leaves: ");
    assert_non_null(said);
    assert_string_equal(said, "leaves: ?[2J?second??2J K\xc3\xb6ln\xc2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_of_others_move_no_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
