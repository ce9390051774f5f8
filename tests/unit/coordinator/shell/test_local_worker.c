/*
 * test_local_worker.c: the child is started again, with pauses, until that is of no use; it gets
 * its arguments, and none is left behind. The children are shell scripts.
 */
#include "ledger_fixture.h"

#include "coordinator/shell/local_worker.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct local_worker *create_on(const struct fixture *fixture, const char *script,
                                      const char *device)
{
    struct local_worker_options options = {.slots = 3, .endpoint = "ipc://here", .device = device};
    snprintf(options.program, sizeof options.program, "%s",
             fixture_path(fixture, "ratchet-worker"));
    snprintf(options.cache, sizeof options.cache, "%s", fixture_path(fixture, "cache"));
    snprintf(options.log, sizeof options.log, "%s", fixture_path(fixture, "worker.log"));
    char text[1024];
    int bytes = snprintf(text, sizeof text, "#!/bin/sh\n%s\n", script);
    assert_int_equal(os_write_atomic(options.program, text, (size_t)bytes, 0700, NULL), 0);
    struct local_worker *worker = local_worker_create(&options, NULL);
    assert_non_null(worker);
    return worker;
}

static struct local_worker *create(const struct fixture *fixture, const char *script)
{
    return create_on(fixture, script, NULL);
}

/* Ticks at `now_ms` until the child has ended, which it does by itself; returns what the last tick
 * said. */
static int tick_through(struct local_worker *worker, uint64_t now_ms, struct error *error)
{
    assert_int_equal(local_worker_tick(worker, now_ms, error), 0);
    while (local_worker_is_alive(worker)) {
        siginfo_t info;
        /* Waits without reaping: the module does that. */
        assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
        int rc = local_worker_tick(worker, now_ms, error);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static void check_arguments(const struct fixture *fixture, const char *device, const char *end)
{
    struct local_worker *worker = create_on(fixture, "echo \"$@\"", device);
    struct error error;
    assert_int_equal(tick_through(worker, 1000, &error), 0);
    char *said, wanted[1024];
    assert_int_equal(os_read_file(fixture_path(fixture, "worker.log"), 4096, &said, NULL, NULL), 0);
    snprintf(wanted, sizeof wanted, "--connect ipc://here --slots 3 --cache %s --name local%s\n",
             fixture_path(fixture, "cache"), end);
    assert_string_equal(said, wanted);
    free(said);
    local_worker_destroy(&worker);
}

static void test_arguments(void **state)
{
    check_arguments(*state, NULL, "");
    assert_int_equal(unlink(fixture_path(*state, "worker.log")), 0);
    check_arguments(*state, "cpu:avx2", " --device cpu:avx2");
}

static void test_started_again_with_growing_pauses_and_given_up(void **state)
{
    struct local_worker *worker = create(*state, "echo its last words >&2; exit 1");
    struct error error;
    uint64_t now_ms = 1000, pause_ms = 0;
    uint32_t lives = 0;
    while (tick_through(worker, now_ms, &error) == 0) {
        lives++;
        assert_in_range(lives, 1, 100);
        uint64_t next_ms = local_worker_deadline(worker);
        assert_true(next_ms > now_ms && next_ms - now_ms >= pause_ms && next_ms - now_ms <= 5000);
        pause_ms = next_ms - now_ms;
        /* Not before its time. */
        assert_int_equal(local_worker_tick(worker, next_ms - 1, &error), 0);
        assert_false(local_worker_is_alive(worker));
        now_ms = next_ms;
    }
    assert_in_range(lives, 5, 50);
    assert_non_null(strstr(error.text, "again and again"));
    assert_non_null(strstr(error.text, "its last words"));
    local_worker_destroy(&worker);
}

static void test_of_no_use_to_try_again(void **state)
{
    static const char *const scripts[] = {"echo refused; exit 4", "exit 2", "exit 127"};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct local_worker *worker = create(*state, scripts[i]);
        struct error error = {0};
        assert_int_equal(tick_through(worker, 1000, &error), -1);
        assert_non_null(strstr(error.text, "worker.log"));
        assert_int_equal(local_worker_was_refused(worker), i == 0);
        local_worker_destroy(&worker);
    }
}

static void test_stopped_is_not_started_again(void **state)
{
    struct local_worker *worker = create(*state, "exec sleep 1000");
    struct error error;
    assert_int_equal(local_worker_tick(worker, 1000, &error), 0);
    assert_true(local_worker_is_alive(worker));
    local_worker_stop(worker, SIGTERM);
    assert_int_equal(tick_through(worker, 1000, &error), 0);
    assert_false(local_worker_is_alive(worker));
    assert_true(local_worker_deadline(worker) == UINT64_MAX);
    assert_int_equal(local_worker_tick(worker, 100000, &error), 0);
    assert_false(local_worker_is_alive(worker));
    local_worker_destroy(&worker);
}

static void test_destroying_leaves_no_orphan(void **state)
{
    struct local_worker *worker = create(*state, "exec sleep 1000");
    struct error error;
    assert_int_equal(local_worker_tick(worker, 1000, &error), 0);
    local_worker_destroy(&worker);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no children at all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_arguments, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_started_again_with_growing_pauses_and_given_up,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_of_no_use_to_try_again, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_stopped_is_not_started_again, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_destroying_leaves_no_orphan, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
