/* test_texts.c: ids, and why there is no champion, as people write and read them. */
#include "coordinator/reading/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void expect_id(const char *text, struct job_key wanted)
{
    struct job_key key;
    if (!parse_id(text, &key))
        fail_msg("%s is an id", text);
    assert_int_equal(key.line, wanted.line);
    assert_true(key.job == wanted.job);
}

static void test_ids(void **state)
{
    (void)state;
    expect_id("12", (struct job_key){0, 12});
    expect_id("0/12", (struct job_key){0, 12});
    expect_id("7/0", (struct job_key){7, 0});
    expect_id("7/final", (struct job_key){7, JOB_NUMBER_FINAL});
    static const char *const none[] = {"",    "x",    "1/",         "/1",
                                       "1/x", "-1",   "1/2/3",      "1 / 2",
                                       "+1",  "1/-2", "99999999/1", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct job_key key;
        if (parse_id(none[i], &key))
            fail_msg("'%s' is no id", none[i]);
    }
    char id[ID_BYTES_MAX];
    format_id((struct job_key){3, 14}, id);
    assert_string_equal(id, "3/14");
    format_id((struct job_key){3, JOB_NUMBER_FINAL}, id);
    assert_string_equal(id, "3/final");
}

static void expect_no_champion(struct commit_counts counts, const char *wanted)
{
    char text[NO_CHAMPION_BYTES_MAX];
    format_no_champion(&counts, text);
    assert_string_equal(text, wanted);
}

static void test_why_there_is_no_champion(void **state)
{
    (void)state;
    expect_no_champion((struct commit_counts){0}, "none: no job is done yet");
    expect_no_champion((struct commit_counts){.commits = 20, .diverged = 20},
                       "none: 20 of 20 jobs diverged");
    expect_no_champion((struct commit_counts){.commits = 1, .failed = 1},
                       "none: 1 of 1 job failed");
    expect_no_champion((struct commit_counts){.commits = 9, .diverged = 7, .failed = 2},
                       "none: 7 of 9 jobs diverged, 2 failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_why_there_is_no_champion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
