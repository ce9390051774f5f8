/*
 * core.c: creation, the step, the deadline, and what can be asked about a core. See core.h.
 */
#include "coordinator/core/chain.h"
#include "coordinator/core/core_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct core_config core_config_default(void)
{
    return (struct core_config){
        .mode = COMMIT_ORDERED,
        .final_evaluation = true,
        .opinion_promising = true,
        .sessions_max = 1024,
        .heartbeat_ms = 1000,
        .suspect_ms = 5000,
        .lost_ms = 15000,
        .confirm_ms = 3000,
        .receipt_ms = 20,
        .reattach_ms = 1000,
    };
}

/* ----------------------------------------------------------------------------------------- memory
 */

/* What the lines ask of the tables. */
struct demand {
    uint64_t lookahead, kept, jobs;
    size_t state_bytes;
};

static struct demand demand_of(const struct core_config *config)
{
    struct demand demand = {0};
    for (uint32_t i = 0; i < config->line_count; i++) {
        struct line_config line;
        config->line(config->line_context, i, &line);
        const struct strategy *strategy = line.search.strategy;
        size_t bytes = strategy->state_size(&line.search);
        uint64_t population = strategy->population_max(&line.search);
        if (line.lookahead > demand.lookahead)
            demand.lookahead = line.lookahead;
        if (bytes > demand.state_bytes)
            demand.state_bytes = bytes;
        /* And the champion; and, of a closed line, the parents of jobs past its limits. */
        demand.kept += population + 1 + (uint64_t)line.lookahead * JOB_PARENTS_MAX;
        demand.jobs += line.jobs;
    }
    return demand;
}

/* Zeroed, aligned for any type; at least one byte. */
static void *table(size_t count, size_t size)
{
    if (count == 0)
        count = 1;
    if (size != 0 && count > SIZE_MAX / 2 / size)
        return NULL;
    return calloc(count, size);
}

static bool make_places(struct core *core, size_t state_bytes)
{
    core->places = table(core->place_count, sizeof *core->places);
    if (core->places == NULL)
        return false;
    size_t rounded = (state_bytes + 63) / 64 * 64;
    for (uint32_t i = 0; i < core->place_count; i++) {
        core->places[i].strategy = aligned_alloc(64, rounded > 0 ? rounded : 64);
        if (core->places[i].strategy == NULL)
            return false;
    }
    return true;
}

static uint32_t *free_list(uint32_t count)
{
    uint32_t *list = table(count, sizeof *list);
    for (uint32_t i = 0; list != NULL && i < count; i++)
        list[i] = count - 1 - i; /* index 0 is taken first */
    return list;
}

static bool make_tables(struct core *core, const struct demand *demand)
{
    uint32_t sessions = core->config.sessions_max;
    core->sessions = table(sessions, sizeof *core->sessions);
    core->free_sessions = free_list(sessions);
    core->free_session_count = sessions;
    core->groups = table(sessions, sizeof *core->groups);
    core->by_instance = fixed_map_create(sessions);
    core->by_home = fixed_map_create(sessions);

    uint32_t slots = core->slot_capacity;
    core->slots = table(slots, sizeof *core->slots);
    core->free_slots = free_list(slots);
    core->free_slot_count = slots;
    core->by_job = fixed_map_create(slots);
    core->heap = table(slots, sizeof *core->heap);
    core->newest = table(slots, sizeof *core->newest);
    core->speeds.kind_capacity = core->place_count + KINDS_REMEMBERED;
    core->speeds.kinds = table(core->speeds.kind_capacity, sizeof *core->speeds.kinds);

    core->lease_capacity = 2 * slots;
    core->leases = table(core->lease_capacity, sizeof *core->leases);
    core->free_leases = free_list(core->lease_capacity);
    core->free_lease_count = core->lease_capacity;

    core->blobs = table(core->blob_capacity, sizeof *core->blobs);
    core->by_digest = fixed_map_create(core->blob_capacity);
    core->lines = table(core->config.line_count, sizeof *core->lines);
    return core->sessions != NULL && core->free_sessions != NULL && core->groups != NULL &&
           core->by_instance != NULL && core->by_home != NULL && core->slots != NULL &&
           core->free_slots != NULL && core->by_job != NULL && core->heap != NULL &&
           core->newest != NULL && core->speeds.kinds != NULL && core->leases != NULL &&
           core->free_leases != NULL && core->blobs != NULL && core->by_digest != NULL &&
           core->lines != NULL && make_places(core, demand->state_bytes);
}

static void init_tables(struct core *core)
{
    list_init(&core->by_silence);
    for (uint32_t i = 0; i <= CREDIT_UNKNOWN; i++)
        list_init(&core->credit.lists[i]);
    list_init(&core->ready);
    list_init(&core->unreceipted);
    core->free_blob = NONE;
    for (uint32_t i = 0; i < core->config.line_count; i++)
        core->lines[i].chain = chain_start(&core->config.experiment_digest, i);
}

struct core *core_create(const struct core_config *config, struct error *error)
{
    enum { TABLE_MAX = 1 << 28 };
    if (config->line_count == 0 || config->line_count > LINES_MAX || config->open_lines == 0 ||
        (config->places != 0 && config->places < config->open_lines) || config->sessions_max == 0 ||
        config->sessions_max > SESSIONS_MAX || !(config->audit >= 0 && config->audit <= 1)) {
        error_set(error, -1, "coordinator: lines, open lines, sessions or audits are out of range");
        return NULL;
    }
    struct demand demand = demand_of(config);
    /* One more job per place: the final one. Each job refers to its parents, to its child, or to
     * its state and to a newer one. */
    uint32_t places = config->places != 0 ? config->places : config->open_lines;
    uint64_t slots = (demand.lookahead + 1) * places;
    uint64_t blobs = demand.kept + slots * (JOB_PARENTS_MAX + 3) + 64;
    if (slots > TABLE_MAX || blobs > TABLE_MAX) {
        error_set(error, -1,
                  "coordinator: lookahead times open lines, or population times lines, "
                  "is too large to keep in memory");
        return NULL;
    }
    struct core *core = calloc(1, sizeof *core);
    if (core == NULL) {
        error_set(error, -1, "coordinator: out of memory");
        return NULL;
    }
    core->config = *config;
    core->place_count = places;
    core->slot_capacity = (uint32_t)slots;
    core->blob_capacity = (uint32_t)blobs;
    core->stop_cursor = NONE;
    core->silence_deadline = UINT64_MAX;
    core->relief_at = UINT64_MAX;
    core->twin_at = UINT64_MAX;
    core->counters.jobs_total = demand.jobs;
    if (!make_tables(core, &demand)) {
        core_destroy(&core);
        error_set(error, -1, "coordinator: out of memory for %llu jobs in flight",
                  (unsigned long long)slots);
        return NULL;
    }
    init_tables(core);
    return core;
}

void core_destroy(struct core **pointer)
{
    struct core *core = *pointer;
    if (core == NULL)
        return;
    for (uint32_t i = 0; core->places != NULL && i < core->place_count; i++)
        free(core->places[i].strategy);
    free(core->places);
    free(core->lines);
    fixed_map_destroy(&core->by_digest);
    free(core->blobs);
    free(core->free_leases);
    free(core->leases);
    free(core->heap);
    free(core->newest);
    free(core->speeds.kinds);
    fixed_map_destroy(&core->by_job);
    free(core->free_slots);
    free(core->slots);
    fixed_map_destroy(&core->by_home);
    fixed_map_destroy(&core->by_instance);
    free(core->groups);
    free(core->free_sessions);
    free(core->sessions);
    free(core);
    *pointer = NULL;
}

/* ------------------------------------------------------------------------------------------- life
 */

int core_replay(struct core *core, const struct ledger_record *record, struct error *error)
{
    assert(!core->started);
    switch (record->kind) {
    case RECORD_COMMIT:
        return replay_commit(core, &record->commit, error);
    case RECORD_INPUT:
        return replay_input(core, &record->input, error);
    }
    return error_set(error, -1, "the ledger has a record of an unknown kind");
}

void core_start(struct core *core, uint64_t now_ms)
{
    assert(!core->started);
    core->now_ms = now_ms;
    if (core->config.epoch > 1)
        core->dispatch_from_ms = now_ms + core->config.reattach_ms;
    while (lines_can_open(core))
        lines_open(core);
    for (uint32_t i = 0; i < core->slot_capacity; i++)
        core->slots[i].created_ms = now_ms; /* replay knows no time */
    core->started = true;
}

static void advance_clock(struct core *core, uint64_t now_ms)
{
    if (now_ms <= core->now_ms)
        return;
    uint64_t passed = now_ms - core->now_ms;
    core->now_ms = now_ms;
    core->live_ms += passed < CLOCK_STEP_MS_MAX ? passed : CLOCK_STEP_MS_MAX;
}

static void on_event(struct core *core, const struct core_event *event)
{
    switch (event->kind) {
    case CORE_TICKED:
        break;
    case CORE_MESSAGE_RECEIVED:
        sessions_on_message(core, &event->received.from, event->received.message);
        break;
    case CORE_BLOB_STORED:
        blob_on_stored(core, &event->blob.digest);
        break;
    case CORE_BLOB_UNAVAILABLE:
        blob_on_unavailable(core, &event->blob.digest, &event->blob.from);
        break;
    case CORE_STOP_REQUESTED:
        lines_request_stop(core);
        break;
    case CORE_COMMAND_RECEIVED:
        orders_on_command(core, event->command);
        break;
    }
}

static void finish_if_over(struct core *core)
{
    if (core->finished || !lines_all_over(core))
        return;
    core->finished = true;
    effect_add(core, CORE_FINISH)->finish.code =
        core->stalled_count > 0 ? FINISH_POISONED : FINISH_DONE;
}

void core_step(struct core *core, const struct core_event *event, struct core_effects *effects)
{
    assert(core->started);
    effects->count = 0;
    core->effects = effects;
    advance_clock(core, event->now_ms);
    on_event(core, event);
    sessions_watch(core);
    if (core->stop_cursor != NONE)
        lines_stop_some(core);
    commits_advance(core);
    lines_open(core);
    leases_dispatch(core);
    relief_advance(core);
    receipts_give(core);
    finish_if_over(core);
    core->effects = NULL;
}

uint64_t core_deadline(const struct core *core)
{
    bool stopping = core->stop_cursor != NONE && core->stop_cursor < core->config.line_count;
    bool reattaching = core->heap_count > 0 && core->now_ms < core->dispatch_from_ms;
    if (core->ready.head != NONE || stopping || core->leases_cut || lines_can_open(core) ||
        (lines_all_over(core) && !core->finished))
        return core->now_ms;
    uint64_t deadline = core->now_ms + TICK_MS;
    if (reattaching && core->dispatch_from_ms < deadline)
        deadline = core->dispatch_from_ms;
    if (receipts_deadline(core) < deadline)
        deadline = receipts_deadline(core);
    if (core->twin_at < deadline)
        deadline = core->twin_at;
    return deadline;
}

/* ------------------------------------------------------------------------------------------ views
 */

struct digest core_digest(const struct core *core)
{
    struct digest_state state;
    chain_run_init(&state);
    for (uint32_t i = 0; i < core->config.line_count; i++)
        chain_run_add(&state, &core->lines[i].chain);
    return digest_final(&state);
}

bool core_needs_blob(const struct core *core, const struct digest *digest)
{
    return blob_find(core, digest) != NONE;
}

static void count_slots(const struct core *core, struct core_summary *summary)
{
    for (uint32_t i = 0; i < core->slot_capacity; i++) {
        switch (core->slots[i].state) {
        case SLOT_WAITING:
            summary->waiting++;
            break;
        case SLOT_LEASED:
            summary->leased++;
            break;
        case SLOT_HELD:
            summary->held++;
            break;
        case SLOT_QUARANTINED:
            summary->quarantined++;
            break;
        case SLOT_BEYOND:
            summary->created--;
            break;
        case SLOT_FREE:
            break;
        }
    }
}

static void find_champion(const struct core *core, struct core_summary *summary)
{
    for (uint32_t i = 0; i < core->config.line_count; i++) {
        const struct line *line = &core->lines[i];
        summary->created += line->created;
        if (!line->has_champion)
            continue;
        if (summary->has_champion &&
            !fitness_better(line->champion.fitness, summary->champion_fitness))
            continue;
        summary->has_champion = true;
        summary->champion = (struct job_key){.line = i, .job = line->champion.job};
        summary->champion_fitness = line->champion.fitness;
    }
}

struct core_summary core_summary(const struct core *core)
{
    struct core_summary summary = core->counters;
    summary.lines = core->config.line_count;
    summary.lines_closed = core->closed_count;
    summary.lines_open = core->open_count;
    summary.lines_stalled = core->stalled_count;
    summary.workers = core->session_count;
    for (uint32_t i = core->by_silence.head; i != NONE; i = core->sessions[i].by_silence.next) {
        summary.slots += core->sessions[i].slots;
        summary.suspects += core->sessions[i].state == SESSION_SUSPECT;
    }
    find_champion(core, &summary);
    count_slots(core, &summary);
    return summary;
}

bool core_knows_worker(const struct core *core, const struct instance_id *instance)
{
    return session_find(core, instance) != NONE;
}

uint32_t core_workers(const struct core *core, uint64_t now_ms, struct worker_summary *workers,
                      uint32_t max)
{
    (void)now_ms;
    uint32_t count = 0;
    for (uint32_t i = core->by_silence.head; i != NONE && count < max;
         i = core->sessions[i].by_silence.next) {
        const struct session *session = &core->sessions[i];
        struct worker_summary *worker = &workers[count++];
        *worker = (struct worker_summary){
            .instance = session->instance,
            .state = session_state_name(session),
            .slots = session->slots,
            .capacity = session->capacity,
            .leases = session->lease_count,
            .done = session->done,
            .silent_ms = core->live_ms - session->heard_ms,
            .job_ms = speed_told_ms(session),
        };
        memcpy(worker->name, session->name, sizeof worker->name);
        memcpy(worker->host, session->host, sizeof worker->host);
    }
    return count;
}
