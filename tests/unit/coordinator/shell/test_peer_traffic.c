/* test_peer_traffic.c: bytes are counted for each worker, and old workers make room. */
#include "coordinator/shell/peer_traffic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PEERS = 3 };

static struct instance_id peer(uint8_t number)
{
    return (struct instance_id){{number, 7}};
}

static void add(struct peer_traffic *traffic, uint8_t number, struct peer_bytes bytes)
{
    const struct instance_id instance = peer(number);
    peer_traffic_add(traffic, &instance, bytes);
}

static void expect(const struct peer_traffic *traffic, uint8_t number, struct peer_bytes bytes)
{
    const struct instance_id instance = peer(number);
    struct peer_bytes found = peer_traffic_of(traffic, &instance);
    assert_int_equal(found.received, bytes.received);
    assert_int_equal(found.sent, bytes.sent);
}

static void test_each_has_its_own(void **state)
{
    (void)state;
    struct peer_traffic *traffic = peer_traffic_create(PEERS);
    assert_non_null(traffic);
    expect(traffic, 1, (struct peer_bytes){0});
    add(traffic, 1, (struct peer_bytes){.received = 5});
    add(traffic, 2, (struct peer_bytes){.sent = 7});
    add(traffic, 1, (struct peer_bytes){.received = 1, .sent = 2});
    expect(traffic, 1, (struct peer_bytes){.received = 6, .sent = 2});
    expect(traffic, 2, (struct peer_bytes){.sent = 7});
    peer_traffic_destroy(&traffic);
    assert_null(traffic);
}

static void test_the_oldest_makes_room(void **state)
{
    (void)state;
    struct peer_traffic *traffic = peer_traffic_create(PEERS);
    for (uint8_t i = 1; i <= 2 * PEERS + 1; i++)
        add(traffic, i, (struct peer_bytes){.received = i});
    for (uint8_t i = 1; i <= PEERS + 1; i++)
        expect(traffic, i, (struct peer_bytes){0});
    for (uint8_t i = PEERS + 2; i <= 2 * PEERS + 1; i++)
        expect(traffic, i, (struct peer_bytes){.received = i});
    peer_traffic_destroy(&traffic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_own),
        cmocka_unit_test(test_the_oldest_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
