/*
 * test_gnuplot.c: gnuplot as a process: found or not, and whatever goes wrong with it.
 *
 * Most of it with scripts that pretend to be gnuplot, the only program in $PATH.
 */
#include "coordinator/report/gnuplot.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define VERSION "[ \"$1\" != --version ] || { echo 'gnuplot 5.4 patchlevel 4'; exit; }\n"

static char folder[64], real_path[4096];

static int set_up(void **state)
{
    (void)state;
    snprintf(real_path, sizeof real_path, "%s", getenv("PATH") != NULL ? getenv("PATH") : "");
    snprintf(folder, sizeof folder, "/tmp/ratchet-gnuplot-XXXXXX");
    return mkdtemp(folder) == NULL || setenv("PATH", folder, 1) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    setenv("PATH", real_path, 1);
    return os_remove_tree(folder, NULL);
}

/* Puts a program of that body into $PATH and looks for it. */
static int find(const char *body, struct gnuplot *gnuplot, struct error *error)
{
    char path[128], text[4096];
    snprintf(path, sizeof path, "%s/gnuplot", folder);
    snprintf(text, sizeof text, "#!/bin/bash\n%s", body);
    assert_int_equal(os_write_atomic(path, text, strlen(text), 0755, error), 0);
    return gnuplot_find(gnuplot, error);
}

static void assert_no_children(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* A gnuplot of that body fails to draw, and the reason has these words. */
static void assert_fails(const char *body, uint32_t limit_ms, const char *words)
{
    struct gnuplot gnuplot;
    struct error error = {""};
    char text[4096], *svg = NULL;
    size_t bytes = 0;
    snprintf(text, sizeof text, VERSION "%s", body);
    if (find(text, &gnuplot, &error) != 0)
        fail_msg("%s", error.text);
    if (limit_ms != 0)
        gnuplot.limit_ms = limit_ms;
    assert_int_equal(
        gnuplot_draw(&gnuplot, (struct gnuplot_script){"plot x\n", 7}, &svg, &bytes, &error), -1);
    assert_null(svg);
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
    assert_no_children();
}

static void test_missing_is_no_failure(void **state)
{
    (void)state;
    struct gnuplot gnuplot;
    struct error error = {""};
    assert_int_equal(gnuplot_find(&gnuplot, &error), 1);
    assert_string_equal(error.text,
                        "figures need gnuplot, which is not in $PATH (Debian: gnuplot-nox)");
    /* A folder of that name and a file that is no program do not count. */
    char path[128];
    snprintf(path, sizeof path, "%s/gnuplot", folder);
    assert_int_equal(os_make_directories(path, 0755, &error), 0);
    assert_int_equal(gnuplot_find(&gnuplot, &error), 1);
    assert_int_equal(os_remove_tree(path, &error), 0);
    assert_int_equal(os_write_atomic(path, "x", 1, 0644, &error), 0);
    assert_int_equal(gnuplot_find(&gnuplot, &error), 1);
    unsetenv("PATH");
    assert_int_equal(gnuplot_find(&gnuplot, &error), 1);
    assert_int_equal(setenv("PATH", folder, 1), 0);
}

static void test_too_old_is_no_failure(void **state)
{
    (void)state;
    struct gnuplot gnuplot;
    struct error error = {""};
    assert_int_equal(find("echo gnuplot 5.1 patchlevel 9", &gnuplot, &error), 1);
    assert_non_null(strstr(error.text, "gnuplot 5.2 or newer"));
    assert_non_null(strstr(error.text, "is 5.1"));
    assert_int_equal(find("echo gnuplot 4.6 patchlevel 6", &gnuplot, &error), 1);
    assert_int_equal(find("echo gnuplot 5.2 patchlevel 0", &gnuplot, &error), 0);
    assert_int_equal(find("echo gnuplot 10.0 patchlevel 0", &gnuplot, &error), 0);
    assert_int_equal(gnuplot.version[0], 10);
}

static void test_a_version_that_is_none_is_a_failure(void **state)
{
    (void)state;
    struct gnuplot gnuplot;
    struct error error = {""};
    assert_int_equal(find("echo hello", &gnuplot, &error), -1);
    assert_non_null(strstr(error.text, "does not say which version"));
    assert_int_equal(find("echo no display >&2; exit 3", &gnuplot, &error), -1);
    assert_string_equal(error.text, "gnuplot ended with exit code 3: no display");
    assert_no_children();
}

static void test_it_dies(void **state)
{
    (void)state;
    assert_fails(
        "echo \"plot x\" >&2; echo >&2; echo \"  line 7: no such $(printf '\\a')word\" >&2\n"
        "exit 1",
        0, "gnuplot ended with exit code 1: line 7: no such ?word");
    assert_fails("kill -9 $$", 0, "gnuplot was killed by signal 9");
    assert_fails("exec /nonexistent/program", 0, "gnuplot cannot be executed: ");
}

static void test_it_hangs(void **state)
{
    (void)state;
    assert_fails("exec /bin/sleep 1000", 200, "gnuplot was not done after 0.2 s");
    /* It closed everything, and lives on. */
    assert_fails("exec <&- >&- 2>&-; exec /bin/sleep 1000", 200, "not done after 0.2 s");
    assert_fails("trap '' TERM INT HUP; while :; do :; done", 200, "not done after 0.2 s");
}

/* What it started dies with it, and comes to us for its funeral. */
static void test_nothing_of_it_is_left(void **state)
{
    (void)state;
    struct gnuplot gnuplot;
    struct error error = {""};
    char *svg;
    size_t bytes;
    int status = 0;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(find(VERSION "/bin/sleep 1000 & wait", &gnuplot, &error), 0);
    gnuplot.limit_ms = 200;
    assert_int_equal(gnuplot_draw(&gnuplot, (struct gnuplot_script){"", 0}, &svg, &bytes, &error),
                     -1);
    while (waitpid(-1, &status, 0) > 0) {
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGKILL);
    }
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void test_it_says_too_much(void **state)
{
    (void)state;
    assert_fails("exec /usr/bin/yes", 0, "gnuplot drew more than 16 MiB");
    assert_fails("/usr/bin/yes | /usr/bin/head -c 1000000 >&2; exit 2", 0, "exit code 2: y");
}

static void test_it_draws_garbage(void **state)
{
    (void)state;
    assert_fails("exit 0", 0, "what it drew is no SVG");
    assert_fails("echo hello", 0, "no SVG");
    assert_fails("echo '<?xml ><svg>'", 0, "no SVG");
    assert_fails("printf '<?xml >\\0</svg>\\n'", 0, "no SVG");
}

/* It neither reads what it gets nor is it read from in the order it would like. */
static void test_nobody_waits_for_the_other(void **state)
{
    (void)state;
    static char text[4 << 20];
    struct gnuplot gnuplot;
    struct error error = {""};
    char *svg;
    size_t bytes;
    memset(text, '#', sizeof text);
    const struct gnuplot_script script = {text, sizeof text};
    assert_int_equal(find(VERSION "echo '<?xml ></svg>'", &gnuplot, &error), 0);
    assert_int_equal(gnuplot_draw(&gnuplot, script, &svg, &bytes, &error), 0);
    assert_string_equal(svg, "<?xml ></svg>\n");
    assert_int_equal(bytes, strlen(svg));
    free(svg);
    assert_int_equal(find(VERSION "/usr/bin/yes | /usr/bin/head -c 300000 >&2\n"
                                  "echo '<?xml >'; /usr/bin/yes | /usr/bin/head -c 300000\n"
                                  "echo \"$(/usr/bin/wc -c)</svg>\"",
                          &gnuplot, &error),
                     0);
    assert_int_equal(gnuplot_draw(&gnuplot, script, &svg, &bytes, &error), 0);
    assert_string_equal(svg + bytes - strlen("4194304</svg>\n"), "4194304</svg>\n");
    free(svg);
    assert_no_children();
}

static void test_a_waiting_signal_interrupts(void **state)
{
    (void)state;
    sigset_t interrupt, before;
    int got;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    struct gnuplot gnuplot;
    struct error error = {""};
    char *svg;
    size_t bytes;
    assert_int_equal(find(VERSION "exec /bin/sleep 1000", &gnuplot, &error), 0);
    sigprocmask(SIG_BLOCK, &interrupt, &before);
    raise(SIGINT);
    int rc = gnuplot_draw(&gnuplot, (struct gnuplot_script){"", 0}, &svg, &bytes, &error);
    sigwait(&interrupt, &got);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(rc, -1);
    assert_non_null(strstr(error.text, "interrupted"));
    assert_no_children();
}

static void test_the_real_one(void **state)
{
    (void)state;
    struct gnuplot gnuplot;
    struct error error = {""};
    char *svg;
    size_t bytes;
    setenv("PATH", real_path, 1);
    int found = gnuplot_find(&gnuplot, &error);
    setenv("PATH", folder, 1);
    if (found == 1) {
        print_message("skipped: %s\n", error.text);
        skip();
    }
    assert_int_equal(found, 0);
    static const char good[] = "set terminal svg\nplot x\n", bad[] = "set terminal svg\nplut x\n";
    assert_int_equal(
        gnuplot_draw(&gnuplot, (struct gnuplot_script){good, strlen(good)}, &svg, &bytes, &error),
        0);
    assert_int_equal(strlen(svg), bytes);
    free(svg);
    assert_int_equal(
        gnuplot_draw(&gnuplot, (struct gnuplot_script){bad, strlen(bad)}, &svg, &bytes, &error),
        -1);
    assert_non_null(strstr(error.text, "invalid command"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_missing_is_no_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_old_is_no_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_version_that_is_none_is_a_failure, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_it_dies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_it_hangs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_of_it_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_it_says_too_much, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_it_draws_garbage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_waits_for_the_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_waiting_signal_interrupts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_real_one, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
