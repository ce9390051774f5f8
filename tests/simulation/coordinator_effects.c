/*
 * coordinator_effects.c: what the simulated shell does with the core's effects, and how a batch
 * ends. See coordinator_node.h.
 */
#include "tests/simulation/allocation_guard.h"
#include "tests/simulation/array.h"
#include "tests/simulation/narrator.h"
#include "tests/simulation/simulation.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------------------------------- sending
 */

static void reserve(struct coordinator_node *node)
{
    if (node->out_capacity - node->out_size < DATAGRAM_BYTES_MAX) {
        node->out_capacity *= 2;
        node->out_bytes = realloc(node->out_bytes, node->out_capacity);
    }
    node->outgoing = array_grown(node->outgoing, node->outgoing_count, &node->outgoing_capacity,
                                 sizeof node->outgoing[0]);
    assert(node->out_bytes != NULL);
}

/* The datagram that the next message to `to` goes into: often the last one, if it has the same
 * address. */
static struct outgoing *datagram_for(struct coordinator_node *node, const struct instance_id *to)
{
    struct outgoing *last =
        node->outgoing_count > 0 ? &node->outgoing[node->outgoing_count - 1] : NULL;
    struct dice *dice = &node->simulation->world.dice;
    if (last != NULL && memcmp(&last->header.worker, to, sizeof *to) == 0 && last->size < 4096 &&
        dice_chance(dice, 0.7))
        return last;
    struct outgoing *added = &node->outgoing[node->outgoing_count++];
    *added = (struct outgoing){
        .header = {CHANNEL_CONTROL, TO_WORKER, simulation_seat_of(node->simulation, to), *to},
        .offset = node->out_size,
    };
    return added;
}

void coordinator_send(struct coordinator_node *node, const struct instance_id *to,
                      const struct message *message)
{
    struct simulation *simulation = node->simulation;
    checker_on_send(&simulation->checker, to, message);
    narrate_message(&simulation->world, "<", simulation_seat_of(simulation, to), message);
    reserve(node);
    struct outgoing *datagram = datagram_for(node, to);
    bool fits = codec_append(simulation->encoder, message, node->out_bytes + datagram->offset,
                             DATAGRAM_BYTES_MAX, &datagram->size);
    assert(fits);
    node->out_size = datagram->offset + datagram->size;
}

void coordinator_flush(struct coordinator_node *node, size_t count)
{
    checker_before_send(&node->simulation->checker);
    for (size_t i = 0; i < count; i++) {
        const struct outgoing *datagram = &node->outgoing[i];
        network_send(&node->simulation->network, &datagram->header,
                     node->out_bytes + datagram->offset, datagram->size);
    }
    node->outgoing_count = 0;
    node->out_size = 0;
}

/* ----------------------------------------------------------------------------------------- blobs
 */

void coordinator_queue_blob_event(struct coordinator_node *node, const struct blob_event *event)
{
    node->blob_events = array_grown(node->blob_events, node->blob_event_count,
                                    &node->blob_event_capacity, sizeof node->blob_events[0]);
    node->blob_events[node->blob_event_count++] = *event;
}

/* False: the table of transfers is full. */
static bool try_pull(struct coordinator_node *node, const struct instance_id *from,
                     const struct digest *digest)
{
    if (shelf_find(&node->disk.blobs, digest) != NULL) {
        struct blob_event news = {CORE_BLOB_STORED, *from, *digest};
        coordinator_queue_blob_event(node, &news);
        return true;
    }
    struct transfer_id id =
        transfers_start(node->bulk.transfers, from, digest, coordinator_now(node));
    return id.index != TRANSFER_NONE.index;
}

void coordinator_start_pull(struct coordinator_node *node, const struct instance_id *from,
                            const struct digest *digest)
{
    /* A drop that waits for its sync is off: somebody wants the bytes again. */
    for (size_t i = node->drop_count; i-- > 0;)
        if (digest_equal(&node->drops[i], digest))
            node->drops[i] = node->drops[--node->drop_count];
    if (node->wish_count == node->started_wishes && try_pull(node, from, digest))
        return;
    node->wishes =
        array_grown(node->wishes, node->wish_count, &node->wish_capacity, sizeof node->wishes[0]);
    node->wishes[node->wish_count++] = (struct pull_wish){*from, *digest};
}

void coordinator_start_wishes(struct coordinator_node *node)
{
    while (node->started_wishes < node->wish_count) {
        const struct pull_wish *wish = &node->wishes[node->started_wishes];
        if (!try_pull(node, &wish->from, &wish->digest))
            break;
        node->started_wishes++;
    }
    if (node->wish_count == 0 || 2 * node->started_wishes < node->wish_count)
        return;
    node->wish_count -= node->started_wishes;
    memmove(node->wishes, node->wishes + node->started_wishes,
            node->wish_count * sizeof node->wishes[0]);
    node->started_wishes = 0;
}

bool coordinator_is_pulling(const struct coordinator_node *node, const struct digest *digest)
{
    for (size_t i = node->started_wishes; i < node->wish_count; i++)
        if (digest_equal(&node->wishes[i].digest, digest))
            return true;
    return node->alive && transfers_find(node->bulk.transfers, digest).index != TRANSFER_NONE.index;
}

static void cancel_pull(struct coordinator_node *node, const struct digest *digest)
{
    for (size_t i = node->wish_count; i-- > node->started_wishes;)
        if (digest_equal(&node->wishes[i].digest, digest))
            node->wishes[i] = node->wishes[--node->wish_count];
    struct transfer_id id = transfers_find(node->bulk.transfers, digest);
    if (id.index != TRANSFER_NONE.index)
        transfers_cancel(node->bulk.transfers, id);
}

static void queue_drop(struct coordinator_node *node, const struct digest *digest)
{
    node->drops =
        array_grown(node->drops, node->drop_count, &node->drop_capacity, sizeof node->drops[0]);
    node->drops[node->drop_count++] = *digest;
}

static void drop_blobs(struct coordinator_node *node)
{
    for (size_t i = 0; i < node->drop_count; i++) {
        struct shelf_item *item = shelf_find(&node->disk.blobs, &node->drops[i]);
        checker_on_drop(&node->simulation->checker, &node->drops[i]);
        if (item != NULL)
            shelf_take(&node->disk.blobs, item);
    }
    node->drop_count = 0;
}

/* --------------------------------------------------------------------------------------- effects
 */

static void stage_detail(struct coordinator_node *node, const struct core_effect *effect)
{
    struct disk_detail detail = {.job = effect->detail.job, .bytes = effect->detail.bytes};
    assert(detail.bytes <= sizeof detail.data);
    if (detail.bytes > 0)
        memcpy(detail.data, effect->detail.detail, detail.bytes);
    disk_stage_detail(&node->disk, &detail);
    checker_on_detail(&node->simulation->checker);
}

static void stage_commit(struct coordinator_node *node, const struct core_effect *effect)
{
    struct ledger_record record = {.kind = RECORD_COMMIT, .commit = effect->commit};
    checker_on_commit(&node->simulation->checker, &effect->commit);
    disk_stage_record(&node->disk, &record);
}

static void perform(struct coordinator_node *node, const struct core_effect *effect)
{
    struct simulation *simulation = node->simulation;
    switch (effect->kind) {
    case CORE_SEND:
        coordinator_send(node, &effect->send.to, &effect->send.message);
        break;
    case CORE_PERSIST_COMMIT:
        stage_commit(node, effect);
        break;
    case CORE_PERSIST_INPUT: {
        struct ledger_record record = {.kind = RECORD_INPUT, .input = effect->input};
        checker_on_input(&simulation->checker, &effect->input);
        disk_stage_record(&node->disk, &record);
        break;
    }
    case CORE_PERSIST_DETAIL:
        stage_detail(node, effect);
        break;
    case CORE_PULL_BLOB:
        coordinator_start_pull(node, &effect->pull.from, &effect->pull.digest);
        break;
    case CORE_CANCEL_PULL:
        cancel_pull(node, &effect->cancel);
        break;
    case CORE_DROP_BLOB:
        if (!effect->drop.anchor)
            queue_drop(node, &effect->drop.digest);
        break;
    case CORE_NOTE:
        world_trace(&simulation->world, "core: %s", effect->note.text);
        break;
    case CORE_ANSWER:
        world_trace(&simulation->world, "core: answers: %s", effect->answer.reason);
        break;
    case CORE_FINISH:
        world_trace(&simulation->world, "core: finished, code %d", (int)effect->finish.code);
        node->finishing = true;
        node->finish_code = effect->finish.code;
        break;
    }
}

void coordinator_step(struct coordinator_node *node, const struct core_event *event)
{
    struct core_effects *effects = node->simulation->core_effects;
    allocation_guard_enter();
    core_step(node->core, event, effects);
    allocation_guard_leave();
    assert(effects->count <= CORE_EFFECTS_MAX);
    for (uint32_t i = 0; i < effects->count; i++)
        perform(node, &effects->items[i]);
}

/* ------------------------------------------------------------------------------- end of the batch
 */

static bool crash_is_due(const struct coordinator_node *node, enum crash_point point)
{
    return node->crash_kind != CRASH_DISK_FULL && node->crash_point == point;
}

static bool sync_is_due(const struct coordinator_node *node)
{
    const struct simulation *simulation = node->simulation;
    if (simulation->trial->config.mode == COMMIT_ARRIVAL)
        return true;
    return simulation->world.now_ms >= node->synced_at_ms + COORDINATOR_SYNC_MS;
}

void coordinator_end_batch(struct coordinator_node *node)
{
    struct simulation *simulation = node->simulation;
    bool disk_full = node->crash_point != CRASH_NOT && node->crash_kind == CRASH_DISK_FULL;
    if (disk_full && disk_has_staged(&node->disk)) {
        coordinator_give_up(node);
        return;
    }
    if (crash_is_due(node, CRASH_BEFORE_COMMIT)) {
        coordinator_die(node);
        return;
    }
    if (disk_has_staged(&node->disk)) {
        struct digest digest = core_digest(node->core);
        disk_commit(&node->disk, &digest);
    }
    if (crash_is_due(node, CRASH_BEFORE_SYNC)) {
        coordinator_die(node);
        return;
    }
    if (sync_is_due(node) && (node->drop_count > 0 || !disk_is_synced(&node->disk))) {
        disk_sync(&node->disk);
        node->synced_at_ms = simulation->world.now_ms;
        drop_blobs(node);
    }
    if (crash_is_due(node, CRASH_BEFORE_SEND)) {
        coordinator_die(node);
        return;
    }
    size_t count = node->outgoing_count;
    if (crash_is_due(node, CRASH_WHILE_SENDING)) {
        coordinator_flush(node,
                          count > 0 ? dice_below(&simulation->world.dice, (uint32_t)count + 1) : 0);
        coordinator_die(node);
        return;
    }
    coordinator_flush(node, count);
    if (node->finishing)
        node->finished = true;
}
