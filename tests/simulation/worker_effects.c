/*
 * worker_effects.c: what the simulated shell does with the worker core's effects. See
 * worker_node.h.
 */
#include "tests/simulation/allocation_guard.h"
#include "tests/simulation/foreign.h"
#include "tests/simulation/narrator.h"
#include "tests/simulation/simulation.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void worker_flush(struct worker_node *node)
{
    if (node->out_size == 0)
        return;
    struct packet_header header = {CHANNEL_CONTROL, TO_COORDINATOR, node->seat, node->instance};
    if (node->role->foreign >= FOREIGN_OLDER)
        node->out_size = foreign_rewrite(node->role->foreign, node->out_bytes, node->out_size);
    network_send(&node->simulation->network, &header, node->out_bytes, node->out_size);
    node->out_size = 0;
}

/* Messages of one turn share datagrams, more or less. */
static void perform_send(struct worker_node *node, const struct message *message)
{
    struct simulation *simulation = node->simulation;
    narrate_message(&simulation->world, ">", node->seat, message);
    if (message->kind == MESSAGE_HANDOVER)
        checker_on_handover(&simulation->checker, &message->handover);
    if (dice_chance(&simulation->world.dice, 0.3) || node->out_size > 4096)
        worker_flush(node);
    struct message changed;
    if (message->kind == MESSAGE_HELLO && node->role->foreign >= FOREIGN_OLDER) {
        changed = *message;
        changed.hello.protocol_version = foreign_version(node->role->foreign);
        message = &changed;
    }
    bool fits = codec_append(simulation->encoder, message, node->out_bytes, DATAGRAM_BYTES_MAX,
                             &node->out_size);
    assert(fits);
}

static void fail(struct worker_node *node, const char *text)
{
    world_fail(&node->simulation->world, FAILURE_INVARIANT, "worker %" PRIu32 ": %s", node->seat,
               text);
}

/* --------------------------------------------------------------------------------- fetch and pins
 */

static void fetch(struct worker_node *node, const struct digest *digest)
{
    if (node->fetch_count == NODE_FETCHES_MAX) {
        fail(node, "more fetches than it could ever need");
        return;
    }
    node->fetches[node->fetch_count++] = *digest;
    worker_wake(node);
}

void worker_settle_fetches(struct worker_node *node)
{
    static const struct instance_id coordinator;
    uint32_t count = node->fetch_count;
    node->fetch_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct shelf_item *item = shelf_find(&node->home.cache, &node->fetches[i]);
        if (item != NULL) {
            struct shell_news news = {.kind = WORKER_BLOB_READY, .digest = node->fetches[i]};
            item->pins++;
            worker_tell(node, &news);
            continue;
        }
        /* A full table is no reason to fail: the next turn asks again. */
        (void)transfers_start(node->bulk.transfers, &coordinator, &node->fetches[i],
                              worker_now(node));
        node->fetches[node->fetch_count++] = node->fetches[i];
    }
}

void worker_fail_fetch(struct worker_node *node, const struct digest *digest)
{
    for (uint32_t i = node->fetch_count; i-- > 0;) {
        if (!digest_equal(&node->fetches[i], digest))
            continue;
        struct shell_news news = {.kind = WORKER_BLOB_FAILED, .digest = *digest};
        node->fetches[i] = node->fetches[--node->fetch_count];
        worker_tell(node, &news);
    }
}

static void unpin(struct worker_node *node, const struct digest *digest)
{
    struct shelf_item *item = shelf_find(&node->home.cache, digest);
    if (item != NULL && item->pins > 0)
        item->pins--;
    else
        fail(node, "unpins a blob that is not pinned");
}

void worker_evict(struct worker_node *node, double chance)
{
    struct dice *dice = &node->simulation->world.dice;
    for (uint32_t i = node->home.cache.count; i-- > 0;) {
        struct shelf_item *item = &node->home.cache.items[i];
        if (item->pins == 0 && dice_chance(dice, chance))
            shelf_take(&node->home.cache, item);
    }
}

void worker_set_cache_full(struct worker_node *node, uint32_t full)
{
    struct shell_news news = {.kind = WORKER_CACHE_LEVEL, .cache_full = full != 0};
    worker_tell(node, &news);
}

/* ----------------------------------------------------------------------------------------- spool
 */

static struct spooled *spool_find(struct home *home, struct job_key job)
{
    for (uint32_t i = 0; i < home->spool_count; i++)
        if (job_key_equal(home->spool[i].job, job))
            return &home->spool[i];
    return NULL;
}

static void spool(struct worker_node *node, const struct worker_effect *effect)
{
    struct home *home = &node->home;
    struct job_key job = effect->spool.result->lease.job;
    struct spooled *place = spool_find(home, job);
    if (place == NULL) {
        if (home->spool_count == home->spool_capacity) {
            home->spool_capacity = home->spool_capacity > 0 ? 2 * home->spool_capacity : 16;
            home->spool = realloc(home->spool, home->spool_capacity * sizeof home->spool[0]);
            assert(home->spool != NULL);
        }
        place = &home->spool[home->spool_count++];
    }
    place->run = effect->spool.run;
    place->job = job;
    place->child = effect->spool.result->child;
    place->size = codec_pack_result(node->simulation->encoder, effect->spool.result, place->bytes,
                                    sizeof place->bytes);
    assert(place->size > 0);
}

static void unspool(struct worker_node *node, struct job_key job)
{
    struct spooled *place = spool_find(&node->home, job);
    if (place == NULL)
        fail(node, "takes a result out of the spool that is not in it");
    else
        *place = node->home.spool[--node->home.spool_count];
}

/* ------------------------------------------------------------------------------------------ steps
 */

/* A service manager starts the worker again, unless it was told that it is not wanted. */
static void leave(struct worker_node *node, const struct worker_effect *effect)
{
    struct simulation *simulation = node->simulation;
    world_trace(&simulation->world, "w%" PRIu32 ": exits with %d: %s", node->seat,
                (int)effect->exit.code, effect->exit.reason);
    worker_flush(node);
    worker_die(node);
    if (!simulation->coordinator.finished && !worker_is_refused(node))
        worker_spawn_later(node, simulation_draw_ms(simulation, (struct span){1, 30000}));
}

static void perform(struct worker_node *node, const struct worker_effect *effect)
{
    switch (effect->kind) {
    case WORKER_SEND:
        perform_send(node, &effect->message);
        break;
    case WORKER_RUN:
        worker_slot_run(node, effect->run.slot, &effect->run.lease, effect->run.more);
        break;
    case WORKER_STOP_SLOT:
        worker_slot_stop(node, effect->slot);
        break;
    case WORKER_KILL_SLOT:
        worker_slot_kill(node, effect->slot);
        break;
    case WORKER_FETCH:
        fetch(node, &effect->digest);
        break;
    case WORKER_UNPIN:
        unpin(node, &effect->digest);
        break;
    case WORKER_SPOOL:
        spool(node, effect);
        break;
    case WORKER_UNSPOOL:
        unspool(node, effect->unspool.job);
        break;
    case WORKER_EXIT:
        leave(node, effect);
        break;
    }
}

static void crash(struct worker_node *node)
{
    struct simulation *simulation = node->simulation;
    struct dice *dice = &simulation->world.dice;
    world_trace(&simulation->world, "w%" PRIu32 ": killed", node->seat);
    simulation->fault_counts[FAULT_WORKER_KILL]++;
    worker_die(node);
    if (dice_chance(dice, fault_chance(&simulation->plan, FAULT_WORKER_REHOME))) {
        simulation->fault_counts[FAULT_WORKER_REHOME]++;
        worker_forget_home(node);
    } else if (simulation->plan.strength[FAULT_CACHE_EVICTION] > 0) {
        worker_evict(node, 0.2);
    }
    worker_spawn_later(node, simulation_draw_ms(simulation, (struct span){1, 30000}));
}

void worker_step(struct worker_node *node, const struct worker_event *event)
{
    struct worker_effects *effects = node->simulation->worker_effects;
    struct worker_event timed = *event;
    timed.now_ms = worker_now(node);
    allocation_guard_enter();
    worker_core_step(node->core, &timed, effects);
    allocation_guard_leave();
    assert(effects->count <= WORKER_EFFECTS_MAX);
    for (uint32_t i = 0; i < effects->count && node->alive; i++) {
        if (node->crash_due && node->effects_to_crash-- == 0)
            crash(node);
        else
            perform(node, &effects->items[i]);
    }
}

void worker_crash(struct worker_node *node, uint32_t effects)
{
    if (!node->alive || node->crash_due)
        return;
    node->crash_due = true;
    node->effects_to_crash = effects;
}

void worker_ask_to_leave(struct worker_node *node)
{
    if (!node->alive)
        return;
    struct shell_news news = {.kind = WORKER_LEAVE_REQUESTED};
    if (dice_chance(&node->simulation->world.dice, 0.25))
        news.kind = WORKER_FINISH_REQUESTED;
    node->leaving = true;
    worker_tell(node, &news);
}
