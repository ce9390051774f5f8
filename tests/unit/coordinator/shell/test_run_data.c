/*
 * test_run_data.c: a new run packs its data set, a resumed one has it or packs the same again. The
 * packer is a shell script; what it packs are the bytes of the file `source`.
 */
#include "ledger_fixture.h"

#include "coordinator/shell/run.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char yaml[] = "name: test\n"
                           "evaluator: train\n"
                           "model: {spec: \"mlp:1x4\"}\n"
                           "data: {set: idx, dir: x, train: 50, select: 5, confirm: 5}\n"
                           "operators: [{name: none}]\n"
                           "strategy: {name: ratchet}\n"
                           "budget: {jobs: 10}\n";

static struct experiment *parse(const char *override)
{
    struct error error;
    struct experiment *experiment =
        experiment_parse(yaml, "x.yaml", &override, override != NULL, &error);
    if (experiment == NULL)
        fail_msg("%s", error.text);
    return experiment;
}

/* Says what is in the file `source`, having written it to where --output says. */
static void write_packer(const struct fixture *fixture, const char *source)
{
    char text[2048], hex[DIGEST_HEX_BYTES];
    struct digest digest = digest_of(source, strlen(source));
    digest_to_hex(&digest, hex);
    int bytes = snprintf(text, sizeof text,
                         "#!/bin/sh\n"
                         "for output; do :; done\n"
                         "echo . >>%s\n"
                         "printf %%s '%s' >\"$output\"\n"
                         "echo '{\"digest\": \"%s\", \"bytes\": %zu, \"train\": 60, \"test\": 9, "
                         "\"features\": 4, \"classes\": 2}'\n",
                         fixture_path(fixture, "packings"), source, hex, strlen(source));
    assert_int_equal(
        os_write_atomic(fixture_path(fixture, "packer"), text, (size_t)bytes, 0700, NULL), 0);
}

static size_t packings(const struct fixture *fixture)
{
    struct stat status;
    return stat(fixture_path(fixture, "packings"), &status) == 0 ? (size_t)status.st_size / 2 : 0;
}

static enum run_result open_run(struct run *run, const struct fixture *fixture,
                                const struct experiment *experiment, struct error *error)
{
    char packer[512];
    snprintf(packer, sizeof packer, "%s", fixture_path(fixture, "packer"));
    const struct run_options options = {
        .experiment = experiment, .directory = fixture_path(fixture, "run"), .packer = packer};
    *error = (struct error){""};
    return run_open(run, &options, error);
}

static void open_well(struct run *run, const struct fixture *fixture,
                      const struct experiment *experiment)
{
    struct error error;
    if (open_run(run, fixture, experiment, &error) != RUN_OPENED)
        fail_msg("%s", error.text);
}

/* Files that are being written, in the store's folder. */
static int count_leftovers(const struct fixture *fixture)
{
    DIR *folder = opendir(fixture_path(fixture, "run/blobs"));
    assert_non_null(folder);
    int count = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        count += strstr(entry->d_name, "tmp-") != NULL;
    closedir(folder);
    return count;
}

static void a_run_packs_its_data_once(void **state)
{
    struct experiment *experiment = parse(NULL);
    struct run run;
    struct digest expected = digest_of("bytes", 5);
    write_packer(*state, "bytes");
    open_well(&run, *state, experiment);
    assert_true(digest_equal(&run.data, &expected));
    assert_true(blob_store_has(run.store, &expected));
    assert_true(blob_store_bytes(run.store) == 5 + strlen(experiment_spec(experiment)));
    assert_int_equal(count_leftovers(*state), 0);
    run_close(&run);
    /* The source may be gone. */
    assert_int_equal(unlink(fixture_path(*state, "packer")), 0);
    open_well(&run, *state, experiment);
    assert_true(digest_equal(&run.data, &expected));
    assert_true(blob_store_has(run.store, &expected)); /* the sweep spared it */
    assert_int_equal(packings(*state), 1);
    run_close(&run);
    experiment_destroy(&experiment);
}

static void a_blob_that_is_gone_is_packed_again(void **state)
{
    struct experiment *experiment = parse(NULL);
    struct run run;
    write_packer(*state, "bytes");
    open_well(&run, *state, experiment);
    struct digest digest = run.data;
    assert_int_equal(blob_store_remove(run.store, &digest, NULL), BLOB_OK);
    run_close(&run);
    open_well(&run, *state, experiment);
    assert_true(digest_equal(&run.data, &digest) && blob_store_has(run.store, &digest));
    assert_int_equal(packings(*state), 2);
    run_close(&run);
    experiment_destroy(&experiment);
}

static void a_damaged_blob_is_packed_again(void **state)
{
    struct experiment *experiment = parse(NULL);
    struct run run;
    char hex[DIGEST_HEX_BYTES], path[256];
    write_packer(*state, "bytes");
    open_well(&run, *state, experiment);
    struct digest digest = run.data;
    assert_int_equal(run.data_bytes, 5);
    run_close(&run);
    digest_to_hex(&digest, hex);
    snprintf(path, sizeof path, "run/blobs/%.2s/%s", hex, hex + 2);
    assert_int_equal(os_write_atomic(fixture_path(*state, path), "bytez", 5, 0644, NULL), 0);
    open_well(&run, *state, experiment);
    assert_true(digest_equal(&run.data, &digest));
    assert_int_equal(blob_store_verify(run.store, &digest, NULL), BLOB_OK);
    assert_int_equal(packings(*state), 2);
    run_close(&run);
    experiment_destroy(&experiment);
}

static void other_data_is_refused(void **state)
{
    struct experiment *experiment = parse(NULL);
    struct run run;
    struct error error;
    char was[DIGEST_HEX_BYTES], is[DIGEST_HEX_BYTES];
    struct digest other = digest_of("other bytes", 11);
    write_packer(*state, "bytes");
    open_well(&run, *state, experiment);
    struct digest digest = run.data;
    assert_int_equal(blob_store_remove(run.store, &digest, NULL), BLOB_OK);
    run_close(&run);
    write_packer(*state, "other bytes");
    assert_int_equal(open_run(&run, *state, experiment, &error), RUN_BAD_DATA);
    digest_to_hex(&digest, was);
    digest_to_hex(&other, is);
    assert_non_null(strstr(error.text, "x.yaml: data set idx: "));
    assert_non_null(strstr(error.text, was));
    assert_non_null(strstr(error.text, is));
    assert_int_equal(count_leftovers(*state), 0);
    /* The right data make it go on. */
    write_packer(*state, "bytes");
    open_well(&run, *state, experiment);
    run_close(&run);
    experiment_destroy(&experiment);
}

static void a_set_that_is_missing_leaves_no_run(void **state)
{
    struct experiment *experiment = parse(NULL);
    struct run run;
    struct error error;
    static const char script[] = "#!/bin/sh\necho 'ratchet-worker: /x: is not there' >&2\nexit 3\n";
    assert_int_equal(
        os_write_atomic(fixture_path(*state, "packer"), script, sizeof script - 1, 0700, NULL), 0);
    assert_int_equal(open_run(&run, *state, experiment, &error), RUN_BAD_DATA);
    assert_string_equal(error.text, "x.yaml: data set idx: /x: is not there");
    assert_false(run_directory_is_run(fixture_path(*state, "run")));
    assert_int_equal(count_leftovers(*state), 0);
    write_packer(*state, "bytes");
    open_well(&run, *state, experiment);
    run_close(&run);
    experiment_destroy(&experiment);
}

static void slices_that_do_not_fit_leave_no_run(void **state)
{
    struct experiment *experiment = parse("data.train=51");
    struct run run;
    struct error error;
    write_packer(*state, "bytes");
    assert_int_equal(open_run(&run, *state, experiment, &error), RUN_BAD_DATA);
    assert_string_equal(error.text,
                        "x.yaml: data set idx: data.train + data.select + data.confirm = 51 + 5 + "
                        "5 = 61, but the data set has 60 samples for training");
    assert_false(run_directory_is_run(fixture_path(*state, "run")));
    experiment_destroy(&experiment);
    experiment = parse(NULL);
    open_well(&run, *state, experiment);
    run_close(&run);
    experiment_destroy(&experiment);
}

/* Disk full or a broken disk: the packer says one digest, the file has another. */
static void a_packer_that_lies_is_found_out(void **state)
{
    struct experiment *experiment = parse(NULL);
    struct run run;
    struct error error;
    static const char script[] = "#!/bin/sh\nfor output; do :; done\nprintf abc >\"$output\"\n"
                                 "echo '{\"digest\": \"00112233445566778899aabbccddeeff"
                                 "00112233445566778899aabbccddeeff\", \"bytes\": 3, \"train\": 60, "
                                 "\"test\": 9, \"features\": 4, \"classes\": 2}'\n";
    assert_int_equal(
        os_write_atomic(fixture_path(*state, "packer"), script, sizeof script - 1, 0700, NULL), 0);
    assert_int_equal(open_run(&run, *state, experiment, &error), RUN_REFUSED);
    assert_non_null(strstr(error.text, "other bytes"));
    assert_int_equal(count_leftovers(*state), 0);
    experiment_destroy(&experiment);
}

static void data_count_as_storage(void **state)
{
    struct experiment *experiment = parse("storage.disk_max=600");
    char bytes[700];
    struct run run;
    struct error error;
    memset(bytes, 'a', sizeof bytes - 1);
    bytes[sizeof bytes - 1] = '\0';
    write_packer(*state, bytes);
    assert_int_equal(open_run(&run, *state, experiment, &error), RUN_REFUSED);
    assert_non_null(strstr(error.text, "disk_max"));
    assert_int_equal(count_leftovers(*state), 0);
    experiment_destroy(&experiment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_packs_its_data_once, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_blob_that_is_gone_is_packed_again, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_blob_is_packed_again, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(other_data_is_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_set_that_is_missing_leaves_no_run, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(slices_that_do_not_fit_leave_no_run, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_packer_that_lies_is_found_out, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(data_count_as_storage, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
