/*
 * test_data_pack.c: what a packer is asked, what it says, and every way in which it can go wrong.
 * The packers are shell scripts.
 */
#include "ledger_fixture.h"

#include "common/os_clock.h"
#include "coordinator/shell/data_pack.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SUMMARY                                                                                    \
    "{\"digest\": \"" HEX "\", \"bytes\": 9, \"train\": 60, \"test\": 10, \"features\": 784, "     \
    "\"classes\": 10}"

static const struct experiment_data files = {.set = "idx", .dir = "my data"};

static enum data_pack_result run(const struct fixture *fixture, const char *script,
                                 const struct experiment_data *data, struct data_pack *pack,
                                 struct error *error)
{
    char program[512], text[2048];
    snprintf(program, sizeof program, "%s", fixture_path(fixture, "packer"));
    int bytes = snprintf(text, sizeof text, "#!/bin/sh\n%s\n", script);
    assert_int_equal(os_write_atomic(program, text, (size_t)bytes, 0700, NULL), 0);
    const struct data_pack_options options = {
        .program = program, .data = data, .output = "/out", .limit_ms = 20000};
    *error = (struct error){""};
    enum data_pack_result result = data_pack(&options, pack, error);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    return result;
}

static void it_says_what_was_packed(void **state)
{
    struct data_pack pack;
    struct error error;
    assert_int_equal(run(*state, "echo 'a warning' >&2; echo '" SUMMARY "'", &files, &pack, &error),
                     DATA_PACK_DONE);
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(&pack.digest, hex);
    assert_string_equal(hex, HEX);
    assert_true(pack.bytes == 9 && pack.counts.train == 60 && pack.counts.test == 10);
    assert_true(pack.shape.features == 784 && pack.shape.classes == 10);
}

static void check_arguments(const struct fixture *fixture, const struct experiment_data *data,
                            const char *expected)
{
    struct data_pack pack;
    struct error error;
    assert_int_equal(
        run(fixture, "for a; do printf '%s|' \"$a\"; done; exit 3", data, &pack, &error),
        DATA_PACK_REFUSED);
    assert_string_equal(error.text, expected);
}

/* One argument each, whatever is in it: no shell comes between. */
static void it_is_asked_for_the_data_set(void **state)
{
    check_arguments(*state, &files, "--pack-data|idx|--data-dir|my data|--output|/out|");
    const struct experiment_data usual = {.set = "fashion-mnist"};
    check_arguments(*state, &usual, "--pack-data|fashion-mnist|--output|/out|");
    struct experiment_data made = {.set = "mnist1d", .made = true, .samples = 50, .seed = 7};
    check_arguments(*state, &made,
                    "--pack-data|mnist1d|--data-samples|50|--data-seed|7|--output|/out|");
    made.shuffle_positions = true;
    check_arguments(*state, &made,
                    "--pack-data|mnist1d|--data-samples|50|--data-seed|7|--data-shuffle|"
                    "--output|/out|");
}

static void its_failures_have_words(void **state)
{
    static const struct {
        const char *script, *expected;
        enum data_pack_result result;
    } cases[] = {
        {"echo 'ratchet-worker: /x: is not there' >&2; exit 3", "/x: is not there",
         DATA_PACK_REFUSED},
        {"echo first; printf 'sec\\033ond\\n\\n' >&2; exit 3", "sec?ond", DATA_PACK_REFUSED},
        {"echo 'ratchet-worker: disk full' >&2; exit 1", "disk full", DATA_PACK_FAILED},
        {"exit 3", "the packer ended with exit code 3 and said nothing of use", DATA_PACK_FAILED},
        {"kill -SEGV $$", "the packer ended with signal 11 and said nothing of use",
         DATA_PACK_FAILED},
        {"exit 0", "the packer ended with exit code 0 and said nothing of use", DATA_PACK_FAILED},
        {"echo '{\"digest\": \"" HEX "\"}'",
         "the packer ended with exit code 0 and said nothing of use", DATA_PACK_FAILED},
        {"echo '" SUMMARY "' | tr 6 -", "the packer ended with exit code 0 and said nothing of use",
         DATA_PACK_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct data_pack pack;
        struct error error;
        assert_int_equal(run(*state, cases[i].script, &files, &pack, &error), cases[i].result);
        assert_string_equal(error.text, cases[i].expected);
    }
}

static void a_talker_is_cut_off(void **state)
{
    struct data_pack pack;
    struct error error;
    assert_int_equal(run(*state, "exec yes abcdefgh", &files, &pack, &error), DATA_PACK_FAILED);
    assert_string_equal(error.text, "the packer talks without end");
}

static void a_packer_that_is_not_there(void **state)
{
    (void)state;
    struct data_pack pack;
    struct error error;
    const struct data_pack_options options = {
        .program = "/no/packer", .data = &files, .output = "/out", .limit_ms = 20000};
    assert_int_equal(data_pack(&options, &pack, &error), DATA_PACK_FAILED);
    assert_string_equal(error.text, "the packer /no/packer cannot be started");
}

static void it_does_not_take_for_ever(void **state)
{
    char program[512];
    struct data_pack pack;
    struct error error;
    static const char script[] = "#!/bin/sh\nexec sleep 1000\n";
    snprintf(program, sizeof program, "%s", fixture_path(*state, "packer"));
    assert_int_equal(os_write_atomic(program, script, sizeof script - 1, 0700, NULL), 0);
    const struct data_pack_options options = {
        .program = program, .data = &files, .output = "/out", .limit_ms = 1};
    assert_int_equal(data_pack(&options, &pack, &error), DATA_PACK_FAILED);
    assert_string_equal(error.text, "packing takes too long");
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* The coordinator has its signals blocked: they wait, and packing must not make them wait long. */
static void a_signal_stops_it(void **state)
{
    struct data_pack pack;
    struct error error;
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    assert_int_equal(run(*state, "kill -TERM $PPID; exec sleep 1000", &files, &pack, &error),
                     DATA_PACK_STOPPED);
    assert_int_equal(sigwait(&set, &number), 0); /* still there, for whoever blocked it */
    assert_int_equal(number, SIGTERM);
    assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_says_what_was_packed, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(it_is_asked_for_the_data_set, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(its_failures_have_words, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_talker_is_cut_off, fixture_setup, fixture_teardown),
        cmocka_unit_test(a_packer_that_is_not_there),
        cmocka_unit_test_setup_teardown(it_does_not_take_for_ever, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_signal_stops_it, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
