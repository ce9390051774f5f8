/*
 * test_codec_hostile.c: bytes that no honest peer sends.
 *
 * Every datagram is decoded from a heap block of exactly its size, so that AddressSanitizer sees a
 * read beyond it. What damaged bytes still decode to must hold every bound, which encoding it again
 * asserts.
 */
#include "proto/codec.h"

#include "tests/unit/proto/message_equal.h"
#include "tests/unit/proto/message_make.h"
#include "tests/unit/proto/wire_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

static struct codec *codec, *other;
static struct maker maker;
static uint8_t datagram[DATAGRAM_BYTES_MAX], again[DATAGRAM_BYTES_MAX];
static struct wire edited;

static int set_up(void **state)
{
    (void)state;
    codec = codec_create();
    other = codec_create();
    maker_init(&maker);
    return codec == NULL || other == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    codec_destroy(&codec);
    codec_destroy(&other);
    return 0;
}

static size_t encode(enum message_kind kind, uint64_t iteration)
{
    struct message message;
    size_t used = 0;
    maker_open(&maker, iteration, MAKE_RANDOM);
    make_message(&maker, kind, &message);
    assert_true(codec_append(codec, &message, datagram, sizeof datagram, &used));
    return used;
}

static void check_again(const struct message *message)
{
    struct message decoded;
    size_t used = 0;
    assert_true(codec_append(other, message, again, sizeof again, &used));
    struct codec_cursor cursor = {.bytes = again, .size = used};
    assert_int_equal(codec_next(other, &cursor, &decoded, NULL), CODEC_OK);
    assert_true(message_equal(message, &decoded));
}

/* Decodes all that `bytes` hold; returns how many messages were accepted. */
static size_t decode_all(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    struct codec_cursor cursor = {.bytes = exact, .size = size};
    size_t accepted = 0;
    for (;;) {
        struct message message;
        struct error error = {.text = ""};
        enum codec_result result = codec_next(codec, &cursor, &message, &error);
        if (result == CODEC_END)
            break;
        if (result == CODEC_OK) {
            check_again(&message);
            accepted++;
        } else {
            assert_true(strlen(error.text) > 0);
        }
    }
    assert_int_equal(cursor.position, size);
    free(exact);
    return accepted;
}

static void test_a_cut_datagram_is_refused_at_every_byte(void **state)
{
    (void)state;
    for (uint32_t kind = 1; kind <= MESSAGE_KIND_LAST; kind++) {
        size_t size = encode((enum message_kind)kind, 5);
        size_t step = 1 + size / 2000; /* the long ones have thousands of equal places */
        for (size_t cut = 0; cut < size; cut += step)
            assert_int_equal(decode_all(datagram, cut), 0);
        assert_int_equal(decode_all(datagram, size), 1);
    }
}

/* The same cut, but the length before it tells the truth: now protobuf's own parser meets it. */
static void test_a_cut_envelope_does_no_harm(void **state)
{
    (void)state;
    for (uint32_t kind = 1; kind <= MESSAGE_KIND_LAST; kind++) {
        size_t size = encode((enum message_kind)kind, 6);
        size_t prefix = size < 129 ? 1 : size < 16386 ? 2 : 3;
        size_t step = 1 + size / 2000;
        for (size_t cut = 0; cut + prefix < size; cut += step) {
            edited.size = 0;
            wire_put_varint(&edited, cut);
            memcpy(edited.bytes + edited.size, datagram + prefix, cut);
            assert_true(decode_all(edited.bytes, edited.size + cut) <= 1);
        }
    }
}

static void test_flipped_bits_do_no_harm(void **state)
{
    (void)state;
    size_t accepted = 0, tried = 0;
    for (uint32_t kind = 1; kind <= MESSAGE_KIND_LAST; kind++)
        for (uint64_t iteration = 0; iteration < 200; iteration++) {
            size_t size = encode((enum message_kind)kind, iteration);
            if (size > 20000)
                continue;
            uint32_t flips = 1 + random_below(&maker.random, 4);
            for (uint32_t i = 0; i < flips; i++) {
                /* Most of the structure is at the front. */
                uint32_t reach =
                    random_below(&maker.random, 2) == 0 && size > 24 ? 24 : (uint32_t)size;
                datagram[random_below(&maker.random, reach)] ^=
                    (uint8_t)(1u << random_below(&maker.random, 8));
            }
            accepted += decode_all(datagram, size) > 0;
            tried++;
        }
    /* Both paths have been taken: some damage goes unnoticed, most structural damage does not. */
    assert_in_range(accepted, tried / 20, tried - tried / 20);
}

static void test_noise_does_no_harm(void **state)
{
    (void)state;
    for (uint64_t iteration = 0; iteration < 3000; iteration++) {
        maker_open(&maker, iteration, MAKE_RANDOM);
        size_t size = random_below(&maker.random, 200);
        for (size_t i = 0; i < size; i++)
            datagram[i] = (uint8_t)random_u32(&maker.random);
        decode_all(datagram, size);
    }
}

static void expect_malformed(const uint8_t *bytes, size_t size, const char *text)
{
    struct message message;
    struct error error = {.text = ""};
    struct codec_cursor cursor = {.bytes = bytes, .size = size};
    assert_int_equal(codec_next(codec, &cursor, &message, &error), CODEC_MALFORMED);
    if (strstr(error.text, text) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", text, error.text);
    assert_int_equal(codec_next(codec, &cursor, &message, &error), CODEC_END);
}

static void test_lengths_are_checked(void **state)
{
    static const uint8_t endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
    static const uint8_t cut[] = {0x80};
    static const uint8_t short_of_one[] = {0x02, 0x08};
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0x7f, 0x08, 0x01};
    static const uint8_t nothing[] = {0x00};
    static const uint8_t bodiless[] = {0x02, 0x08, PROTOCOL_VERSION};
    (void)state;
    expect_malformed(endless, sizeof endless, "envelope: length: cut, or longer than 5 bytes");
    expect_malformed(cut, sizeof cut, "envelope: length: cut");
    expect_malformed(short_of_one, sizeof short_of_one,
                     "envelope: length: 2 bytes announced, 1 left");
    expect_malformed(huge, sizeof huge, "envelope: length: 34359738367 bytes announced, 2 left");
    expect_malformed(nothing, sizeof nothing, "envelope: version: missing");
    expect_malformed(bodiless, sizeof bodiless, "envelope: body: missing");
}

static void put_repeated(size_t count, const uint8_t *pattern, size_t size)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < size; k++)
            wire_put_byte(&edited, pattern[k]);
}

/* Frames of few bytes that unpack to many: refused, and the codec is as good as new. */
static void test_a_frame_that_unpacks_to_too_much_is_refused(void **state)
{
    static const uint8_t version[] = {0x08, PROTOCOL_VERSION};
    static const uint8_t empty_held[] = {0x22, 0x00};
    static const uint8_t unknown[] = {0xa0, 0x06, 0x00};
    enum { COUNT = 100000 };
    (void)state;
    const size_t body = COUNT * sizeof empty_held;
    edited.size = 0;
    wire_put_varint(&edited, 2 + 1 + 3 + body);
    put_repeated(1, version, sizeof version);
    wire_put_varint(&edited, 15 << 3 | 2); /* a heartbeat of empty entries */
    wire_put_varint(&edited, body);
    put_repeated(COUNT, empty_held, sizeof empty_held);
    expect_malformed(edited.bytes, edited.size, "too costly");

    edited.size = 0;
    wire_put_varint(&edited, 2 + COUNT * sizeof unknown);
    put_repeated(1, version, sizeof version);
    put_repeated(COUNT, unknown, sizeof unknown);
    expect_malformed(edited.bytes, edited.size, "too costly");

    size_t size = encode(MESSAGE_LEASE, 1);
    assert_int_equal(decode_all(datagram, size), 1);
}

/* protobuf merges a body that is given twice; the last of several bodies counts. */
static void test_doubled_bodies_do_no_harm(void **state)
{
    (void)state;
    for (uint32_t kind = 1; kind <= MESSAGE_KIND_LAST; kind++) {
        size_t first = encode((enum message_kind)kind, 11);
        if (first > 16000)
            continue;
        uint32_t next = kind % MESSAGE_KIND_LAST + 1;
        for (uint32_t second = kind; second != 0; second = second == kind ? next : 0) {
            first = encode((enum message_kind)kind, 11);
            size_t prefix = first < 129 ? 1 : 2;
            memcpy(again, datagram + prefix, first - prefix);
            size_t size = encode((enum message_kind)second, 12);
            if (size > 16000)
                continue;
            size_t second_prefix = size < 129 ? 1 : 2;
            edited.size = 0;
            wire_put_varint(&edited, first - prefix + size - second_prefix);
            put_repeated(1, again, first - prefix);
            put_repeated(1, datagram + second_prefix, size - second_prefix);
            assert_true(decode_all(edited.bytes, edited.size) <= 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cut_datagram_is_refused_at_every_byte),
        cmocka_unit_test(test_a_cut_envelope_does_no_harm),
        cmocka_unit_test(test_flipped_bits_do_no_harm),
        cmocka_unit_test(test_noise_does_no_harm),
        cmocka_unit_test(test_lengths_are_checked),
        cmocka_unit_test(test_a_frame_that_unpacks_to_too_much_is_refused),
        cmocka_unit_test(test_doubled_bodies_do_no_harm),
    };
    return cmocka_run_group_tests_name("codec_hostile", tests, set_up, tear_down);
}
