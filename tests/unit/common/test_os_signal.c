/* test_os_signal.c: what is ignored is no reason to stop, and what is blocked waits. */
#include "common/os_signal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_is_ignored_is_left_out(void **state)
{
    (void)state;
    static const int all[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        signal(all[i], SIG_IGN);
        sigset_t stops = signal_stops();
        for (size_t j = 0; j < sizeof all / sizeof *all; j++)
            assert_int_equal(sigismember(&stops, all[j]), i != j);
        assert_int_equal(sigismember(&stops, SIGCHLD), 0);
        signal(all[i], SIG_DFL);
    }
}

static void what_is_blocked_waits(void **state)
{
    (void)state;
    signal(SIGHUP, SIG_IGN);
    const sigset_t stops = signal_stops();
    sigprocmask(SIG_BLOCK, &stops, NULL);
    assert_int_equal(signal_stop_waiting(), 0);
    raise(SIGHUP);
    assert_int_equal(signal_stop_waiting(), 0);
    raise(SIGTERM);
    assert_int_equal(signal_stop_waiting(), SIGTERM);
    assert_int_equal(signal_stop_waiting(), SIGTERM);
    int got;
    assert_int_equal(sigwait(&stops, &got), 0);
    assert_int_equal(signal_stop_waiting(), 0);
    sigprocmask(SIG_UNBLOCK, &stops, NULL);
    signal(SIGHUP, SIG_DFL);
}

/* Each test leaves all three as they are at login. */
static int setup(void **state)
{
    (void)state;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_ignored_is_left_out, setup),
        cmocka_unit_test_setup(what_is_blocked_waits, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
