/* test_report_read_pass.c: what a report counts over all commits, counted by hand. */
#include "report_read_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A founder and its children, of all outcomes. */
static const struct report *read_family(struct read_fixture *fixture)
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
        /* Equal, which is no better. */
        {.job = 3, .made_by = "noise", .has_parent = true, .fitness = 0.5, .admitted = true},
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
    assert_string_equal(report->operators[0].name, "noise"); /* there is no other noise */
    assert_string_equal(report->operators[3].name, "init");
    assert_string_equal(report->operators[1].label, "psa.output");
    assert_string_equal(report->operators[2].label, "none");
    assert_string_equal(report->operators[3].label, "init");
    const struct report_operator *noise = &report->operators[0];
    assert_int_equal(noise->tried, 3);
    assert_int_equal(noise->compared, 3);
    assert_int_equal(noise->improved, 1);
    assert_int_equal(noise->admitted, 2);
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

/* What no worker says and a ledger may: a fitness of what diverged, and one beyond all numbers. */
static void compares_only_what_can_be_compared(void **state)
{
    struct read_fixture *fixture = *state;
    founds(fixture, 0, 0.5);
    const struct made_commit commits[] = {
        {.job = 1,
         .made_by = "noise",
         .has_parent = true,
         .outcome = OUTCOME_DIVERGED,
         .fitness = 9},
        {.job = 2, .made_by = "noise", .has_parent = true, .fitness = INFINITY},
        {.job = 3, .made_by = "noise", .has_parent = true, .fitness = 0.75},
    };
    for (size_t i = 0; i < sizeof commits / sizeof commits[0]; i++)
        run_commit(fixture->run, &commits[i]);
    const struct report_operator *noise = &read_it(fixture)->operators[0];
    assert_int_equal(noise->tried, 3);
    assert_int_equal(noise->compared, 1);
    assert_int_equal(noise->improved, 1);
    assert_true(noise->gain_best == 0.25 && noise->gain_mean == 0.25);
}

/* Numbers of the ledger that were given to nothing do not count. */
static void counts_commits_and_not_their_numbers(void **state)
{
    struct read_fixture *fixture = *state;
    fixture->run->sequence = 40;
    founds(fixture, 0, 0.1);
    fixture->run->sequence = 400;
    founds(fixture, 1, 0.3);
    fixture->run->sequence = 4000;
    founds(fixture, 2, 0.2);
    const struct report *report = read_it(fixture);
    assert_int_equal(report->champion_commit, 2);
    assert_int_equal(report->champion.sequence, 401);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(report->points[i].commit, i + 1);
    assert_int_equal(report->lines[1].line, 2);
    assert_int_equal(report->lines[1].champion_commit, 3);
}

static void keeps_the_fittest_champion(void **state)
{
    struct read_fixture *fixture = *state;
    founds(fixture, 0, 0.5);
    run_commit(fixture->run, &(struct made_commit){.job = 1,
                                                   .made_by = "none",
                                                   .operator_index = 2,
                                                   .has_parent = true,
                                                   .champion = true,
                                                   .fitness = 0.4});
    const struct report *report = read_it(fixture);
    assert_int_equal(report->champion.job.key.job, 0);
    assert_int_equal(report->champion_commit, 1);
    assert_true(report->points[1].best == 0.5);
}

/* Neither an evaluation that is not the last, nor what became of the last one, is the search's. */
static void leaves_evaluations_out_of_the_search(void **state)
{
    struct read_fixture *fixture = *state;
    founds(fixture, 0, 0.5);
    founds(fixture, 1, 0.5);
    const struct made_commit commits[] = {
        {.job = 9, .operator_index = FOUNDER, .has_parent = true, .fitness = 0.9},
        {.job = JOB_NUMBER_FINAL,
         .operator_index = FOUNDER,
         .has_parent = true,
         .outcome = OUTCOME_DIVERGED},
        {.line = 1,
         .job = JOB_NUMBER_FINAL,
         .operator_index = FOUNDER,
         .has_parent = true,
         .outcome = OUTCOME_FAILED},
    };
    for (size_t i = 0; i < sizeof commits / sizeof commits[0]; i++)
        run_commit(fixture->run, &commits[i]);
    const struct report *report = read_it(fixture);
    assert_int_equal(report->counts.commits, 5);
    assert_int_equal(report->jobs, 2);
    assert_int_equal(report->point_count, 2);
    assert_int_equal(report->counts.diverged, 0);
    assert_int_equal(report->counts.failed, 0);
}

static void folds_workers_together(void **state)
{
    struct read_fixture *fixture = *state;
    enum { WORKERS = REPORT_WORKERS_MAX + 44 };
    run_begin(fixture->run);
    for (uint64_t job = 0; job < WORKERS; job++) {
        char name[32];
        snprintf(name, sizeof name, "worker%d", (int)job);
        run_put(fixture->run, &(struct made_commit){.job = job,
                                                    .made_by = "init",
                                                    .operator_index = FOUNDER,
                                                    .fitness = 1,
                                                    .worker = name});
    }
    run_end(fixture->run);
    const struct report *report = read_it(fixture);
    assert_int_equal(report->worker_count, REPORT_WORKERS_MAX);
    assert_string_equal(report->workers[REPORT_WORKERS_MAX - 1].worker, "others");
    assert_int_equal(report->workers[REPORT_WORKERS_MAX - 1].jobs, 45);
}

/* Parents at 0, 1, 2 and 3: the bands end at 1 and 2, and an edge belongs to the better one. */
static void tells_bands_of_parents_apart(void **state)
{
    struct read_fixture *fixture = *state;
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

static void thins_points_and_keeps_champions(void **state)
{
    struct read_fixture *fixture = *state;
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
    struct read_fixture *fixture = *state;
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

static void folds_strange_operators_together(void **state)
{
    struct read_fixture *fixture = *state;
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, read_setup, read_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(counts_operators),
        CASE(compares_only_what_can_be_compared),
        CASE(counts_commits_and_not_their_numbers),
        CASE(keeps_the_fittest_champion),
        CASE(leaves_evaluations_out_of_the_search),
        CASE(folds_workers_together),
        CASE(tells_bands_of_parents_apart),
        CASE(one_parent_alone_makes_no_bands),
        CASE(counts_the_run),
        CASE(thins_points_and_keeps_champions),
        CASE(thins_champions_when_there_is_nothing_else),
        CASE(folds_strange_operators_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
