/* test_report_read.c: a report says what the ledger says: counted by hand. */
#include "report_ledger.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct made_header header = {
    .name = "made",
    .canonical = "data.set = fashion-mnist\n"
                 "operators.0.name = noise\noperators.0.scale = 0.1\noperators.0.weight = 2\n"
                 "operators.1.name = psa.output\noperators.1.weight = 1\n"
                 "operators.2.name = none\noperators.2.weight = 1\n"
                 "search.lines = 3\n",
    .yaml = "name: made\n",
};

#define FOUNDER UINT32_MAX

struct fixture {
    struct made_run *run;
    struct report *report;
    struct error error;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->run = run_make(&header);
    fixture->report = calloc(1, sizeof *fixture->report);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    report_free(fixture->report);
    free(fixture->report);
    run_unmake(&fixture->run);
    free(fixture);
    return 0;
}

static const struct report *read_it(struct fixture *fixture)
{
    if (run_report(fixture->run, fixture->report, &fixture->error) != 0)
        fail_msg("%s", fixture->error.text);
    return fixture->report;
}

static void founds(struct fixture *fixture, uint32_t line, double fitness)
{
    run_commit(fixture->run, &(struct made_commit){.line = line,
                                                   .made_by = "init",
                                                   .operator_index = FOUNDER,
                                                   .admitted = true,
                                                   .champion = true,
                                                   .fitness = fitness});
}

/* A founder and its children, of all outcomes. */
static const struct report *read_family(struct fixture *fixture)
{
    founds(fixture, 0, 0.5);
    const struct made_commit commits[] = {
        {.job = 1,
         .made_by = "noise",
         .has_parent = true,
         .fitness = 0.75,
         .champion = true,
         .admitted = true},
        {.job = 2, .made_by = "noise", .has_parent = true, .fitness = 0.375},
        {.job = 3, .made_by = "noise", .has_parent = true, .fitness = 0.5}, /* equal: no better */
        {.job = 4,
         .made_by = "psa.output",
         .operator_index = 1,
         .has_parent = true,
         .outcome = OUTCOME_DIVERGED},
        {.job = 5,
         .made_by = "psa.output",
         .operator_index = 1,
         .has_parent = true,
         .outcome = OUTCOME_FAILED,
         .worker = "other"},
        {.job = JOB_NUMBER_FINAL,
         .operator_index = FOUNDER,
         .has_parent = true,
         .parent = 1,
         .fitness = 0.7},
    };
    for (size_t i = 0; i < sizeof commits / sizeof commits[0]; i++)
        run_commit(fixture->run, &commits[i]);
    return read_it(fixture);
}

static void counts_operators(void **state)
{
    const struct report *report = read_family(*state);
    assert_int_equal(report->operator_count, 4);
    assert_string_equal(report->operators[0].label, "noise scale=0.1");
    assert_string_equal(report->operators[1].label, "psa.output");
    assert_string_equal(report->operators[2].label, "none");
    assert_string_equal(report->operators[3].label, "init");
    const struct report_operator *noise = &report->operators[0];
    assert_int_equal(noise->tried, 3);
    assert_int_equal(noise->compared, 3);
    assert_int_equal(noise->improved, 1);
    assert_int_equal(noise->admitted, 1);
    assert_int_equal(noise->champions, 1);
    assert_true(noise->gain_best == 0.25);
    assert_true(fabs(noise->gain_mean - 0.125 / 3) < 1e-15);
    assert_true(noise->compute_s == 1.5);
    assert_int_equal(noise->steps, 30);
    const struct report_operator *output = &report->operators[1];
    assert_int_equal(output->tried, 2);
    assert_int_equal(output->compared, 0);
    assert_int_equal(output->diverged, 1);
    assert_int_equal(output->failed, 1);
    assert_true(isnan(output->gain_mean) && isnan(output->gain_best));
    assert_int_equal(report->operators[2].tried, 0);
    assert_int_equal(report->operators[3].tried, 1);
    assert_int_equal(report->operators[3].compared, 0);
}

/* Parents at 0, 1, 2 and 3: the bands end at 1 and 2, and an edge belongs to the better one. */
static void tells_bands_of_parents_apart(void **state)
{
    struct fixture *fixture = *state;
    founds(fixture, 0, 0);
    for (uint64_t job = 1; job <= 4; job++)
        run_commit(fixture->run, &(struct made_commit){.job = job,
                                                       .made_by = "noise",
                                                       .has_parent = true,
                                                       .parent = job - 1,
                                                       .admitted = true,
                                                       .fitness = job < 4 ? (double)job : 2.5});
    const struct report *report = read_it(fixture);
    assert_true(report->band_edges[0] == 0 && report->band_edges[3] == 3);
    const struct report_operator *noise = &report->operators[0];
    assert_int_equal(noise->bands[0].compared, 1);
    assert_int_equal(noise->bands[0].improved, 1);
    assert_int_equal(noise->bands[1].compared, 1);
    assert_int_equal(noise->bands[2].compared, 2);
    assert_int_equal(noise->bands[2].improved, 1);
}

static void one_parent_alone_makes_no_bands(void **state)
{
    const struct report *report = read_family(*state);
    assert_true(isnan(report->band_edges[0]) && isnan(report->band_edges[3]));
    assert_int_equal(report->operators[0].bands[0].compared, 0);
}

static void counts_the_run(void **state)
{
    const struct report *report = read_family(*state);
    /* The evaluation is a commit and no job. */
    assert_int_equal(report->counts.commits, 7);
    assert_int_equal(report->jobs, 6);
    assert_int_equal(report->point_count, 6);
    assert_int_equal(report->attempts, 14);
    assert_int_equal(report->opinions, 7);
    assert_int_equal(report->counts.diverged, 1);
    assert_int_equal(report->counts.failed, 1);
    assert_int_equal(report->worker_count, 2);
    assert_string_equal(report->workers[0].worker, "local");
    assert_int_equal(report->workers[0].jobs, 6);
    assert_true(isnan(report->points[4].fitness));
    assert_true(report->points[4].best == 0.75);
    assert_int_equal(report->points[4].operator_row, 1);
    assert_true(report->points[1].compute_s == 1.0);
    assert_true(report->points[0].committed > UINT64_C(1500000000000));
    assert_true(report->has_final && report->final.fitness == 0.7);
    assert_int_equal(report->classes, 10);
    assert_string_equal(report->class_names[9], "Ankle boot");
}

static void follows_the_lineage(void **state)
{
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
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
    assert_string_equal(report->state, "paused or running");
    assert_string_equal(report->digest, "");
}

static void thins_points_and_keeps_champions(void **state)
{
    struct fixture *fixture = *state;
    enum { JOBS = 50000, EVERY = 777 };
    founds(fixture, 0, 0);
    run_begin(fixture->run);
    uint64_t champions = 1;
    for (uint64_t job = 1; job < JOBS; job++) {
        bool champion = job % EVERY == 0;
        champions += champion;
        run_put(fixture->run, &(struct made_commit){.job = job,
                                                    .made_by = "none",
                                                    .operator_index = 2,
                                                    .has_parent = true,
                                                    .champion = champion,
                                                    .fitness = champion ? (double)job : -1});
    }
    run_end(fixture->run);
    const struct report *report = read_it(fixture);
    assert_true(report->points_thinned);
    assert_true(report->point_count <= REPORT_POINTS_MAX);
    assert_true(report->point_count > REPORT_POINTS_MAX / 2);
    assert_int_equal(report->jobs, JOBS);
    uint64_t kept = 0, last = 0, widest = 0;
    for (size_t i = 0; i < report->point_count; i++) {
        const struct report_point *point = &report->points[i];
        kept += point->champion;
        assert_true(point->sequence > last);
        if (point->sequence - last > widest)
            widest = point->sequence - last;
        last = point->sequence;
    }
    assert_int_equal(kept, champions);
    assert_true(widest <= 4); /* evenly */
}

static void thins_champions_when_there_is_nothing_else(void **state)
{
    struct fixture *fixture = *state;
    run_begin(fixture->run);
    for (uint64_t job = 0; job < 3 * (uint64_t)REPORT_POINTS_MAX; job++)
        run_put(fixture->run, &(struct made_commit){.job = job,
                                                    .made_by = "init",
                                                    .operator_index = FOUNDER,
                                                    .champion = true,
                                                    .fitness = (double)job});
    run_end(fixture->run);
    const struct report *report = read_it(fixture);
    assert_true(report->points_thinned);
    assert_true(report->point_count <= REPORT_POINTS_MAX);
    assert_true(report->point_count >= REPORT_POINTS_MAX / 3);
}

static void orders_lines_by_their_champions(void **state)
{
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
    const struct job_key job = {.line = 0, .job = 7};
    const struct ledger_note note = {
        .wall_ms = 1, .kind = "job_quarantined", .job = &job, .text = "its slot died 3 times"};
    run_begin(fixture->run);
    assert_int_equal(ledger_put_note(fixture->run->ledger, &note, NULL), LEDGER_OK);
    run_end(fixture->run);
    assert_int_equal(ledger_put_fact(fixture->run->ledger, "digest", "abc", NULL), LEDGER_OK);
    assert_int_equal(ledger_put_fact(fixture->run->ledger, "served_ms", "2500", NULL), LEDGER_OK);
    const struct report *report = read_it(fixture);
    assert_string_equal(report->state, "poisoned");
    assert_string_equal(report->poison, "job 0/7: its slot died 3 times");
    assert_string_equal(report->digest, "abc");
    assert_true(report->served_s == 2.5);
}

static void refuses_a_parent_from_the_future(void **state)
{
    struct fixture *fixture = *state;
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

static void folds_strange_operators_together(void **state)
{
    struct fixture *fixture = *state;
    char name[OPERATOR_NAME_BYTES_MAX];
    for (uint64_t job = 0; job < 2 * (uint64_t)REPORT_OPERATORS_MAX; job++) {
        snprintf(name, sizeof name, "strange%d", (int)job);
        run_commit(fixture->run, &(struct made_commit){.job = job,
                                                       .made_by = name,
                                                       .operator_index = 1000 + (uint32_t)job,
                                                       .fitness = 1});
    }
    const struct report *report = read_it(fixture);
    assert_int_equal(report->operator_count, REPORT_OPERATORS_MAX);
    assert_string_equal(report->operators[REPORT_OPERATORS_MAX - 1].label, "others");
    uint64_t tried = 0;
    for (uint32_t i = 0; i < report->operator_count; i++)
        tried += report->operators[i].tried;
    assert_int_equal(tried, 2 * REPORT_OPERATORS_MAX);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(counts_operators),
        CASE(tells_bands_of_parents_apart),
        CASE(one_parent_alone_makes_no_bands),
        CASE(counts_the_run),
        CASE(follows_the_lineage),
        CASE(ends_the_lineage_at_the_founder),
        CASE(thins_points_and_keeps_champions),
        CASE(thins_champions_when_there_is_nothing_else),
        CASE(orders_lines_by_their_champions),
        CASE(leaves_an_earlier_final_out),
        CASE(tells_a_run_without_commits),
        CASE(tells_a_run_without_champion),
        CASE(tells_how_the_run_stands),
        CASE(refuses_a_parent_from_the_future),
        CASE(folds_strange_operators_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
