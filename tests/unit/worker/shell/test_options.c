/*
 * test_options.c: what --device takes, and that a mistake ends the program with a sentence. Parsing
 * may end the process, so mistakes are made in a child.
 */
#include "worker/shell/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void parse(const char *device, struct options *options)
{
    char text[32];
    snprintf(text, sizeof text, "%s", device);
    char *arguments[] = {(char[]){"ratchet-worker"},
                         (char[]){"--connect"},
                         (char[]){"tcp://127.0.0.1:5555"},
                         (char[]){"--device"},
                         text,
                         NULL};
    options_parse(5, arguments, options);
    assert_string_equal(options->device, device);
}

static void every_device_names_its_kernels(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"auto", "auto"},
                                           {"cpu", "auto"},
                                           {"cpu:plain", "plain"},
                                           {"cpu:avx2", "avx2"},
                                           {"cpu:avx512", "avx512"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct options options;
        parse(cases[i][0], &options);
        assert_string_equal(options.cpu, cases[i][1]);
    }
}

static void without_a_device_it_chooses(void **state)
{
    (void)state;
    char *arguments[] = {(char[]){"ratchet-worker"}, (char[]){"--connect"},
                         (char[]){"tcp://127.0.0.1:5555"}, NULL};
    struct options options;
    options_parse(3, arguments, &options);
    assert_string_equal(options.device, "auto");
    assert_string_equal(options.cpu, "auto");
}

/* Exit code of a process that parses this device; what it says is left in `said`. */
static int parse_in_child(const char *device, char *said, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct options options;
        dup2(ends[1], STDERR_FILENO);
        parse(device, &options);
        _exit(0);
    }
    close(ends[1]);
    size_t used = 0;
    ssize_t got;
    while (used < size - 1 && (got = read(ends[0], said + used, size - 1 - used)) > 0)
        used += (size_t)got;
    said[used] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void other_devices_are_mistakes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"cuda:0", "no engine for GPUs"},
                                           {"cuda", "no engine for GPUs"},
                                           {"cpu:avx", "cpu:avx512 or auto"},
                                           {"avx2", "cpu:avx512 or auto"},
                                           {"", "cpu:avx512 or auto"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char said[1024];
        assert_int_equal(parse_in_child(cases[i][0], said, sizeof said), EXIT_CODE_USAGE);
        if (strstr(said, cases[i][1]) == NULL)
            fail_msg("'%s' does not say '%s'", said, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_device_names_its_kernels),
        cmocka_unit_test(without_a_device_it_chooses),
        cmocka_unit_test(other_devices_are_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
