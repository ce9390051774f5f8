/*
 * test_transfer_network.c: pulling blobs through a bad network.
 *
 * The network (network_* below) delays, drops, doubles and reorders requests and chunks at will.
 * What the machine does is held against a model that knows only what it wrote so far: every write
 * continues the last one, no request leaves the window, no more pulls ask at once than may, they
 * start in their order, and between its deadlines the machine has nothing to do.
 */
#include "proto/transfer.h"

#include "common/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

enum { BLOBS = 60, PACKETS_MAX = 4096 };

struct packet {
    uint64_t arrives_ms;
    bool is_chunk;
    uint32_t blob;
    uint64_t offset;
    uint32_t length;
};

struct network {
    struct random random;
    uint64_t now_ms;
    uint32_t lost_percent, doubled_percent, delay_ms_max;
    uint32_t packet_count;
    struct packet packets[PACKETS_MAX];
};

/* What the model knows of one blob. */
struct expectation {
    uint64_t total, written;
    bool started, asked, ended;
};

struct world {
    struct network network;
    struct transfer_limits limits;
    struct expectation blobs[BLOBS];
    uint32_t next_start, next_asked, asking, completed, failed;
    uint64_t requests;
};

static struct world world;
static struct transfers *transfers;
static const struct instance_id server = {{1}};

static struct digest blob(uint32_t number)
{
    return digest_of(&number, sizeof number);
}

static uint32_t blob_number(const struct digest *digest)
{
    for (uint32_t i = 0; i < BLOBS; i++) {
        struct digest candidate = blob(i);
        if (digest_equal(&candidate, digest))
            return i;
    }
    fail_msg("a request for a blob that nobody wants");
    return 0;
}

static bool chance(struct network *network, uint32_t percent)
{
    return random_below(&network->random, 100) < percent;
}

static void network_send(struct network *network, struct packet packet)
{
    uint32_t copies = chance(network, network->lost_percent) ? 0 : 1;
    copies += chance(network, network->doubled_percent) ? 1 : 0;
    while (copies-- > 0) {
        assert_true(network->packet_count < PACKETS_MAX);
        packet.arrives_ms = network->now_ms + random_below(&network->random, network->delay_ms_max);
        network->packets[network->packet_count++] = packet;
    }
}

/* Takes the packet that arrives first, if it does by `until_ms`. */
static bool network_receive(struct network *network, uint64_t until_ms, struct packet *packet)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < network->packet_count; i++)
        if (network->packets[i].arrives_ms < network->packets[first].arrives_ms)
            first = i;
    if (network->packet_count == 0 || network->packets[first].arrives_ms > until_ms)
        return false;
    *packet = network->packets[first];
    network->packets[first] = network->packets[--network->packet_count];
    return true;
}

static void world_start_some(void)
{
    while (world.next_start < BLOBS) {
        struct digest digest = blob(world.next_start);
        struct transfer_id id = transfers_start(transfers, &server, &digest, world.network.now_ms);
        if (id.index == TRANSFER_NONE.index)
            return;
        world.blobs[world.next_start++].started = true;
    }
}

static void world_end(struct expectation *expected, uint32_t *counter)
{
    assert_true(expected->started && !expected->ended);
    expected->ended = true;
    if (expected->asked)
        world.asking--;
    (*counter)++;
}

static void world_check_request(const struct pull *pull)
{
    uint32_t number = blob_number(&pull->digest);
    struct expectation *expected = &world.blobs[number];
    assert_true(expected->started && !expected->ended);
    if (!expected->asked) {
        assert_int_equal(number, world.next_asked); /* first come, first served */
        world.next_asked++;
        world.asking++;
        expected->asked = true;
    }
    assert_in_range(world.asking, 1, world.limits.concurrent);
    assert_in_range(pull->length, 1, world.limits.chunk_bytes);
    assert_true(pull->offset >= expected->written);
    uint64_t window = (uint64_t)world.limits.window * world.limits.chunk_bytes;
    assert_true(pull->offset + pull->length <= expected->written + window);
    if (expected->written > 0)
        assert_true(pull->offset + pull->length <= expected->total);
}

/* All that is due now: afterwards nothing is, until the deadline. */
static void world_pump(void)
{
    uint64_t now_ms = world.network.now_ms;
    for (;;) {
        struct transfer_step step = transfers_expire(transfers, now_ms);
        if (step.outcome == TRANSFER_IGNORED)
            break;
        assert_int_equal(step.outcome, TRANSFER_FAILED);
        world_end(&world.blobs[blob_number(&step.digest)], &world.failed);
    }
    world_start_some();
    struct instance_id peer;
    struct pull pull;
    while (transfers_next_pull(transfers, now_ms, &peer, &pull)) {
        world_check_request(&pull);
        world.requests++;
        network_send(&world.network, (struct packet){.blob = blob_number(&pull.digest),
                                                     .offset = pull.offset,
                                                     .length = pull.length});
    }
    uint64_t deadline_ms = transfers_deadline(transfers);
    assert_true(deadline_ms > now_ms);
    if (deadline_ms != UINT64_MAX)
        assert_false(transfers_next_pull(transfers, deadline_ms - 1, &peer, &pull));
}

/* A request reaches the server, which sends what it has from there. */
static void world_serve(struct packet packet)
{
    const struct expectation *blob_served = &world.blobs[packet.blob];
    if (packet.offset > blob_served->total)
        return;
    uint64_t left = blob_served->total - packet.offset;
    packet.is_chunk = true;
    if (packet.length > left)
        packet.length = (uint32_t)left;
    network_send(&world.network, packet);
}

static void world_deliver(const struct packet *packet)
{
    struct expectation *expected = &world.blobs[packet->blob];
    const struct chunk chunk = {
        .digest = blob(packet->blob),
        .offset = packet->offset,
        .total = expected->total,
        .length = packet->length,
    };
    struct transfer_step step =
        transfers_on_chunk(transfers, &server, &chunk, world.network.now_ms);
    bool continues = expected->asked && !expected->ended && packet->offset == expected->written;
    assert_int_equal(step.outcome != TRANSFER_IGNORED, continues);
    if (!continues)
        return;
    expected->written += packet->length;
    bool whole = expected->written == expected->total;
    assert_int_equal(step.outcome, whole ? TRANSFER_COMPLETE : TRANSFER_WRITE);
    if (whole)
        world_end(expected, &world.completed);
}

static void world_open(uint64_t seed)
{
    memset(&world, 0, sizeof world);
    struct random random = random_open(seed, 0, 0, RANDOM_NULL);
    world.limits = (struct transfer_limits){
        .concurrent = 1 + random_below(&random, 6),
        .capacity = 1 + random_below(&random, 20),
        .window = 1 + random_below(&random, 8),
        .chunk_bytes = 1 + random_below(&random, 1000),
        .retry_ms = 1 + random_below(&random, 200),
        .tries = 1000,
    };
    world.network = (struct network){
        .lost_percent = random_below(&random, 40),
        .doubled_percent = random_below(&random, 30),
        .delay_ms_max = 1 + random_below(&random, 300),
    };
    for (uint32_t i = 0; i < BLOBS; i++)
        world.blobs[i].total = random_below(&random, 4) == 0
                                   ? random_below(&random, 3) * world.limits.chunk_bytes
                                   : random_below(&random, 20000) % (20 * world.limits.chunk_bytes);
    world.network.random = random;
    transfers = transfers_create(&world.limits);
    assert_non_null(transfers);
}

static void world_run(void)
{
    world_pump();
    while (world.completed + world.failed < BLOBS) {
        struct packet packet;
        uint64_t deadline_ms = transfers_deadline(transfers);
        assert_true(deadline_ms != UINT64_MAX);
        if (network_receive(&world.network, deadline_ms, &packet)) {
            world.network.now_ms = packet.arrives_ms;
            if (packet.is_chunk)
                world_deliver(&packet);
            else
                world_serve(packet);
        } else {
            world.network.now_ms = deadline_ms;
        }
        world_pump();
    }
    assert_int_equal(transfers_deadline(transfers), UINT64_MAX);
    assert_int_equal(world.asking, 0);
}

static void test_every_blob_gets_through_a_bad_network(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        world_open(seed);
        world_run();
        assert_int_equal(world.completed, BLOBS);
        transfers_destroy(&transfers);
    }
}

/* Nothing comes through: each pull is given up after its tries, and the next one has its turn. */
static void test_a_dead_network_ends_every_pull(void **state)
{
    (void)state;
    world_open(1);
    transfers_destroy(&transfers);
    world.limits.tries = 4;
    world.network.lost_percent = 100;
    world.network.doubled_percent = 0;
    transfers = transfers_create(&world.limits);
    assert_non_null(transfers);
    world_run();
    assert_int_equal(world.failed, BLOBS);
    assert_int_equal(world.requests, 4 * BLOBS);
    transfers_destroy(&transfers);
}

/* On a good line nothing is asked for twice. */
static void test_a_good_network_costs_one_request_per_chunk(void **state)
{
    (void)state;
    world_open(2);
    world.network.lost_percent = world.network.doubled_percent = 0;
    world.network.delay_ms_max = 1;
    world_run();
    uint64_t chunks = 0;
    for (uint32_t i = 0; i < BLOBS; i++) {
        uint64_t total = world.blobs[i].total;
        chunks +=
            total == 0 ? 1 : (total + world.limits.chunk_bytes - 1) / world.limits.chunk_bytes;
    }
    assert_int_equal(world.completed, BLOBS);
    assert_int_equal(world.requests, chunks);
    transfers_destroy(&transfers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_blob_gets_through_a_bad_network),
        cmocka_unit_test(test_a_dead_network_ends_every_pull),
        cmocka_unit_test(test_a_good_network_costs_one_request_per_chunk),
    };
    return cmocka_run_group_tests_name("transfer_network", tests, NULL, NULL);
}
