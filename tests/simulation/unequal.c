/* unequal.c: see unequal.h. */
#include "tests/simulation/unequal.h"

#include "common/version.h"
#include "tests/simulation/world.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HELD_AT_ONCE = 64, /* of a worker, at most */
    SLOTS_EACH_MAX = 16,
    MESSAGE_MS = 1,
    RESTART_MS = 20, /* of a slot whose job was taken away */
    HEARTBEAT_MS = 1000,
    MAIL_MAX = 1 << 15,
};

static const uint64_t END_MS = UINT64_C(20000000);

struct unequal_job {
    struct lease lease;
    bool running;
    uint64_t token; /* of the action that ends it */
};

struct unequal_worker {
    struct unequal *cluster;
    const struct unequal_sort *sort;
    struct instance_id instance;
    bool here;
    uint32_t busy; /* slots that run or restart */
    uint32_t count;
    struct unequal_job jobs[HELD_AT_ONCE]; /* in order of arrival */
};

struct unequal {
    const struct unequal_scenario *scenario;
    struct world world;
    struct core *core;
    struct core_effects *effects;
    struct unequal_worker workers[UNEQUAL_WORKERS_MAX];
    uint32_t worker_count;
    uint64_t token, ticks;
    struct digest stored[256]; /* to be told after the step */
    uint32_t stored_count;
    struct unequal_result result;
};

/* ---------------------------------------------------------------------------------- the core's
 * side
 */

static void fill_line(const void *context, uint32_t line, struct line_config *config)
{
    const struct unequal_scenario *scenario = context;
    *config = (struct line_config){
        .lookahead = scenario->lookahead,
        .jobs = scenario->jobs,
        .stop_fitness = (double)NAN,
        .spec = digest_of("spec", 4),
    };
    config->search.line = line;
    config->search.seed = 7;
    config->search.strategy = strategy_find("tournament");
    assert(config->search.strategy != NULL);
    for (uint32_t i = 0; i < config->search.strategy->param_count; i++)
        config->search.params[i] = config->search.strategy->params[i].fallback;
    config->search.operator_count = 1;
    config->search.operators[0] = (struct operator_choice){
        .call = {.name = "noise", .param_count = 1, .params = {0.1}},
        .parents = 1,
        .weight = 1,
    };
}

static void step(struct unequal *cluster, struct core_event *event);

/* Every message is a copy that arrives a moment later. */
static void send_later(struct unequal *cluster, struct unequal_worker *worker,
                       const struct message *message,
                       void (*run)(void *context, const struct action *action))
{
    struct message *copy = malloc(sizeof *copy);
    assert(copy != NULL);
    *copy = *message;
    world_schedule(&cluster->world, MESSAGE_MS,
                   (struct action){.run = run, .context = worker, .payload = copy});
}

static void on_lease(void *context, const struct action *action);
static void on_verdict(void *context, const struct action *action);

static void carry_out(struct unequal *cluster, const struct core_effect *effect)
{
    if (effect->kind == CORE_PULL_BLOB)
        cluster->stored[cluster->stored_count++] = effect->pull.digest;
    if (effect->kind == CORE_PERSIST_COMMIT) {
        cluster->result.ms = cluster->world.now_ms;
        cluster->result.commits++;
    }
    if (effect->kind == CORE_FINISH)
        cluster->result.finished = true;
    if (effect->kind != CORE_SEND)
        return;
    struct unequal_worker *worker = &cluster->workers[effect->send.to.bytes[1]];
    const struct message *message = &effect->send.message;
    if (message->kind == MESSAGE_LEASE) {
        cluster->result.twins += message->lease.reason == LEASE_LATE;
        send_later(cluster, worker, message, on_lease);
    } else if (message->kind == MESSAGE_VERDICT && message->verdict.kind == VERDICT_RELEASED) {
        send_later(cluster, worker, message, on_verdict);
    }
}

static void on_tick(void *context, const struct action *action)
{
    struct unequal *cluster = context;
    if (action->token == cluster->ticks)
        step(cluster, &(struct core_event){.kind = CORE_TICKED});
}

static void step(struct unequal *cluster, struct core_event *event)
{
    event->now_ms = cluster->world.now_ms;
    core_step(cluster->core, event, cluster->effects);
    for (uint32_t i = 0; i < cluster->effects->count; i++)
        carry_out(cluster, &cluster->effects->items[i]);
    while (cluster->stored_count > 0) {
        struct core_event stored = {.kind = CORE_BLOB_STORED};
        stored.blob.digest = cluster->stored[--cluster->stored_count];
        step(cluster, &stored);
    }
    uint64_t deadline = core_deadline(cluster->core), now = cluster->world.now_ms;
    world_schedule(&cluster->world, deadline > now ? deadline - now : 0,
                   (struct action){.run = on_tick, .context = cluster, .token = ++cluster->ticks});
}

static void hear(void *context, const struct action *action)
{
    struct unequal_worker *worker = context;
    struct message *message = action->payload;
    struct core_event event = {.kind = CORE_MESSAGE_RECEIVED};
    event.received.from = worker->instance;
    event.received.message = message;
    message->epoch = 1;
    step(worker->cluster, &event);
    free(message);
}

/* --------------------------------------------------------------------------------------- workers
 */

static void fill_slots(struct unequal_worker *worker);

static void remove_job(struct unequal_worker *worker, uint32_t index)
{
    worker->count--;
    memmove(&worker->jobs[index], &worker->jobs[index + 1],
            (worker->count - index) * sizeof worker->jobs[0]);
}

static void on_restarted(void *context, const struct action *action)
{
    struct unequal_worker *worker = context;
    (void)action;
    worker->busy--;
    fill_slots(worker);
}

static double fitness_of(const struct digest *digest)
{
    uint32_t bits;
    memcpy(&bits, digest->bytes, sizeof bits);
    return bits * 0x1p-32;
}

static struct message result_of(const struct lease *lease, uint32_t compute_ms)
{
    struct message message = {.kind = MESSAGE_RESULT};
    struct result *result = &message.result;
    result->lease = lease->key;
    result->job = job_digest(&lease->job);
    result->outcome = OUTCOME_OK;
    result->compute_ms = compute_ms;
    struct digest subject = lease->job.parents[0];
    if (lease->job.kind == JOB_MUTATE) {
        subject = digest_of(&result->job, sizeof result->job);
        result->child = subject;
        result->child_bytes = 100;
        result->steps = 1;
    }
    result->fitness = fitness_of(&subject);
    result->metric_count = 1;
    result->metrics[0] = (struct metric){METRIC_SELECT_LOSS, -result->fitness};
    return message;
}

static void on_done(void *context, const struct action *action)
{
    struct unequal_worker *worker = context;
    for (uint32_t i = 0; i < worker->count; i++) {
        if (worker->jobs[i].token != action->token)
            continue;
        struct message message = result_of(&worker->jobs[i].lease, action->index);
        remove_job(worker, i);
        worker->busy--;
        worker->cluster->result.carried_out += message.result.child_bytes > 0;
        if (worker->here)
            send_later(worker->cluster, worker, &message, hear);
        fill_slots(worker);
        return;
    }
}

static uint64_t draw_ms(struct unequal_worker *worker, const struct job *job)
{
    const struct unequal_sort *sort = worker->sort;
    struct world *world = &worker->cluster->world;
    bool later = sort->changes_ms > 0 && world->now_ms >= sort->changes_ms;
    double ms = later ? sort->later_job_ms : sort->job_ms;
    double noise = worker->cluster->scenario->noise_percent / 100.0;
    ms *= 1 + noise * (2 * dice_unit(&world->dice) - 1);
    return (uint64_t)(job->kind == JOB_EVALUATE ? ms / 10 : ms) + 1;
}

static void fill_slots(struct unequal_worker *worker)
{
    struct unequal *cluster = worker->cluster;
    for (uint32_t i = 0; i < worker->count && worker->busy < worker->sort->slots; i++) {
        struct unequal_job *job = &worker->jobs[i];
        if (job->running)
            continue;
        uint64_t ms = draw_ms(worker, &job->lease.job);
        job->running = true;
        job->token = ++cluster->token;
        worker->busy++;
        world_schedule(
            &cluster->world, ms,
            (struct action){
                .run = on_done, .context = worker, .token = job->token, .index = (uint32_t)ms});
    }
}

static void on_lease(void *context, const struct action *action)
{
    struct unequal_worker *worker = context;
    struct message *message = action->payload;
    if (worker->here) {
        assert(worker->count < HELD_AT_ONCE);
        worker->jobs[worker->count++] = (struct unequal_job){.lease = message->lease};
        fill_slots(worker);
    }
    free(message);
}

/* The job is not wanted any more: a slot that runs it is started anew. */
static void on_verdict(void *context, const struct action *action)
{
    struct unequal_worker *worker = context;
    struct message *message = action->payload;
    for (uint32_t i = 0; i < worker->count; i++) {
        if (!lease_key_equal(worker->jobs[i].lease.key, message->verdict.lease))
            continue;
        if (worker->jobs[i].running)
            world_schedule(&worker->cluster->world, RESTART_MS,
                           (struct action){.run = on_restarted, .context = worker});
        remove_job(worker, i);
        break;
    }
    free(message);
}

static void on_beat(void *context, const struct action *action)
{
    struct unequal_worker *worker = context;
    struct unequal *cluster = worker->cluster;
    static struct held held[HELD_AT_ONCE];
    (void)action;
    if (!worker->here)
        return;
    for (uint32_t i = 0; i < worker->count; i++) {
        struct digest digest = job_digest(&worker->jobs[i].lease.job);
        held[i] = (struct held){
            .lease = worker->jobs[i].lease.key,
            .job_prefix = job_prefix(&digest),
            .phase = worker->jobs[i].running ? HELD_RUNNING : HELD_QUEUED,
        };
    }
    struct message message = {.kind = MESSAGE_HEARTBEAT, .epoch = 1};
    message.heartbeat = (struct heartbeat){
        .capacity = 2 * worker->sort->slots, .held_count = worker->count, .held = held};
    struct core_event event = {.kind = CORE_MESSAGE_RECEIVED};
    event.received.from = worker->instance;
    event.received.message = &message;
    step(cluster, &event);
    world_schedule(&cluster->world, HEARTBEAT_MS,
                   (struct action){.run = on_beat, .context = worker});
}

static void on_join(void *context, const struct action *action)
{
    struct unequal_worker *worker = context;
    struct message message = {.kind = MESSAGE_HELLO};
    struct hello *hello = &message.hello;
    (void)action;
    worker->here = true;
    hello->protocol_version = PROTOCOL_VERSION;
    snprintf(hello->engine_version, sizeof hello->engine_version, "%s", RATCHET_VERSION);
    snprintf(hello->name, sizeof hello->name, "w%u", worker->instance.bytes[1]);
    snprintf(hello->host, sizeof hello->host, "host%u", worker->instance.bytes[1]);
    hello->instance = worker->instance;
    memcpy(hello->home.bytes, worker->instance.bytes, sizeof hello->home.bytes);
    hello->slots = worker->sort->slots;
    hello->numeric_count = 1;
    snprintf(hello->numeric[0], sizeof hello->numeric[0], "portable");
    hello->beat.capacity = 2 * worker->sort->slots;
    send_later(worker->cluster, worker, &message, hear);
    world_schedule(&worker->cluster->world, HEARTBEAT_MS + worker->instance.bytes[1],
                   (struct action){.run = on_beat, .context = worker});
}

static void on_leave(void *context, const struct action *action)
{
    struct unequal_worker *worker = context;
    struct message message = {.kind = MESSAGE_GOODBYE};
    (void)action;
    worker->here = false;
    worker->count = 0;
    snprintf(message.goodbye.reason, sizeof message.goodbye.reason, "switched off");
    send_later(worker->cluster, worker, &message, hear);
}

/* ------------------------------------------------------------------------------------- scenarios
 */

static void add_workers(struct unequal *cluster, const struct unequal_sort *sort)
{
    assert(sort->slots <= SLOTS_EACH_MAX);
    for (uint32_t i = 0; i < sort->workers; i++) {
        assert(cluster->worker_count < UNEQUAL_WORKERS_MAX);
        struct unequal_worker *worker = &cluster->workers[cluster->worker_count];
        worker->cluster = cluster;
        worker->sort = sort;
        worker->instance = (struct instance_id){{1, (uint8_t)cluster->worker_count++}};
        world_schedule(&cluster->world, sort->joins_ms,
                       (struct action){.run = on_join, .context = worker});
        if (sort->goes_ms > 0)
            world_schedule(&cluster->world, sort->goes_ms,
                           (struct action){.run = on_leave, .context = worker});
    }
}

/* Jobs per millisecond of all of them at that time. */
static double speed_at(const struct unequal_scenario *scenario, double ms)
{
    double speed = 0;
    for (uint32_t i = 0; i < sizeof scenario->sorts / sizeof scenario->sorts[0]; i++) {
        const struct unequal_sort *sort = &scenario->sorts[i];
        bool here =
            ms >= (double)sort->joins_ms && (sort->goes_ms == 0 || ms < (double)sort->goes_ms);
        bool later = sort->changes_ms > 0 && ms >= (double)sort->changes_ms;
        if (sort->workers > 0 && here)
            speed +=
                (double)sort->workers * sort->slots / (later ? sort->later_job_ms : sort->job_ms);
    }
    return speed;
}

static double ideal_ms(const struct unequal_scenario *scenario)
{
    double left = (double)scenario->jobs * scenario->lines, ms = 0;
    for (; left > 0 && ms < (double)END_MS; ms++)
        left -= speed_at(scenario, ms);
    return ms;
}

static struct core *make_core(const struct unequal_scenario *scenario)
{
    struct core_config config = core_config_default();
    struct error error = {""};
    config.epoch = 1;
    config.mode = scenario->mode;
    config.opinion_promising = scenario->opinions == UNEQUAL_CONFIRMING;
    config.sessions_max = UNEQUAL_WORKERS_MAX;
    snprintf(config.numeric, sizeof config.numeric, "portable");
    config.line_count = config.open_lines = scenario->lines;
    config.experiment_digest = digest_of("unequal", 7);
    config.line = fill_line;
    config.line_context = scenario;
    struct core *core = core_create(&config, &error);
    assert(core != NULL);
    core_start(core, 0);
    return core;
}

static struct unequal_result run(const struct unequal_scenario *scenario)
{
    struct unequal *cluster = calloc(1, sizeof *cluster);
    assert(cluster != NULL);
    cluster->scenario = scenario;
    cluster->effects = malloc(sizeof *cluster->effects);
    assert(cluster->effects != NULL);
    world_init(&cluster->world, scenario->seed);
    cluster->core = make_core(scenario);
    for (uint32_t i = 0; i < sizeof scenario->sorts / sizeof scenario->sorts[0]; i++)
        add_workers(cluster, &scenario->sorts[i]);
    while (!cluster->result.finished && world_next_ms(&cluster->world) < END_MS)
        world_step(&cluster->world);
    struct unequal_result result = cluster->result;
    result.digest = core_digest(cluster->core);
    result.ideal_ms = ideal_ms(scenario);
    while (cluster->world.count > 0)
        free(cluster->world.heap[--cluster->world.count].action.payload);
    core_destroy(&cluster->core);
    world_fini(&cluster->world);
    free(cluster->effects);
    free(cluster);
    return result;
}

struct unequal_result unequal_run(const struct unequal_scenario *scenario)
{
    return run(scenario);
}

struct unequal_result unequal_run_first_sort(const struct unequal_scenario *scenario)
{
    struct unequal_scenario alone = *scenario;
    for (uint32_t i = 1; i < sizeof alone.sorts / sizeof alone.sorts[0]; i++)
        alone.sorts[i] = (struct unequal_sort){0};
    return run(&alone);
}
