/*
 * test_os_process.c: children: what they inherit, how they end, and that they do not stay behind.
 *
 * The test program executes itself; what such a child does is named by its first argument.
 */
#include "common/os_process.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ----------------------------------------------------------------------------- what children do */

static int child_report(void)
{
    char byte = 0;
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    bool input_is_empty = read(STDIN_FILENO, &byte, 1) == 0;
    const char *added = getenv("RATCHET_ADDED"), *replaced = getenv("RATCHET_REPLACED"),
               *kept = getenv("RATCHET_KEPT");
    struct sigaction pipe;
    sigaction(SIGPIPE, NULL, &pipe);
    printf("added=%s replaced=%s kept=%s empty=%d blocked=%d pipe=%d", added ? added : "",
           replaced ? replaced : "", kept ? kept : "", input_is_empty,
           sigismember(&blocked, SIGTERM) == 1, pipe.sa_handler == SIG_DFL);
    fflush(stdout);
    fprintf(stderr, " err");
    return 7;
}

static int child_echo(void)
{
    char byte;
    while (read(PROCESS_CHANNEL, &byte, 1) == 1)
        if (write(PROCESS_CHANNEL, &byte, 1) != 1)
            return 1;
    return 0;
}

/* Starts a grandchild that waits for ever, says its id once that one runs, and waits itself. */
static int child_parent(void)
{
    struct error error;
    pid_t pid;
    int pair[2];
    char byte;
    const char *const arguments[] = {"test", "announce", NULL};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return 1;
    const struct process_options options = {
        .program = PROCESS_OWN_PROGRAM, .arguments = arguments, .channel = pair[1], .output = -1};
    if (process_spawn(&options, &pid, &error) != 0 || read(pair[0], &byte, 1) != 1 ||
        write(STDOUT_FILENO, &pid, sizeof pid) != (ssize_t)sizeof pid)
        return 1;
    for (;;)
        pause();
}

static int child_announce(void)
{
    if (write(PROCESS_CHANNEL, "!", 1) != 1)
        return 1;
    for (;;)
        pause();
}

/* What it reads goes to standard output, and how much that was to standard error. */
static int child_copy(void)
{
    char text[64];
    size_t count = fread(text, 1, sizeof text, stdin);
    fwrite(text, 1, count, stdout);
    fflush(stdout);
    fprintf(stderr, "%zu", count);
    return 0;
}

static int child_main(const char *what)
{
    if (strcmp(what, "copy") == 0)
        return child_copy();
    if (strcmp(what, "report") == 0)
        return child_report();
    if (strcmp(what, "echo") == 0)
        return child_echo();
    if (strcmp(what, "parent") == 0)
        return child_parent();
    if (strcmp(what, "announce") == 0)
        return child_announce();
    if (strcmp(what, "fd-3-open") == 0)
        return fcntl(PROCESS_CHANNEL, F_GETFD) >= 0;
    for (;;)
        pause();
}

/* ---------------------------------------------------------------------------------------- tests */

static pid_t spawn(const char *what, int channel, int output)
{
    struct error error = {""};
    pid_t pid = 0;
    const char *const arguments[] = {"test", what, NULL};
    const char *const environment[] = {"RATCHET_ADDED=1", "RATCHET_REPLACED=new", NULL};
    const struct process_options options = {.program = PROCESS_OWN_PROGRAM,
                                            .arguments = arguments,
                                            .environment = environment,
                                            .channel = channel,
                                            .output = output};
    if (process_spawn(&options, &pid, &error) != 0)
        fail_msg("%s", error.text);
    return pid;
}

static void assert_reads(int descriptor, const char *wanted)
{
    char text[64] = "";
    assert_int_equal(read(descriptor, text, sizeof text - 1), strlen(wanted));
    assert_string_equal(text, wanted);
    assert_int_equal(read(descriptor, text, sizeof text), 0);
    close(descriptor);
}

static void test_input_output_and_errors_are_three_things(void **state)
{
    (void)state;
    struct error error = {""};
    int input[2], output[2], errors[2];
    pid_t pid;
    const char *const arguments[] = {"test", "copy", NULL};
    assert_int_equal(pipe2(input, O_CLOEXEC), 0);
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    assert_int_equal(pipe2(errors, O_CLOEXEC), 0);
    const struct process_options options = {.program = PROCESS_OWN_PROGRAM,
                                            .arguments = arguments,
                                            .channel = -1,
                                            .output = output[1],
                                            .errors = errors[1],
                                            .input = input[0]};
    if (process_spawn(&options, &pid, &error) != 0)
        fail_msg("%s", error.text);
    close(input[0]);
    close(output[1]);
    close(errors[1]);
    assert_int_equal(write(input[1], "hello", 5), 5);
    close(input[1]);
    assert_reads(output[0], "hello");
    assert_reads(errors[0], "5");
    assert_int_equal(process_wait(pid).exit_code, 0);
}

static void test_environment_output_and_signals(void **state)
{
    (void)state;
    int pipes[2];
    char text[256] = "";
    size_t count = 0;
    ssize_t got;
    setenv("RATCHET_REPLACED", "old", 1);
    setenv("RATCHET_KEPT", "kept", 1);
    sigset_t mask, before;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigprocmask(SIG_BLOCK, &mask, &before);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    pid_t pid = spawn("report", -1, pipes[1]);
    close(pipes[1]);
    while ((got = read(pipes[0], text + count, sizeof text - 1 - count)) > 0)
        count += (size_t)got;
    close(pipes[0]);
    assert_string_equal(text, "added=1 replaced=new kept=kept empty=1 blocked=0 pipe=1 err");
    struct process_end end = process_wait(pid);
    assert_int_equal(end.exit_code, 7);
    assert_int_equal(end.signal, 0);

    sigset_t after;
    sigprocmask(SIG_SETMASK, &before, &after);
    assert_int_equal(sigismember(&after, SIGTERM), 1); /* ours is as it was */
    assert_int_equal(sigismember(&after, SIGUSR1), 0);
    signal(SIGPIPE, SIG_DFL);
}

static void test_channel_is_where_it_was_promised(void **state)
{
    (void)state;
    int pair[2];
    char byte = 'x';
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    pid_t pid = spawn("echo", pair[1], -1);
    close(pair[1]);
    assert_int_equal(write(pair[0], "y", 1), 1);
    assert_int_equal(read(pair[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    close(pair[0]);
    assert_int_equal(process_wait(pid).exit_code, 0);
}

/* The descriptors that are handed over may lie exactly where the child's are to be. */
static void test_descriptors_may_lie_in_the_way(void **state)
{
    (void)state;
    int pair[2];
    char byte = 'x';
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    int input = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    assert_int_equal(dup3(pair[1], STDIN_FILENO, O_CLOEXEC), STDIN_FILENO);
    pid_t pid = spawn("echo", STDIN_FILENO, -1);
    assert_int_equal(dup2(input, STDIN_FILENO), STDIN_FILENO);
    close(input);
    close(pair[1]);
    assert_int_equal(write(pair[0], "y", 1), 1);
    assert_int_equal(read(pair[0], &byte, 1), 1);
    close(pair[0]);
    assert_int_equal(process_wait(pid).exit_code, 0);
}

static void test_other_descriptors_are_not_inherited(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    bool was_open = fcntl(PROCESS_CHANNEL, F_GETFD) >= 0;
    if (fd != PROCESS_CHANNEL && !was_open)
        assert_int_equal(dup3(fd, PROCESS_CHANNEL, O_CLOEXEC), PROCESS_CHANNEL);
    if (was_open && fd != PROCESS_CHANNEL)
        skip(); /* somebody else's, perhaps meant to be inherited */
    assert_int_equal(process_wait(spawn("fd-3-open", -1, -1)).exit_code, 0);
    close(PROCESS_CHANNEL);
    if (fd != PROCESS_CHANNEL)
        close(fd);
}

static void test_ends_are_told_once_they_are_there(void **state)
{
    (void)state;
    struct process_end end;
    siginfo_t info;
    pid_t pid = spawn("wait", -1, -1);
    assert_false(process_poll_end(pid, &end));
    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_true(process_poll_end(pid, &end));
    assert_int_equal(end.signal, SIGKILL);
    assert_int_equal(end.exit_code, -1);
    assert_int_equal(waitpid(pid, NULL, 0), -1);
    assert_int_equal(errno, ECHILD);
}

static void test_what_cannot_be_executed_ends_with_127(void **state)
{
    (void)state;
    struct error error;
    pid_t pid;
    const char *const arguments[] = {"nothing", NULL};
    const struct process_options options = {
        .program = "/nonexistent/nothing", .arguments = arguments, .channel = -1, .output = -1};
    assert_int_equal(process_spawn(&options, &pid, &error), 0);
    assert_int_equal(process_wait(pid).exit_code, 127);
}

static void test_a_group_of_its_own_if_asked(void **state)
{
    (void)state;
    struct error error;
    pid_t pid;
    char byte = 'x';
    const char *const arguments[] = {"test", "echo", NULL};
    for (int own = 0; own < 2; own++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        const struct process_options options = {.program = PROCESS_OWN_PROGRAM,
                                                .arguments = arguments,
                                                .channel = pair[1],
                                                .output = -1,
                                                .own_group = own == 1};
        assert_int_equal(process_spawn(&options, &pid, &error), 0);
        close(pair[1]);
        assert_int_equal(write(pair[0], "y", 1), 1);
        assert_int_equal(read(pair[0], &byte, 1), 1); /* it runs */
        assert_int_equal(getpgid(pid), own == 1 ? pid : getpgid(0));
        close(pair[0]);
        assert_int_equal(process_wait(pid).exit_code, 0);
    }
}

static void test_children_die_with_their_parent(void **state)
{
    (void)state;
    int pipes[2], status;
    pid_t orphan;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    pid_t parent = spawn("parent", -1, pipes[1]);
    close(pipes[1]);
    assert_int_equal(read(pipes[0], &orphan, sizeof orphan), sizeof orphan);
    close(pipes[0]);
    kill(parent, SIGKILL);
    assert_int_equal(process_wait(parent).signal, SIGKILL);
    assert_int_equal(waitpid(orphan, &status, 0), orphan);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void test_there_is_a_processor_and_a_count_of_kills(void **state)
{
    (void)state;
    assert_in_range(process_cpu_count(), 1, 65536);
    assert_true(process_memory_kills() <= process_memory_kills());
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return child_main(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_environment_output_and_signals),
        cmocka_unit_test(test_input_output_and_errors_are_three_things),
        cmocka_unit_test(test_channel_is_where_it_was_promised),
        cmocka_unit_test(test_descriptors_may_lie_in_the_way),
        cmocka_unit_test(test_other_descriptors_are_not_inherited),
        cmocka_unit_test(test_ends_are_told_once_they_are_there),
        cmocka_unit_test(test_what_cannot_be_executed_ends_with_127),
        cmocka_unit_test(test_a_group_of_its_own_if_asked),
        cmocka_unit_test(test_children_die_with_their_parent),
        cmocka_unit_test(test_there_is_a_processor_and_a_count_of_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
