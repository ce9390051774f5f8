/*
 * test_codec_hostile.c: bytes that no honest peer sends.
 *
 * Every datagram is decoded from a heap block of exactly its size, so that AddressSanitizer sees a
 * read beyond it. What damaged bytes still decode to must hold every bound, which encoding it again
 * asserts.
 */
#include "proto/codec.h"

#include "proto/seal.h"
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

/* How many bytes the length in front of a datagram's only envelope takes. */
static size_t prefix_of(size_t size)
{
    return size < 129 ? 1 : size < 16386 ? 2 : 3;
}

/* Makes `edited` a datagram of one envelope: these bytes and their seal. */
static void frame(const uint8_t *envelope, size_t size)
{
    edited.size = 0;
    wire_put_varint(&edited, size + SEAL_BYTES);
    memcpy(edited.bytes + edited.size, envelope, size);
    seal_write(edited.bytes + edited.size, size);
    edited.size += size + SEAL_BYTES;
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

/* The same cut, but length and seal tell the truth: now protobuf's own parser meets it. */
static void test_a_cut_envelope_does_no_harm(void **state)
{
    (void)state;
    for (uint32_t kind = 1; kind <= MESSAGE_KIND_LAST; kind++) {
        size_t size = encode((enum message_kind)kind, 6);
        size_t prefix = prefix_of(size);
        size_t step = 1 + size / 2000;
        for (size_t cut = 0; cut + prefix < size; cut += step) {
            frame(datagram + prefix, cut);
            assert_true(decode_all(edited.bytes, edited.size) <= 1);
        }
    }
}

/* One to four bits in bytes[0 .. size); most of the structure is at the front. */
static void flip_bits(uint8_t *bytes, size_t size)
{
    uint32_t flips = 1 + random_below(&maker.random, 4);
    for (uint32_t i = 0; i < flips; i++) {
        uint32_t reach = random_below(&maker.random, 2) == 0 && size > 24 ? 24 : (uint32_t)size;
        bytes[random_below(&maker.random, reach)] ^=
            (uint8_t)(1u << random_below(&maker.random, 8));
    }
}

static void test_flipped_bits_are_noticed(void **state)
{
    (void)state;
    for (uint32_t kind = 1; kind <= MESSAGE_KIND_LAST; kind++)
        for (uint64_t iteration = 0; iteration < 400; iteration++) {
            size_t size = encode((enum message_kind)kind, iteration);
            memcpy(again, datagram, size);
            flip_bits(datagram, size);
            if (memcmp(datagram, again, size) == 0)
                continue; /* the same bit twice */
            struct message message;
            struct codec_cursor cursor = {.bytes = datagram, .size = size};
            assert_int_equal(codec_next(codec, &cursor, &message, NULL), CODEC_MALFORMED);
        }
}

/* Each bit of one message alone: of its length, its body and its seal. */
static void test_every_single_bit_is_noticed(void **state)
{
    (void)state;
    size_t size = encode(MESSAGE_LEASE, 3);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        datagram[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(decode_all(datagram, size), 0);
        datagram[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(decode_all(datagram, size), 1);
}

/* What a liar may send: the same under a seal that holds. */
static void test_flipped_bits_under_a_seal_do_no_harm(void **state)
{
    (void)state;
    size_t accepted = 0, tried = 0;
    for (uint32_t kind = 1; kind <= MESSAGE_KIND_LAST; kind++)
        for (uint64_t iteration = 0; iteration < 200; iteration++) {
            size_t size = encode((enum message_kind)kind, iteration);
            if (size > 20000)
                continue;
            size_t prefix = prefix_of(size), body = size - prefix - SEAL_BYTES;
            flip_bits(datagram + prefix, body);
            frame(datagram + prefix, body);
            accepted += decode_all(edited.bytes, edited.size) > 0;
            tried++;
        }
    /* Both paths have been taken: some changes go unnoticed, most structural ones do not. */
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

/* The hello of a version that knew no seals is still told from noise: its sender is refused. */
static void test_an_old_hello_is_a_matter_of_version(void **state)
{
    (void)state;
    static const uint8_t names[] = {0x12, 1, 'e', 0x1a, 1, 'n', 0x22, 1, 'h'};
    uint8_t hello[64] = {0x08, 2, 11 << 3 | 2, 2 + sizeof names, 0x08, 2};
    memcpy(hello + 6, names, sizeof names);
    struct message message;
    edited.size = 0;
    wire_put_varint(&edited, 6 + sizeof names);
    memcpy(edited.bytes + 1, hello, sizeof hello);
    struct codec_cursor cursor = {.bytes = edited.bytes, .size = 7 + sizeof names};
    assert_int_equal(codec_next(codec, &cursor, &message, NULL), CODEC_WRONG_VERSION);
    assert_int_equal(cursor.peer_version, 2);

    edited.bytes[6] = 1; /* it contradicts itself: damage */
    cursor = (struct codec_cursor){.bytes = edited.bytes, .size = 7 + sizeof names};
    assert_int_equal(codec_next(codec, &cursor, &message, NULL), CODEC_MALFORMED);
    edited.bytes[2] = edited.bytes[6] = SEALED_SINCE; /* it should bear a seal */
    cursor = (struct codec_cursor){.bytes = edited.bytes, .size = 7 + sizeof names};
    assert_int_equal(codec_next(codec, &cursor, &message, NULL), CODEC_MALFORMED);
}

/* One bit of the version and any one of the seal's tag are not what they were. */
static void test_a_damaged_refusal_is_no_old_one(void **state)
{
    (void)state;
    const struct message refusal = {.kind = MESSAGE_REFUSED,
                                    .refused = {.code = REFUSED_FULL, .reason = "full"}};
    for (uint32_t bit = 0; bit < 8; bit++) {
        uint8_t bytes[128];
        size_t size = 0;
        assert_true(codec_append(codec, &refusal, bytes, sizeof bytes, &size));
        assert_int_equal(bytes[2], PROTOCOL_VERSION);
        assert_int_equal(bytes[size - SEAL_BYTES], SEAL_TAG);
        bytes[2] = PROTOCOL_VERSION ^ 2;
        bytes[size - SEAL_BYTES] ^= (uint8_t)(1u << bit);
        struct message message;
        struct codec_cursor cursor = {.bytes = bytes, .size = size};
        assert_int_equal(codec_next(codec, &cursor, &message, NULL), CODEC_MALFORMED);
    }
}

static void test_an_old_refusal_is_understood(void **state)
{
    (void)state;
    static const uint8_t refused[] = {6, 0x08, 2, 13 << 3 | 2, 2, 0x08, REFUSED_FULL};
    struct message message;
    struct codec_cursor cursor = {.bytes = refused, .size = sizeof refused};
    assert_int_equal(codec_next(codec, &cursor, &message, NULL), CODEC_OK);
    assert_int_equal(message.kind, MESSAGE_REFUSED);
    assert_int_equal(message.refused.code, REFUSED_FULL);
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
    static const uint8_t unsealed[] = {0x02, 0x08, PROTOCOL_VERSION};
    static const uint8_t bodiless[] = {0x08, PROTOCOL_VERSION};
    (void)state;
    expect_malformed(endless, sizeof endless, "envelope: length: cut, or longer than 5 bytes");
    expect_malformed(cut, sizeof cut, "envelope: length: cut");
    expect_malformed(short_of_one, sizeof short_of_one,
                     "envelope: length: 2 bytes announced, 1 left");
    expect_malformed(huge, sizeof huge, "envelope: length: 34359738367 bytes announced, 2 left");
    expect_malformed(unsealed, sizeof unsealed, "envelope: checksum: not that of its 2 bytes");
    frame(bodiless, 0);
    expect_malformed(edited.bytes, edited.size, "envelope: version: missing");
    frame(bodiless, sizeof bodiless);
    expect_malformed(edited.bytes, edited.size, "envelope: body: missing");
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
    put_repeated(1, version, sizeof version);
    wire_put_varint(&edited, 15 << 3 | 2); /* a heartbeat of empty entries */
    wire_put_varint(&edited, body);
    put_repeated(COUNT, empty_held, sizeof empty_held);
    memcpy(datagram, edited.bytes, edited.size);
    frame(datagram, edited.size);
    expect_malformed(edited.bytes, edited.size, "too costly");

    edited.size = 0;
    put_repeated(1, version, sizeof version);
    put_repeated(COUNT, unknown, sizeof unknown);
    memcpy(datagram, edited.bytes, edited.size);
    frame(datagram, edited.size);
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
            size_t prefix = prefix_of(first), body = first - prefix - SEAL_BYTES;
            memcpy(again, datagram + prefix, body);
            size_t size = encode((enum message_kind)second, 12);
            if (size > 16000)
                continue;
            prefix = prefix_of(size);
            memcpy(again + body, datagram + prefix, size - prefix - SEAL_BYTES);
            frame(again, body + size - prefix - SEAL_BYTES);
            assert_true(decode_all(edited.bytes, edited.size) <= 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cut_datagram_is_refused_at_every_byte),
        cmocka_unit_test(test_a_cut_envelope_does_no_harm),
        cmocka_unit_test(test_flipped_bits_are_noticed),
        cmocka_unit_test(test_every_single_bit_is_noticed),
        cmocka_unit_test(test_flipped_bits_under_a_seal_do_no_harm),
        cmocka_unit_test(test_an_old_hello_is_a_matter_of_version),
        cmocka_unit_test(test_an_old_refusal_is_understood),
        cmocka_unit_test(test_a_damaged_refusal_is_no_old_one),
        cmocka_unit_test(test_noise_does_no_harm),
        cmocka_unit_test(test_lengths_are_checked),
        cmocka_unit_test(test_a_frame_that_unpacks_to_too_much_is_refused),
        cmocka_unit_test(test_doubled_bodies_do_no_harm),
    };
    return cmocka_run_group_tests_name("codec_hostile", tests, set_up, tear_down);
}
