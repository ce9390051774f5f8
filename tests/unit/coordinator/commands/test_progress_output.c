/* test_progress_output.c: what a worker says is shown to the owner, and obeyed in nothing. */
#include "coordinator/commands/progress_output.h"

#include "coordinator/shell/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What standard output gets while the note is shown. */
static void show_note(const struct shell_noted *noted, char *shown, size_t size)
{
    struct progress_output output = {.style = PROGRESS_PLAIN, .remote = true};
    struct shell_observer observer = progress_output_observer(&output);
    int ends[2];
    fflush(stdout);
    int before = dup(STDOUT_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_true(before >= 0 && dup2(ends[1], STDOUT_FILENO) == STDOUT_FILENO);
    close(ends[1]);
    observer.noted(observer.context, noted);
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    ssize_t got = read(ends[0], shown, size - 1);
    close(ends[0]);
    assert_true(got >= 0);
    shown[got] = '\0';
}

static void test_note_moves_no_terminal(void **state)
{
    (void)state;
    char shown[256];
    const struct shell_noted noted = {
        .kind = "worker_left",
        .text = "evil: \033]0;owned\007\r\nfinished: all is well\xc2\x9b\x32J",
    };
    show_note(&noted, shown, sizeof shown);
    assert_string_equal(shown, "worker_left: evil: ?]0;owned???finished: all is well?2J\n");
}

static void test_note_keeps_its_words(void **state)
{
    (void)state;
    char shown[256];
    const struct shell_noted noted = {.kind = "worker_joined", .text = "K\xc3\xb6ln joined"};
    show_note(&noted, shown, sizeof shown);
    assert_string_equal(shown, "worker_joined: K\xc3\xb6ln joined\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_note_moves_no_terminal),
        cmocka_unit_test(test_note_keeps_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
