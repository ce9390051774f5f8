/*
 * coordinator_life.c: how the coordinator's process begins and ends, what of it outlasts the end,
 * and what it is recovered from. See coordinator_node.h.
 */
#include "tests/simulation/carry_out.h"
#include "tests/simulation/recovery.h"
#include "tests/simulation/simulation.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void coordinator_init(struct coordinator_node *node, struct simulation *simulation)
{
    node->simulation = simulation; /* the rest is zeros, most of which stay untouched */
    node->bulk.outwards = TO_WORKER;
    packet_ring_init(&node->inbox);
    node->out_capacity = 4 * DATAGRAM_BYTES_MAX;
    node->out_bytes = malloc(node->out_capacity);
    assert(node->out_bytes != NULL);

    const struct trial *trial = simulation->trial;
    node->stage = trial->extended ? STAGE_FIRST : STAGE_FULL;
    struct core_config config = trial_core_config(trial, node->stage, 1);
    struct error error;
    struct core *blank = core_create(&config, &error);
    if (blank == NULL) {
        world_fail(&simulation->world, FAILURE_INVARIANT, "the core refuses the trial: %s",
                   error.text);
        return;
    }
    struct digest start = core_digest(blank);
    core_destroy(&blank);
    disk_init(&node->disk, &start);
    const struct blob *spec = archive_add(&simulation->archive, trial->spec, strlen(trial->spec));
    shelf_put(&node->disk.blobs, spec)->synced = true;
    if (trial->data_bytes == 0)
        return;
    const struct blob *data = archive_add(&simulation->archive, trial->data, trial->data_bytes);
    shelf_put(&node->disk.blobs, data)->synced = true;
}

/* The last batch means what a core makes of it, and not what was noted when it was written. */
static void note_digest_anew(struct coordinator_node *node, uint64_t epoch)
{
    struct simulation *simulation = node->simulation;
    struct core_config config = trial_core_config(simulation->trial, node->stage, epoch);
    struct error error = {""};
    struct core *core = recovery_run(&config, &node->disk, &error);
    if (core == NULL) {
        world_fail(&simulation->world, FAILURE_INVARIANT, "the run cannot be gone on with: %s",
                   error.text);
        return;
    }
    node->disk.marks[node->disk.mark_count - 1].digest = core_digest(core);
    core_destroy(&core);
}

void coordinator_load(struct coordinator_node *node, const struct beginning *beginning)
{
    struct simulation *simulation = node->simulation;
    uint8_t child[CHILD_BYTES_MAX];
    struct result result;
    for (size_t i = 0; i < beginning->count; i++) {
        const struct ledger_record *record = &beginning->records[i];
        disk_stage_record(&node->disk, record);
        if (record->kind != RECORD_COMMIT || record->commit.child_bytes == 0)
            continue;
        bool carried_out =
            carry_out(simulation->trial, &simulation->archive, &record->commit.job, &result, child);
        assert(carried_out && digest_equal(&result.child, &record->commit.child));
        const struct blob *blob = archive_add(&simulation->archive, child, result.child_bytes);
        shelf_put(&node->disk.blobs, blob);
    }
    disk_commit(&node->disk, &disk_last_mark(&node->disk)->digest);
    disk_sync(&node->disk);
    note_digest_anew(node, 1);
}

static void forget_process(struct coordinator_node *node)
{
    core_destroy(&node->core);
    bulk_fini(&node->bulk);
    packet_ring_fini(&node->inbox);
    node->blob_event_count = node->wish_count = node->started_wishes = node->drop_count = 0;
    node->outgoing_count = 0;
    node->out_size = 0;
    node->finishing = false;
    node->crash_point = CRASH_NOT;
    node->stalled_until_ms = 0;
    node->turn_token++;
    node->alive = false;
}

void coordinator_fini(struct coordinator_node *node)
{
    if (node->alive)
        forget_process(node);
    disk_fini(&node->disk);
    free(node->out_bytes);
    free(node->outgoing);
    free(node->blob_events);
    free(node->wishes);
    free(node->drops);
}
/* ------------------------------------------------------------------------- crashes and recovery */

static void boot_again(void *context, const struct action *action)
{
    struct coordinator_node *node = context;
    if (!node->alive && action->token == node->restart_token)
        coordinator_boot(node);
}

static void boot_later(struct coordinator_node *node, uint64_t delay_ms)
{
    node->restart_token++;
    world_schedule(
        &node->simulation->world, delay_ms,
        (struct action){.run = boot_again, .context = node, .token = node->restart_token});
}

void coordinator_die(struct coordinator_node *node)
{
    struct simulation *simulation = node->simulation;
    bool power_cut = node->crash_kind == CRASH_POWER_CUT;
    world_trace(&simulation->world, "coordinator: %s at point %d, back in %" PRIu64 " ms",
                power_cut ? "power cut" : "killed", (int)node->crash_point, node->down_ms);
    simulation->fault_counts[power_cut ? FAULT_POWER_CUT : FAULT_COORDINATOR_KILL]++;
    forget_process(node);
    if (power_cut)
        disk_power_cut(&node->disk, &simulation->world.dice);
    else
        disk_kill(&node->disk);
    boot_later(node, node->down_ms);
}

void coordinator_crash(struct coordinator_node *node, const struct crash_order *order)
{
    if (!node->alive || node->crash_point != CRASH_NOT)
        return;
    node->crash_point = order->point;
    node->crash_kind = order->kind;
    node->down_ms = order->down_ms;
}

static void say_pause(struct coordinator_node *node)
{
    struct worker_summary *workers = node->simulation->checker.workers;
    uint32_t count = core_workers(node->core, coordinator_now(node), workers,
                                  node->simulation->trial->config.sessions_max);
    struct message message = {
        .kind = MESSAGE_STOP,
        .epoch = node->disk.epoch,
        .stop = {.code = STOP_RUN_PAUSED, .reason = "the coordinator was stopped"},
    };
    for (uint32_t i = 0; i < count; i++)
        coordinator_send(node, &workers[i].instance, &message);
}

/* The shell's way out of a failure: nothing of the open batch leaves, but workers hear of the end.
 */
void coordinator_give_up(struct coordinator_node *node)
{
    struct simulation *simulation = node->simulation;
    world_trace(&simulation->world, "coordinator: the disk is full, back in %" PRIu64 " ms",
                node->down_ms);
    simulation->fault_counts[FAULT_DISK_FULL]++;
    disk_kill(&node->disk);
    node->outgoing_count = 0;
    node->out_size = 0;
    say_pause(node);
    coordinator_flush(node, node->outgoing_count);
    forget_process(node);
    boot_later(node, node->down_ms);
}

void coordinator_pause(struct coordinator_node *node, uint64_t down_ms)
{
    if (!node->alive || node->finishing)
        return; /* an order may have been the last thing that was missing: the run ends instead */
    say_pause(node);
    coordinator_end_batch(node);
    if (!node->alive || node->finished)
        return; /* of a crash that was due at this very moment; or its run is over anyway */
    disk_sync(&node->disk);
    forget_process(node);
    boot_later(node, down_ms);
}

void coordinator_stall(struct coordinator_node *node, uint64_t for_ms)
{
    if (node->alive)
        node->stalled_until_ms = node->simulation->world.now_ms + for_ms;
}

void coordinator_heal(struct coordinator_node *node)
{
    node->crash_point = CRASH_NOT;
    node->stalled_until_ms = 0;
    if (node->alive)
        coordinator_wake(node, 0);
    else
        boot_later(node, 0);
}

/*
 * As the real shell does when a run is opened: checkpoints of commits that were not synced may be
 * missing, and are made again from their descriptions. Of all others the bytes are there.
 */
static void remake_blobs(struct coordinator_node *node)
{
    struct simulation *simulation = node->simulation;
    for (size_t i = node->disk.remade_from; i < node->disk.record_count; i++) {
        const struct ledger_record *record = &node->disk.records[i];
        if (record->kind != RECORD_COMMIT || !record->commit.admitted)
            continue;
        const struct blob *blob = archive_find(&simulation->archive, &record->commit.child);
        assert(blob != NULL); /* the checker has carried out this very job again */
        shelf_put(&node->disk.blobs, blob)->synced = true;
    }
}

static void check_recovered(struct coordinator_node *node)
{
    struct digest digest = core_digest(node->core);
    if (!digest_equal(&digest, &disk_last_mark(&node->disk)->digest))
        world_fail(&node->simulation->world, FAILURE_DIGEST,
                   "the core recovered from %zu records is not the one that wrote them",
                   node->disk.record_count);
}

void coordinator_extend(struct coordinator_node *node)
{
    struct simulation *simulation = node->simulation;
    world_trace(&simulation->world, "the user raises the budget");
    disk_sync(&node->disk);
    forget_process(node);
    node->stage = STAGE_FULL;
    node->finished = false;
    node->first_records = node->disk.record_count;
    /* From here on the ledger means another digest: lines that were closed are open again. */
    note_digest_anew(node, node->disk.epoch + 1);
    boot_later(node, simulation_draw_ms(simulation, (struct span){1, 10000}));
}

void coordinator_resume(struct coordinator_node *node)
{
    struct world *world = &node->simulation->world;
    world_trace(world, "the user resumes the run");
    disk_sync(&node->disk);
    forget_process(node);
    node->finished = false;
    boot_later(node, simulation_draw_ms(node->simulation, (struct span){1, 10000}));
}

/* As the real shell does: what nobody refers to goes, what somebody refers to must be there. */
static void sweep(struct coordinator_node *node)
{
    struct simulation *simulation = node->simulation;
    checker_blobs_needed_are_there(&simulation->checker);
    struct shelf *blobs = &node->disk.blobs;
    for (uint32_t i = blobs->count; i-- > 0;) {
        const struct digest *digest = &blobs->items[i].blob->digest;
        if (!core_needs_blob(node->core, digest) &&
            !digest_equal(digest, &simulation->trial->spec_digest) &&
            !digest_equal(digest, &simulation->trial->data_digest))
            shelf_take(blobs, &blobs->items[i]);
    }
}

void coordinator_boot(struct coordinator_node *node)
{
    struct simulation *simulation = node->simulation;
    struct dice *dice = &simulation->world.dice;
    node->disk.epoch++;
    node->lives++;
    node->clock = simulation_draw_clock(simulation);
    node->messages_per_turn = 1 + dice_below(dice, 64);
    node->turn_at_ms = UINT64_MAX;
    disk_recover(&node->disk);
    remake_blobs(node);
    world_trace(&simulation->world, "coordinator: epoch %" PRIu64 " starts from %zu records",
                node->disk.epoch, node->disk.record_count);
    struct error error = {""};
    struct core_config config = trial_core_config(simulation->trial, node->stage, node->disk.epoch);
    node->core = recovery_run(&config, &node->disk, &error);
    if (node->core == NULL) {
        world_fail(&simulation->world, FAILURE_INVARIANT, "the coordinator cannot recover: %s",
                   error.text);
        return;
    }
    bulk_init(&node->bulk, simulation);
    node->alive = true;
    checker_rewind(&simulation->checker);
    check_recovered(node);
    sweep(node);
    core_start(node->core, coordinator_now(node));
    coordinator_wake(node, 0);
}
