/*
 * dispatch_worker.c: see dispatch_worker.h.
 *
 * Unless children are given, every job has the same one, a few constant bytes: the strategy admits
 * the first one, whose bytes the coordinator then asks for over the bulk wire as it would any
 * other's, and none after it. Answers that the core gets within a step are put in a queue and given
 * after it, because a step's effects hold until the next one.
 */
#include "tests/bench/dispatch_worker.h"

#include "common/version.h"
#include "worker/core/worker_core.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t child_bytes[] = "a checkpoint of bench-dispatch";

/* What a core asked for and is to be answered after the step. */
struct request {
    enum worker_effect_kind kind; /* RUN or FETCH */
    uint32_t slot;
    struct lease lease;
    struct digest digest;
};

struct wire {
    size_t used;
    uint8_t bytes[DATAGRAM_BYTES_MAX];
};

struct null_worker {
    struct null_worker_options options;
    struct worker_config config;
    struct worker_core *core;
    struct codec *codec;
    struct worker_effects *effects;
    struct digest child;
    struct request *requests; /* a ring */
    uint32_t request_capacity, request_first, request_count;
    uint64_t now_ms, done, released;
    bool gone;
    char reason[REASON_BYTES_MAX];
    struct wire wires[WIRE_COUNT];
};

static void name_worker(struct null_worker *worker)
{
    struct worker_config *config = &worker->config;
    uint32_t number = worker->options.number;
    snprintf(config->name, sizeof config->name, "null-%u", number);
    snprintf(config->host, sizeof config->host, "bench");
    snprintf(config->engine_version, sizeof config->engine_version, "%s", RATCHET_VERSION);
    snprintf(config->numeric[0], sizeof config->numeric[0], "portable");
    config->numeric_count = 1;
    memcpy(config->instance.bytes, "bench-worker", 12);
    memcpy(config->instance.bytes + 12, &number, sizeof number);
    memcpy(config->home.bytes, config->instance.bytes, sizeof config->home.bytes);
}

struct null_worker *null_worker_create(const struct null_worker_options *options,
                                       struct codec *codec, struct error *error)
{
    struct null_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        error_set(error, -1, "no memory for %u workers", options->number + 1);
        return NULL;
    }
    worker->options = *options;
    worker->codec = codec;
    worker->child = digest_of(child_bytes, sizeof child_bytes);
    worker->config = worker_config_default();
    worker->config.slots = options->slots;
    name_worker(worker);
    /* No step leaves more than its effects, and all are answered before the next one. */
    worker->request_capacity = HELD_MAX + WORKER_EFFECTS_MAX;
    worker->requests = calloc(worker->request_capacity, sizeof *worker->requests);
    worker->effects = calloc(1, sizeof *worker->effects);
    worker->core = worker_core_create(&worker->config, error);
    if (worker->requests == NULL || worker->effects == NULL || worker->core == NULL) {
        if (worker->core != NULL)
            error_set(error, -1, "no memory for %u workers", options->number + 1);
        null_worker_destroy(&worker);
    }
    return worker;
}

void null_worker_destroy(struct null_worker **worker)
{
    if (*worker == NULL)
        return;
    worker_core_destroy(&(*worker)->core);
    free((*worker)->effects);
    free((*worker)->requests);
    free(*worker);
    *worker = NULL;
}

const struct instance_id *null_worker_instance(const struct null_worker *worker)
{
    return &worker->config.instance;
}

/* --------------------------------------------------------------------------------------- sending
 */

static void flush(struct null_worker *worker, int wire)
{
    struct wire *out = &worker->wires[wire];
    if (out->used > 0) /* what is lost is sent again: the protocol sees to it */
        (void)worker->options.send(worker->options.context, worker->options.number, wire,
                                   out->bytes, out->used);
    out->used = 0;
}

static void say(struct null_worker *worker, int wire, const struct message *message)
{
    struct wire *out = &worker->wires[wire];
    if (codec_append(worker->codec, message, out->bytes, sizeof out->bytes, &out->used))
        return;
    flush(worker, wire);
    bool fits = codec_append(worker->codec, message, out->bytes, sizeof out->bytes, &out->used);
    assert(fits);
    (void)fits;
}

/* ---------------------------------------------------------------------------------------- effects
 */

static void ask_later(struct null_worker *worker, const struct worker_effect *effect)
{
    assert(worker->request_count < worker->request_capacity);
    uint32_t place = (worker->request_first + worker->request_count++) % worker->request_capacity;
    struct request *request = &worker->requests[place];
    request->kind = effect->kind;
    if (effect->kind == WORKER_FETCH) {
        request->digest = effect->digest;
        return;
    }
    request->slot = effect->run.slot;
    request->lease = effect->run.lease;
}

static void perform(struct null_worker *worker, const struct worker_effect *effect)
{
    switch (effect->kind) {
    case WORKER_SEND:
        say(worker, WIRE_CONTROL, &effect->message);
        return;
    case WORKER_RUN:
    case WORKER_FETCH:
        ask_later(worker, effect);
        return;
    case WORKER_EXIT:
        worker->gone = true;
        snprintf(worker->reason, sizeof worker->reason, "%s", effect->exit.reason);
        return;
    case WORKER_KILL_SLOT: /* its job was finished before anybody could want that */
    case WORKER_STOP_SLOT:
    case WORKER_UNPIN:
    case WORKER_SPOOL:
    case WORKER_UNSPOOL:
        return;
    }
}

static void step_once(struct null_worker *worker, struct worker_event *event)
{
    if (worker->gone)
        return;
    event->now_ms = worker->now_ms;
    worker_core_step(worker->core, event, worker->effects);
    for (uint32_t i = 0; i < worker->effects->count; i++)
        perform(worker, &worker->effects->items[i]);
}

/* What the job's child is. */
static void set_child(const struct null_worker *worker, uint64_t job, struct result *result)
{
    const struct null_children *children = worker->options.children;
    result->child = worker->child;
    result->child_bytes = sizeof child_bytes;
    result->steps = 1;
    if (children == NULL)
        return;
    result->child = children->digests[job % children->count];
    result->child_bytes = children->bytes;
}

static struct result answer_to(const struct null_worker *worker, const struct lease *lease)
{
    struct result result = {
        .lease = lease->key,
        .job = job_digest(&lease->job),
        .outcome = OUTCOME_OK,
        .fitness = 0.5,
        .metric_count = 1,
        .metrics = {{.id = METRIC_SELECT_LOSS, .value = -0.5}},
    };
    if (lease->job.kind == JOB_MUTATE)
        set_child(worker, lease->job.key.job, &result);
    return result;
}

static void answer_requests(struct null_worker *worker)
{
    while (worker->request_count > 0) {
        const struct request *request = &worker->requests[worker->request_first];
        worker->request_first = (worker->request_first + 1) % worker->request_capacity;
        worker->request_count--;
        if (request->kind == WORKER_FETCH) {
            struct worker_event ready = {.kind = WORKER_BLOB_READY, .digest = request->digest};
            step_once(worker, &ready);
            continue;
        }
        struct result result = answer_to(worker, &request->lease);
        struct worker_event finished = {
            .kind = WORKER_SLOT_FINISHED,
            .finished = {.slot = request->slot, .result = &result},
        };
        worker->done++;
        step_once(worker, &finished);
    }
}

static void step(struct null_worker *worker, struct worker_event *event)
{
    step_once(worker, event);
    answer_requests(worker);
}

/* --------------------------------------------------------------------------------------- receiving
 */

/* The child of that name, or none. */
static bool find_child(const struct null_children *children, const struct digest *digest,
                       uint32_t *number)
{
    for (*number = 0; *number < children->count; ++*number)
        if (digest_equal(&children->digests[*number], digest))
            return true;
    return false;
}

static bool read_child(const struct null_worker *worker, const struct pull *pull,
                       struct chunk *chunk)
{
    const struct null_children *children = worker->options.children;
    uint32_t number = 0;
    if (children == NULL) {
        chunk->total = sizeof child_bytes;
        chunk->bytes = child_bytes + pull->offset;
        if (!digest_equal(&pull->digest, &worker->child) || pull->offset > chunk->total)
            return false;
    } else {
        chunk->total = children->bytes;
        if (!find_child(children, &pull->digest, &number) || pull->offset > chunk->total)
            return false;
    }
    uint64_t left = chunk->total - pull->offset;
    chunk->digest = pull->digest;
    chunk->offset = pull->offset;
    chunk->length = left < pull->length ? (uint32_t)left : pull->length;
    if (children != NULL)
        chunk->bytes = children->read(children->context, number, pull->offset, chunk->length);
    return true;
}

/* The coordinator wants the bytes of a child. */
static void answer_pull(struct null_worker *worker, const struct pull *pull)
{
    struct message message = {.kind = MESSAGE_CHUNK};
    if (!read_child(worker, pull, &message.chunk))
        message = (struct message){.kind = MESSAGE_ABSENT, .absent = {.digest = pull->digest}};
    say(worker, WIRE_BULK, &message);
}

void null_worker_receive(struct null_worker *worker, int wire, const uint8_t *bytes, size_t count,
                         uint64_t now_ms)
{
    struct codec_cursor cursor = {.bytes = bytes, .size = count};
    struct message message;
    worker->now_ms = now_ms;
    while (codec_next(worker->codec, &cursor, &message, NULL) == CODEC_OK) {
        if (wire == WIRE_BULK && message.kind == MESSAGE_PULL)
            answer_pull(worker, &message.pull);
        if (wire == WIRE_BULK)
            continue;
        worker->released +=
            message.kind == MESSAGE_VERDICT && message.verdict.kind == VERDICT_RELEASED;
        struct worker_event event = {.kind = WORKER_MESSAGE_RECEIVED, .message = &message};
        step(worker, &event);
    }
}

void null_worker_turn(struct null_worker *worker, uint64_t now_ms)
{
    if (worker->now_ms == 0) {
        worker->now_ms = now_ms;
        for (uint32_t i = 0; i < worker->config.slots; i++) {
            struct worker_event ready = {.kind = WORKER_SLOT_READY, .slot = i};
            step(worker, &ready);
        }
    }
    worker->now_ms = now_ms;
    for (int i = 0; i < 64 && null_worker_deadline(worker) <= now_ms; i++) {
        struct worker_event tick = {.kind = WORKER_TICKED};
        step(worker, &tick);
    }
    for (int wire = 0; wire < WIRE_COUNT; wire++)
        flush(worker, wire);
}

uint64_t null_worker_deadline(const struct null_worker *worker)
{
    return worker->gone ? UINT64_MAX : worker_core_deadline(worker->core);
}

uint64_t null_worker_done(const struct null_worker *worker)
{
    return worker->done;
}

uint64_t null_worker_released(const struct null_worker *worker)
{
    return worker->released;
}

bool null_worker_is_gone(const struct null_worker *worker)
{
    return worker->gone;
}

const char *null_worker_reason(const struct null_worker *worker)
{
    return worker->reason;
}
