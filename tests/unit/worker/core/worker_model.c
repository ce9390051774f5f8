/* worker_model.c: see worker_model.h. */
#include "worker_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct worker_config model_config(void)
{
    struct worker_config config = worker_config_default();
    snprintf(config.name, sizeof config.name, "worker");
    snprintf(config.host, sizeof config.host, "host");
    snprintf(config.engine_version, sizeof config.engine_version, "1");
    config.instance.bytes[0] = 1;
    config.home.bytes[0] = 2;
    config.slots = 2;
    config.jobs_per_slot = 2;
    config.numeric_count = 1;
    snprintf(config.numeric[0], sizeof config.numeric[0], "portable");
    config.hello_ms_min = 250;
    config.hello_ms_max = 1000;
    config.resend_ms = 2000;
    config.spool_ms = 5000;
    config.linger_ms = UINT64_MAX;
    return config;
}

struct model *model_create(const struct worker_config *config)
{
    struct error error;
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    model->core = worker_core_create(config, &error);
    model->effects = calloc(1, sizeof *model->effects);
    model->blobs = calloc(MODEL_BLOBS_MAX, sizeof model->blobs[0]);
    model->blobs_by_digest = fixed_map_create(MODEL_BLOBS_MAX);
    model->spooled = calloc(MODEL_SPOOL_MAX, sizeof model->spooled[0]);
    assert_non_null(model->core);
    assert_non_null(model->effects);
    assert_non_null(model->blobs);
    assert_non_null(model->blobs_by_digest);
    assert_non_null(model->spooled);
    model->slot_count = config->slots;
    for (uint32_t i = 0; i < model->slot_count; i++)
        model->slots[i].state = MODEL_STARTING;
    model->now = 1000;
    model->epoch = 1;
    model->run = model_run(1);
    return model;
}

void model_destroy(struct model *model)
{
    worker_core_destroy(&model->core);
    fixed_map_destroy(&model->blobs_by_digest);
    free(model->spooled);
    free(model->blobs);
    free(model->effects);
    free(model);
}

/* ---------------------------------------------------------- carrying effects out, checking */

static struct model_blob *blob_of(struct model *model, const struct digest *digest)
{
    struct map_key key = map_key_of_bytes(digest->bytes);
    uint32_t index = fixed_map_find(model->blobs_by_digest, key);
    if (index != FIXED_MAP_NONE)
        return &model->blobs[index];
    assert_true(model->blob_count < MODEL_BLOBS_MAX);
    index = model->blob_count++;
    model->blobs[index].digest = *digest;
    fixed_map_insert(model->blobs_by_digest, key, index);
    return &model->blobs[index];
}

int32_t model_pins(const struct model *model, const struct digest *digest)
{
    uint32_t index = fixed_map_find(model->blobs_by_digest, map_key_of_bytes(digest->bytes));
    return index == FIXED_MAP_NONE ? 0 : model->blobs[index].pins;
}

void model_expect_no_pins(const struct model *model)
{
    for (uint32_t i = 0; i < model->blob_count; i++)
        assert_int_equal(model->blobs[i].pins, 0);
}

static void expect_inputs_pinned(const struct model *model, const struct lease *lease)
{
    const struct job *job = &lease->job;
    assert_true(model_pins(model, &job->spec) > 0);
    if (!digest_is_zero(&job->data))
        assert_true(model_pins(model, &job->data) > 0);
    for (uint32_t i = 0; i < job->parent_count; i++)
        assert_true(model_pins(model, &job->parents[i]) > 0);
    if (lease->partial.bytes > 0)
        assert_true(model_pins(model, &lease->partial.state) > 0);
}

static uint32_t spooled_find(const struct model *model, const struct run_id *run,
                             struct job_key job)
{
    for (uint32_t i = 0; i < model->spooled_count; i++)
        if (memcmp(run, &model->spooled[i].run, sizeof *run) == 0 &&
            job_key_equal(job, model->spooled[i].result.lease.job))
            return i;
    return UINT32_MAX;
}

/* As the real spool: a file of the same name is replaced. */
static void spool(struct model *model, const struct run_id *run, const struct result *result)
{
    uint32_t index = spooled_find(model, run, result->lease.job);
    if (index == UINT32_MAX) {
        assert_true(model->spooled_count < MODEL_SPOOL_MAX);
        index = model->spooled_count++;
    }
    model->spooled[index] = (struct model_spooled){.run = *run, .result = *result};
}

static void unspool(struct model *model, const struct run_id *run, struct job_key job)
{
    uint32_t index = spooled_find(model, run, job);
    assert_int_not_equal(index, UINT32_MAX);
    model->spooled[index] = model->spooled[--model->spooled_count];
}

static bool runs(const struct model_slot *slot, struct job_key job)
{
    bool found = job_key_equal(slot->lease.job.key, job);
    for (uint32_t i = 0; i < slot->mate_count; i++)
        found = found || job_key_equal(slot->mates[i].job.key, job);
    return slot->state == MODEL_BUSY && found;
}

static void check_held(const struct model *model, const struct heartbeat *beat)
{
    uint32_t running = 0, busy = 0, company = 0;
    assert_false(beat->held_cut);
    assert_true(beat->held_count <= HELD_MAX);
    for (uint32_t i = 0; i < beat->held_count; i++) {
        assert_in_range(beat->held[i].phase, HELD_QUEUED, HELD_FINISHED);
        if (beat->held[i].phase != HELD_RUNNING)
            continue;
        running++;
        bool found = false;
        for (uint32_t k = 0; k < model->slot_count; k++)
            found = found || runs(&model->slots[k], beat->held[i].lease.job);
        assert_true(found);
    }
    for (uint32_t k = 0; k < model->slot_count; k++) {
        busy += model->slots[k].state == MODEL_BUSY;
        company += model->slots[k].state == MODEL_BUSY ? model->slots[k].mate_count : 0;
    }
    /* Before a welcome names the run, nothing is listed; one of a cohort may be unwanted and run.
     */
    assert_true((running >= busy && running <= busy + company) || beat->held_count == 0);
}

static void note_beat(struct model *model, const struct heartbeat *beat)
{
    check_held(model, beat);
    memcpy(model->held, beat->held, beat->held_count * sizeof beat->held[0]);
    model->held_count = beat->held_count;
}

static void check_message(struct model *model, const struct message *message)
{
    if (message->kind == MESSAGE_HELLO)
        note_beat(model, &message->hello.beat);
    if (message->kind == MESSAGE_HEARTBEAT)
        note_beat(model, &message->heartbeat);
}

/* Those of a cohort come one behind the other, and say how many follow. */
static void take_run(struct model *model, const struct worker_effect *effect)
{
    struct model_slot *slot = &model->slots[effect->run.slot];
    if (model->gathering > 0) {
        assert_int_equal(effect->run.slot, model->gathering_slot);
        assert_int_equal(effect->run.more, model->gathering - 1);
        slot->mates[slot->mate_count++] = effect->run.lease;
        slot->given++;
    } else {
        assert_int_equal(slot->state, MODEL_IDLE);
        *slot = (struct model_slot){.state = MODEL_BUSY, .lease = effect->run.lease, .given = 1};
    }
    model->gathering = effect->run.more;
    model->gathering_slot = effect->run.slot;
}

/* It has answered for the job that is next. */
static void next_answer(struct model_slot *slot)
{
    if (slot->mate_count == 0) {
        slot->state = MODEL_IDLE;
        return;
    }
    slot->lease = slot->mates[0];
    memmove(slot->mates, slot->mates + 1, --slot->mate_count * sizeof slot->mates[0]);
}

static void carry_out(struct model *model, const struct worker_effect *effect)
{
    assert_false(model->gone);
    switch (effect->kind) {
    case WORKER_SEND:
        check_message(model, &effect->message);
        break;
    case WORKER_RUN:
        assert_true(effect->run.slot < model->slot_count);
        expect_inputs_pinned(model, &effect->run.lease);
        take_run(model, effect);
        break;
    case WORKER_STOP_SLOT:
        assert_int_equal(model->slots[effect->slot].state, MODEL_BUSY);
        assert_false(model->slots[effect->slot].asked_to_stop);
        model->slots[effect->slot].asked_to_stop = true;
        break;
    case WORKER_KILL_SLOT:
        assert_int_equal(model->slots[effect->slot].state, MODEL_BUSY);
        model->slots[effect->slot].state = MODEL_KILLED;
        break;
    case WORKER_FETCH:
        assert_false(blob_of(model, &effect->digest)->fetching);
        blob_of(model, &effect->digest)->fetching = true;
        break;
    case WORKER_UNPIN:
        assert_true(model_pins(model, &effect->digest) > 0);
        blob_of(model, &effect->digest)->pins--;
        break;
    case WORKER_SPOOL:
        spool(model, &effect->spool.run, effect->spool.result);
        break;
    case WORKER_UNSPOOL:
        unspool(model, &effect->unspool.run, effect->unspool.job);
        break;
    case WORKER_EXIT:
        model->gone = true;
        break;
    default:
        fail_msg("unknown effect %d", (int)effect->kind);
    }
}

static void step(struct model *model, struct worker_event event)
{
    event.now_ms = model->now;
    uint64_t before = model->allocations != NULL ? model->allocations() : 0;
    worker_core_step(model->core, &event, model->effects);
    if (model->allocations != NULL)
        assert_int_equal(model->allocations() - before, 0);
    assert_true(model->effects->count <= WORKER_EFFECTS_MAX);
    for (uint32_t i = 0; i < model->effects->count; i++)
        carry_out(model, &model->effects->items[i]);
    assert_int_equal(model->gathering, 0);
}

/* ---------------------------------------------------------------------------------- events */

void model_tick(struct model *model, uint64_t now)
{
    model->now = now;
    step(model, (struct worker_event){.kind = WORKER_TICKED});
}

void model_receive(struct model *model, const struct message *message)
{
    step(model, (struct worker_event){.kind = WORKER_MESSAGE_RECEIVED, .message = message});
}

void model_receive_kind(struct model *model, enum message_kind kind)
{
    model_receive(model, &(struct message){.kind = kind, .epoch = model->epoch});
}

void model_welcome(struct model *model)
{
    struct message message = {
        .kind = MESSAGE_WELCOME,
        .epoch = model->epoch,
        .welcome = {.run = model->run,
                    .numeric = "portable",
                    .heartbeat_ms = MODEL_BEAT_MS,
                    .lost_ms = MODEL_LOST_MS},
    };
    model_receive(model, &message);
}

struct lease_key model_key(uint64_t epoch, uint64_t job, uint32_t attempt)
{
    return (struct lease_key){.job = {.job = job}, .epoch = epoch, .attempt = attempt};
}

void model_lease(struct model *model, const struct job *job, uint32_t attempt)
{
    model_lease_on(model, job, attempt, &(struct partial){.steps = 0});
}

void model_lease_on(struct model *model, const struct job *job, uint32_t attempt,
                    const struct partial *partial)
{
    struct message message = {
        .kind = MESSAGE_LEASE,
        .epoch = model->epoch,
        .lease = {.key = {.job = job->key, .epoch = model->epoch, .attempt = attempt},
                  .reason = LEASE_FIRST,
                  .job = *job,
                  .partial = *partial},
    };
    model_receive(model, &message);
}

void model_verdict(struct model *model, const struct lease_key *lease, enum verdict_kind kind)
{
    struct message message = {
        .kind = MESSAGE_VERDICT,
        .epoch = model->epoch,
        .verdict = {.lease = *lease, .kind = kind},
    };
    model_receive(model, &message);
}

void model_stop(struct model *model, enum stop_code code)
{
    struct message message = {
        .kind = MESSAGE_STOP,
        .epoch = model->epoch,
        .stop = {.code = code, .reason = "over"},
    };
    model_receive(model, &message);
}

void model_slot_ready(struct model *model, uint32_t slot)
{
    if (model->slots[slot].state != MODEL_BUSY)
        model->slots[slot].state = MODEL_IDLE;
    step(model, (struct worker_event){.kind = WORKER_SLOT_READY, .slot = slot});
}

void model_slot_cohort(struct model *model, uint32_t slot, uint32_t size)
{
    step(model, (struct worker_event){.kind = WORKER_SLOT_COHORT, .cohort = {slot, size}});
}

void model_finish(struct model *model, uint32_t slot, const struct digest *child,
                  uint32_t compute_ms)
{
    const struct lease *lease = &model->slots[slot].lease;
    struct result result = model_result(&lease->job, &lease->key, child);
    static const uint8_t detail[] = "detail";
    result.detail = detail;
    result.detail_bytes = sizeof detail;
    result.compute_ms = compute_ms;
    model_finish_with(model, slot, &result);
}

void model_finish_with(struct model *model, uint32_t slot, const struct result *result)
{
    struct model_slot *running = &model->slots[slot];
    struct digest asked = job_digest(&running->lease.job);
    if (!digest_is_zero(&result->child))
        blob_of(model, &result->child)->pins++;
    if (running->state == MODEL_BUSY && digest_equal(&asked, &result->job))
        next_answer(running);
    step(model, (struct worker_event){.kind = WORKER_SLOT_FINISHED,
                                      .finished = {.slot = slot, .result = result}});
}

void model_die(struct model *model, uint32_t slot, int32_t signal)
{
    model->slots[slot].state = MODEL_STARTING;
    step(model, (struct worker_event){
                    .kind = WORKER_SLOT_DIED,
                    .died = {.slot = slot, .exit_code = -1, .signal = signal, .log_tail = "last"},
                });
}

void model_blob_ready(struct model *model, const struct digest *digest)
{
    struct model_blob *blob = blob_of(model, digest);
    blob->fetching = false;
    blob->pins++;
    step(model, (struct worker_event){.kind = WORKER_BLOB_READY, .digest = *digest});
}

void model_blob_failed(struct model *model, const struct digest *digest)
{
    blob_of(model, digest)->fetching = false;
    step(model, (struct worker_event){.kind = WORKER_BLOB_FAILED, .digest = *digest});
}

void model_blob_no_room(struct model *model, const struct digest *digest)
{
    blob_of(model, digest)->fetching = false;
    step(model, (struct worker_event){.kind = WORKER_BLOB_NO_ROOM, .digest = *digest});
}

void model_blob_too_large(struct model *model, const struct digest *digest, uint64_t bytes,
                          uint64_t cache_bytes)
{
    blob_of(model, digest)->fetching = false;
    step(model, (struct worker_event){.kind = WORKER_BLOB_TOO_LARGE,
                                      .too_large = {*digest, bytes, cache_bytes}});
}

void model_answer_fetches(struct model *model)
{
    for (uint32_t i = 0; i < model->blob_count; i++)
        if (model->blobs[i].fetching)
            model_blob_ready(model, &model->blobs[i].digest);
}

void model_recover(struct model *model, const struct run_id *run, const struct result *result)
{
    spool(model, run, result);
    if (!digest_is_zero(&result->child))
        blob_of(model, &result->child)->pins++;
    step(model, (struct worker_event){.kind = WORKER_RESULT_RECOVERED,
                                      .recovered = {.run = *run, .result = result}});
}

void model_leave(struct model *model)
{
    step(model, (struct worker_event){.kind = WORKER_FINISH_REQUESTED});
}

void model_hand_over(struct model *model)
{
    step(model, (struct worker_event){.kind = WORKER_LEAVE_REQUESTED});
}

void model_drain(struct model *model)
{
    struct message message = {
        .kind = MESSAGE_DRAIN,
        .epoch = model->epoch,
        .drain = {.reason = "no longer needed"},
    };
    model_receive(model, &message);
}

struct partial model_partial(uint64_t steps)
{
    return (struct partial){model_digest("state", steps), 100, steps};
}

void model_give(struct model *model, uint32_t slot, const struct partial *partial)
{
    const struct lease *lease = &model->slots[slot].lease;
    struct handover handover = {
        .lease = lease->key, .job = job_digest(&lease->job), .partial = *partial};
    if (partial->bytes > 0)
        blob_of(model, &partial->state)->pins++;
    if (model->slots[slot].state == MODEL_BUSY)
        next_answer(&model->slots[slot]);
    step(model, (struct worker_event){.kind = WORKER_SLOT_HANDED_OVER,
                                      .handed_over = {.slot = slot, .handover = &handover}});
}

void model_cache_level(struct model *model, bool full)
{
    step(model, (struct worker_event){.kind = WORKER_CACHE_LEVEL,
                                      .cache = {.full = full, .bytes = full ? 0 : 4096}});
}

void model_cache_gone(struct model *model, const char *reason)
{
    step(model, (struct worker_event){.kind = WORKER_CACHE_GONE, .reason = reason});
}

/* ----------------------------------------------------------------------------- what to say */

struct digest model_digest(const char *kind, uint64_t number)
{
    char text[64];
    int length = snprintf(text, sizeof text, "%s %llu", kind, (unsigned long long)number);
    return digest_of(text, (size_t)length);
}

struct run_id model_run(uint8_t number)
{
    return (struct run_id){{number}};
}

struct job model_job(uint64_t job)
{
    return (struct job){
        .key = {.job = job},
        .kind = JOB_MUTATE,
        .slices = SLICE_SELECT,
        .seed = 7,
        .stream = job,
        .spec = model_digest("spec", 0),
        .call = {.name = "none"},
        .parent_count = 1,
        .parents = {model_digest("parent", job)},
    };
}

struct job model_opinion(uint64_t job)
{
    struct job opinion = model_job(job);
    opinion.kind = JOB_EVALUATE;
    opinion.slices = SLICE_SELECT | SLICE_CONFIRM;
    opinion.parents[0] = model_digest("child", job);
    return opinion;
}

struct result model_result(const struct job *job, const struct lease_key *lease,
                           const struct digest *child)
{
    struct result result = {
        .lease = *lease,
        .job = job_digest(job),
        .outcome = OUTCOME_OK,
        .fitness = -1,
        .steps = 1,
    };
    if (child != NULL) {
        result.child = *child;
        result.child_bytes = 100;
    }
    return result;
}

/* --------------------------------------------------------------------------- what was said */

uint32_t model_count(const struct model *model, enum worker_effect_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->effects->count; i++)
        count += model->effects->items[i].kind == kind;
    return count;
}

const struct worker_effect *model_effect(const struct model *model, enum worker_effect_kind kind,
                                         uint32_t n)
{
    for (uint32_t i = 0; i < model->effects->count; i++)
        if (model->effects->items[i].kind == kind && n-- == 0)
            return &model->effects->items[i];
    fail_msg("the step has no such effect of kind %d", (int)kind);
    return NULL;
}

uint32_t model_sent(const struct model *model, enum message_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->effects->count; i++)
        count += model->effects->items[i].kind == WORKER_SEND &&
                 model->effects->items[i].message.kind == kind;
    return count;
}

const struct message *model_message(const struct model *model, enum message_kind kind, uint32_t n)
{
    for (uint32_t i = 0; i < model->effects->count; i++)
        if (model->effects->items[i].kind == WORKER_SEND &&
            model->effects->items[i].message.kind == kind && n-- == 0)
            return &model->effects->items[i].message;
    fail_msg("the step sends no such %s", message_name(kind));
    return NULL;
}

const struct heartbeat *model_next_beat(struct model *model)
{
    for (uint32_t i = 0; i < MODEL_BEAT_MS; i++) {
        model_tick(model, model->now + 1);
        if (model_sent(model, MESSAGE_HEARTBEAT) > 0)
            return &model_message(model, MESSAGE_HEARTBEAT, 0)->heartbeat;
    }
    fail_msg("no heartbeat within %d ms", MODEL_BEAT_MS);
    return NULL;
}

const struct held *model_held(const struct heartbeat *beat, uint64_t job)
{
    for (uint32_t i = 0; i < beat->held_count; i++)
        if (beat->held[i].lease.job.job == job)
            return &beat->held[i];
    return NULL;
}

struct model *model_create_ready(const struct worker_config *config)
{
    struct model *model = model_create(config);
    model_tick(model, model->now);
    model_welcome(model);
    for (uint32_t i = 0; i < model->slot_count; i++)
        model_slot_ready(model, i);
    return model;
}

void model_start_job(struct model *model, const struct job *job, uint32_t attempt)
{
    model_lease(model, job, attempt);
    model_answer_fetches(model);
}
