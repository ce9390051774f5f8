/* test_report_read.c: a report says what the ledger says of champions, lines, and how it stands. */
#include "report_read_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void tells_limits_of_a_finished_run_only(void **state)
{
    struct read_fixture *fixture = *state;
    static const char limits[] = "budget.jobs = 3\nstop.hours = never\n";
    founds(fixture, 0, 1);
    assert_int_equal(ledger_put_fact(fixture->run->ledger, "limits", limits, NULL), LEDGER_OK);
    assert_int_equal(ledger_put_fact(fixture->run->ledger, "finished", "", NULL), LEDGER_OK);
    assert_string_equal(read_it(fixture)->limits, "");
    report_free(fixture->report);
    assert_int_equal(run_reopen(fixture->run, &fixture->error), 0);
    assert_int_equal(ledger_put_fact(fixture->run->ledger, "finished", "7", NULL), LEDGER_OK);
    assert_string_equal(read_it(fixture)->limits, limits);
    assert_string_equal(fixture->report->state, "finished");
}

/* A number of lines is from 1 to LINES_MAX, or the ledger is not whole. */
static void refuses_a_ledger_without_lines(void **state)
{
    struct read_fixture *fixture = *state;
    static const char *const canonicals[] = {
        "search.lines = 0\n",  "search.lines = 1000001\n",
        "search.lines = -1\n", "search.lines = \n",
        "search.lines = 7x\n", "search.lines = 99999999999999999999999999\n"};
    for (size_t i = 0; i < sizeof canonicals / sizeof canonicals[0]; i++) {
        run_unmake(&fixture->run);
        fixture->run = run_make(&(struct made_header){"made", canonicals[i], "name: made\n"});
        assert_int_equal(run_report(fixture->run, fixture->report, &fixture->error), -1);
        assert_non_null(strstr(fixture->error.text, "ledger.sqlite is damaged"));
    }
}

static void follows_the_lineage(void **state)
{
    struct read_fixture *fixture = *state;
    founds(fixture, 0, 0);
    run_begin(fixture->run);
    for (uint64_t job = 1; job < REPORT_LINEAGE_MAX + 5; job++)
        run_put(fixture->run, &(struct made_commit){.job = job,
                                                    .made_by = "none",
                                                    .operator_index = 2,
                                                    .has_parent = true,
                                                    .parent = job - 1,
                                                    .admitted = true,
                                                    .champion = true,
                                                    .fitness = (double)job});
    run_end(fixture->run);
    const struct report *report = read_it(fixture);
    assert_true(report->lineage_cut);
    assert_int_equal(report->lineage_count, REPORT_LINEAGE_MAX);
    for (size_t i = 0; i < report->lineage_count; i++)
        assert_int_equal(report->lineage[i].job.key.job, REPORT_LINEAGE_MAX + 4 - i);
    assert_true(report->operators[2].gain_mean == 1.0);
}

static void ends_the_lineage_at_the_founder(void **state)
{
    struct read_fixture *fixture = *state;
    founds(fixture, 0, 0.1);
    run_commit(fixture->run, &(struct made_commit){.job = 1,
                                                   .made_by = "none",
                                                   .operator_index = 2,
                                                   .has_parent = true,
                                                   .champion = true,
                                                   .fitness = 0.2});
    const struct report *report = read_it(fixture);
    assert_int_equal(report->lineage_count, 2);
    assert_false(report->lineage_cut);
    assert_int_equal(report->lineage[1].job.key.job, 0);
    assert_string_equal(report->state, "stopped");
    assert_string_equal(report->digest, "");
}

static void orders_lines_by_their_champions(void **state)
{
    struct read_fixture *fixture = *state;
    run_commit(fixture->run, &(struct made_commit){.line = 0,
                                                   .made_by = "init",
                                                   .operator_index = FOUNDER,
                                                   .outcome = OUTCOME_DIVERGED});
    founds(fixture, 1, 0.2);
    founds(fixture, 2, 0.4);
    run_commit(fixture->run,
               &(struct made_commit){
                   .line = 2, .job = JOB_NUMBER_FINAL, .has_parent = true, .fitness = 0.39});
    const struct report *report = read_it(fixture);
    assert_int_equal(report->line_count, 3);
    assert_int_equal(report->lines_total, 3);
    assert_int_equal(report->lines[0].line, 2);
    assert_int_equal(report->lines[0].commits, 2);
    assert_true(report->lines[0].has_final);
    assert_int_equal(report->lines[1].line, 1);
    assert_false(report->lines[1].has_final);
    assert_int_equal(report->lines[2].line, 0);
    assert_false(report->lines[2].has_champion);
    assert_int_equal(report->champion.job.key.line, 2);
    assert_true(report->has_final);
    assert_false(report->has_detail);
    /* A line's best is its own. */
    assert_true(isnan(report->points[0].best));
    assert_true(report->points[1].best == 0.2);
}

static void leaves_an_earlier_final_out(void **state)
{
    struct read_fixture *fixture = *state;
    founds(fixture, 0, 0.2);
    run_commit(fixture->run,
               &(struct made_commit){.job = JOB_NUMBER_FINAL, .has_parent = true, .fitness = 0.19});
    run_commit(fixture->run, &(struct made_commit){.job = 1,
                                                   .made_by = "none",
                                                   .operator_index = 2,
                                                   .has_parent = true,
                                                   .champion = true,
                                                   .fitness = 0.3});
    assert_false(read_it(fixture)->has_final);
}

static void tells_a_run_without_commits(void **state)
{
    struct read_fixture *fixture = *state;
    const struct report *report = read_it(fixture);
    assert_int_equal(report->counts.commits, 0);
    assert_int_equal(report->point_count, 0);
    assert_int_equal(report->line_count, 0);
    assert_int_equal(report->operator_count, 3);
    assert_false(report->has_champion);
    assert_true(report->wall_s == 0);
}

static void tells_a_run_without_champion(void **state)
{
    struct read_fixture *fixture = *state;
    for (uint64_t job = 0; job < 5; job++)
        run_commit(fixture->run, &(struct made_commit){.job = job,
                                                       .made_by = "init",
                                                       .operator_index = FOUNDER,
                                                       .outcome = OUTCOME_DIVERGED});
    const struct report *report = read_it(fixture);
    assert_false(report->has_champion);
    assert_int_equal(report->counts.diverged, 5);
    assert_int_equal(report->lineage_count, 0);
    assert_true(isnan(report->points[4].best));
}

static void tells_how_the_run_stands(void **state)
{
    struct read_fixture *fixture = *state;
    const struct job_key job = {.line = 0, .job = 7};
    const struct ledger_note note = {
        .wall_ms = 1, .kind = "job_quarantined", .job = &job, .text = "its slot died 3 times"};
    run_begin(fixture->run);
    assert_int_equal(ledger_put_note(fixture->run->ledger, &note, NULL), LEDGER_OK);
    run_end(fixture->run);
    assert_int_equal(ledger_put_fact(fixture->run->ledger, "digest", "abc", NULL), LEDGER_OK);
    assert_int_equal(ledger_put_fact(fixture->run->ledger, "served_ms", "2500", NULL), LEDGER_OK);
    const struct report *report = read_it(fixture);
    assert_string_equal(report->state, "stopped");
    assert_string_equal(report->poison, "job 0/7: its slot died 3 times");
    assert_string_equal(report->digest, "abc");
    assert_true(report->served_s == 2.5);
}

static void refuses_a_parent_from_the_future(void **state)
{
    struct read_fixture *fixture = *state;
    run_commit(fixture->run, &(struct made_commit){.job = 1,
                                                   .made_by = "none",
                                                   .operator_index = 2,
                                                   .has_parent = true,
                                                   .parent = 1,
                                                   .champion = true,
                                                   .fitness = 1});
    assert_int_equal(run_report(fixture->run, fixture->report, &fixture->error), -1);
    assert_non_null(strstr(fixture->error.text, "its parent 0/1 was not committed before it"));
    assert_null(fixture->report->points);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, read_setup, read_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(tells_limits_of_a_finished_run_only),
        CASE(refuses_a_ledger_without_lines),
        CASE(follows_the_lineage),
        CASE(ends_the_lineage_at_the_founder),
        CASE(orders_lines_by_their_champions),
        CASE(leaves_an_earlier_final_out),
        CASE(tells_a_run_without_commits),
        CASE(tells_a_run_without_champion),
        CASE(tells_how_the_run_stands),
        CASE(refuses_a_parent_from_the_future),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
