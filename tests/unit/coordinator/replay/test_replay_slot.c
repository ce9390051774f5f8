/*
 * test_replay_slot.c: the conversation with a slot process, and every way in which it can end.
 *
 * This program is its own slot: started with --slot-fd, it behaves as --device says.
 */
#include "common/os_process.h"
#include "coordinator/replay/replay_slot.h"
#include "proto/codec.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ------------------------------------------------------------------------------ the slot's side */

static void say(struct codec *codec, const struct message *message)
{
    uint8_t bytes[RESULT_BYTES_MAX + 64];
    size_t count = 0;
    if (!codec_append(codec, message, bytes, sizeof bytes, &count) ||
        send(PROCESS_CHANNEL, bytes, count, 0) != (ssize_t)count)
        abort();
}

static bool hear(struct codec *codec, struct lease *lease)
{
    static uint8_t bytes[4096];
    ssize_t count = recv(PROCESS_CHANNEL, bytes, sizeof bytes, 0);
    if (count <= 0)
        return false;
    struct codec_cursor cursor = {.bytes = bytes, .size = (size_t)count};
    struct message message;
    if (codec_next(codec, &cursor, &message, NULL) != CODEC_OK || message.kind != MESSAGE_LEASE)
        abort();
    *lease = message.lease;
    return true;
}

static struct message answer_to(const struct lease *lease)
{
    static const uint8_t detail[] = {1, 2, 3};
    struct message message = {.kind = MESSAGE_RESULT};
    message.result = (struct result){
        .lease = lease->key,
        .job = job_digest(&lease->job),
        .outcome = OUTCOME_OK,
        .fitness = (double)lease->job.stream,
        .detail = detail,
        .detail_bytes = sizeof detail,
    };
    return message;
}

static int answer(struct codec *codec, const char *how)
{
    struct lease lease;
    while (hear(codec, &lease)) {
        struct message message = answer_to(&lease);
        if (strcmp(how, "other-job") == 0)
            message.result.job.bytes[0]++;
        if (strcmp(how, "other-lease") == 0)
            message.result.lease.attempt++;
        for (int i = 0; strcmp(how, "talks") == 0 && i < 3000; i++)
            printf("%0100d\n", i);
        fflush(stdout);
        if (strcmp(how, "killed") == 0) {
            printf("line one\nthe last \x1b[1mline\n\n");
            fflush(stdout);
            kill(getpid(), SIGKILL);
        }
        say(codec, &message);
    }
    return 0;
}

/* As the command line says: "--device HOW" comes last. */
static int be_a_slot(const char *how)
{
    if (strcmp(how, "exits") == 0) {
        fprintf(stderr, "no such device");
        return 2;
    }
    struct codec *codec = codec_create();
    const struct message ready = {.kind = MESSAGE_ALIVE};
    if (codec == NULL)
        abort();
    if (strcmp(how, "garbage") == 0)
        send(PROCESS_CHANNEL, "\xff\xff\xff\xff\xff garbage", 13, 0);
    say(codec, &ready);
    if (strcmp(how, "speaks-twice") == 0)
        say(codec, &ready);
    if (strcmp(how, "closes") == 0) {
        close(PROCESS_CHANNEL);
        for (;;)
            pause();
    }
    struct lease lease;
    if (strcmp(how, "waits") == 0 && hear(codec, &lease)) {
        kill(getppid(), SIGTERM); /* the test's process: a user who stops it */
        for (;;)
            pause();
    }
    int code = answer(codec, how);
    codec_destroy(&codec);
    return code;
}

/* ------------------------------------------------------------------------------- the owner's side
 */

static struct job job_of(uint64_t stream)
{
    struct job job = {.kind = JOB_MUTATE, .slices = SLICE_SELECT, .stream = stream};
    job.key = (struct job_key){.line = 1, .job = 2};
    job.spec = digest_of("spec", 4);
    strcpy(job.call.name, "none");
    return job;
}

static struct replay_slot *start(const char *how)
{
    const struct replay_slot_options options = {
        .program = PROCESS_OWN_PROGRAM, .device = how, .folder = "/tmp"};
    struct error error = {0};
    struct replay_slot *slot = replay_slot_start(&options, &error);
    if (slot == NULL)
        fail_msg("%s", error.text);
    return slot;
}

static void test_jobs_are_answered_one_after_another(void **state)
{
    (void)state;
    static const char *const ways[] = {"answers", "talks"};
    for (size_t way = 0; way < 2; way++) {
        struct replay_slot *slot = start(ways[way]);
        for (uint64_t i = 0; i < 3; i++) {
            struct job job = job_of(i);
            struct result result;
            struct error error = {0};
            if (replay_slot_run(slot, &job, &result, &error) != REPLAY_SLOT_ANSWERED)
                fail_msg("%s", error.text);
            assert_true(result.fitness == (double)i);
            assert_int_equal(result.detail_bytes, 3);
            assert_int_equal(result.detail[2], 3);
        }
        replay_slot_end(&slot);
        assert_null(slot);
    }
}

static void expect_failure(const char *how, const char *says)
{
    struct replay_slot *slot = start(how);
    struct job job = job_of(0);
    struct result result;
    struct error error = {0};
    assert_int_equal(replay_slot_run(slot, &job, &result, &error), REPLAY_SLOT_FAILED);
    if (strstr(error.text, says) == NULL || strchr(error.text, '\n') != NULL)
        fail_msg("%s: '%s' does not say '%s'", how, error.text, says);
    replay_slot_end(&slot);
}

static void test_deaths_are_told(void **state)
{
    (void)state;
    expect_failure("exits", "ended with exit code 2; its last line was: no such device");
    expect_failure("killed", "ended with signal 9 (Killed); its last line was: the last ?[1mline");
    expect_failure("closes", "ended with signal 9 (Killed)");
}

static void test_nonsense_is_refused(void **state)
{
    (void)state;
    expect_failure("garbage", "makes no sense");
    expect_failure("speaks-twice", "it answered what it was not asked");
    expect_failure("other-job", "it answered what it was not asked");
    expect_failure("other-lease", "it answered what it was not asked");
}

static void test_a_program_that_is_not_there(void **state)
{
    (void)state;
    const struct replay_slot_options options = {.program = "/nowhere/ratchet-worker",
                                                .folder = "/tmp"};
    struct replay_slot *slot = replay_slot_start(&options, NULL);
    struct job job = job_of(0);
    struct result result;
    struct error error = {0};
    assert_non_null(slot);
    assert_int_equal(replay_slot_run(slot, &job, &result, &error), REPLAY_SLOT_FAILED);
    assert_non_null(strstr(error.text, "it cannot be started"));
    replay_slot_end(&slot);
}

static void test_a_signal_ends_the_waiting(void **state)
{
    (void)state;
    struct replay_slot *slot = start("waits");
    struct job job = job_of(0);
    struct result result;
    sigset_t stops;
    int got;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    assert_int_equal(replay_slot_run(slot, &job, &result, NULL), REPLAY_SLOT_STOPPED);
    replay_slot_end(&slot);
    /* It is still there for the command, which tells it by its exit code. */
    assert_int_equal(sigwait(&stops, &got), 0);
    assert_int_equal(got, SIGTERM);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--slot-fd") == 0)
        return be_a_slot(argv[argc - 1]);
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigprocmask(SIG_BLOCK, &stops, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_are_answered_one_after_another),
        cmocka_unit_test(test_deaths_are_told),
        cmocka_unit_test(test_nonsense_is_refused),
        cmocka_unit_test(test_a_program_that_is_not_there),
        cmocka_unit_test(test_a_signal_ends_the_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
