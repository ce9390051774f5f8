/* test_shell_zmq.c: addresses, who counts as a worker, and one datagram there and back. */
#include "ledger_fixture.h"

#include "coordinator/shell/shell_zmq.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sockets *open_sockets(const char *control, const char *bulk)
{
    struct error error;
    const struct sockets_options options = {.control = control, .bulk = bulk};
    struct sockets *sockets = sockets_open(&options, &error);
    if (sockets == NULL)
        fail_msg("%s", error.text);
    return sockets;
}

static void expect_refused(const char *control, const char *bulk, const char *said)
{
    struct error error = {0};
    const struct sockets_options options = {.control = control, .bulk = bulk};
    assert_null(sockets_open(&options, &error));
    if (strstr(error.text, said) == NULL)
        fail_msg("'%s' does not say '%s'", error.text, said);
}

static void test_free_ports_come_in_pairs(void **state)
{
    (void)state;
    struct sockets *sockets = open_sockets("tcp://127.0.0.1:*", NULL);
    char bulk[ENDPOINT_BYTES_MAX];
    assert_int_equal(
        endpoint_bulk(sockets_endpoint(sockets, SOCKET_CONTROL), bulk, sizeof bulk, NULL), 0);
    assert_string_equal(bulk, sockets_endpoint(sockets, SOCKET_BULK));
    /* Both are taken now. */
    expect_refused(sockets_endpoint(sockets, SOCKET_CONTROL), NULL, "address already in use");
    expect_refused("tcp://127.0.0.1:*", bulk, bulk);
    sockets_close(&sockets, 0);
    assert_null(sockets);
}

static void test_addresses_that_cannot_be(void **state)
{
    (void)state;
    expect_refused("tcp://127.0.0.1", NULL, "port");
    expect_refused("nonsense", NULL, "nonsense");
    expect_refused("tcp://256.0.0.1:5555", NULL, "cannot listen on tcp://256.0.0.1:5555: ");
    expect_refused("ipc:///nonexistent/folder/control", NULL,
                   "cannot listen on ipc:///nonexistent");
}

static void test_who_is_a_worker(void **state)
{
    (void)state;
    struct instance_id instance;
    struct socket_peer peer = {.size = 16, .bytes = {1, 2, 3}};
    assert_true(socket_peer_is_worker(&peer, &instance));
    struct socket_peer back = socket_peer_of_worker(&instance);
    assert_int_equal(back.size, 16);
    assert_memory_equal(back.bytes, peer.bytes, 16);
    peer.bytes[0] = 0;
    assert_false(socket_peer_is_worker(&peer, &instance));
    peer.bytes[0] = 1;
    peer.size = 5;
    assert_false(socket_peer_is_worker(&peer, &instance));
    peer.size = 17;
    assert_false(socket_peer_is_worker(&peer, &instance));
}

static void test_sending_to_nobody_is_counted(void **state)
{
    (void)state;
    struct sockets *sockets = open_sockets("tcp://127.0.0.1:*", NULL);
    struct socket_peer peer = {.size = 16, .bytes = {1}};
    assert_int_equal(sockets_send(sockets, SOCKET_CONTROL, &peer, "x", 1), SEND_UNREACHABLE);
    assert_int_equal(sockets_counts(sockets, SOCKET_CONTROL).dropped, 1);
    assert_int_equal(sockets_counts(sockets, SOCKET_BULK).dropped, 0);
    struct datagram datagram;
    assert_false(sockets_receive(sockets, SOCKET_CONTROL, &datagram));
    sockets_close(&sockets, 0);
}

struct asker {
    struct exchange exchange;
    uint8_t *reply;
    size_t reply_bytes;
    int rc;
};

static void *ask(void *context)
{
    struct asker *asker = context;
    asker->rc = sockets_exchange(&asker->exchange, &asker->reply, &asker->reply_bytes, NULL);
    return NULL;
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct sockets *sockets = open_sockets("tcp://127.0.0.1:*", NULL);
    struct asker asker = {.exchange = {.endpoint = sockets_endpoint(sockets, SOCKET_CONTROL),
                                       .request = (const uint8_t *)"question",
                                       .request_bytes = 8,
                                       .timeout_ms = 20000}};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask, &asker), 0);
    struct datagram datagram;
    while (!sockets_receive(sockets, SOCKET_CONTROL, &datagram))
        sockets_wait(sockets, -1, 1000);
    assert_int_equal(datagram.count, 8);
    assert_memory_equal(datagram.bytes, "question", 8);
    struct instance_id instance;
    assert_false(socket_peer_is_worker(&datagram.from, &instance));
    assert_int_equal(sockets_send(sockets, SOCKET_CONTROL, &datagram.from, "answer", 6), SEND_DONE);
    pthread_join(thread, NULL);
    assert_int_equal(asker.rc, 0);
    assert_int_equal(asker.reply_bytes, 6);
    assert_memory_equal(asker.reply, "answer", 6);
    free(asker.reply);
    sockets_close(&sockets, 0);
}

static void test_nobody_answers(void **state)
{
    (void)state;
    uint8_t *reply;
    size_t bytes;
    struct error error = {0};
    struct exchange exchange = {.endpoint = "ipc:///nonexistent/nobody",
                                .request = (const uint8_t *)"x",
                                .request_bytes = 1,
                                .timeout_ms = 50};
    assert_int_equal(sockets_exchange(&exchange, &reply, &bytes, &error), -1);
    assert_non_null(strstr(error.text, "no answer from ipc:///nonexistent/nobody"));
    exchange.endpoint = "nonsense";
    assert_int_equal(sockets_exchange(&exchange, &reply, &bytes, &error), -1);
    assert_non_null(strstr(error.text, "cannot reach nonsense"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_ports_come_in_pairs),
        cmocka_unit_test(test_addresses_that_cannot_be),
        cmocka_unit_test(test_who_is_a_worker),
        cmocka_unit_test(test_sending_to_nobody_is_counted),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_nobody_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
