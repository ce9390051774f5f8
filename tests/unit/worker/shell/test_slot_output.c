/* test_slot_output.c: the end of what a slot printed, its lines in the log, and the log itself. */
#include "shell_fixture.h"
#include "worker/shell/slot_output.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void add(struct fixture *fixture, struct slot_output *output, const char *bytes,
                size_t count)
{
    const struct slot_output_piece piece = {.slot = 3, .bytes = bytes, .count = count};
    slot_output_add(output, &piece, &fixture->log);
}

/* The log without the heads of its lines. */
static char *said(const struct fixture *fixture)
{
    char *log = fixture_log(fixture), *to = log;
    for (const char *from = log; *from != '\0';) {
        const char *text = strstr(from, " test ");
        assert_non_null(text);
        size_t length = strcspn(text + 6, "\n") + 1;
        memmove(to, text + 6, length);
        to += length;
        from = text + 6 + length;
    }
    *to = '\0';
    return log;
}

static void check_said(const struct fixture *fixture, const char *expected)
{
    char *text = said(fixture);
    assert_string_equal(text, expected);
    free(text);
}

static void test_lines_are_passed_on_whole(void **state)
{
    struct fixture *fixture = *state;
    struct slot_output output;
    slot_output_init(&output);
    add(fixture, &output, "one\ntw", 6);
    check_said(fixture, "slot 3: one\n");
    add(fixture, &output, "o\n\nthree", 8);
    check_said(fixture, "slot 3: one\nslot 3: two\n");
    slot_output_end(&output, 3, &fixture->log);
    check_said(fixture, "slot 3: one\nslot 3: two\nslot 3: three\n");
    assert_string_equal(output.tail, "one\ntwo\n\nthree");
}

static void test_tail_keeps_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct slot_output output;
    char all[5 * LOG_TAIL_BYTES_MAX];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = i % 50 == 49 ? '\n' : (char)('a' + i % 26);
    const size_t pieces[] = {1, 7, 100, LOG_TAIL_BYTES_MAX - 1, LOG_TAIL_BYTES_MAX, 5000};
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        slot_output_init(&output);
        for (size_t at = 0; at < sizeof all; at += pieces[p]) {
            size_t left = sizeof all - at, count = pieces[p] < left ? pieces[p] : left;
            add(fixture, &output, all + at, count);
            size_t kept = at + count < LOG_TAIL_BYTES_MAX - 1 ? at + count : LOG_TAIL_BYTES_MAX - 1;
            assert_int_equal(strlen(output.tail), kept);
            assert_memory_equal(output.tail, all + at + count - kept, kept);
        }
    }
}

static void test_what_is_no_text_is_made_text(void **state)
{
    struct fixture *fixture = *state;
    struct slot_output output;
    slot_output_init(&output);
    add(fixture, &output, "a\0b\033[31m\n", 9);
    check_said(fixture, "slot 3: a?b?[31m\n");
    assert_string_equal(output.tail, "a?b\033[31m\n");
}

static void test_long_lines_are_cut_up(void **state)
{
    struct fixture *fixture = *state;
    struct slot_output output;
    char line[SLOT_LINE_BYTES_MAX + 10];
    memset(line, 'x', sizeof line);
    slot_output_init(&output);
    add(fixture, &output, line, sizeof line);
    add(fixture, &output, "\n", 1);
    char *text = said(fixture);
    assert_int_equal(strlen(text), 2 * strlen("slot 3: \n") + sizeof line);
    free(text);
}

static void test_a_log_that_nobody_reads_does_not_hold_us_up(void **state)
{
    (void)state;
    struct log log;
    int pipes[2];
    char bytes[4096];
    assert_int_equal(pipe(pipes), 0);
    log_init(&log, pipes[1], "test");
    for (int i = 0; i < 5000; i++)
        log_line(&log, "line %d of a log that is not read by anybody at all", i);
    assert_in_range(log.dropped, 1000, 5000);
    assert_int_equal(fcntl(pipes[0], F_SETFL, O_NONBLOCK), 0);
    while (read(pipes[0], bytes, sizeof bytes) > 0)
        continue;
    log_line(&log, "again");
    assert_int_equal(log.dropped, 0);
    ssize_t count = read(pipes[0], bytes, sizeof bytes - 1);
    assert_true(count > 0);
    bytes[count] = '\0';
    assert_non_null(strstr(bytes, "lines of this log were lost"));
    assert_non_null(strstr(bytes, "again"));
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_lines_are_passed_on_whole),
        TEST(test_tail_keeps_the_end),
        TEST(test_what_is_no_text_is_made_text),
        TEST(test_long_lines_are_cut_up),
        TEST(test_a_log_that_nobody_reads_does_not_hold_us_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
