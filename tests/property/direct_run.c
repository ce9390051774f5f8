/* direct_run.c: see direct_run.h. */
#include "tests/property/direct_run.h"

#include "common/version.h"
#include "tests/simulation/recovery.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS_MAX = 64, LEASES_MAX = 64, STEPS_MAX = 2000000, HEARTBEAT_STEPS = 7 };

struct direct_worker {
    struct instance_id instance;
    uint32_t lease_count;
    struct lease leases[LEASES_MAX];
};

struct direct {
    const struct direct_options *options;
    struct disk *disk;
    struct dice dice;
    struct core *core;
    struct core_effects *effects;
    struct direct_worker workers[WORKERS_MAX];
    uint64_t now_ms, lives;
    struct digest stored[1024]; /* to be told to the core */
    uint32_t stored_count;
    bool finished;
};

void direct_disk_init(struct disk *disk, const struct trial *trial)
{
    struct core_config config = trial_core_config(trial, STAGE_FULL, 1);
    struct error error;
    struct core *blank = core_create(&config, &error);
    assert(blank != NULL);
    struct digest start = core_digest(blank);
    core_destroy(&blank);
    disk_init(disk, &start);
}

/* --------------------------------------------------------------------------------------- effects
 */

static struct direct_worker *worker_of(struct direct *direct, const struct instance_id *instance)
{
    return &direct->workers[instance->bytes[1]];
}

static void drop_lease(struct direct_worker *worker, uint32_t index)
{
    worker->leases[index] = worker->leases[--worker->lease_count];
}

static void hear(struct direct *direct, const struct instance_id *to, const struct message *message)
{
    struct direct_worker *worker = worker_of(direct, to);
    if (message->kind == MESSAGE_LEASE) {
        assert(worker->lease_count < LEASES_MAX);
        worker->leases[worker->lease_count++] = message->lease;
    } else if (message->kind == MESSAGE_VERDICT && message->verdict.kind == VERDICT_RELEASED) {
        for (uint32_t i = worker->lease_count; i-- > 0;)
            if (lease_key_equal(worker->leases[i].key, message->verdict.lease))
                drop_lease(worker, i);
    }
}

static void persist(struct direct *direct, const struct core_effect *effect)
{
    struct ledger_record record = {.kind = RECORD_COMMIT};
    if (effect->kind == CORE_PERSIST_INPUT) {
        record.kind = RECORD_INPUT;
        record.input = effect->input;
    } else {
        record.commit = effect->commit;
    }
    disk_stage_record(direct->disk, &record);
}

static void perform(struct direct *direct, const struct core_effect *effect)
{
    switch (effect->kind) {
    case CORE_SEND:
        hear(direct, &effect->send.to, &effect->send.message);
        break;
    case CORE_PERSIST_COMMIT:
    case CORE_PERSIST_INPUT:
        persist(direct, effect);
        break;
    case CORE_PULL_BLOB:
        assert(direct->stored_count < sizeof direct->stored / sizeof direct->stored[0]);
        direct->stored[direct->stored_count++] = effect->pull.digest;
        break;
    case CORE_FINISH:
        direct->finished = true;
        break;
    default:
        break;
    }
}

static void step(struct direct *direct, struct core_event *event)
{
    event->now_ms = direct->now_ms;
    core_step(direct->core, event, direct->effects);
    for (uint32_t i = 0; i < direct->effects->count; i++)
        perform(direct, &direct->effects->items[i]);
    if (disk_has_staged(direct->disk)) {
        struct digest digest = core_digest(direct->core);
        disk_commit(direct->disk, &digest);
    }
}

/* --------------------------------------------------------------------------------------- workers
 */

static void say(struct direct *direct, struct direct_worker *worker, struct message *message)
{
    struct core_event event = {.kind = CORE_MESSAGE_RECEIVED};
    message->epoch = direct->disk->epoch;
    event.received.from = worker->instance;
    event.received.message = message;
    step(direct, &event);
}

static void fill_beat(const struct direct *direct, const struct direct_worker *worker,
                      struct heartbeat *beat, struct held held[LEASES_MAX])
{
    for (uint32_t i = 0; i < worker->lease_count; i++) {
        struct digest digest = job_digest(&worker->leases[i].job);
        held[i] = (struct held){.lease = worker->leases[i].key, .phase = HELD_QUEUED};
        memcpy(&held[i].job_prefix, digest.bytes, sizeof held[i].job_prefix);
    }
    *beat = (struct heartbeat){
        .capacity = direct->options->capacity,
        .held_count = worker->lease_count,
        .held = held,
    };
}

static void say_hello(struct direct *direct, struct direct_worker *worker)
{
    struct held held[LEASES_MAX];
    struct message message = {.kind = MESSAGE_HELLO};
    struct hello *hello = &message.hello;
    hello->protocol_version = PROTOCOL_VERSION;
    snprintf(hello->engine_version, sizeof hello->engine_version, "%s", RATCHET_VERSION);
    snprintf(hello->name, sizeof hello->name, "w%u", worker->instance.bytes[1]);
    snprintf(hello->host, sizeof hello->host, "h%u", worker->instance.bytes[1] / 3);
    hello->instance = worker->instance;
    memcpy(hello->home.bytes, worker->instance.bytes, sizeof hello->home.bytes);
    hello->slots = 1;
    hello->numeric_count = 1;
    snprintf(hello->numeric[0], sizeof hello->numeric[0], "%s", TRIAL_NUMERIC);
    fill_beat(direct, worker, &hello->beat, held);
    say(direct, worker, &message);
}

static void beat(struct direct *direct, struct direct_worker *worker)
{
    struct held held[LEASES_MAX];
    struct message message = {.kind = MESSAGE_HEARTBEAT};
    fill_beat(direct, worker, &message.heartbeat, held);
    say(direct, worker, &message);
}

static void answer(struct direct *direct, struct direct_worker *worker)
{
    uint32_t index = dice_below(&direct->dice, worker->lease_count);
    struct lease lease = worker->leases[index];
    assert(digest_equal(&lease.job.data, &direct->options->trial->data_digest));
    drop_lease(worker, index);
    struct bytes parents[JOB_PARENTS_MAX] = {{0}};
    for (uint32_t i = 0; i < lease.job.parent_count; i++) {
        const struct blob *blob = archive_find(direct->options->archive, &lease.job.parents[i]);
        assert(blob != NULL);
        parents[i] = (struct bytes){blob->bytes, blob->count};
    }
    uint8_t child[4096];
    struct message message = {.kind = MESSAGE_RESULT};
    struct result *result = &message.result;
    size_t bytes = null_evaluate(&direct->options->trial->null, &lease.job, parents, child, result);
    if (bytes > 0) {
        result->child = archive_add(direct->options->archive, child, bytes)->digest;
        result->child_bytes = bytes;
    }
    result->lease = lease.key;
    result->job = job_digest(&lease.job);
    say(direct, worker, &message);
}

/* ------------------------------------------------------------------------------------- the run */

static void recover(struct direct *direct)
{
    core_destroy(&direct->core);
    direct->disk->epoch++;
    direct->lives++;
    direct->stored_count = 0;
    direct->finished = false;
    struct core_config config =
        trial_core_config(direct->options->trial, STAGE_FULL, direct->disk->epoch);
    struct error error = {""};
    direct->core = recovery_run(&config, direct->disk, &error);
    if (direct->core == NULL)
        fprintf(stderr, "recovery: %s\n", error.text);
    assert(direct->core != NULL);
    core_start(direct->core, direct->now_ms);
    direct->now_ms += config.reattach_ms;
    for (uint32_t i = 0; i < direct->options->workers; i++) {
        direct->workers[i].lease_count = 0; /* this worker has forgotten all: the worst case */
        say_hello(direct, &direct->workers[i]);
    }
}

static void tell_stored(struct direct *direct)
{
    struct core_event event = {.kind = CORE_BLOB_STORED};
    event.blob.digest = direct->stored[--direct->stored_count];
    step(direct, &event);
}

static void act(struct direct *direct)
{
    struct direct_worker *worker =
        &direct->workers[dice_below(&direct->dice, direct->options->workers)];
    direct->now_ms += dice_below(&direct->dice, 50);
    if (direct->stored_count > 0 && dice_below(&direct->dice, 3) == 0) {
        tell_stored(direct);
    } else if (worker->lease_count > 0 && dice_below(&direct->dice, HEARTBEAT_STEPS) > 0) {
        answer(direct, worker);
    } else {
        beat(direct, worker);
    }
}

struct direct_result direct_run(const struct direct_options *options, struct disk *disk)
{
    assert(options->workers >= 1 && options->workers <= WORKERS_MAX);
    assert(options->capacity >= 1 && options->capacity <= LEASES_MAX);
    struct direct *direct = calloc(1, sizeof *direct);
    assert(direct != NULL);
    direct->options = options;
    direct->disk = disk;
    direct->dice = dice_open(options->seed, DICE_WORLD);
    direct->effects = malloc(sizeof *direct->effects);
    assert(direct->effects != NULL);
    for (uint32_t i = 0; i < options->workers; i++) {
        direct->workers[i].instance.bytes[0] = 1;
        direct->workers[i].instance.bytes[1] = (uint8_t)i;
    }
    recover(direct);
    size_t killed_at = disk->record_count;
    for (uint32_t i = 0; i < STEPS_MAX && !direct->finished; i++) {
        act(direct);
        bool due = options->kill_after > 0 && disk->record_count >= killed_at + options->kill_after;
        if (due) {
            killed_at = disk->record_count;
            recover(direct);
        }
    }
    struct direct_result result = {
        .digest = core_digest(direct->core),
        .records = disk->record_count,
        .lives = direct->lives,
        .finished = direct->finished,
    };
    core_destroy(&direct->core);
    free(direct->effects);
    free(direct);
    return result;
}
