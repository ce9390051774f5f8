/* test_endpoint.c: the bulk socket is found, and no address of others passes for a local one. */
#include "common/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_bulk(const char *control, const char *wanted)
{
    char bulk[ENDPOINT_BYTES_MAX];
    struct error error;
    if (endpoint_bulk(control, bulk, sizeof bulk, &error) != 0)
        fail_msg("%s", error.text);
    assert_string_equal(bulk, wanted);
}

static void expect_no_bulk(const char *control, const char *said)
{
    char bulk[ENDPOINT_BYTES_MAX];
    struct error error;
    assert_int_equal(endpoint_bulk(control, bulk, sizeof bulk, &error), -1);
    if (strstr(error.text, said) == NULL || strstr(error.text, control) == NULL)
        fail_msg("'%s' names neither the address nor '%s'", error.text, said);
}

static void test_bulk_is_the_next_port_or_beside_the_path(void **state)
{
    (void)state;
    expect_bulk("tcp://127.0.0.1:5555", "tcp://127.0.0.1:5556");
    expect_bulk("tcp://0.0.0.0:65534", "tcp://0.0.0.0:65535");
    expect_bulk("tcp://[::1]:99", "tcp://[::1]:100");
    expect_bulk("tcp://head.example.org:1", "tcp://head.example.org:2");
    expect_bulk("ipc:///run/x/control", "ipc:///run/x/control.bulk");
}

static void test_what_has_no_bulk_is_named(void **state)
{
    (void)state;
    expect_no_bulk("tcp://127.0.0.1:65535", "next port");
    expect_no_bulk("tcp://127.0.0.1:0", "next port");
    expect_no_bulk("tcp://127.0.0.1", "port");
    expect_no_bulk("tcp://127.0.0.1:5555x", "port");
    expect_no_bulk("tcp://127.0.0.1:-5", "port");
    expect_no_bulk("tcp://127.0.0.1:99999999999999999999999", "next port");
    expect_no_bulk("ipc://", "neither");
    expect_no_bulk("udp://127.0.0.1:5", "neither");
    expect_no_bulk("", "neither");
    char small[20];
    assert_int_equal(endpoint_bulk("tcp://127.0.0.1:5555", small, sizeof small, NULL), -1);
}

static void test_local_addresses(void **state)
{
    (void)state;
    static const char *const local[] = {
        "ipc:///tmp/x",     "tcp://127.0.0.1:5555", "tcp://127.8.9.10:5555", "tcp://localhost:1",
        "tcp://[::1]:5555", "tcp://lo:5555",        "tcp://127.0.0.1:*",
    };
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        if (!endpoint_is_local(local[i]))
            fail_msg("%s is local", local[i]);
    }
}

static void test_addresses_that_others_reach(void **state)
{
    (void)state;
    static const char *const reachable[] = {
        "tcp://0.0.0.0:5555",
        "tcp://*:5555",
        "tcp://eth0:5555",
        "tcp://[::]:5555",
        "tcp://192.168.1.7:5555",
        "tcp://127.0.0.1.example.org:5555",
        "tcp://127.example.0.1:5555",
        "tcp://127.1:5555",
        "tcp://localhost.example.org:5555",
        "tcp://loopback:5555",
        "tcp://l:5555",
        "tcp://:5555",
        "tcp://",
        "pgm://127.0.0.1:5555",
        "",
    };
    for (size_t i = 0; i < sizeof reachable / sizeof *reachable; i++) {
        if (endpoint_is_local(reachable[i]))
            fail_msg("%s is not local", reachable[i]);
    }
}

static void test_what_is_no_address_is_told_why(void **state)
{
    (void)state;
    static const char *const good[] = {"tcp://127.0.0.1:5555", "tcp://head:1", "tcp://[::1]:65535",
                                       "tcp://127.0.0.1:*",    "ipc:///tmp/x", "ipc://x"};
    static const char *const bad[] = {"",
                                      "foo",
                                      "tp://x",
                                      "tcp://",
                                      "tcp://host",
                                      "tcp://host:",
                                      "tcp://:5555",
                                      "tcp://host:0",
                                      "ipc://",
                                      "tcp://h:65536",
                                      "tcp://h:99999999999999999999",
                                      "tcp://h:5x",
                                      "tcp://:*"};
    struct error error;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(endpoint_check(good[i], &error), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        error.text[0] = '\0';
        assert_int_equal(endpoint_check(bad[i], &error), -1);
        assert_true(error.text[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_address_is_told_why),
        cmocka_unit_test(test_bulk_is_the_next_port_or_beside_the_path),
        cmocka_unit_test(test_what_has_no_bulk_is_named),
        cmocka_unit_test(test_local_addresses),
        cmocka_unit_test(test_addresses_that_others_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
