/*
 * coordinator_node.c: the loop: turns, and what arrives. See coordinator_node.h; the process begins
 * and ends in coordinator_life.c, effects are performed in coordinator_effects.c.
 */
#include "tests/simulation/coordinator_node.h"

#include "tests/simulation/foreign.h"
#include "tests/simulation/simulation.h"
#include "tests/simulation/skips.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

uint64_t coordinator_now(const struct coordinator_node *node)
{
    return clock_read(&node->clock, node->simulation->world.now_ms);
}

/* ---------------------------------------------------------------------------------------- turns */

static void turn(void *context, const struct action *action);

void coordinator_wake(struct coordinator_node *node, uint64_t delay_ms)
{
    struct world *world = &node->simulation->world;
    uint64_t at_ms = world->now_ms + delay_ms;
    if (node->turn_at_ms <= at_ms)
        return;
    node->turn_at_ms = at_ms;
    node->turn_token++;
    world_schedule(world, delay_ms,
                   (struct action){.run = turn, .context = node, .token = node->turn_token});
}

static uint64_t until(const struct coordinator_node *node, uint64_t deadline_ms)
{
    return clock_until(&node->clock, node->simulation->world.now_ms, deadline_ms);
}

static void plan_next_turn(struct coordinator_node *node)
{
    uint64_t delay_ms = until(node, core_deadline(node->core));
    uint64_t bulk_deadline_ms = transfers_deadline(node->bulk.transfers);
    if (bulk_deadline_ms != UINT64_MAX && until(node, bulk_deadline_ms) < delay_ms)
        delay_ms = until(node, bulk_deadline_ms);
    if (delay_ms > COORDINATOR_SYNC_MS && (node->drop_count > 0 || !disk_is_synced(&node->disk)))
        delay_ms = COORDINATOR_SYNC_MS;
    if (packet_ring_first(&node->inbox) != NULL || node->blob_event_count > 0)
        delay_ms = 0;
    coordinator_wake(node, delay_ms);
}

static void take_control(struct coordinator_node *node, const struct packet *packet,
                         const struct message *message)
{
    struct core_event event = {.kind = CORE_MESSAGE_RECEIVED, .now_ms = coordinator_now(node)};
    checker_on_heard(&node->simulation->checker, packet, message);
    event.received.from = packet->header.worker;
    event.received.message = message;
    coordinator_step(node, &event);
}

static void take_bulk(struct coordinator_node *node, const struct packet *packet,
                      const struct message *message)
{
    struct bulk_end end = bulk_receive(&node->bulk, &packet->header.worker, message,
                                       coordinator_now(node), &node->disk.blobs);
    if (end.outcome == BULK_NOTHING)
        return;
    if (end.outcome == BULK_ARRIVED)
        shelf_put(&node->disk.blobs, end.blob);
    struct blob_event news = {
        .kind = end.outcome == BULK_ARRIVED ? CORE_BLOB_STORED : CORE_BLOB_UNAVAILABLE,
        .from = end.peer,
        .digest = end.digest,
    };
    coordinator_queue_blob_event(node, &news);
}

/* As the real shell does: the core never hears of it. */
static void refuse_version(struct coordinator_node *node, const struct packet *packet,
                           uint32_t version)
{
    struct simulation *simulation = node->simulation;
    const struct worker_node *worker = &simulation->workers[packet->header.seat];
    struct message message = {
        .kind = MESSAGE_REFUSED,
        .epoch = node->disk.epoch,
        .refused = {.code = REFUSED_VERSION, .reason = "use one release of ratchet everywhere"},
    };
    if (worker->role->foreign < FOREIGN_OLDER || version != foreign_version(worker->role->foreign))
        world_fail(&simulation->world, FAILURE_INVARIANT,
                   "worker %" PRIu32 " is taken for one of protocol version %" PRIu32,
                   packet->header.seat, version);
    coordinator_send(node, &packet->header.worker, &message);
}

static void take_packet(struct coordinator_node *node, const struct packet *packet)
{
    struct simulation *simulation = node->simulation;
    struct codec_cursor cursor = {.bytes = packet->bytes, .size = packet->count};
    struct message message;
    struct error error;
    enum codec_result result;
    while ((result = codec_next(simulation->decoder, &cursor, &message, &error)) == CODEC_OK) {
        checker_on_decoded(&simulation->checker, packet, cursor.position);
        if (packet->header.channel == CHANNEL_BULK)
            take_bulk(node, packet, &message);
        else
            take_control(node, packet, &message);
    }
    if (result == CODEC_WRONG_VERSION)
        refuse_version(node, packet, cursor.peer_version);
    else
        checker_on_undecoded(&simulation->checker, packet, result, &error);
}

static void take_mail(struct coordinator_node *node)
{
    for (uint32_t i = 0; i < node->messages_per_turn; i++) {
        struct packet *packet = packet_ring_first(&node->inbox);
        if (packet == NULL)
            return;
        take_packet(node, packet);
        network_free(packet);
    }
}

static void take_blob_events(struct coordinator_node *node)
{
    size_t count = node->blob_event_count;
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        struct core_event event = {.kind = node->blob_events[i].kind,
                                   .now_ms = coordinator_now(node)};
        event.blob.from = node->blob_events[i].from;
        event.blob.digest = node->blob_events[i].digest;
        coordinator_step(node, &event);
    }
    node->blob_event_count -= count;
    memmove(node->blob_events, node->blob_events + count,
            node->blob_event_count * sizeof node->blob_events[0]);
}

static void pump_bulk(struct coordinator_node *node)
{
    coordinator_start_wishes(node);
    struct bulk_end end;
    while ((end = bulk_pump(&node->bulk, coordinator_now(node))).outcome != BULK_NOTHING) {
        struct blob_event news = {CORE_BLOB_UNAVAILABLE, end.peer, end.digest};
        coordinator_queue_blob_event(node, &news);
    }
}

static void turn(void *context, const struct action *action)
{
    struct coordinator_node *node = context;
    struct world *world = &node->simulation->world;
    if (!node->alive || action->token != node->turn_token)
        return;
    node->turn_at_ms = UINT64_MAX;
    if (world->now_ms < node->stalled_until_ms) {
        coordinator_wake(node, node->stalled_until_ms - world->now_ms);
        return;
    }
    skips_repeat(node->simulation);
    take_mail(node);
    take_blob_events(node);
    for (int i = 0; i < 4 && core_deadline(node->core) <= coordinator_now(node); i++) {
        struct core_event event = {.kind = CORE_TICKED, .now_ms = coordinator_now(node)};
        coordinator_step(node, &event);
    }
    pump_bulk(node);
    coordinator_end_batch(node);
    if (!node->alive)
        return;
    checker_on_turn(&node->simulation->checker);
    plan_next_turn(node);
}

void coordinator_deliver(struct coordinator_node *node, struct packet *packet)
{
    if (!node->alive) {
        network_free(packet);
        return;
    }
    packet_ring_append(&node->inbox, packet);
    /* Usually at once; now and then a few milliseconds gather a larger batch. */
    struct dice *dice = &node->simulation->world.dice;
    coordinator_wake(node, dice_chance(dice, 0.1) ? dice_below(dice, 10) : 0);
}

void coordinator_order(struct coordinator_node *node, const struct user_command *command)
{
    if (!node->alive)
        return;
    struct core_event event = {
        .kind = CORE_COMMAND_RECEIVED,
        .now_ms = coordinator_now(node),
        .command = command,
    };
    coordinator_step(node, &event);
    coordinator_wake(node, 0);
}

void coordinator_request_stop(struct coordinator_node *node)
{
    if (!node->alive)
        return;
    struct core_event event = {.kind = CORE_STOP_REQUESTED, .now_ms = coordinator_now(node)};
    coordinator_step(node, &event);
    coordinator_wake(node, 0);
}

void coordinator_skip(struct coordinator_node *node, struct job_key job)
{
    const struct user_command command = {.kind = COMMAND_SKIP, .job = job};
    coordinator_order(node, &command);
}
