/* test_output_path.c: links are written through, and a run's own files are spared by any name. */
#include "coordinator/reading/output_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char folder[64], run[80];
};

static const char *in_place(const struct place *place, const char *name)
{
    static char path[4][256];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", place->folder, name);
    return path[next];
}

static void make_file(const struct place *place, const char *name)
{
    assert_int_equal(os_write_atomic(in_place(place, name), "x", 1, 0644, NULL), 0);
}

static void make_link(const struct place *place, const char *target, const char *name)
{
    assert_int_equal(symlink(target, in_place(place, name)), 0);
}

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    *state = place;
    strcpy(place->folder, "/tmp/test_output_path-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->run, sizeof place->run, "%s/run", place->folder);
    assert_int_equal(os_make_directories(in_place(place, "run/blobs/ab"), 0755, NULL), 0);
    assert_int_equal(os_make_directories(in_place(place, "out"), 0755, NULL), 0);
    make_file(place, "run/ledger.sqlite");
    make_file(place, "run/lock");
    make_file(place, "run/blobs/ab/cd");
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    assert_int_equal(os_remove_tree(place->folder, NULL), 0);
    free(place);
    return 0;
}

static void expect(const struct place *place, const char *output, const char *wanted)
{
    struct error error = {""};
    char path[OS_PATH_BYTES_MAX];
    const struct output_wish wish = {in_place(place, output), place->run};
    if (output_path_find(&wish, path, &error) != 0)
        fail_msg("%s", error.text);
    assert_string_equal(path, in_place(place, wanted));
}

static void expect_refused(const struct place *place, const char *output, const char *says)
{
    struct error error = {""};
    char path[OS_PATH_BYTES_MAX];
    const struct output_wish wish = {output, place->run};
    assert_int_equal(output_path_find(&wish, path, &error), -1);
    if (strstr(error.text, says) == NULL)
        fail_msg("'%s' does not say '%s'", error.text, says);
}

static void a_file_is_found_through_links(void **state)
{
    const struct place *place = *state;
    expect(place, "out/new", "out/new");
    expect(place, "out/../out/./new", "out/new");
    make_file(place, "out/old");
    make_link(place, "old", "out/link");
    make_link(place, "out/link", "far");
    make_link(place, "out", "folder");
    make_link(place, "out/coming", "dangling");
    expect(place, "out/link", "out/old");
    expect(place, "far", "out/old");
    expect(place, "folder/new", "out/new");
    expect(place, "dangling", "out/coming");
    char target[128];
    snprintf(target, sizeof target, "%s/out/absolute", place->folder);
    make_link(place, target, "absolute");
    expect(place, "absolute", "out/absolute");
}

static void what_is_no_file_is_refused(void **state)
{
    const struct place *place = *state;
    make_link(place, "round", "round");
    make_link(place, "nowhere/x", "lost");
    expect_refused(place, "", "empty");
    expect_refused(place, "-", "standard output");
    expect_refused(place, in_place(place, "out"), "out is a folder");
    expect_refused(place, in_place(place, "new/"), "new/ is a folder");
    expect_refused(place, in_place(place, "."), "is a folder");
    expect_refused(place, "/dev/null", "no regular file");
    expect_refused(place, in_place(place, "nowhere/x"), "nowhere: No such file");
    expect_refused(place, in_place(place, "lost"), "cannot be written");
    expect_refused(place, in_place(place, "round"), "too many links");
}

static void files_of_the_run_are_spared(void **state)
{
    const struct place *place = *state;
    static const char *const own[] = {
        "run/ledger.sqlite",
        "run/ledger.sqlite-wal",
        "run/ledger.sqlite-journal",
        "run/lock",
        "run/experiment.yaml",
        "run/endpoint",
        "run/worker.log",
        "run/blobs/ab/cd",
        "run/blobs/new",
        "run/../run/./lock",
        "ledger",
        "blobs/new",
        "out/hard",
        "alias/lock",
    };
    make_link(place, "run/ledger.sqlite", "ledger");
    make_link(place, "run/blobs", "blobs");
    make_link(place, "run", "alias");
    assert_int_equal(link(in_place(place, "run/lock"), in_place(place, "out/hard")), 0);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        expect_refused(place, in_place(place, own[i]), "one of the run's own files");
    expect(place, "run/report.html", "run/report.html");
    expect(place, "run/champion.safetensors", "run/champion.safetensors");
    expect(place, "out/ledger.sqlite", "out/ledger.sqlite");
}

/* An archive whose parts lie elsewhere. */
static void parts_of_a_run_may_lie_elsewhere(void **state)
{
    const struct place *place = *state;
    assert_int_equal(os_make_directories(in_place(place, "disk/blobs/ab"), 0755, NULL), 0);
    make_file(place, "disk/ledger");
    assert_int_equal(os_remove_tree(in_place(place, "run"), NULL), 0);
    assert_int_equal(os_make_directories(place->run, 0755, NULL), 0);
    make_link(place, "../disk/blobs", "run/blobs");
    make_link(place, "../disk/ledger", "run/ledger.sqlite");
    expect_refused(place, in_place(place, "disk/blobs/ab/x"), "one of the run's own files");
    expect_refused(place, in_place(place, "disk/ledger"), "one of the run's own files");
    expect(place, "disk/other", "disk/other");
}

/* That there is no run is somebody else's to say. */
static void a_run_that_is_not_there_has_no_files(void **state)
{
    const struct place *place = *state;
    assert_int_equal(os_remove_tree(place->run, NULL), 0);
    expect(place, "out/lock", "out/lock");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_found_through_links, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(files_of_the_run_are_spared, setup, teardown),
        cmocka_unit_test_setup_teardown(parts_of_a_run_may_lie_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_that_is_not_there_has_no_files, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
