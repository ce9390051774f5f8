/* test_key_registry.c: tokens let in as often and as long as they say; revoked is revoked. */
#include "coordinator/shell/key_registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct public_key key_of(unsigned number)
{
    struct public_key key = {{0}};
    /* Not in the order of their numbers, as real ones are not. */
    key.bytes[0] = (uint8_t)(number * 151);
    key.bytes[1] = (uint8_t)(number >> 8);
    key.bytes[31] = (uint8_t)number;
    return key;
}

static void make_token(struct key_registry *registry, uint32_t uses, char text[TOKEN_BYTES_MAX])
{
    const struct token_order order = {.uses = uses, .now_ms = 1000, .expires_ms = 5000};
    assert_int_equal(key_registry_add_token(registry, &order, text, NULL), 0);
}

static int join(struct key_registry *registry, unsigned number, const char *token,
                struct error *error)
{
    const struct join_request request = {
        .key = key_of(number), .name = "lab 7\t", .token = token, .now_ms = 2000};
    return key_registry_join(registry, &request, error);
}

static void expect_refused(struct key_registry *registry, unsigned number, const char *token,
                           const char *said)
{
    struct error error = {.text = ""};
    assert_int_equal(join(registry, number, token, &error), -1);
    if (strstr(error.text, said) == NULL)
        fail_msg("'%s' does not say '%s'", error.text, said);
}

static int setup(void **state)
{
    *state = key_registry_create();
    return *state == NULL;
}

static int teardown(void **state)
{
    key_registry_destroy((struct key_registry **)state);
    return 0;
}

static void test_a_token_is_used_by_a_key_once(void **state)
{
    struct key_registry *registry = *state;
    char token[TOKEN_BYTES_MAX];
    make_token(registry, 2, token);
    assert_true(key_registry_is_open(registry, 4999));
    assert_false(key_registry_is_open(registry, 5000));
    assert_int_equal(join(registry, 1, token, NULL), 0);
    assert_int_equal(join(registry, 1, token, NULL), 0);
    assert_int_equal(join(registry, 1, "", NULL), 0);
    assert_int_equal(registry->tokens[0].uses_left, 1);
    assert_int_equal(join(registry, 2, token, NULL), 0);
    assert_false(key_registry_is_open(registry, 2000));
    expect_refused(registry, 3, token, "used up");
    const struct public_key key = key_of(1);
    assert_string_equal(key_registry_find(registry, &key)->name, "lab_7_");
}

static void test_what_lets_nobody_in(void **state)
{
    struct key_registry *registry = *state;
    char token[TOKEN_BYTES_MAX];
    make_token(registry, 2, token);
    expect_refused(registry, 1, "", "brought no token");
    expect_refused(registry, 1, "ratchet-00000000-00", "none of this coordinator");
    token[strlen(token) - 1] ^= 1;
    expect_refused(registry, 1, token, "none of this coordinator");
    token[strlen(token) - 1] ^= 1;
    registry->tokens[0].expires_ms = 2000;
    expect_refused(registry, 1, token, "expired");
    assert_int_equal(registry->key_count, 0);
    assert_int_equal(registry->tokens[0].uses_left, 2);
}

static void test_revoked_by_key_beginning_and_name(void **state)
{
    struct key_registry *registry = *state;
    char token[TOKEN_BYTES_MAX], hex[KEY_HEX_BYTES];
    struct error error = {.text = ""};
    struct revocation done;
    make_token(registry, 9, token);
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(join(registry, i, token, NULL), 0);
    struct public_key key = key_of(2);
    public_key_to_hex(&key, hex);
    hex[12] = '\0';
    assert_int_equal(key_registry_revoke(registry, hex, 3000, &done, NULL), 0);
    assert_int_equal(done.keys, 1);
    assert_true(key_registry_find(registry, &key)->revoked);
    expect_refused(registry, 2, token, "revoked");
    assert_int_equal(key_registry_revoke(registry, "lab_7_", 3000, &done, NULL), 0);
    assert_int_equal(done.keys, 2);
    assert_int_equal(key_registry_revoke(registry, "lab_7_", 3000, &done, NULL), 0);
    assert_int_equal(done.keys, 0);
    assert_int_equal(key_registry_revoke(registry, "nobody", 3000, &done, &error), -1);
    assert_non_null(strstr(error.text, "nobody"));
    /* One that never joined never will. */
    key = key_of(77);
    public_key_to_hex(&key, hex);
    assert_int_equal(key_registry_revoke(registry, hex, 3000, &done, NULL), 0);
    assert_int_equal(done.keys, 1);
    expect_refused(registry, 77, token, "revoked");
}

/* Whoever holds the token would come back with another key: so it is closed along with the key. */
static void test_revoking_closes_the_token(void **state)
{
    struct key_registry *registry = *state;
    char token[TOKEN_BYTES_MAX], another[TOKEN_BYTES_MAX], hex[KEY_HEX_BYTES];
    struct revocation done;
    make_token(registry, 9, token);
    make_token(registry, 9, another);
    assert_int_equal(join(registry, 1, token, NULL), 0);
    assert_int_equal(join(registry, 2, token, NULL), 0);
    const struct public_key eve = key_of(1), friend = key_of(2);
    public_key_to_hex(&eve, hex);
    assert_int_equal(key_registry_revoke(registry, hex, 3000, &done, NULL), 0);
    assert_true(done.keys == 1 && done.tokens == 1);
    expect_refused(registry, 3, token, "the token was closed");
    assert_false(key_registry_find(registry, &friend)->revoked);
    assert_int_equal(join(registry, 3, another, NULL), 0);
    assert_int_equal(key_registry_revoke(registry, hex, 3000, &done, NULL), 0);
    assert_true(done.keys == 0 && done.tokens == 0);
}

static void test_a_token_is_closed_by_its_id(void **state)
{
    struct key_registry *registry = *state, *again = key_registry_create();
    char token[TOKEN_BYTES_MAX];
    struct revocation done;
    size_t bytes;
    make_token(registry, 9, token);
    assert_int_equal(join(registry, 1, token, NULL), 0);
    const struct public_key key = key_of(1);
    /* Workers name themselves. */
    const struct join_request sly = {
        .key = key_of(2), .name = registry->tokens[0].id, .token = token, .now_ms = 2000};
    assert_int_equal(key_registry_join(registry, &sly, NULL), 0);
    assert_int_equal(key_registry_revoke(registry, registry->tokens[0].id, 3000, &done, NULL), 0);
    assert_true(done.keys == 0 && done.tokens == 1);
    assert_false(key_registry_is_open(registry, 3000));
    expect_refused(registry, 3, token, "the token was closed");
    assert_false(key_registry_find(registry, &key)->revoked);
    assert_int_equal(key_registry_revoke(registry, registry->tokens[0].id, 3000, &done, NULL), 0);
    assert_true(done.keys == 0 && done.tokens == 0);
    char *text = key_registry_print(registry, &bytes);
    assert_int_equal(key_registry_parse(again, text, bytes, NULL), 0);
    expect_refused(again, 3, token, "the token was closed");
    free(text);
    key_registry_destroy(&again);
}

static void test_a_beginning_of_several_is_a_mistake(void **state)
{
    struct key_registry *registry = *state;
    char token[TOKEN_BYTES_MAX];
    struct error error = {.text = ""};
    struct revocation done;
    make_token(registry, 9, token);
    for (uint8_t i = 1; i <= 2; i++) {
        const struct join_request request = {
            .key = {.bytes = {[31] = i}}, .name = "", .token = token, .now_ms = 2000};
        assert_int_equal(key_registry_join(registry, &request, NULL), 0);
    }
    assert_int_equal(key_registry_revoke(registry, "00000000", 3000, &done, &error), -1);
    assert_non_null(strstr(error.text, "fits 2 keys"));
    assert_int_equal(key_registry_revoke(registry, "-", 3000, &done, NULL), -1);
    assert_false(registry->keys[0].revoked || registry->keys[1].revoked);
}

static void test_the_text_says_it_all(void **state)
{
    struct key_registry *registry = *state, *again = key_registry_create();
    char token[TOKEN_BYTES_MAX];
    struct revocation done;
    size_t bytes;
    make_token(registry, 300, token);
    for (unsigned i = 1; i <= 300; i++)
        assert_int_equal(join(registry, i, token, NULL), 0);
    const struct public_key key = key_of(200);
    char hex[KEY_HEX_BYTES];
    public_key_to_hex(&key, hex);
    assert_int_equal(key_registry_revoke(registry, hex, 3000, &done, NULL), 0);
    char *text = key_registry_print(registry, &bytes);
    assert_null(strstr(text, token));
    assert_int_equal(key_registry_parse(again, text, bytes, NULL), 0);
    assert_int_equal(again->key_count, 300);
    for (unsigned i = 1; i <= 300; i++) {
        const struct public_key wanted = key_of(i);
        const struct known_key *found = key_registry_find(again, &wanted);
        assert_non_null(found);
        assert_int_equal(found->revoked, i == 200);
    }
    assert_int_equal(again->tokens[0].uses_left, 0);
    text[bytes - 20] = '\n';
    struct error error = {.text = ""};
    assert_int_equal(key_registry_parse(again, text, bytes, &error), -1);
    assert_non_null(strstr(error.text, "line 30"));
    assert_int_equal(again->key_count, 0);
    free(text);
    key_registry_destroy(&again);
}

static void test_there_is_a_limit(void **state)
{
    struct key_registry *registry = *state;
    char token[TOKEN_BYTES_MAX];
    make_token(registry, TOKEN_USES_MAX, token);
    for (unsigned i = 0; i < REGISTRY_KEYS_MAX; i++) {
        const struct join_request request = {
            .key = {.bytes = {(uint8_t)(i >> 8), (uint8_t)i}}, .name = "", .token = token};
        assert_int_equal(key_registry_join(registry, &request, NULL), 0);
    }
    struct public_key key = {.bytes = {0xff, 0xff}};
    const struct join_request request = {.key = key, .name = "", .token = token};
    uint32_t left = registry->tokens[0].uses_left;
    struct revocation done;
    char hex[KEY_HEX_BYTES];
    assert_int_equal(key_registry_join(registry, &request, NULL), -1);
    assert_int_equal(registry->tokens[0].uses_left, left);
    public_key_to_hex(&key, hex);
    assert_int_equal(key_registry_revoke(registry, hex, 1, &done, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_token_is_used_by_a_key_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_lets_nobody_in, setup, teardown),
        cmocka_unit_test_setup_teardown(test_revoked_by_key_beginning_and_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_revoking_closes_the_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_token_is_closed_by_its_id, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_beginning_of_several_is_a_mistake, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_text_says_it_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_there_is_a_limit, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
