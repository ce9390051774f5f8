/* slot_fixture.c: see slot_fixture.h. */
#include "slot_fixture.h"

#include "common/os_clock.h"
#include "common/os_process.h"
#include "proto/codec.h"
#include "worker/shell/options.h"
#include "worker/shell/slot_main.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ------------------------------------------------------------------------------ the slot's side */

static void say(int channel, const struct message *message)
{
    struct codec *codec = codec_create();
    uint8_t bytes[RESULT_BYTES_MAX + 64];
    size_t count = 0;
    if (codec == NULL || !codec_append(codec, message, bytes, sizeof bytes, &count) ||
        send(channel, bytes, count, 0) != (ssize_t)count)
        abort();
    codec_destroy(&codec);
}

/* Stands between the supervisor and a real slot for one job, then dies. */
static void give_last_word(const struct options *options)
{
    int pair[2];
    uint8_t bytes[32768];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
        abort();
    if (fork() == 0) {
        const struct slot_main_options slot = {pair[1], options->cache, options->slot_number};
        struct error error;
        close(pair[0]);
        _exit(slot_main(&slot, &error) != 0);
    }
    close(pair[1]);
    ssize_t ready = recv(pair[0], bytes, sizeof bytes, 0);
    send(options->slot_fd, bytes, (size_t)ready, 0);
    ssize_t lease = recv(options->slot_fd, bytes, sizeof bytes, 0);
    send(pair[0], bytes, (size_t)lease, 0);
    ssize_t result = recv(pair[0], bytes, sizeof bytes, 0);
    printf("this is my last word\n");
    fflush(stdout);
    send(options->slot_fd, bytes, (size_t)result, 0);
    kill(getpid(), SIGUSR1); /* not one that sanitizers catch */
}

static int misbehave(const char *how, const struct options *options)
{
    const struct message ready = {.kind = MESSAGE_ALIVE};
    static char line[200];
    memset(line, '-', sizeof line - 1);
    if (strcmp(how, SLOT_EXITS) == 0) {
        fprintf(stderr, "no device\n");
        return 3;
    }
    if (strcmp(how, SLOT_LAST_WORD) == 0) {
        give_last_word(options);
        return 0;
    }
    say(options->slot_fd, &ready);
    if (strcmp(how, SLOT_GARBAGE) == 0)
        send(options->slot_fd, "\xff\xff\xff\xff\xff garbage", 13, 0);
    if (strcmp(how, SLOT_SPEAKS_UP) == 0) {
        struct message result = {.kind = MESSAGE_RESULT};
        result.result = result_make((struct job_key){0, 1}, NULL, 0);
        say(options->slot_fd, &result);
    }
    if (strcmp(how, SLOT_CLOSES) == 0)
        close(options->slot_fd);
    while (strcmp(how, SLOT_PRINTS) == 0)
        puts(line);
    for (;;)
        pause();
}

int slot_fixture_main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--slot-fd") != 0)
        return -1;
    struct options options;
    struct error error;
    options_parse(argc, argv, &options);
    const char *how = getenv("RATCHET_TEST_SLOT");
    if (how != NULL)
        return misbehave(how, &options);
    const struct slot_main_options slot = {
        .channel = options.slot_fd, .folder = options.cache, .slot = options.slot_number};
    return slot_main(&slot, &error) == 0 ? 0 : 1;
}

/* ------------------------------------------------------------------------------- the pool's side
 */

int slot_fixture_setup(void **state)
{
    struct slot_fixture *slots = calloc(1, sizeof *slots);
    void *fixture;
    sigset_t mask;
    assert_non_null(slots);
    fixture_setup(&fixture);
    slots->fixture = fixture;
    slots->cache = cache_open_at(slots->fixture, "c", UINT64_C(1) << 30);
    slots->now_ms = 1000;
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    slots->signals = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
    unsetenv("RATCHET_TEST_SLOT");
    *state = slots;
    return 0;
}

int slot_fixture_teardown(void **state)
{
    struct slot_fixture *slots = *state;
    void *fixture = slots->fixture;
    slot_pool_destroy(&slots->pool);
    cache_close(&slots->cache);
    close(slots->signals);
    free(slots);
    return fixture_teardown(&fixture);
}

void slot_fixture_start(struct slot_fixture *slots, uint32_t count)
{
    const struct slot_pool_options options = {
        .program = PROCESS_OWN_PROGRAM,
        .cache = slots->cache,
        .log = &slots->fixture->log,
        .count = count,
    };
    struct error error = {""};
    slots->pool = slot_pool_create(&options, &error);
    if (slots->pool == NULL)
        fail_msg("%s", error.text);
    slot_pool_tick(slots->pool, slots->now_ms);
}

static void wait_for_something(struct slot_fixture *slots)
{
    struct signalfd_siginfo signal;
    struct pollfd items[2] = {
        {.fd = slot_pool_descriptor(slots->pool), .events = POLLIN},
        {.fd = slots->signals, .events = POLLIN},
    };
    assert_true(poll(items, 2, 1000) >= 0);
    while (read(slots->signals, &signal, sizeof signal) == (ssize_t)sizeof signal)
        slot_pool_reap(slots->pool);
}

struct slot_event slot_fixture_next(struct slot_fixture *slots)
{
    struct slot_event event;
    uint64_t patience = clock_monotonic_ms() + SLOT_FIXTURE_WAIT_MS;
    while (!slot_pool_next(slots->pool, slots->now_ms, &event)) {
        assert_true(clock_monotonic_ms() < patience);
        wait_for_something(slots);
    }
    return event;
}

struct slot_event slot_fixture_expect(struct slot_fixture *slots, enum slot_event_kind kind)
{
    struct slot_event event = slot_fixture_next(slots);
    assert_int_equal(event.kind, kind);
    return event;
}

/* ------------------------------------------------------------------------------------------ jobs
 */

struct digest slot_fixture_spec(struct slot_fixture *slots, const char *text)
{
    struct error error;
    struct cache_writer *writer;
    size_t count = strlen(text);
    struct digest digest = digest_of(text, count);
    assert_int_equal(cache_writer_open(slots->cache, count, &writer, &error), CACHE_OK);
    assert_int_equal(cache_writer_append(writer, text, count, &error), CACHE_OK);
    assert_int_equal(cache_writer_publish(&writer, &digest, &error), CACHE_OK);
    return digest;
}

struct lease slot_fixture_lease(uint64_t job, const struct digest *spec)
{
    struct lease lease = {
        .key = {.job = {.line = 0, .job = job}, .epoch = 1, .attempt = 1},
        .reason = LEASE_FIRST,
        .job = {.key = {.line = 0, .job = job},
                .kind = JOB_MUTATE,
                .slices = SLICE_TRAIN | SLICE_SELECT,
                .seed = 42,
                .spec = *spec},
    };
    snprintf(lease.job.call.name, sizeof lease.job.call.name, "init");
    return lease;
}
