/*
 * worker_node.c: the supervisor's loop: turns, start, crash. See worker_node.h; effects are
 * performed in worker_effects.c, slots live in worker_slots.c.
 */
#include "tests/simulation/worker_node.h"

#include "common/version.h"
#include "tests/simulation/simulation.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void worker_init(struct worker_node *node, struct simulation *simulation, uint32_t seat)
{
    *node = (struct worker_node){
        .simulation = simulation,
        .seat = seat,
        .role = simulation->cast.roles[seat],
    };
    node->bulk.outwards = TO_COORDINATOR;
    node->bulk.seat = seat;
    node->out_bytes = malloc(DATAGRAM_BYTES_MAX);
    assert(node->out_bytes != NULL);
    worker_forget_home(node);
}

static void forget_process(struct worker_node *node)
{
    worker_core_destroy(&node->core);
    bulk_fini(&node->bulk);
    for (uint32_t i = 0; i < node->inbox_count; i++)
        network_free(node->inbox[i]);
    node->inbox_count = node->news_count = node->fetch_count = 0;
    node->out_size = 0;
    for (uint32_t i = 0; i < NODE_SLOTS_MAX; i++) {
        node->slots[i].state = NODE_SLOT_DOWN;
        node->slots[i].token++;
    }
    for (uint32_t i = 0; i < node->home.cache.count; i++)
        node->home.cache.items[i].pins = 0;
    node->alive = node->leaving = node->crash_due = false;
    node->paused_until_ms = 0;
    node->turn_token++;
}

void worker_fini(struct worker_node *node)
{
    if (node->alive)
        forget_process(node);
    shelf_fini(&node->home.cache);
    free(node->home.spool);
    free(node->news);
    free(node->out_bytes);
}

uint64_t worker_now(const struct worker_node *node)
{
    return node->simulation->world.now_ms + node->clock_offset_ms;
}

void worker_forget_home(struct worker_node *node)
{
    assert(!node->alive);
    shelf_fini(&node->home.cache);
    node->home.spool_count = 0;
    uint64_t words[2] = {dice_u64(&node->simulation->world.dice), node->seat + 1};
    memcpy(node->home.id.bytes, words, sizeof words);
}

/* ----------------------------------------------------------------------------------------- turns
 */

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
    uint64_t now_ms = worker_now(node);
    uint64_t deadline_ms = worker_core_deadline(node->core);
    uint64_t bulk_ms = transfers_deadline(node->bulk.transfers);
    if (bulk_ms < deadline_ms)
        deadline_ms = bulk_ms;
    if (node->inbox_count > 0 || node->news_count > 0)
        deadline_ms = 0;
    if (deadline_ms != UINT64_MAX)
        wake_in(node, deadline_ms > now_ms ? deadline_ms - now_ms : 0);
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
        if (packet->header.channel == CHANNEL_BULK) {
            take_bulk(node, &message);
        } else {
            struct worker_event event = {.kind = WORKER_MESSAGE_RECEIVED, .message = &message};
            worker_step(node, &event);
            if (!node->alive)
                return;
        }
    }
    if (result != CODEC_END)
        world_fail(&simulation->world, FAILURE_INVARIANT,
                   "the coordinator's datagram does not decode: %s", error.text);
}

static void take_mail(struct worker_node *node)
{
    uint32_t count = node->inbox_count;
    for (uint32_t i = 0; i < count && node->alive; i++) {
        /* Taken out first: when the process dies of it, the rest is freed with the process. */
        struct packet *packet = node->inbox[0];
        node->inbox_count--;
        memmove(node->inbox, node->inbox + 1, node->inbox_count * sizeof node->inbox[0]);
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
    case WORKER_SLOT_FINISHED:
        news->result.detail = news->detail;
        event->finished.slot = news->slot;
        event->finished.result = &news->result;
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
    uint32_t count = node->news_count;
    for (uint32_t i = 0; i < count && node->alive; i++) {
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

/* A worker that holds nothing, waits for nothing and fetches nothing pins nothing. */
static void check_pins(struct worker_node *node)
{
    struct worker_view view = worker_core_view(node->core, worker_now(node));
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
    check_pins(node);
    plan_next_turn(node);
}

void worker_deliver(struct worker_node *node, struct packet *packet)
{
    bool ours =
        node->alive && memcmp(&packet->header.worker, &node->instance, sizeof node->instance) == 0;
    if (!ours || node->inbox_count == NODE_INBOX_MAX) {
        network_free(packet);
        return;
    }
    node->inbox[node->inbox_count++] = packet;
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

/* ------------------------------------------------------------------------------- start and crash
 */

/* Byte 0 is never 0, byte 1 is the seat: see simulation_seat_of. */
static struct instance_id draw_instance(struct worker_node *node)
{
    struct instance_id instance;
    struct dice *dice = &node->simulation->world.dice;
    uint64_t words[2];
    words[0] = dice_u64(dice);
    words[1] = dice_u64(dice);
    memcpy(instance.bytes, words, sizeof words);
    instance.bytes[0] |= 0x80;
    instance.bytes[1] = (uint8_t)node->seat;
    return instance;
}

static struct worker_config config_of(const struct worker_node *node)
{
    struct worker_config config = worker_config_default();
    const struct role *role = &node->role;
    snprintf(config.name, sizeof config.name, "w%" PRIu32, node->seat);
    snprintf(config.host, sizeof config.host, "host%" PRIu32, role->host);
    snprintf(config.engine_version, sizeof config.engine_version, "%s",
             role->foreign == FOREIGN_VERSION ? "0.0.0" : RATCHET_VERSION);
    config.instance = node->instance;
    config.home = node->home.id;
    config.slots = role->slots;
    config.jobs_per_slot = role->jobs_per_slot;
    config.numeric_count = 1;
    snprintf(config.numeric[0], sizeof config.numeric[0], "%s",
             role->foreign == FOREIGN_NUMERIC ? "foreign" : TRIAL_NUMERIC);
    config.stay = role->stays;
    config.spool_ms = role->spool_ms;
    config.linger_ms = role->linger_ms;
    return config;
}

/* What the process before left in the spool, as far as the child's bytes are still there. */
static void recover_spool(struct worker_node *node)
{
    struct home *home = &node->home;
    for (uint32_t i = home->spool_count; i-- > 0;) {
        const struct spooled *spooled = &home->spool[i];
        struct shell_news news = {.kind = WORKER_RESULT_RECOVERED};
        struct error error;
        enum codec_result result = codec_unpack_result(node->simulation->decoder, spooled->bytes,
                                                       spooled->size, &news.result, &error);
        assert(result == CODEC_OK);
        assert(news.result.detail_bytes <= DETAIL_MAX);
        if (news.result.detail_bytes > 0)
            memcpy(news.detail, news.result.detail, news.result.detail_bytes);
        struct shelf_item *child = shelf_find(&home->cache, &spooled->child);
        if (child == NULL && !digest_is_zero(&spooled->child)) {
            home->spool[i] = home->spool[--home->spool_count];
            continue;
        }
        if (child != NULL)
            child->pins++;
        worker_tell(node, &news);
    }
}

void worker_spawn(struct worker_node *node)
{
    if (node->alive)
        return;
    struct simulation *simulation = node->simulation;
    node->instance = draw_instance(node);
    node->bulk.instance = node->instance;
    node->clock_offset_ms = dice_below(&simulation->world.dice, 1000000);
    node->turn_at_ms = UINT64_MAX;
    node->lives++;
    struct worker_config config = config_of(node);
    struct error error;
    node->core = worker_core_create(&config, &error);
    assert(node->core != NULL);
    bulk_init(&node->bulk, simulation);
    node->alive = true;
    world_trace(&simulation->world, "w%" PRIu32 ": life %" PRIu64 " begins, %" PRIu32 " spooled",
                node->seat, node->lives, node->home.spool_count);
    recover_spool(node);
    for (uint32_t i = 0; i < node->role.slots; i++)
        worker_slot_start(node, i);
    worker_wake(node);
}

static void spawn_now(void *context, const struct action *action)
{
    struct worker_node *node = context;
    if (action->token == node->spawn_token)
        worker_spawn(node);
}

void worker_spawn_later(struct worker_node *node, uint64_t delay_ms)
{
    node->spawn_token++;
    world_schedule(&node->simulation->world, delay_ms,
                   (struct action){.run = spawn_now, .context = node, .token = node->spawn_token});
}

bool worker_is_refused(const struct worker_node *node)
{
    bool ordered = node->simulation->trial->config.mode == COMMIT_ORDERED;
    return node->role.foreign == FOREIGN_VERSION ||
           (node->role.foreign == FOREIGN_NUMERIC && ordered);
}

bool worker_is_done(const struct worker_node *node)
{
    if (!node->alive)
        return true;
    struct worker_view view = worker_core_view(node->core, worker_now(node));
    return node->role.stays && view.queued + view.running + view.finished == 0;
}

void worker_die(struct worker_node *node)
{
    forget_process(node);
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
