/* test_run_directory.c: RUN is taken once, by one coordinator, and never in a folder of somebody
 * else. */
#include "ledger_fixture.h"

#include "coordinator/shell/run_directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void touch(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void expect_refused(const char *path, const char *said)
{
    struct run_directory directory;
    struct error error = {0};
    assert_int_equal(run_directory_open(&directory, path, &error), -1);
    if (strstr(error.text, said) == NULL)
        fail_msg("'%s' does not say '%s'", error.text, said);
}

static struct run_directory open_directory(const char *path)
{
    struct run_directory directory;
    struct error error;
    if (run_directory_open(&directory, path, &error) != 0)
        fail_msg("%s", error.text);
    return directory;
}

static void test_made_with_its_parents_and_locked(void **state)
{
    const char *path = fixture_path(*state, "a/b/run");
    struct run_directory directory = open_directory(path);
    assert_false(directory.has_ledger);
    assert_int_equal(directory.path[0], '/');
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    expect_refused(path, pid);
    run_directory_close(&directory);
    directory = open_directory(path);
    run_directory_close(&directory);
}

static void test_folder_of_somebody_else(void **state)
{
    const char *path = fixture_path(*state, "home");
    assert_int_equal(mkdir(path, 0755), 0);
    char file[512];
    snprintf(file, sizeof file, "%s/thesis.tex", path);
    touch(file, "x");
    expect_refused(path, "thesis.tex");
    snprintf(file, sizeof file, "%s/lock", path);
    assert_int_not_equal(access(file, F_OK), 0);
    expect_refused(fixture_path(*state, "home/thesis.tex"), "thesis.tex");
}

static void test_leftovers_of_a_killed_creation_are_ours(void **state)
{
    const char *path = fixture_path(*state, "run");
    struct run_directory directory = open_directory(path);
    static const char *const names[] = {"experiment.yaml", "ledger.sqlite.new", "worker.log",
                                        ".experiment.yaml.tmp-ab12"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char file[OS_PATH_BYTES_MAX];
        run_directory_file(&directory, names[i], file);
        touch(file, "");
    }
    run_directory_close(&directory);
    directory = open_directory(path);
    assert_false(directory.has_ledger);
    char file[OS_PATH_BYTES_MAX];
    run_directory_file(&directory, "ledger.sqlite", file);
    touch(file, "");
    run_directory_close(&directory);
    directory = open_directory(path);
    assert_true(directory.has_ledger);
    assert_true(run_directory_is_run(path));
    run_directory_close(&directory);
}

static void test_endpoint_is_there_while_served(void **state)
{
    const char *path = fixture_path(*state, "run");
    char endpoint[ENDPOINT_BYTES_MAX];
    struct run_directory directory = open_directory(path);
    assert_false(run_directory_read_endpoint(path, endpoint));
    assert_false(run_directory_is_served(path));
    assert_int_equal(run_directory_write_endpoint(&directory, "tcp://127.0.0.1:1", NULL), 0);
    assert_true(run_directory_read_endpoint(path, endpoint));
    assert_string_equal(endpoint, "tcp://127.0.0.1:1");
    assert_true(run_directory_is_served(path));
    run_directory_close(&directory);
    assert_false(run_directory_read_endpoint(path, endpoint));
    assert_false(run_directory_is_served(path));
}

static void test_endpoint_of_a_dead_process(void **state)
{
    const char *path = fixture_path(*state, "run");
    assert_int_equal(mkdir(path, 0755), 0);
    touch(fixture_path(*state, "run/endpoint"), "tcp://127.0.0.1:1\n");
    touch(fixture_path(*state, "run/lock"), "99999999\n"); /* above every pid_max */
    assert_false(run_directory_is_served(path));
    touch(fixture_path(*state, "run/lock"), "");
    assert_false(run_directory_is_served(path));
}

static const struct run_id some_run = {{0xab, 0xcd, 0x01, 0x23}};

static void test_sockets_lie_in_a_private_folder_of_run(void **state)
{
    struct run_directory directory = open_directory(fixture_path(*state, "run"));
    char endpoint[ENDPOINT_BYTES_MAX];
    struct stat status;
    assert_int_equal(run_directory_socket(&directory, &some_run, 0, endpoint, NULL), 0);
    assert_non_null(strstr(endpoint, "/run/socket/control"));
    assert_int_equal(lstat(directory.socket_folder, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    /* ZeroMQ leaves its files there. */
    touch(strchr(endpoint, '/') + 2, "");
    char folder[OS_PATH_BYTES_MAX];
    snprintf(folder, sizeof folder, "%s", directory.socket_folder);
    run_directory_close(&directory);
    assert_int_not_equal(access(folder, F_OK), 0);
}

static void test_long_path_moves_the_sockets_elsewhere(void **state)
{
    char name[256];
    memset(name, 'n', 150);
    name[150] = '\0';
    struct run_directory directory = open_directory(fixture_path(*state, name));
    char endpoint[ENDPOINT_BYTES_MAX];
    struct error error;
    assert_int_equal(setenv("XDG_RUNTIME_DIR", ((struct fixture *)*state)->folder, 1), 0);
    assert_int_equal(run_directory_socket(&directory, &some_run, 0, endpoint, &error), 1);
    assert_int_equal(run_directory_socket(&directory, &some_run, 1, endpoint, &error), 0);
    assert_non_null(strstr(endpoint, "-abcd0123/control"));
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
    assert_int_equal(run_directory_socket(&directory, &some_run, 1, endpoint, &error), 1);
    assert_int_equal(run_directory_socket(&directory, &some_run, 3, endpoint, &error), -1);
    run_directory_close(&directory);
}

static void test_socket_folder_that_others_could_enter(void **state)
{
    struct run_directory directory = open_directory(fixture_path(*state, "run"));
    char endpoint[ENDPOINT_BYTES_MAX];
    assert_int_equal(mkdir(fixture_path(*state, "run/socket"), 0700), 0);
    assert_int_equal(chmod(fixture_path(*state, "run/socket"), 0755), 0);
    assert_int_equal(run_directory_socket(&directory, &some_run, 0, endpoint, NULL), 1);
    assert_int_equal(rmdir(fixture_path(*state, "run/socket")), 0);
    assert_int_equal(symlink("/tmp", fixture_path(*state, "run/socket")), 0);
    assert_int_equal(run_directory_socket(&directory, &some_run, 0, endpoint, NULL), 1);
    run_directory_close(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_made_with_its_parents_and_locked, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_folder_of_somebody_else, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_leftovers_of_a_killed_creation_are_ours, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_endpoint_is_there_while_served, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_endpoint_of_a_dead_process, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_sockets_lie_in_a_private_folder_of_run, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_long_path_moves_the_sockets_elsewhere, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_socket_folder_that_others_could_enter, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
