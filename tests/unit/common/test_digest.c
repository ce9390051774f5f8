/*
 * test_digest.c: BLAKE2b-256 against known answers.
 *
 * The answers are those of Python's hashlib.blake2b(..., digest_size=32), an implementation that
 * shares no code with libsodium.
 */
#include "common/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_hex(struct digest digest, const char *expected)
{
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(&digest, hex);
    assert_string_equal(hex, expected);
}

static void knows_the_answers(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    expect_hex(digest_of(NULL, 0),
               "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    expect_hex(digest_of("abc", 3),
               "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    expect_hex(digest_of(bytes, sizeof bytes),
               "3a486e3fe3ee414853000269ac020030aeef748cb05cd62ba85939ec298ef25c");
}

static void pieces_give_the_digest_of_the_whole(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    struct digest whole = digest_of(bytes, sizeof bytes);
    /* 128 is BLAKE2b's block: cuts before, at and behind its edges. */
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        struct digest_state pieces;
        digest_init(&pieces);
        digest_update(&pieces, bytes, cut);
        digest_update(&pieces, NULL, 0);
        digest_update(&pieces, bytes + cut, sizeof bytes - cut);
        struct digest digest = digest_final(&pieces);
        assert_true(digest_equal(&digest, &whole));
    }
}

/* Pieces of every length one after another: small ones are gathered, large ones are not. */
static void pieces_of_all_lengths_give_the_digest_of_the_whole(void **state)
{
    (void)state;
    uint8_t bytes[2000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 11 + i / 256);
    struct digest whole = digest_of(bytes, sizeof bytes);
    for (size_t first = 1; first <= 600; first++) {
        struct digest_state pieces;
        size_t at = 0, length = first;
        digest_init(&pieces);
        while (at < sizeof bytes) {
            size_t count = length < sizeof bytes - at ? length : sizeof bytes - at;
            digest_update(&pieces, bytes + at, count);
            at += count;
            length = length * 5 % 601; /* 601 is prime: never 0 */
        }
        struct digest digest = digest_final(&pieces);
        assert_true(digest_equal(&digest, &whole));
    }
}

static void compares_every_byte(void **state)
{
    (void)state;
    struct digest one = digest_of("x", 1);
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        struct digest other = one;
        assert_true(digest_equal(&one, &other));
        other.bytes[i] ^= 1;
        assert_false(digest_equal(&one, &other));
    }
    struct digest zero = {{0}};
    assert_true(digest_is_zero(&zero));
    zero.bytes[DIGEST_BYTES - 1] = 1;
    assert_false(digest_is_zero(&zero));
}

static void hexadecimal_goes_there_and_back(void **state)
{
    (void)state;
    struct digest digest = digest_of("x", 1), back = {{0}};
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(&digest, hex);
    assert_true(digest_from_hex(hex, &back));
    assert_true(digest_equal(&digest, &back));
    for (size_t i = 0; hex[i] != '\0'; i++)
        if (hex[i] >= 'a')
            hex[i] = (char)(hex[i] - 'a' + 'A');
    memset(&back, 0, sizeof back);
    assert_true(digest_from_hex(hex, &back));
    assert_true(digest_equal(&digest, &back));
}

static void refuses_what_is_not_64_digits(void **state)
{
    (void)state;
    struct digest digest = digest_of("x", 1), kept = digest;
    char hex[DIGEST_HEX_BYTES + 1] = {0};
    assert_false(digest_from_hex("", &kept));
    memset(hex, 'a', 63);
    assert_false(digest_from_hex(hex, &kept));
    memset(hex, 'a', 65);
    assert_false(digest_from_hex(hex, &kept));
    for (size_t i = 0; i < 64; i++) {
        memset(hex, 'a', 64);
        hex[64] = '\0';
        hex[i] = "g/:@G` "[i % 7];
        assert_false(digest_from_hex(hex, &kept));
    }
    assert_true(digest_equal(&digest, &kept));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_answers),
        cmocka_unit_test(pieces_give_the_digest_of_the_whole),
        cmocka_unit_test(pieces_of_all_lengths_give_the_digest_of_the_whole),
        cmocka_unit_test(compares_every_byte),
        cmocka_unit_test(hexadecimal_goes_there_and_back),
        cmocka_unit_test(refuses_what_is_not_64_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
