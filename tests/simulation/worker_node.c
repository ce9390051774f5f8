/*
 * worker_node.c: the supervisor's loop: what arrives, turns, pauses. See worker_node.h; the process
 * begins and ends in worker_life.c, effects are performed in worker_effects.c, slots live in
 * worker_slots.c.
 */
#include "tests/simulation/worker_node.h"

#include "tests/simulation/simulation.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint64_t worker_now(const struct worker_node *node)
{
    return clock_read(&node->clock, node->simulation->world.now_ms);
}

static void turn(void *context, const struct action *action);

static void wake_in(struct worker_node *node, uint64_t delay_ms)
{
    struct world *world = &node->simulation->world;
    uint64_t at_ms = world->now_ms + delay_ms;
    if (!node->alive || node->turn_at_ms <= at_ms)
        return;
    node->turn_at_ms = at_ms;
    node->turn_token++;
    world_schedule(world, delay_ms,
                   (struct action){.run = turn, .context = node, .token = node->turn_token});
}

void worker_wake(struct worker_node *node)
{
    wake_in(node, 0);
}

static void plan_next_turn(struct worker_node *node)
{
    uint64_t deadline_ms = worker_core_deadline(node->core);
    uint64_t bulk_ms = transfers_deadline(node->bulk.transfers);
    if (bulk_ms < deadline_ms)
        deadline_ms = bulk_ms;
    if (packet_ring_first(&node->inbox) != NULL || node->news_count > 0)
        deadline_ms = 0;
    if (deadline_ms != UINT64_MAX)
        wake_in(node, clock_until(&node->clock, node->simulation->world.now_ms, deadline_ms));
}

static void take_bulk(struct worker_node *node, const struct message *message)
{
    static const struct instance_id coordinator;
    struct bulk_end end =
        bulk_receive(&node->bulk, &coordinator, message, worker_now(node), &node->home.cache);
    if (end.outcome == BULK_ARRIVED)
        shelf_put(&node->home.cache, end.blob);
    else if (end.outcome == BULK_FAILED)
        worker_fail_fetch(node, &end.digest);
}

static void take_packet(struct worker_node *node, const struct packet *packet)
{
    struct simulation *simulation = node->simulation;
    struct codec_cursor cursor = {.bytes = packet->bytes, .size = packet->count};
    struct message message;
    struct error error;
    enum codec_result result;
    while ((result = codec_next(simulation->decoder, &cursor, &message, &error)) == CODEC_OK) {
        checker_on_decoded(&simulation->checker, packet, cursor.position);
        if (packet->header.channel == CHANNEL_BULK) {
            take_bulk(node, &message);
        } else {
            struct worker_event event = {.kind = WORKER_MESSAGE_RECEIVED, .message = &message};
            worker_step(node, &event);
            if (!node->alive)
                return;
        }
    }
    checker_on_undecoded(&simulation->checker, packet, result, &error);
}

static void take_mail(struct worker_node *node)
{
    struct packet *packet;
    while (node->alive && (packet = packet_ring_first(&node->inbox)) != NULL) {
        /* Taken out first: when the process dies of it, the rest is freed with the process. */
        packet_ring_append(&node->simulation->network.packets, packet);
        take_packet(node, packet);
        network_free(packet);
    }
}

static void fill_event(struct worker_event *event, struct shell_news *news,
                       const struct run_id *run)
{
    event->kind = news->kind;
    switch (news->kind) {
    case WORKER_SLOT_READY:
        event->slot = news->slot;
        break;
    case WORKER_SLOT_COHORT:
        event->cohort.slot = news->slot;
        event->cohort.size = news->cohort;
        break;
    case WORKER_SLOT_FINISHED:
        news->result.detail = news->detail;
        event->finished.slot = news->slot;
        event->finished.result = &news->result;
        break;
    case WORKER_SLOT_HANDED_OVER:
        event->handed_over.slot = news->slot;
        event->handed_over.handover = &news->handover;
        break;
    case WORKER_SLOT_DIED:
        event->died.slot = news->slot;
        event->died.exit_code = news->exit_code;
        event->died.signal = news->signal;
        event->died.out_of_memory = news->out_of_memory;
        event->died.log_tail = "the last words of a slot";
        break;
    case WORKER_CACHE_LEVEL:
        event->cache.full = news->cache_full;
        event->cache.bytes = 1000000;
        break;
    case WORKER_RESULT_RECOVERED:
        news->result.detail = news->detail;
        event->recovered.run = *run;
        event->recovered.result = &news->result;
        break;
    default:
        event->digest = news->digest;
        break;
    }
}

static void take_news(struct worker_node *node)
{
    /* Only what is there now; a step may take back what a slot had to say. */
    for (uint32_t left = node->news_count; left > 0 && node->news_count > 0 && node->alive;
         left--) {
        struct shell_news news = node->news[0];
        node->news_count--;
        memmove(node->news, node->news + 1, node->news_count * sizeof node->news[0]);
        struct worker_event event;
        fill_event(&event, &news, &node->simulation->trial->config.run);
        worker_step(node, &event);
    }
}

static void pump_bulk(struct worker_node *node)
{
    struct bulk_end end;
    while ((end = bulk_pump(&node->bulk, worker_now(node))).outcome != BULK_NOTHING)
        worker_fail_fetch(node, &end.digest);
}

/* A worker that holds nothing, waits for nothing and fetches nothing pins nothing; and none holds
 * more than it may. */
static void check_holdings(struct worker_node *node)
{
    struct worker_view view = worker_core_view(node->core, worker_now(node));
    if (view.running > node->role->slots * node->role->cohort_max ||
        view.queued + view.running + view.finished > HELD_MAX || node->home.spool_count > HELD_MAX)
        world_fail(&node->simulation->world, FAILURE_INVARIANT,
                   "worker %" PRIu32 " holds more than it may", node->seat);
    if (view.queued + view.running + view.finished + node->fetch_count + node->news_count > 0)
        return;
    for (uint32_t i = 0; i < node->home.cache.count; i++)
        if (node->home.cache.items[i].pins > 0)
            world_fail(&node->simulation->world, FAILURE_INVARIANT,
                       "worker %" PRIu32 " holds nothing, but pins a blob", node->seat);
}

static void turn(void *context, const struct action *action)
{
    struct worker_node *node = context;
    struct world *world = &node->simulation->world;
    if (!node->alive || action->token != node->turn_token)
        return;
    node->turn_at_ms = UINT64_MAX;
    if (world->now_ms < node->paused_until_ms) {
        wake_in(node, node->paused_until_ms - world->now_ms);
        return;
    }
    /* Which of two pipes is read first is nobody's promise. */
    bool mail_first = dice_chance(&world->dice, 0.5);
    if (mail_first)
        take_mail(node);
    if (node->alive)
        take_news(node);
    if (node->alive && !mail_first)
        take_mail(node);
    for (int i = 0; i < 4 && node->alive && worker_core_deadline(node->core) <= worker_now(node);
         i++) {
        struct worker_event event = {.kind = WORKER_TICKED};
        worker_step(node, &event);
    }
    if (!node->alive)
        return;
    worker_flush(node);
    pump_bulk(node);
    worker_settle_fetches(node);
    check_holdings(node);
    plan_next_turn(node);
}

void worker_deliver(struct worker_node *node, struct packet *packet)
{
    bool ours =
        node->alive && memcmp(&packet->header.worker, &node->instance, sizeof node->instance) == 0;
    if (!ours) {
        network_free(packet);
        return;
    }
    packet_ring_append(&node->inbox, packet);
    worker_wake(node);
}

void worker_tell(struct worker_node *node, const struct shell_news *news)
{
    if (node->news_count == node->news_capacity) {
        node->news_capacity = node->news_capacity > 0 ? 2 * node->news_capacity : 64;
        node->news = realloc(node->news, node->news_capacity * sizeof node->news[0]);
        assert(node->news != NULL);
    }
    node->news[node->news_count++] = *news;
    /* Pipes are read a little later now and then: messages may overtake. */
    struct dice *dice = &node->simulation->world.dice;
    wake_in(node, dice_chance(dice, 0.2) ? dice_below(dice, 100) : 0);
}

void worker_pause(struct worker_node *node, uint64_t for_ms)
{
    node->paused_until_ms = node->simulation->world.now_ms + for_ms;
}

void worker_heal(struct worker_node *node)
{
    node->crash_due = false;
    node->paused_until_ms = 0;
    if (node->alive) {
        worker_set_cache_full(node, 0);
        worker_wake(node);
    }
}
