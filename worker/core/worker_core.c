/*
 * worker_core.c: creation, the step, the deadline and the view.
 *
 * A step is: note the time, let the handler of the event change the state, then carry on with
 * whatever is due or was left over. Which handler is a matter of two tables. See core_state.h for
 * the parts.
 */
#include "worker/core/core_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------------------------- creation */

struct worker_config worker_config_default(void)
{
    return (struct worker_config){
        .slots = 1,
        .jobs_per_slot = 2,
        .cohort = WORKER_COHORT_MAX,
        .hello_ms_min = 250,
        .hello_ms_max = 8000,
        .resend_ms = 2000,
        .spool_ms = 2000,
        .linger_ms = 600000,
    };
}

static bool text_ends(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

/* What is wrong with the config, or NULL. */
static const char *config_flaw(const struct worker_config *config)
{
    if (config->slots == 0 || config->slots > SLOTS_MAX)
        return "the number of slots is not within 1 .. 512";
    if (config->jobs_per_slot == 0 || config->jobs_per_slot > HELD_MAX / config->slots)
        return "slots times jobs per slot is not within 1 .. 4096";
    if (config->cohort == 0 || config->cohort > WORKER_COHORT_MAX)
        return "the cohort is not within 1 .. 16";
    if (config->hello_ms_min == 0 || config->hello_ms_min > config->hello_ms_max)
        return "hello_ms_min is not within 1 .. hello_ms_max";
    if (config->resend_ms == 0)
        return "resend_ms is 0";
    if (config->numeric_count > NUMERIC_CLASSES_MAX)
        return "there are too many numeric classes";
    if (!text_ends(config->name, sizeof config->name) ||
        !text_ends(config->host, sizeof config->host) ||
        !text_ends(config->engine_version, sizeof config->engine_version))
        return "a name does not end";
    return NULL;
}

static bool take_memory(struct worker_core *core)
{
    core->tasks = calloc(HELD_MAX, sizeof core->tasks[0]);
    core->details = calloc(HELD_MAX, sizeof core->details[0]);
    core->runnable = calloc(1, sizeof *core->runnable);
    core->offers = calloc(1, sizeof *core->offers);
    core->blobs = calloc(BLOBS_MAX, sizeof core->blobs[0]);
    core->held = calloc(HELD_MAX, sizeof core->held[0]);
    core->jobs = fixed_map_create(HELD_MAX);
    core->alike = fixed_map_create(HELD_MAX);
    core->blobs_by_digest = fixed_map_create(BLOBS_MAX);
    return core->tasks != NULL && core->details != NULL && core->runnable != NULL &&
           core->offers != NULL && core->blobs != NULL && core->held != NULL &&
           core->jobs != NULL && core->alike != NULL && core->blobs_by_digest != NULL;
}

struct worker_core *worker_core_create(const struct worker_config *config, struct error *error)
{
    const char *flaw = config_flaw(config);
    if (flaw != NULL) {
        error_set(error, -1, "worker core: %s", flaw);
        return NULL;
    }
    struct worker_core *core = calloc(1, sizeof *core);
    if (core == NULL || !take_memory(core)) {
        error_set(error, -1, "worker core: out of memory");
        worker_core_destroy(&core);
        return NULL;
    }
    core->config = *config;
    core->link = LINK_JOINING;
    core->hello_ms = config->hello_ms_min;
    core->leave_by = UINT64_MAX;
    core->tasks_free = core->first_task = core->last_task = core->sweep = TASK_NONE;
    core->blobs_free = core->first_failed = core->last_failed = BLOB_NONE;
    for (uint32_t i = 0; i < config->slots; i++)
        core->slots[i] = (struct slot){.state = SLOT_STARTING, .task = TASK_NONE};
    return core;
}

void worker_core_destroy(struct worker_core **core)
{
    struct worker_core *dead = *core;
    *core = NULL;
    if (dead == NULL)
        return;
    fixed_map_destroy(&dead->blobs_by_digest);
    fixed_map_destroy(&dead->jobs);
    fixed_map_destroy(&dead->alike);
    free(dead->held);
    free(dead->blobs);
    free(dead->offers);
    free(dead->runnable);
    free(dead->details);
    free(dead->tasks);
    free(dead);
}

/* --------------------------------------------------------------------------------- effects */

bool worker_has_room(const struct worker_core *core, uint32_t count)
{
    return core->effects->count + count <= WORKER_EFFECTS_MAX;
}

struct worker_effect *worker_emit(struct worker_core *core, enum worker_effect_kind kind)
{
    assert(!core->gone);
    assert(worker_has_room(core, 1));
    struct worker_effect *effect = &core->effects->items[core->effects->count++];
    effect->kind = kind;
    return effect;
}

struct message *worker_emit_message(struct worker_core *core, enum message_kind kind)
{
    struct message *message = &worker_emit(core, WORKER_SEND)->message;
    message->kind = kind;
    message->epoch = core->epoch;
    return message;
}

void worker_emit_unpin(struct worker_core *core, const struct digest *digest)
{
    worker_emit(core, WORKER_UNPIN)->digest = *digest;
}

void worker_emit_exit(struct worker_core *core, enum worker_exit code, const char *reason)
{
    struct worker_effect *effect = worker_emit(core, WORKER_EXIT);
    effect->exit.code = code;
    snprintf(effect->exit.reason, sizeof effect->exit.reason, "%s", reason);
    core->gone = true;
}

bool worker_run_equal(const struct run_id *a, const struct run_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

uint64_t worker_time_after(uint64_t a, uint64_t b)
{
    return a <= UINT64_MAX - b ? a + b : UINT64_MAX;
}

/* ---------------------------------------------------------------------------------- events */

/* When a kind of message is listened to. */
enum hearing {
    HEAR_JOINING = 1,   /* also before we are welcomed, and from a newer life than we know */
    HEAR_ANY_EPOCH = 2, /* also from an older life */
};

struct reaction {
    void (*handle)(struct worker_core *core, const struct message *message);
    uint32_t hearing;
};

static const struct reaction reactions[MESSAGE_KIND_LAST + 1] = {
    [MESSAGE_WELCOME] = {worker_on_welcome, HEAR_JOINING | HEAR_ANY_EPOCH},
    [MESSAGE_REFUSED] = {worker_on_refused, HEAR_JOINING},
    [MESSAGE_REJOIN] = {worker_on_rejoin, HEAR_JOINING | HEAR_ANY_EPOCH},
    [MESSAGE_STOP] = {worker_on_stop, HEAR_JOINING},
    [MESSAGE_ALIVE] = {worker_on_alive, 0},
    [MESSAGE_LEASE] = {worker_on_lease, 0},
    [MESSAGE_VERDICT] = {worker_on_verdict, 0},
    [MESSAGE_DRAIN] = {worker_on_drain, 0},
};

static void on_message(struct worker_core *core, const struct worker_event *event)
{
    const struct message *message = event->message;
    if ((uint32_t)message->kind > MESSAGE_KIND_LAST || reactions[message->kind].handle == NULL)
        return;
    struct reaction reaction = reactions[message->kind];
    if (core->link == LINK_JOINING) {
        worker_hear(core);
        if (reaction.hearing & HEAR_JOINING)
            reaction.handle(core, message);
        return;
    }
    /* Having lost its coordinator, it also listens to that of another run, whose epochs are its
     * own. */
    bool any_epoch = (reaction.hearing & HEAR_ANY_EPOCH) ||
                     ((reaction.hearing & HEAR_JOINING) && worker_has_lost_coordinator(core));
    if (message->epoch < core->epoch && !any_epoch)
        return;
    if (message->epoch > core->epoch && !(reaction.hearing & HEAR_JOINING)) {
        /* A newer life takes us for one of its own, but its welcome was lost. */
        worker_hear(core);
        worker_rejoin(core);
        return;
    }
    /* Heard only afterwards: to a welcome it matters whether we had lost our coordinator. */
    bool current = message->epoch >= core->epoch;
    reaction.handle(core, message);
    if (current)
        worker_hear(core);
}

static void on_tick(struct worker_core *core, const struct worker_event *event)
{
    (void)core;
    (void)event; /* what is due is done after every event */
}

static void on_cache_level(struct worker_core *core, const struct worker_event *event)
{
    if (core->cache_full != event->cache.full)
        core->beat_at = core->now; /* capacity came or went: say so */
    core->cache_full = event->cache.full;
    core->cache_bytes = event->cache.bytes;
}

static void (*const event_handlers[])(struct worker_core *, const struct worker_event *) = {
    [WORKER_TICKED] = on_tick,
    [WORKER_MESSAGE_RECEIVED] = on_message,
    [WORKER_SLOT_READY] = worker_on_slot_ready,
    [WORKER_SLOT_COHORT] = worker_on_slot_cohort,
    [WORKER_SLOT_FINISHED] = worker_on_slot_finished,
    [WORKER_SLOT_HANDED_OVER] = worker_on_slot_handed_over,
    [WORKER_SLOT_DIED] = worker_on_slot_died,
    [WORKER_BLOB_READY] = worker_on_blob_ready,
    [WORKER_BLOB_FAILED] = worker_on_blob_failed,
    [WORKER_BLOB_NO_ROOM] = worker_on_blob_no_room,
    [WORKER_BLOB_TOO_LARGE] = worker_on_blob_too_large,
    [WORKER_RESULT_RECOVERED] = worker_on_recovered,
    [WORKER_CACHE_LEVEL] = on_cache_level,
    [WORKER_CACHE_GONE] = worker_on_cache_gone,
    [WORKER_LEAVE_REQUESTED] = worker_on_leave_requested,
    [WORKER_FINISH_REQUESTED] = worker_on_finish_requested,
};

/* Everything that is due by now or was left over, as far as this step's effects reach. */
static void carry_on(struct worker_core *core)
{
    if (core->gone || !core->started)
        return;
    if (!worker_task_sweep(core) || !worker_inputs_end_failed(core) || !worker_stop_slots(core))
        return;
    worker_leave_if_done(core);
    if (!core->gone)
        worker_keep_in_touch(core);
    if (core->gone)
        return;
    worker_slots_fill(core);
    worker_results_offer(core);
}

void worker_core_step(struct worker_core *core, const struct worker_event *event,
                      struct worker_effects *effects)
{
    effects->count = 0;
    if (core->gone)
        return;
    assert(event->kind >= WORKER_TICKED && event->kind <= WORKER_FINISH_REQUESTED);
    core->effects = effects;
    if (event->now_ms > core->now)
        core->now = event->now_ms;
    if (!core->started && event->kind != WORKER_RESULT_RECOVERED)
        worker_start(core);
    event_handlers[event->kind](core, event);
    carry_on(core);
    core->effects = NULL;
}

/* ----------------------------------------------------------------------- deadline and view */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t worker_core_deadline(const struct worker_core *core)
{
    if (core->gone)
        return UINT64_MAX;
    if (!core->started || core->sweep != TASK_NONE || core->first_failed != BLOB_NONE ||
        worker_slots_can_fill(core) || worker_stops_slots(core))
        return 0;
    uint64_t deadline = earlier(worker_touch_deadline(core), worker_results_deadline(core));
    return earlier(deadline, core->leave_by);
}

struct worker_view worker_core_view(const struct worker_core *core, uint64_t now_ms)
{
    const char *state = core->link == LINK_READY ? "ready" : "joining";
    if (core->leaving)
        state = "leaving";
    if (core->gone)
        state = "gone";
    return (struct worker_view){
        .state = state,
        .handing_over = core->handing_over,
        .queued = core->queued,
        .running = core->running,
        .finished = core->finished,
        .cohorts = core->cohorts,
        .cohort_jobs = core->cohort_jobs,
        .silent_ms = now_ms > core->heard ? now_ms - core->heard : 0,
        .numeric = core->numeric,
    };
}
