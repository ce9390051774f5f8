/*
 * test_codec.c: what goes in comes out, one message or many to a datagram; versions; results as
 * bytes.
 *
 * What must not come out is in test_codec_bounds.c and test_codec_hostile.c.
 */
#include "proto/codec.h"

#include "tests/unit/proto/message_equal.h"
#include "tests/unit/proto/message_make.h"
#include "tests/unit/proto/wire_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

enum { ITERATIONS = 1000 };

static struct codec *codec;
static struct maker maker;
static uint8_t datagram[DATAGRAM_BYTES_MAX], again[DATAGRAM_BYTES_MAX];
static struct wire edited;

static int set_up(void **state)
{
    (void)state;
    codec = codec_create();
    maker_init(&maker);
    return codec == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    codec_destroy(&codec);
    return codec != NULL;
}

/* Appends `message` to an empty datagram and returns its size. */
static size_t encode(const struct message *message)
{
    size_t used = 0;
    assert_true(codec_append(codec, message, datagram, sizeof datagram, &used));
    return used;
}

static void expect_message(struct codec_cursor *cursor, const struct message *expected)
{
    struct message decoded;
    struct error error = {.text = ""};
    if (codec_next(codec, cursor, &decoded, &error) != CODEC_OK)
        fail_msg("%s: %s", message_name(expected->kind), error.text);
    if (!message_equal(expected, &decoded))
        fail_msg("%s: came out different", message_name(expected->kind));
}

static void check_round_trip(const struct message *message)
{
    size_t size = encode(message);
    struct codec_cursor cursor = {.bytes = datagram, .size = size};
    expect_message(&cursor, message);
    struct message decoded;
    assert_int_equal(codec_next(codec, &cursor, &decoded, NULL), CODEC_END);

    /* What was decoded can be sent on at once, by the same codec, as the same bytes. */
    cursor.position = 0;
    assert_int_equal(codec_next(codec, &cursor, &decoded, NULL), CODEC_OK);
    size_t used = 0;
    assert_true(codec_append(codec, &decoded, again, sizeof again, &used));
    assert_int_equal(used, size);
    assert_memory_equal(again, datagram, size);
}

static void test_every_message_round_trips(void **state)
{
    (void)state;
    for (uint32_t kind = 1; kind <= MESSAGE_KIND_LAST; kind++)
        for (uint64_t iteration = 0; iteration < ITERATIONS; iteration++) {
            struct message message;
            maker_open(&maker, kind * UINT64_C(1000) + iteration, MAKE_RANDOM);
            make_message(&maker, (enum message_kind)kind, &message);
            check_round_trip(&message);
        }
}

static void test_the_largest_of_every_message_fits_a_datagram(void **state)
{
    (void)state;
    for (uint32_t kind = 1; kind <= MESSAGE_KIND_LAST; kind++) {
        struct message message;
        maker_open(&maker, kind, MAKE_LARGEST);
        make_message(&maker, (enum message_kind)kind, &message);
        check_round_trip(&message);
    }
}

static void test_a_lease_is_small(void **state)
{
    (void)state;
    struct message message;
    maker_open(&maker, 1, MAKE_LARGEST);
    make_message(&maker, MESSAGE_LEASE, &message);
    assert_int_equal(message.lease.job.parent_count, JOB_PARENTS_MAX);
    assert_int_equal(message.lease.job.call.param_count, OPERATOR_PARAMS_MAX);
    assert_true(encode(&message) < 400);
}

/* The bits of a double are part of digests: zeros keep their sign, NaNs their payload. */
static void test_doubles_keep_their_bits(void **state)
{
    static const uint64_t bits[] = {
        0,
        UINT64_C(0x8000000000000000),
        UINT64_C(0x7ff0000000000000),
        UINT64_C(0x7ff0000000000001),
        UINT64_C(0xfff8dead0000beef),
        UINT64_C(0x3ff0000000000001),
    };
    (void)state;
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        struct message message, decoded;
        maker_open(&maker, i, MAKE_RANDOM);
        make_message(&maker, MESSAGE_RESULT, &message);
        message.result.outcome = OUTCOME_OK;
        message.result.metric_count = 1;
        message.result.metrics[0].id = METRIC_SELECT_LOSS;
        memcpy(&message.result.fitness, &bits[i], 8);
        memcpy(&message.result.metrics[0].value, &bits[i], 8);
        struct codec_cursor cursor = {.bytes = datagram, .size = encode(&message)};
        assert_int_equal(codec_next(codec, &cursor, &decoded, NULL), CODEC_OK);
        assert_memory_equal(&decoded.result.fitness, &bits[i], 8);
        assert_memory_equal(&decoded.result.metrics[0].value, &bits[i], 8);
    }
}

static size_t append_many(uint32_t count, size_t room)
{
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct message message;
        maker_open(&maker, i, MAKE_RANDOM);
        make_message(&maker, i % 2 == 0 ? MESSAGE_LEASE : MESSAGE_VERDICT, &message);
        assert_true(codec_append(codec, &message, datagram, room, &used));
    }
    return used;
}

static void test_many_messages_share_a_datagram(void **state)
{
    enum { COUNT = 1000 };
    (void)state;
    size_t used = append_many(COUNT, sizeof datagram);
    struct codec_cursor cursor = {.bytes = datagram, .size = used};
    struct message expected, decoded;
    for (uint32_t i = 0; i < COUNT; i++) {
        maker_open(&maker, i, MAKE_RANDOM);
        make_message(&maker, i % 2 == 0 ? MESSAGE_LEASE : MESSAGE_VERDICT, &expected);
        expect_message(&cursor, &expected);
    }
    assert_int_equal(cursor.position, used);
    assert_int_equal(codec_next(codec, &cursor, &decoded, NULL), CODEC_END);
}

static void test_what_does_not_fit_leaves_the_buffer_alone(void **state)
{
    (void)state;
    struct message message;
    maker_open(&maker, 7, MAKE_RANDOM);
    make_message(&maker, MESSAGE_LEASE, &message);
    size_t size = encode(&message);
    for (size_t room = 0; room < size; room++) {
        size_t used = 3;
        memset(again, 0xA5, size + 3);
        assert_false(codec_append(codec, &message, again, room + 3, &used));
        assert_int_equal(used, 3);
        for (size_t i = 0; i < size + 3; i++)
            assert_int_equal(again[i], 0xA5);
    }
    size_t used = 3;
    assert_true(codec_append(codec, &message, again, size + 3, &used));
    assert_int_equal(used, size + 3);
    assert_memory_equal(again + 3, datagram, size);
}

/* With room to spare the commonest kinds are written without being measured first. */
static void test_the_bytes_do_not_depend_on_the_room(void **state)
{
    static const enum maker_size sizes[] = {MAKE_RANDOM, MAKE_LARGEST};
    (void)state;
    for (uint32_t i = 0; i < 2 * MESSAGE_KIND_LAST; i++) {
        struct message message;
        maker_open(&maker, i, sizes[i % 2]);
        make_message(&maker, (enum message_kind)(1 + i / 2), &message);
        size_t size = encode(&message), used = 0;
        assert_false(codec_append(codec, &message, again, size - 1, &used));
        assert_true(codec_append(codec, &message, again, size, &used));
        assert_int_equal(used, size);
        assert_memory_equal(again, datagram, size);
    }
}

enum { OTHER_VERSION = PROTOCOL_VERSION + 1 };

/* Turns the datagram's first message into one of protocol version `version`. */
static struct codec_cursor of_version(enum message_kind kind, uint32_t version)
{
    struct message message;
    maker_open(&maker, kind, MAKE_RANDOM);
    make_message(&maker, kind, &message);
    size_t size = encode(&message);
    struct wire_edit edit = {.path = {1}, .kind = WIRE_VARINT, .value = version};
    assert_int_equal(wire_edit_datagram(datagram, size, &edit, &edited), 1);
    return (struct codec_cursor){.bytes = edited.bytes, .size = edited.size};
}

static void test_other_versions_are_told_apart(void **state)
{
    (void)state;
    for (uint32_t kind = 1; kind <= MESSAGE_KIND_LAST; kind++) {
        if (kind == MESSAGE_REFUSED)
            continue;
        struct message decoded;
        struct error error;
        struct codec_cursor cursor = of_version((enum message_kind)kind, 70000);
        assert_int_equal(codec_next(codec, &cursor, &decoded, &error), CODEC_WRONG_VERSION);
        assert_int_equal(cursor.peer_version, 70000);
        char text[64];
        snprintf(text, sizeof text, "envelope: version: 70000, ours is %d", PROTOCOL_VERSION);
        assert_string_equal(error.text, text);
        assert_int_equal(codec_next(codec, &cursor, &decoded, &error), CODEC_END);
    }
}

static void test_the_messages_behind_another_version_are_read(void **state)
{
    (void)state;
    struct message message, decoded;
    of_version(MESSAGE_LEASE, OTHER_VERSION);
    maker_open(&maker, 1, MAKE_RANDOM);
    make_message(&maker, MESSAGE_STOP, &message);
    assert_true(codec_append(codec, &message, edited.bytes, sizeof edited.bytes, &edited.size));
    struct codec_cursor cursor = {.bytes = edited.bytes, .size = edited.size};
    assert_int_equal(codec_next(codec, &cursor, &decoded, NULL), CODEC_WRONG_VERSION);
    expect_message(&cursor, &message);
}

/* A body that our schema cannot parse: its version is still read. */
static void test_a_later_version_may_change_its_bodies(void **state)
{
    (void)state;
    struct message message, decoded;
    maker_open(&maker, 1, MAKE_RANDOM);
    make_message(&maker, MESSAGE_LEASE, &message);
    size_t size = encode(&message);
    /* Field 17 of the envelope is a message here; that peer sends a number, or text. */
    const struct wire_edit body = {.path = {17}, .kind = WIRE_BYTES, .value = 3, .fill = 0xFF};
    const struct wire_edit version = {.path = {1}, .kind = WIRE_VARINT, .value = OTHER_VERSION};
    assert_int_equal(wire_edit_datagram(datagram, size, &body, &edited), 1);
    struct codec_cursor cursor = {.bytes = edited.bytes, .size = edited.size};
    assert_int_equal(codec_next(codec, &cursor, &decoded, NULL), CODEC_MALFORMED);
    memcpy(datagram, edited.bytes, edited.size);
    assert_int_equal(wire_edit_datagram(datagram, edited.size, &version, &edited), 1);
    cursor = (struct codec_cursor){.bytes = edited.bytes, .size = edited.size};
    assert_int_equal(codec_next(codec, &cursor, &decoded, NULL), CODEC_WRONG_VERSION);
    assert_int_equal(cursor.peer_version, OTHER_VERSION);
}

static void test_a_refusal_is_read_whatever_its_version(void **state)
{
    (void)state;
    struct message decoded;
    struct codec_cursor cursor = of_version(MESSAGE_REFUSED, 9);
    assert_int_equal(codec_next(codec, &cursor, &decoded, NULL), CODEC_OK);
    assert_int_equal(decoded.kind, MESSAGE_REFUSED);

    /* For a reason that only that version knows. */
    memcpy(datagram, edited.bytes, edited.size);
    const struct wire_edit code = {.path = {13, 1}, .kind = WIRE_VARINT, .value = 77};
    assert_int_equal(wire_edit_datagram(datagram, edited.size, &code, &edited), 1);
    cursor = (struct codec_cursor){.bytes = edited.bytes, .size = edited.size};
    assert_int_equal(codec_next(codec, &cursor, &decoded, NULL), CODEC_OK);
    assert_int_equal(decoded.refused.code, REFUSED_VERSION);
}

static void test_a_result_travels_as_bytes(void **state)
{
    (void)state;
    for (uint64_t iteration = 0; iteration < ITERATIONS; iteration++) {
        struct message message;
        struct result result;
        struct error error = {.text = ""};
        maker_open(&maker, iteration, iteration == 0 ? MAKE_LARGEST : MAKE_RANDOM);
        make_message(&maker, MESSAGE_RESULT, &message);
        size_t size = codec_pack_result(codec, &message.result, datagram, RESULT_BYTES_MAX);
        assert_in_range(size, 1, RESULT_BYTES_MAX);
        assert_int_equal(codec_pack_result(codec, &message.result, again, size - 1), 0);
        if (codec_unpack_result(codec, datagram, size, &result, &error) != CODEC_OK)
            fail_msg("%s", error.text);
        assert_true(same_result(&message.result, &result));
        assert_int_equal(codec_unpack_result(codec, datagram, 0, &result, &error), CODEC_MALFORMED);
    }
}

static void test_only_a_result_is_taken_as_one(void **state)
{
    (void)state;
    struct message message;
    struct result result;
    struct error error;
    maker_open(&maker, 1, MAKE_RANDOM);
    make_message(&maker, MESSAGE_ABSENT, &message);
    size_t size = encode(&message);
    /* An envelope this short has one byte of length before it. */
    assert_int_equal(codec_unpack_result(codec, datagram + 1, size - 1, &result, &error),
                     CODEC_MALFORMED);
    assert_string_equal(error.text, "result: the bytes hold another message: absent");

    make_message(&maker, MESSAGE_RESULT, &message);
    size = codec_pack_result(codec, &message.result, datagram, sizeof datagram);
    const struct wire_edit version = {.path = {1}, .kind = WIRE_VARINT, .value = OTHER_VERSION};
    assert_int_equal(wire_apply(datagram, size, &version, &edited), 1);
    assert_int_equal(codec_unpack_result(codec, edited.bytes, edited.size, &result, &error),
                     CODEC_WRONG_VERSION);
}

static void test_every_kind_has_its_name(void **state)
{
    (void)state;
    assert_null(message_name(0));
    assert_null(message_name(MESSAGE_KIND_LAST + 1));
    assert_null(message_name(UINT32_MAX));
    assert_string_equal(message_name(MESSAGE_HELLO), "hello");
    assert_string_equal(message_name(MESSAGE_STATUS_REQUEST), "status_request");
    for (uint32_t a = 1; a <= MESSAGE_KIND_LAST; a++)
        for (uint32_t b = 1; b < a; b++)
            assert_string_not_equal(message_name(a), message_name(b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_message_round_trips),
        cmocka_unit_test(test_the_largest_of_every_message_fits_a_datagram),
        cmocka_unit_test(test_a_lease_is_small),
        cmocka_unit_test(test_doubles_keep_their_bits),
        cmocka_unit_test(test_many_messages_share_a_datagram),
        cmocka_unit_test(test_what_does_not_fit_leaves_the_buffer_alone),
        cmocka_unit_test(test_the_bytes_do_not_depend_on_the_room),
        cmocka_unit_test(test_other_versions_are_told_apart),
        cmocka_unit_test(test_the_messages_behind_another_version_are_read),
        cmocka_unit_test(test_a_later_version_may_change_its_bodies),
        cmocka_unit_test(test_a_refusal_is_read_whatever_its_version),
        cmocka_unit_test(test_a_result_travels_as_bytes),
        cmocka_unit_test(test_only_a_result_is_taken_as_one),
        cmocka_unit_test(test_every_kind_has_its_name),
    };
    return cmocka_run_group_tests_name("codec", tests, set_up, tear_down);
}
