/*
 * worker_life.c: how a worker's process begins and ends, and what of it outlasts the end. See
 * worker_node.h.
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
    node->simulation = simulation; /* the rest is zeros, most of which stay untouched */
    node->seat = seat;
    node->role = cast_role(&simulation->cast, seat);
    packet_ring_init(&node->inbox);
    node->bulk.outwards = TO_COORDINATOR;
    node->bulk.seat = seat;
    node->out_bytes = malloc(DATAGRAM_BYTES_MAX);
    assert(node->out_bytes != NULL);
    worker_forget_home(node);
}

void worker_count_life(struct worker_node *node)
{
    if (!node->alive)
        return;
    node->simulation->worker_ms += node->simulation->world.now_ms - node->born_ms;
    node->born_ms = node->simulation->world.now_ms;
}

void worker_die(struct worker_node *node)
{
    worker_count_life(node);
    worker_core_destroy(&node->core);
    bulk_fini(&node->bulk);
    packet_ring_fini(&node->inbox);
    node->news_count = node->fetch_count = 0;
    node->out_size = 0;
    for (uint32_t i = 0; i < node->role->slots; i++) {
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
        worker_die(node);
    shelf_fini(&node->home.cache);
    free(node->home.spool);
    free(node->news);
    free(node->out_bytes);
}

void worker_forget_home(struct worker_node *node)
{
    assert(!node->alive);
    shelf_fini(&node->home.cache);
    node->home.spool_count = 0;
    uint64_t words[2] = {dice_u64(&node->simulation->world.dice), node->seat + 1};
    memcpy(node->home.id.bytes, words, sizeof words);
}

/* Byte 0 is never 0, bytes 4 to 7 are the seat: see simulation_seat_of. */
static struct instance_id draw_instance(struct worker_node *node)
{
    struct instance_id instance;
    struct dice *dice = &node->simulation->world.dice;
    uint64_t words[2];
    words[0] = dice_u64(dice);
    words[1] = dice_u64(dice);
    memcpy(instance.bytes, words, sizeof words);
    instance.bytes[0] |= 0x80;
    memcpy(instance.bytes + 4, &node->seat, sizeof node->seat);
    return instance;
}

static struct worker_config config_of(const struct worker_node *node)
{
    struct worker_config config = worker_config_default();
    const struct role *role = node->role;
    uint32_t pace = (uint32_t)node->simulation->trial->pace;
    snprintf(config.name, sizeof config.name, "w%" PRIu32, node->seat);
    snprintf(config.host, sizeof config.host, "host%" PRIu32, role->host);
    snprintf(config.engine_version, sizeof config.engine_version, "%s",
             role->foreign == FOREIGN_ENGINE ? "0.0.0" : RATCHET_VERSION);
    config.instance = node->instance;
    config.home = node->home.id;
    config.slots = role->slots;
    config.jobs_per_slot = role->jobs_per_slot;
    config.cohort = role->cohort_max;
    config.numeric_count = 1;
    snprintf(config.numeric[0], sizeof config.numeric[0], "%s",
             role->foreign == FOREIGN_NUMERIC ? "foreign" : TRIAL_NUMERIC);
    config.stay = role->stays;
    config.hello_ms_min *= pace;
    config.hello_ms_max *= pace;
    config.resend_ms *= pace;
    config.spool_ms = role->spool_ms * pace;
    config.linger_ms = role->linger_ms == UINT64_MAX ? UINT64_MAX : role->linger_ms * pace;
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
    node->clock = simulation_draw_clock(simulation);
    node->turn_at_ms = UINT64_MAX;
    node->lives++;
    node->born_ms = simulation->world.now_ms;
    struct worker_config config = config_of(node);
    struct error error;
    node->core = worker_core_create(&config, &error);
    assert(node->core != NULL);
    bulk_init(&node->bulk, simulation);
    node->alive = true;
    world_trace(&simulation->world, "w%" PRIu32 ": life %" PRIu64 " begins, %" PRIu32 " spooled",
                node->seat, node->lives, node->home.spool_count);
    recover_spool(node);
    for (uint32_t i = 0; i < node->role->slots; i++)
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
    return node->role->foreign > FOREIGN_NUMERIC ||
           (node->role->foreign == FOREIGN_NUMERIC && ordered);
}

bool worker_is_done(const struct worker_node *node)
{
    if (!node->alive)
        return true;
    struct worker_view view = worker_core_view(node->core, worker_now(node));
    return node->role->stays && view.queued + view.running + view.finished == 0;
}
