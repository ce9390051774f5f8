/* test_progress_text.c: how a run stands, in one line and in the rows of a block, at any width. */
#include "coordinator/commands/progress_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void expect_duration(double seconds, const char *wanted)
{
    char text[DURATION_BYTES_MAX];
    format_duration(seconds, text);
    assert_string_equal(text, wanted);
}

static void test_durations(void **state)
{
    (void)state;
    expect_duration(0, "0:00");
    expect_duration(7.9, "0:07");
    expect_duration(61, "1:01");
    expect_duration(3600, "1:00:00");
    expect_duration(100 * 3600 + 62, "100:01:02");
    expect_duration((double)NAN, "-");
    expect_duration((double)INFINITY, "-");
    expect_duration(-1, "-");
}

static struct shell_view new_view(void)
{
    return (struct shell_view){
        .commits = 312,
        .jobs_total = 1001,
        .jobs_per_s = 25.24,
        .seconds_left = 28,
        .fitness_best = 0.65344,
        .fitness_median = 0.612,
        .champion = {.line = 0, .job = 307},
        .workers = 1,
        .slots = 2,
        .operators = {{"psa.output", 60, 50, 13}, {"psa.hidden", 20, 9, 1}, {"none", 30, 11, 1}},
        .operator_count = 3,
    };
}

static void expect_line(const struct shell_view *view, const char *wanted)
{
    char text[256];
    format_progress(view, text, sizeof text);
    assert_string_equal(text, wanted);
}

static void test_progress_line(void **state)
{
    (void)state;
    struct shell_view view = new_view();
    expect_line(&view, "312/1001 jobs  31 %  25.2/s  0:28 left  best 0.65344 (0/307)  "
                       "median 0.612  1 worker, 2 slots");
    view.jobs_per_s = view.seconds_left = view.fitness_best = view.fitness_median = (double)NAN;
    view.workers = 2;
    view.slots = 1;
    expect_line(&view, "312/1001 jobs  31 %  2 workers, 1 slot");
    view.workers = view.slots = 0;
    view.jobs_total = 0;
    expect_line(&view, "312/0 jobs  0 %  no workers");
    char small[16];
    format_progress(&view, small, sizeof small);
    assert_string_equal(small, "312/0 jobs  0 %");
}

static void test_rates(void **state)
{
    (void)state;
    static const struct {
        double rate;
        const char *wanted;
    } rows[] = {{12345.6, "12346/s"}, {125.4, "125/s"}, {25.24, "25.2/s"},
                {7.571, "7.57/s"},    {0.53, "0.53/s"}, {0.0021, "0.0021/s"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shell_view view = new_view();
        char text[256], wanted[64];
        view.jobs_per_s = rows[i].rate;
        format_progress(&view, text, sizeof text);
        snprintf(wanted, sizeof wanted, "31 %%  %s  0:28 left", rows[i].wanted);
        if (strstr(text, wanted) == NULL)
            fail_msg("'%s' does not have '%s'", text, wanted);
    }
}

static void test_success(void **state)
{
    (void)state;
    static const struct {
        uint64_t compared, improved;
        const char *wanted;
    } rows[] = {{0, 0, "-"},       {7, 0, "0 %"},       {4, 1, "25 %"},
                {100, 9, "9.0 %"}, {1000, 4, "0.4 %"},  {100000, 40, "0.04 %"},
                {50, 50, "100 %"}, {1000, 999, "100 %"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct shell_operator shown = {"x", 0, rows[i].compared, rows[i].improved};
        char text[SUCCESS_BYTES_MAX];
        format_success(&shown, text);
        assert_string_equal(text, rows[i].wanted);
    }
}

static void test_operators_in_one_line(void **state)
{
    (void)state;
    struct shell_view view = new_view();
    char text[128];
    format_operators(&view, text, sizeof text);
    assert_string_equal(text, "psa.output 26 %  psa.hidden 11 %  none 9.1 %");
    char small[12];
    format_operators(&view, small, sizeof small);
    assert_string_equal(small, "psa.output ");
    view.operator_count = 0;
    format_operators(&view, text, sizeof text);
    assert_string_equal(text, "");
}

/* --------------------------------------------------------------------------------------- a block
 */

struct wanted_block {
    uint32_t columns, row_count;
    const char *rows[BLOCK_ROWS_MAX];
};

static void expect_block(const struct shell_view *view, const struct wanted_block *wanted)
{
    struct block_row rows[BLOCK_ROWS_MAX];
    assert_int_equal(format_block(view, wanted->columns, BLOCK_PLAIN, rows), wanted->row_count);
    for (uint32_t i = 0; i < wanted->row_count; i++) {
        assert_string_equal(rows[i].text, wanted->rows[i]);
        assert_int_equal(rows[i].columns, strlen(rows[i].text));
    }
}

static void test_block(void **state)
{
    (void)state;
    struct shell_view view = new_view();
    expect_block(&view, &(struct wanted_block){
                            80,
                            3,
                            {"[=======>                ]  312/1001 jobs  31 %  25.2/s  0:28 left",
                             "best 0.65344 (0/307)  median 0.612  1 worker, 2 slots",
                             "improved  psa.output 26 %  psa.hidden 11 %  none 9.1 %"}});
    expect_block(&view, &(struct wanted_block){52,
                                               3,
                                               {"312/1001 jobs  31 %  25.2/s  0:28 left",
                                                "best 0.65344 (0/307)  median 0.612",
                                                "improved  psa.output 26 %  none 9.1 %  +1"}});
    expect_block(&view, &(struct wanted_block){40,
                                               3,
                                               {"312/1001 jobs  31 %  25.2/s  0:28 left",
                                                "best 0.65344 (0/307)  median 0.612",
                                                "improved  psa.output 26 %  +2"}});
}

/* Of operators that were tried as often, the first of the list stay. */
static void test_equals_in_a_narrow_block(void **state)
{
    (void)state;
    struct shell_view view = new_view();
    for (uint32_t i = 0; i < view.operator_count; i++)
        view.operators[i].tried = 60;
    struct block_row rows[BLOCK_ROWS_MAX];
    assert_int_equal(format_block(&view, 46, BLOCK_PLAIN, rows), 3);
    assert_string_equal(rows[2].text, "improved  psa.output 26 %  +2");
}

static void test_block_before_anything_is_known(void **state)
{
    (void)state;
    struct shell_view view = {.jobs_total = 10,
                              .jobs_per_s = (double)NAN,
                              .fitness_best = (double)NAN,
                              .fitness_median = (double)NAN,
                              .operators = {{"none", 0, 0, 0}},
                              .operator_count = 1};
    expect_block(&view, &(struct wanted_block){80,
                                               3,
                                               {"[>                       ]  0/10 jobs  0 %",
                                                "no workers", "improved  none -"}});
    view.operator_count = 0;
    expect_block(&view, &(struct wanted_block){
                            80, 2, {"[>                       ]  0/10 jobs  0 %", "no workers"}});
}

static void test_finished_bar(void **state)
{
    (void)state;
    struct shell_view view = new_view();
    struct block_row rows[BLOCK_ROWS_MAX];
    view.commits = view.jobs_total;
    assert_int_equal(format_block(&view, 100, BLOCK_PLAIN, rows), 3);
    assert_memory_equal(rows[0].text, "[========================]  1001/1001 jobs", 42);
    view.commits = 2 * view.jobs_total; /* never seen, and no reason to write past the bar */
    assert_int_equal(format_block(&view, 100, BLOCK_PLAIN, rows), 3);
    assert_memory_equal(rows[0].text, "[========================]  2002/1001 jobs", 42);
}

static size_t visible_length(const char *text)
{
    size_t length = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\033') {
            c = strchr(c, 'm');
            assert_non_null(c);
        } else {
            assert_true(*c >= ' ' && *c < 0x7f);
            length++;
        }
    }
    return length;
}

static void test_no_row_is_too_wide(void **state)
{
    (void)state;
    struct shell_view view = new_view();
    view.operator_count = OPERATORS_MAX;
    for (uint32_t i = 0; i < OPERATORS_MAX; i++) {
        memset(view.operators[i].label, 'x', OPERATOR_LABEL_BYTES_MAX - 1);
        view.operators[i].label[i * 3] = '\0';
    }
    for (uint32_t columns = 0; columns < 3000; columns++) {
        struct block_row rows[BLOCK_ROWS_MAX];
        uint32_t count = format_block(&view, columns, BLOCK_ATTRIBUTES, rows);
        assert_in_range(count, 2, BLOCK_ROWS_MAX);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(rows[i].columns == 0 || rows[i].columns < columns);
            assert_int_equal(visible_length(rows[i].text), rows[i].columns);
        }
    }
}

static void test_attributes(void **state)
{
    (void)state;
    struct shell_view view = new_view();
    struct block_row rows[BLOCK_ROWS_MAX];
    assert_int_equal(format_block(&view, 80, BLOCK_ATTRIBUTES, rows), 3);
    assert_string_equal(rows[2].text, "\033[2mimproved\033[0m  \033[2mpsa.output\033[0m 26 %  "
                                      "\033[2mpsa.hidden\033[0m 11 %  \033[2mnone\033[0m 9.1 %");
    assert_int_equal(rows[2].columns, 54);
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 bytes"},
        {1023, "1023 bytes"},
        {1536, "1.5 KiB"},
        {UINT64_C(64) << 20, "64.0 MiB"},
        {UINT64_C(3) << 31, "6.0 GiB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[SIZE_BYTES_MAX];
        format_size(cases[i].bytes, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_progress_line),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_success),
        cmocka_unit_test(test_operators_in_one_line),
        cmocka_unit_test(test_block),
        cmocka_unit_test(test_equals_in_a_narrow_block),
        cmocka_unit_test(test_block_before_anything_is_known),
        cmocka_unit_test(test_finished_bar),
        cmocka_unit_test(test_no_row_is_too_wide),
        cmocka_unit_test(test_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
