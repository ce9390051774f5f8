/* simulation.c: see simulation.h. */
#include "tests/simulation/simulation.h"

#include "tests/simulation/skips.h"
#include "tests/simulation/weather.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long the faults blow. */
static const struct span STORM_MS = {5000, 400000};
/* How long after the end of a run its workers may take to go home. */
static const uint64_t GOING_HOME_MS = 120000;
static const uint64_t JOB_MS_WORST = 50 * 30000;

uint32_t simulation_seat_of(const struct simulation *simulation, const struct instance_id *instance)
{
    uint32_t seat;
    memcpy(&seat, instance->bytes + 4, sizeof seat);
    return seat < simulation->cast.seats ? seat : 0;
}

uint64_t simulation_stretch(const struct simulation *simulation, uint64_t ms)
{
    return ms * simulation->trial->pace;
}

uint64_t simulation_draw_ms(struct simulation *simulation, struct span span)
{
    return simulation_stretch(simulation, dice_magnitude(&simulation->world.dice, span));
}

struct clock simulation_draw_clock(struct simulation *simulation)
{
    struct dice *dice = &simulation->world.dice;
    uint64_t starts_ms = dice_below(dice, 1000000), per_mille = 1000;
    if (dice_chance(dice, simulation->drift_chance)) {
        per_mille = dice_magnitude(dice, (struct span){500, 2000});
        simulation->fault_counts[FAULT_CLOCK_DRIFT]++;
    }
    return clock_started(simulation->world.now_ms, starts_ms, per_mille);
}

static void deliver(void *context, struct packet *packet)
{
    struct simulation *simulation = context;
    if (packet->header.direction == TO_COORDINATOR)
        coordinator_deliver(&simulation->coordinator, packet);
    else
        worker_deliver(&simulation->workers[packet->header.seat], packet);
}

static bool is_calm(const struct fault_plan *plan)
{
    struct fault_plan rest = *plan;
    rest.strength[FAULT_SKIP] = 0;
    rest.strength[FAULT_DUPLICATION] = rest.strength[FAULT_POISON] = 0;
    rest.strength[FAULT_FOREIGN] = rest.strength[FAULT_SLOT_HANG] = 0;
    rest.strength[FAULT_DIVERGENCE] = rest.strength[FAULT_CLOCK_DRIFT] = 0;
    static const struct fault_plan none;
    return memcmp(&rest, &none, sizeof none) == 0;
}

static struct simulation *open_simulation(const struct simulation_setup *setup)
{
    struct simulation *simulation = calloc(1, sizeof *simulation);
    assert(simulation != NULL);
    simulation->seed = setup->seed;
    simulation->trial = setup->trial;
    simulation->skips = setup->skips;
    simulation->cast = *setup->cast;
    simulation->plan = *setup->plan;
    simulation->calm = is_calm(setup->plan);
    simulation->drift_chance = fault_chance(setup->plan, FAULT_CLOCK_DRIFT);
    simulation->encoder = codec_create();
    simulation->decoder = codec_create();
    simulation->core_effects = malloc(sizeof *simulation->core_effects);
    simulation->worker_effects = malloc(sizeof *simulation->worker_effects);
    assert(simulation->encoder != NULL && simulation->decoder != NULL);
    assert(simulation->core_effects != NULL && simulation->worker_effects != NULL);
    world_init(&simulation->world, setup->seed);
    simulation->world.voice = setup->voice == SETUP_VERBOSE ? WORLD_VERBOSE : WORLD_QUIET;
    const struct network_options network = {
        .world = &simulation->world,
        .plan = *setup->plan,
        .seats = setup->cast->seats,
        .pace = setup->trial->pace,
    };
    network_init(&simulation->network, &network);
    simulation->network.fault_counts = simulation->fault_counts;
    simulation->network.deliver = deliver;
    simulation->network.context = simulation;
    checker_init(&simulation->checker, simulation, setup->reference);
    coordinator_init(&simulation->coordinator, simulation);
    if (setup->beginning != NULL)
        coordinator_load(&simulation->coordinator, setup->beginning);
    simulation->workers = calloc(setup->cast->seats, sizeof simulation->workers[0]);
    assert(simulation->workers != NULL);
    for (uint32_t i = 0; i < simulation->cast.seats; i++) {
        worker_init(&simulation->workers[i], simulation, i);
        simulation->fault_counts[FAULT_FOREIGN] += worker_is_refused(&simulation->workers[i]);
    }
    return simulation;
}

static void close_simulation(struct simulation *simulation)
{
    for (uint32_t i = 0; i < simulation->cast.seats; i++)
        worker_fini(&simulation->workers[i]);
    coordinator_fini(&simulation->coordinator);
    checker_fini(&simulation->checker);
    network_fini(&simulation->network);
    archive_fini(&simulation->archive);
    world_fini(&simulation->world);
    free(simulation->workers);
    free(simulation->worker_effects);
    free(simulation->core_effects);
    codec_destroy(&simulation->decoder);
    codec_destroy(&simulation->encoder);
    free(simulation);
}

/* ---------------------------------------------------------------------------------------- phases
 */

/* The user comes back after the first end, and so do the workers, which had been sent home. */
static void raise_budget(struct simulation *simulation)
{
    coordinator_extend(&simulation->coordinator);
    simulation->fault_counts[FAULT_BUDGET_RAISE]++;
    for (uint32_t i = 0; i < simulation->cast.seats; i++)
        worker_spawn_later(&simulation->workers[i],
                           simulation_draw_ms(simulation, (struct span){1, 20000}));
}

/* A line had stalled at a job that the user gave up since: he starts the run again. */
static void resume(struct simulation *simulation)
{
    coordinator_resume(&simulation->coordinator);
    simulation->calm = false; /* what ran when the run ended is done again */
    for (uint32_t i = 0; i < simulation->cast.seats; i++)
        worker_spawn_later(&simulation->workers[i],
                           simulation_draw_ms(simulation, (struct span){1, 20000}));
}

static bool must_resume(const struct simulation *simulation)
{
    return simulation->coordinator.finish_code == FINISH_POISONED && skips_wait(simulation);
}

static bool over(const struct simulation *simulation)
{
    const struct coordinator_node *node = &simulation->coordinator;
    return (node->finished && node->stage == STAGE_FULL && !must_resume(simulation)) ||
           simulation->world.failure.kind != FAILURE_NONE;
}

static void run_until(struct simulation *simulation, uint64_t end_ms)
{
    while (!over(simulation) && world_next_ms(&simulation->world) < end_ms) {
        world_step(&simulation->world);
        if (simulation->coordinator.finished && simulation->coordinator.stage == STAGE_FIRST)
            raise_budget(simulation);
        else if (simulation->coordinator.finished && must_resume(simulation))
            resume(simulation);
    }
}

/* Generous: every job might be given to the slowest worker, one after the other. */
static uint64_t patience_ms(const struct simulation *simulation)
{
    const struct trial *trial = simulation->trial;
    uint64_t jobs = 0, job_ms = 0;
    for (uint32_t i = 0; i < trial->config.line_count; i++)
        jobs += trial->lines[i].jobs + 1;
    for (uint32_t i = 0; i < simulation->cast.seats; i++) {
        uint64_t ms = trial->job_ms * cast_role(&simulation->cast, i)->slowness * 3 / 2;
        job_ms = ms > job_ms ? ms : job_ms;
    }
    uint64_t worst_ms = simulation_stretch(simulation, JOB_MS_WORST);
    job_ms = job_ms < worst_ms / 50 ? job_ms : worst_ms / 50;
    return simulation_stretch(simulation, 1800000) + worst_ms +
           2 * jobs * (job_ms + simulation_stretch(simulation, 1000));
}

static void describe_end(struct simulation *simulation, char *text, size_t size)
{
    const struct coordinator_node *node = &simulation->coordinator;
    if (!node->alive) {
        snprintf(text, size, "the coordinator is down");
        return;
    }
    struct core_summary summary = core_summary(node->core);
    int used = snprintf(text, size,
                        "%" PRIu64 " of %" PRIu64 " commits; lines %" PRIu32 " closed, %" PRIu32
                        " open, %" PRIu32 " stalled; jobs %" PRIu32 " waiting, %" PRIu32
                        " leased, %" PRIu32 " held; %" PRIu32 " workers",
                        summary.commits, summary.jobs_total, summary.lines_closed,
                        summary.lines_open, summary.lines_stalled, summary.waiting, summary.leased,
                        summary.held, summary.workers);
    for (uint32_t i = 0; i < simulation->cast.seats && (size_t)used < size; i++) {
        const struct worker_node *worker = &simulation->workers[i];
        if (!worker->alive)
            continue;
        struct worker_view view = worker_core_view(worker->core, worker_now(worker));
        used += snprintf(text + used, size - (size_t)used,
                         "; w%" PRIu32 " %s %" PRIu32 "+%" PRIu32 "+%" PRIu32, i, view.state,
                         view.queued, view.running, view.finished);
    }
}

static void start(struct simulation *simulation)
{
    coordinator_boot(&simulation->coordinator);
    for (uint32_t i = 0; i < simulation->cast.seats; i++)
        worker_spawn_later(
            &simulation->workers[i],
            simulation_stretch(simulation, cast_role(&simulation->cast, i)->arrives_ms));
    weather_start(simulation);
}

static void finish_or_fail(struct simulation *simulation)
{
    run_until(simulation, simulation->world.now_ms + patience_ms(simulation));
    if (over(simulation))
        return;
    char text[900];
    describe_end(simulation, text, sizeof text);
    world_fail(&simulation->world, FAILURE_LIVENESS, "no end although all is well: %s", text);
}

/*
 * Looks on from where it found somebody last time: nobody asks all of a crowd after each action.
 * Who was seen to be done may come back, so that "nobody" is said only after a look at all.
 */
static bool anybody_here(const struct simulation *simulation, uint32_t *looked_at)
{
    uint32_t seats = simulation->cast.seats;
    for (uint32_t seen = 0; seen < seats; seen++, *looked_at = (*looked_at + 1) % seats)
        if (!worker_is_done(&simulation->workers[*looked_at]))
            return true;
    return false;
}

/* The run is over: every worker is told so, and goes, or stays and keeps nothing of it. */
static void go_home(struct simulation *simulation)
{
    struct world *world = &simulation->world;
    uint64_t end_ms = world->now_ms + simulation_stretch(simulation, GOING_HOME_MS);
    uint32_t looked_at = 0;
    while (world->failure.kind == FAILURE_NONE && anybody_here(simulation, &looked_at) &&
           world_next_ms(world) < end_ms)
        world_step(world);
    if (world->failure.kind == FAILURE_NONE && anybody_here(simulation, &looked_at)) {
        char text[900];
        describe_end(simulation, text, sizeof text);
        world_fail(world, FAILURE_LIVENESS, "the run has ended, but a worker stays: %s", text);
    }
}

static void run_phases(struct simulation *simulation)
{
    if (over(simulation))
        return;
    start(simulation);
    run_until(simulation, simulation_draw_ms(simulation, STORM_MS));
    if (!over(simulation)) {
        weather_clear(simulation);
        finish_or_fail(simulation);
    }
    if (simulation->world.failure.kind != FAILURE_NONE)
        return;
    checker_on_finished(&simulation->checker);
    if (!simulation->healed)
        weather_clear(simulation);
    go_home(simulation);
}

struct simulation_result simulation_run(const struct simulation_setup *setup)
{
    struct simulation *simulation = open_simulation(setup);
    run_phases(simulation);
    for (uint32_t i = 0; i < simulation->cast.seats; i++)
        worker_count_life(&simulation->workers[i]);
    struct simulation_result result = {
        .failure = simulation->world.failure,
        .digest = simulation->checker.history.digest,
        .simulated_ms = simulation->world.now_ms,
        .worker_ms = simulation->worker_ms,
        .commits = simulation->checker.sequence,
        .evaluations = simulation->evaluations,
        .resumptions = simulation->resumptions,
        .cohorts = simulation->cohorts,
        .cohort_deaths = simulation->cohort_deaths,
        .datagrams = simulation->network.datagrams,
    };
    memcpy(result.fault_counts, simulation->fault_counts, sizeof result.fault_counts);
    if (setup->history != NULL) {
        *setup->history = simulation->checker.history;
        simulation->checker.history = (struct history){0};
    }
    close_simulation(simulation);
    return result;
}
