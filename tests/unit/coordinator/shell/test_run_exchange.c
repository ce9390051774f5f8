/* test_run_exchange.c: whoever dies while a ledger is exchanged leaves the old one whole. */
#include "ledger_fixture.h"

#include "coordinator/shell/run_exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char fresh[] = "ledger.sqlite.rewound", kept[] = "ledger.sqlite.before-rewind-1";
static const char kept_log[] = "ledger.sqlite.before-rewind-1-wal";

static struct run_directory open_directory(const char *path)
{
    struct run_directory directory;
    struct error error;
    if (run_directory_open(&directory, path, &error) != 0)
        fail_msg("%s", error.text);
    return directory;
}

static void put(const struct run_directory *directory, const char *name)
{
    char path[OS_PATH_BYTES_MAX];
    struct error error;
    run_directory_file(directory, name, path);
    assert_int_equal(os_write_atomic(path, name, strlen(name), 0644, &error), 0);
}

/* What the file was when it was put; "" when there is none. */
static const char *look(const struct run_directory *directory, const char *name)
{
    static char text[NAME_BYTES_MAX];
    char path[OS_PATH_BYTES_MAX];
    run_directory_file(directory, name, path);
    FILE *file = fopen(path, "r");
    size_t count = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    text[count] = '\0';
    if (file != NULL)
        fclose(file);
    return text;
}

static struct run_directory make_run(const char *path)
{
    struct run_directory directory = open_directory(path);
    put(&directory, RUN_LEDGER);
    put(&directory, RUN_LEDGER "-wal");
    put(&directory, fresh);
    return directory;
}

enum step { STEP_LINKED, STEP_LOG_MOVED };

/* As if a process had died behind that step. */
static void die_behind(const struct run_directory *directory, enum step step)
{
    char from[OS_PATH_BYTES_MAX], to[OS_PATH_BYTES_MAX];
    run_directory_file(directory, RUN_LEDGER, from);
    run_directory_file(directory, kept, to);
    assert_int_equal(link(from, to), 0);
    if (step == STEP_LINKED)
        return;
    run_directory_file(directory, RUN_LEDGER "-wal", from);
    run_directory_file(directory, kept_log, to);
    assert_int_equal(rename(from, to), 0);
}

static void test_an_exchange_that_was_begun_is_undone(void **state)
{
    static const char *const names[] = {"linked", "moved"};
    for (enum step step = STEP_LINKED; step <= STEP_LOG_MOVED; step++) {
        const char *path = fixture_path(*state, names[step]);
        struct run_directory directory = make_run(path);
        die_behind(&directory, step);
        run_directory_close(&directory);
        directory = open_directory(path);
        assert_string_equal(look(&directory, RUN_LEDGER), RUN_LEDGER);
        assert_string_equal(look(&directory, RUN_LEDGER "-wal"), RUN_LEDGER "-wal");
        assert_string_equal(look(&directory, kept), "");
        assert_string_equal(look(&directory, kept_log), "");
        run_directory_close(&directory);
    }
}

static void test_an_exchange_that_was_made_stays(void **state)
{
    const char *path = fixture_path(*state, "made");
    struct run_directory directory = make_run(path);
    const struct run_exchange exchange = {.fresh = fresh, .kept = kept};
    struct error error;
    assert_int_equal(run_exchange_ledger(&directory, &exchange, &error), 0);
    run_directory_close(&directory);
    directory = open_directory(path);
    assert_string_equal(look(&directory, RUN_LEDGER), fresh);
    assert_string_equal(look(&directory, RUN_LEDGER "-wal"), "");
    assert_string_equal(look(&directory, kept), RUN_LEDGER);
    assert_string_equal(look(&directory, kept_log), RUN_LEDGER "-wal");
    run_directory_close(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_exchange_that_was_begun_is_undone, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_an_exchange_that_was_made_stays, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
