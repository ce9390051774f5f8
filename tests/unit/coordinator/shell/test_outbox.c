/* test_outbox.c: messages of one turn share datagrams, in order, and none is lost or doubled. */
#include "coordinator/shell/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEN_MAX = 8192 };

/* What came out of a flush: for each message, to whom and which. */
struct seen {
    struct codec *codec;
    uint32_t datagrams, messages;
    size_t largest;
    uint8_t to[SEEN_MAX];
    uint64_t job[SEEN_MAX];
};

static struct instance_id peer(uint8_t number)
{
    struct instance_id instance = {{1}};
    instance.bytes[15] = number;
    return instance;
}

static void take(void *context, const struct instance_id *to, const uint8_t *bytes, size_t count)
{
    struct seen *seen = context;
    struct codec_cursor cursor = {.bytes = bytes, .size = count};
    struct message message;
    struct error error;
    enum codec_result result;
    seen->datagrams++;
    if (count > seen->largest)
        seen->largest = count;
    while ((result = codec_next(seen->codec, &cursor, &message, &error)) == CODEC_OK) {
        assert_in_range(seen->messages, 0, SEEN_MAX - 1);
        seen->to[seen->messages] = to->bytes[15];
        seen->job[seen->messages] =
            message.kind == MESSAGE_VERDICT ? message.verdict.lease.job.job : UINT64_MAX;
        seen->messages++;
    }
    if (result != CODEC_END)
        fail_msg("%s", error.text);
}

static struct seen *flush(struct outbox *outbox)
{
    struct seen *seen = calloc(1, sizeof *seen);
    assert_non_null(seen);
    seen->codec = codec_create();
    const struct outbox_sink sink = {seen, take};
    outbox_flush(outbox, &sink);
    assert_int_equal(outbox_count(outbox), 0);
    return seen;
}

static void forget(struct seen *seen)
{
    codec_destroy(&seen->codec);
    free(seen);
}

static void add_verdict(struct outbox *outbox, uint8_t to, uint64_t job)
{
    struct instance_id instance = peer(to);
    const struct message message = {
        .kind = MESSAGE_VERDICT,
        .epoch = 1,
        .verdict = {.lease = {.job = {.job = job}, .epoch = 1, .attempt = 1}, .kind = VERDICT_HELD},
    };
    assert_int_not_equal(outbox_add(outbox, &instance, &message), 0);
}

static void test_one_datagram_per_peer(void **state)
{
    struct outbox *outbox = *state;
    for (uint64_t job = 1; job <= 300; job++)
        add_verdict(outbox, (uint8_t)(1 + job % 3), job);
    struct seen *seen = flush(outbox);
    assert_int_equal(seen->datagrams, 3);
    assert_int_equal(seen->messages, 300);
    uint64_t last[4] = {0};
    for (uint32_t i = 0; i < seen->messages; i++) {
        assert_int_equal(seen->to[i], 1 + seen->job[i] % 3);
        assert_true(seen->job[i] > last[seen->to[i]]);
        last[seen->to[i]] = seen->job[i];
    }
    forget(seen);
}

static void test_large_messages_take_further_datagrams(void **state)
{
    struct outbox *outbox = *state;
    static char json[STATUS_BYTES_MAX];
    memset(json, 'x', sizeof json);
    struct instance_id instance = peer(7);
    const struct message large = {.kind = MESSAGE_STATUS,
                                  .status = {.json_bytes = sizeof json, .json = json}};
    add_verdict(outbox, 7, 1);
    for (int i = 0; i < 5; i++)
        assert_in_range(outbox_add(outbox, &instance, &large), sizeof json, sizeof json + 64);
    add_verdict(outbox, 7, 2);
    struct seen *seen = flush(outbox);
    assert_int_equal(seen->messages, 7);
    assert_int_equal(seen->datagrams, 5);
    assert_true(seen->largest <= DATAGRAM_BYTES_MAX);
    assert_int_equal(seen->job[0], 1);
    assert_int_equal(seen->job[6], 2);
    forget(seen);
}

static void test_discarded_is_never_sent(void **state)
{
    struct outbox *outbox = *state;
    add_verdict(outbox, 1, 1);
    outbox_discard(outbox);
    assert_int_equal(outbox_count(outbox), 0);
    add_verdict(outbox, 1, 2);
    struct seen *seen = flush(outbox);
    assert_int_equal(seen->messages, 1);
    assert_int_equal(seen->job[0], 2);
    forget(seen);
}

static void test_turns_do_not_mix(void **state)
{
    struct outbox *outbox = *state;
    for (uint64_t turn = 1; turn <= 50; turn++) {
        add_verdict(outbox, (uint8_t)turn, turn);
        struct seen *seen = flush(outbox);
        assert_int_equal(seen->messages, 1);
        assert_int_equal(seen->job[0], turn);
        assert_int_equal(seen->to[0], turn);
        forget(seen);
    }
}

static int set_up(void **state)
{
    *state = outbox_create();
    return *state != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    outbox_destroy((struct outbox **)state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_datagram_per_peer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_messages_take_further_datagrams, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_discarded_is_never_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_turns_do_not_mix, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
