/* test_run.c: what is resumed and what is refused, and that a refusal leaves nothing open. */
#include "ledger_fixture.h"

#include "common/version.h"
#include "coordinator/shell/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char yaml[] = "name: test\n"
                           "seed: 5\n"
                           "evaluator: null\n"
                           "operators: [{name: noise}]\n"
                           "strategy: {name: ratchet}\n"
                           "budget: {jobs: 10}\n";

static struct experiment *parse(const char *override)
{
    struct error error;
    const char *const overrides[] = {override};
    struct experiment *experiment =
        experiment_parse(yaml, "test.yaml", overrides, override != NULL ? 1 : 0, &error);
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

static void test_new_then_resumed(void **state)
{
    struct experiment *experiment = parse(NULL);
    struct run run;
    struct error error = {0};
    if (open_run(&run, *state, experiment, &error) != RUN_OPENED)
        fail_msg("%s", error.text);
    struct run_id id = run.id;
    assert_int_equal(run.epoch, 1);
    assert_int_equal(run.replayed, 0);
    assert_true(blob_store_has(run.store, &run.spec));
    run_close(&run);
    if (open_run(&run, *state, experiment, &error) != RUN_OPENED)
        fail_msg("%s", error.text);
    assert_memory_equal(&run.id, &id, sizeof id);
    assert_int_equal(run.epoch, 2);
    run_close(&run);
    experiment_destroy(&experiment);
}

static void test_second_coordinator(void **state)
{
    struct experiment *experiment = parse(NULL);
    struct run run, second;
    struct error error = {0};
    assert_int_equal(open_run(&run, *state, experiment, &error), RUN_OPENED);
    assert_int_equal(open_run(&second, *state, experiment, &error), RUN_REFUSED);
    assert_non_null(strstr(error.text, "run"));
    run_close(&run);
    assert_int_equal(open_run(&second, *state, experiment, &error), RUN_OPENED);
    assert_int_equal(second.epoch, 2); /* the refused one did not count */
    run_close(&second);
    experiment_destroy(&experiment);
}

static void test_another_experiment_is_refused_other_limits_are_not(void **state)
{
    struct experiment *experiment = parse(NULL), *other = parse("null.heal=0.5"),
                      *longer = parse("budget.jobs=20");
    struct run run;
    struct error error = {0};
    assert_int_equal(open_run(&run, *state, experiment, &error), RUN_OPENED);
    run_close(&run);
    assert_int_equal(open_run(&run, *state, other, &error), RUN_OTHER_EXPERIMENT);
    assert_non_null(strstr(error.text, "null.heal"));
    assert_non_null(strstr(error.text, "0.5"));
    assert_int_equal(open_run(&run, *state, longer, &error), RUN_OPENED);
    assert_int_equal(run.epoch, 2);
    run_close(&run);
    experiment_destroy(&experiment);
    experiment_destroy(&other);
    experiment_destroy(&longer);
}

/* A run as another release would have left it. */
static void make_foreign_run(const struct fixture *fixture, const struct experiment *experiment)
{
    struct run_directory directory;
    char path[OS_PATH_BYTES_MAX];
    struct ledger *ledger;
    assert_int_equal(run_directory_open(&directory, fixture_path(fixture, "run"), NULL), 0);
    run_directory_file(&directory, "ledger.sqlite", path);
    struct ledger_header header = {
        .run = {{7}},
        .engine_version = "0.0.1",
        .name = "test",
        .experiment_digest = experiment_digest(experiment),
        .canonical = experiment_canonical(experiment),
        .yaml = yaml,
    };
    assert_int_equal(ledger_open(path, LEDGER_CREATE, &header, &ledger, NULL), LEDGER_OK);
    ledger_close(&ledger);
    run_directory_close(&directory);
}

static void test_another_engine_version(void **state)
{
    struct experiment *experiment = parse(NULL);
    struct run run;
    struct error error = {0};
    make_foreign_run(*state, experiment);
    assert_int_equal(open_run(&run, *state, experiment, &error), RUN_REFUSED);
    assert_non_null(strstr(error.text, "0.0.1"));
    assert_non_null(strstr(error.text, RATCHET_VERSION));
    assert_non_null(strstr(error.text, "--dir"));
    experiment_destroy(&experiment);
}

static void test_ledger_that_is_none(void **state)
{
    struct experiment *experiment = parse(NULL);
    struct run run;
    struct error error = {0};
    assert_int_equal(os_make_directories(fixture_path(*state, "run"), 0755, NULL), 0);
    assert_int_equal(
        os_write_atomic(fixture_path(*state, "run/ledger.sqlite"), "no", 2, 0644, NULL), 0);
    assert_int_equal(open_run(&run, *state, experiment, &error), RUN_REFUSED);
    assert_non_null(strstr(error.text, "ledger.sqlite"));
    experiment_destroy(&experiment);
}

static void test_strange_blobs_are_swept_and_the_spec_stays(void **state)
{
    struct experiment *experiment = parse(NULL), *keeping = parse("storage.keep=all");
    struct run run;
    struct error error = {0};
    struct digest digest;
    assert_int_equal(open_run(&run, *state, experiment, &error), RUN_OPENED);
    assert_int_equal(blob_store_put(run.store, "orphan", 6, &digest, &error), BLOB_OK);
    run_close(&run);
    assert_int_equal(open_run(&run, *state, keeping, &error), RUN_OPENED);
    assert_true(blob_store_has(run.store, &digest));
    run_close(&run);
    assert_int_equal(open_run(&run, *state, experiment, &error), RUN_OPENED);
    assert_false(blob_store_has(run.store, &digest));
    assert_true(blob_store_has(run.store, &run.spec));
    run_close(&run);
    experiment_destroy(&experiment);
    experiment_destroy(&keeping);
}

static void test_anchors(void **state)
{
    (void)state;
    struct commit_record record = {.admitted = true, .depth = 100};
    assert_true(run_is_anchor(&record));
    record.depth = 101;
    assert_false(run_is_anchor(&record));
    record.depth = 50;
    record.admitted = false;
    assert_false(run_is_anchor(&record));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_then_resumed, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_second_coordinator, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_another_experiment_is_refused_other_limits_are_not,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_another_engine_version, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_ledger_that_is_none, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_strange_blobs_are_swept_and_the_spec_stays,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test(test_anchors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
