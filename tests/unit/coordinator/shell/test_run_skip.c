/* test_run_skip.c: jobs given up, and commits taken back, in a run that nobody serves; and the
 * experiment that its ledger alone gives. */
#include "ledger_fixture.h"

#include "coordinator/shell/run.h"
#include "coordinator/shell/run_recall.h"
#include "coordinator/shell/run_rewind.h"
#include "coordinator/shell/run_skip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char yaml[] = "seed: 5\n"
                           "evaluator: null\n"
                           "operators: [{name: noise}]\n"
                           "strategy: {name: tournament, population: 4}\n"
                           "search: {lookahead: 4, lines: 2, open_lines: 1}\n";

/* What the file lacks came from the command line, and is in the ledger all the same. */
static struct experiment *parse(void)
{
    static const char *const overrides[] = {"name=told", "budget.jobs=6", "operators.0.scale=0.25"};
    struct error error;
    struct experiment *experiment = experiment_parse(yaml, "test.yaml", overrides, 3, &error);
    if (experiment == NULL)
        fail_msg("%s", error.text);
    return experiment;
}

static enum run_result open_run(struct run *run, const struct fixture *fixture,
                                const struct experiment *experiment, struct error *error)
{
    const struct run_options options = {.experiment = experiment,
                                        .directory = fixture_path(fixture, "run")};
    return run_open(run, &options, error);
}

/* A run that was opened, and told its limits, as a coordinator does. */
static void make_run(const struct fixture *fixture)
{
    struct experiment *experiment = parse();
    struct run run;
    struct error error;
    char limits[RUN_LIMITS_BYTES_MAX];
    if (open_run(&run, fixture, experiment, &error) != RUN_OPENED)
        fail_msg("%s", error.text);
    assert_int_equal(run_limits(&run, limits, &error), 0);
    assert_int_equal(ledger_put_fact(run.ledger, "limits", limits, &error), LEDGER_OK);
    assert_int_equal(ledger_put_fact(run.ledger, "digest", "told", &error), LEDGER_OK);
    run_close(&run);
    experiment_destroy(&experiment);
}

static int skip_job(const struct fixture *fixture, struct job_key job, struct error *error)
{
    return run_skip(fixture_path(fixture, "run"), job, error);
}

static void expect_refusal(const struct fixture *fixture, struct job_key job, const char *why)
{
    struct error error = {""};
    assert_int_equal(skip_job(fixture, job, &error), -1);
    if (strstr(error.text, why) == NULL)
        fail_msg("'%s' does not say '%s'", error.text, why);
}

static void the_ledger_gives_its_experiment(void **state)
{
    struct experiment *experiment = parse(), *recalled;
    struct ledger_header header;
    struct ledger *ledger;
    struct error error;
    char path[512];
    make_run(*state);
    snprintf(path, sizeof path, "%s/ledger.sqlite", fixture_path(*state, "run"));
    assert_int_equal(ledger_open(path, LEDGER_READ, &header, &ledger, &error), LEDGER_OK);
    recalled = run_recall(ledger, &header, &error);
    if (recalled == NULL)
        fail_msg("%s", error.text);
    assert_string_equal(experiment_canonical(recalled), experiment_canonical(experiment));
    assert_string_equal(experiment_name(recalled), "told");
    assert_int_equal(experiment_jobs(recalled), experiment_jobs(experiment));
    experiment_destroy(&recalled);
    experiment_destroy(&experiment);
    ledger_close(&ledger);
}

static void a_skip_is_there_in_the_next_life(void **state)
{
    struct experiment *experiment = parse();
    struct run run;
    struct error error = {""};
    char text[64];
    make_run(*state);
    if (skip_job(*state, (struct job_key){0, 2}, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(skip_job(*state, (struct job_key){0, 2}, &error), 1);
    assert_int_equal(skip_job(*state, (struct job_key){0, 0}, &error), 0);
    assert_int_equal(open_run(&run, *state, experiment, &error), RUN_OPENED);
    assert_int_equal(run.epoch, 2); /* a skip is no life of a coordinator */
    assert_int_equal(core_may_skip(run.core, (struct job_key){0, 2}, NULL), SKIP_IS_THERE);
    assert_int_equal(core_may_skip(run.core, (struct job_key){0, 1}, NULL), SKIP_ALLOWED);
    assert_int_equal(core_summary(run.core).held, 2);
    assert_int_equal(ledger_get_fact(run.ledger, "digest", text, sizeof text, NULL), LEDGER_OK);
    assert_string_equal(text, ""); /* the run has not come to its end */
    run_close(&run);
    experiment_destroy(&experiment);
}

static void what_cannot_be_skipped(void **state)
{
    struct experiment *experiment = parse();
    struct run run;
    struct error error;
    make_run(*state);
    expect_refusal(*state, (struct job_key){0, 4}, "job 0/4 cannot be skipped: it is not created");
    expect_refusal(*state, (struct job_key){1, 0}, "job 1/0 cannot be skipped: it is not created");
    expect_refusal(*state, (struct job_key){2, 0}, "no such line");
    assert_int_equal(run_skip(fixture_path(*state, "absent"), (struct job_key){0, 0}, &error), -1);
    assert_non_null(strstr(error.text, "is not a run directory"));
    assert_int_equal(open_run(&run, *state, experiment, &error), RUN_OPENED);
    expect_refusal(*state, (struct job_key){0, 0}, "run"); /* served */
    run_close(&run);
    experiment_destroy(&experiment);
}

/* ---------------------------------------------------------------------------------------- rewind
 */

static int begin(void *context, const struct ledger_header *header, struct error *error)
{
    (void)error;
    *(uint32_t *)context = header->run.bytes[0];
    return 0;
}

static int fits(void *context, const struct ledger_record *record, struct error *error)
{
    (void)context, (void)record, (void)error;
    return 0;
}

static int rewind_to(const struct fixture *fixture, uint64_t before, struct run_rewound *rewound,
                     struct error *error)
{
    uint32_t context;
    const struct run_rewind_options options = {.directory = fixture_path(fixture, "run"),
                                               .before = before,
                                               .begin = begin,
                                               .fits = fits,
                                               .context = &context};
    return run_rewind(&options, rewound, error);
}

static void inputs_are_taken_back_and_the_old_ledger_is_kept(void **state)
{
    struct experiment *experiment = parse();
    struct run run;
    struct run_rewound rewound;
    struct error error = {""};
    make_run(*state);
    assert_int_equal(rewind_to(*state, 1, &rewound, &error), -1);
    assert_non_null(strstr(error.text, "no commit yet"));
    for (uint64_t job = 0; job < 4; job++)
        assert_int_equal(skip_job(*state, (struct job_key){0, job}, &error), 0);
    assert_int_equal(rewind_to(*state, 5, &rewound, &error), -1);
    assert_non_null(strstr(error.text, "1 to 4, and none with number 5"));
    if (rewind_to(*state, 3, &rewound, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(rewound.records.inputs, 2);
    assert_int_equal(rewound.records.inputs_dropped, 2);
    assert_int_equal(access(rewound.kept, F_OK), 0);
    struct run_rewound second;
    assert_int_equal(rewind_to(*state, 2, &second, &error), 0);
    assert_string_not_equal(second.kept, rewound.kept);
    assert_int_equal(open_run(&run, *state, experiment, &error), RUN_OPENED);
    assert_int_equal(run.epoch, 2);
    assert_int_equal(core_may_skip(run.core, (struct job_key){0, 0}, NULL), SKIP_IS_THERE);
    assert_int_equal(core_may_skip(run.core, (struct job_key){0, 1}, NULL), SKIP_ALLOWED);
    assert_int_equal(rewind_to(*state, 1, &second, &error), -1); /* served */
    run_close(&run);
    experiment_destroy(&experiment);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(the_ledger_gives_its_experiment),
        WITH_FOLDER(a_skip_is_there_in_the_next_life),
        WITH_FOLDER(what_cannot_be_skipped),
        WITH_FOLDER(inputs_are_taken_back_and_the_old_ledger_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
