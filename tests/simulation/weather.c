/* weather.c: see weather.h. */
#include "tests/simulation/weather.h"

#include "tests/simulation/simulation.h"
#include "tests/simulation/skips.h"

#include <inttypes.h>
#include <stdio.h>

static struct worker_node *any_worker(struct simulation *simulation)
{
    return &simulation->workers[dice_below(&simulation->world.dice, simulation->cast.seats)];
}

static void cut_link(struct simulation *simulation)
{
    struct dice *dice = &simulation->world.dice;
    struct cut cut = {.seat = dice_below(dice, simulation->cast.seats)};
    cut.directions = 1 + dice_below(dice, 3);
    cut.channels = CHANNEL_CONTROL | CHANNEL_BULK;
    if (dice_chance(dice, 0.4))
        cut.channels = 1 + dice_below(dice, 2);
    cut.for_ms = simulation_draw_ms(simulation, (struct span){100, 60000});
    world_trace(&simulation->world,
                "network: w%" PRIu32 " cut, directions %" PRIu32 ", channels %" PRIu32
                ", for %" PRIu64 " ms",
                cut.seat, cut.directions, cut.channels, cut.for_ms);
    network_cut(&simulation->network, &cut);
    simulation->fault_counts[FAULT_PARTITION]++;
}

static void clog_link(struct simulation *simulation)
{
    struct dice *dice = &simulation->world.dice;
    struct clog clog = {.seat = dice_below(dice, simulation->cast.seats)};
    clog.directions = 1 + dice_below(dice, 3);
    clog.for_ms = simulation_draw_ms(simulation, (struct span){100, 60000});
    world_trace(&simulation->world,
                "network: w%" PRIu32 " clogged, directions %" PRIu32 ", for %" PRIu64 " ms",
                clog.seat, clog.directions, clog.for_ms);
    network_clog(&simulation->network, &clog);
    simulation->fault_counts[FAULT_CLOG]++;
}

static void step_clock(struct simulation *simulation)
{
    struct dice *dice = &simulation->world.dice;
    struct clock *clock = &any_worker(simulation)->clock;
    if (dice_chance(dice, 0.3))
        clock = &simulation->coordinator.clock;
    if (dice_chance(dice, 0.7))
        clock_step_forward(clock, simulation_draw_ms(simulation, (struct span){1, 100000}));
    else
        clock_step_back(clock, simulation_draw_ms(simulation, (struct span){1, 2000}));
    simulation->fault_counts[FAULT_CLOCK_STEP]++;
}

static void crash_coordinator(struct simulation *simulation, enum crash_kind kind)
{
    struct dice *dice = &simulation->world.dice;
    struct crash_order order = {.kind = kind, .point = 1 + dice_below(dice, CRASH_POINT_LAST)};
    order.down_ms = simulation_draw_ms(simulation, (struct span){1, 30000});
    coordinator_crash(&simulation->coordinator, &order);
}

static void kill_coordinator(struct simulation *simulation)
{
    crash_coordinator(simulation, CRASH_KILL);
}

static void cut_power(struct simulation *simulation)
{
    crash_coordinator(simulation, CRASH_POWER_CUT);
}

static void fill_disk(struct simulation *simulation)
{
    crash_coordinator(simulation, CRASH_DISK_FULL);
}

static void stall_coordinator(struct simulation *simulation)
{
    uint64_t for_ms = simulation_draw_ms(simulation, (struct span){100, 30000});
    coordinator_stall(&simulation->coordinator, for_ms);
    simulation->fault_counts[FAULT_COORDINATOR_STALL]++;
}

static void pause_coordinator(struct simulation *simulation)
{
    simulation->fault_counts[FAULT_COORDINATOR_PAUSE]++;
    coordinator_pause(&simulation->coordinator,
                      simulation_draw_ms(simulation, (struct span){1, 30000}));
}

static void kill_worker(struct simulation *simulation)
{
    struct dice *dice = &simulation->world.dice;
    struct worker_node *worker = any_worker(simulation);
    worker_crash(worker, dice_below(dice, 1 + dice_below(dice, 20)));
}

static void pause_worker(struct simulation *simulation)
{
    struct worker_node *worker = any_worker(simulation);
    worker_pause(worker, simulation_draw_ms(simulation, (struct span){100, 40000}));
    simulation->fault_counts[FAULT_WORKER_PAUSE]++;
}

static void send_worker_away(struct simulation *simulation)
{
    worker_ask_to_leave(any_worker(simulation));
    simulation->fault_counts[FAULT_WORKER_LEAVE]++;
}

/* As often as not of somebody who is not there. */
static void drain_worker(struct simulation *simulation)
{
    struct user_command command = {.kind = COMMAND_DRAIN};
    snprintf(command.worker, sizeof command.worker, "w%" PRIu32,
             dice_below(&simulation->world.dice, simulation->cast.seats));
    coordinator_order(&simulation->coordinator, &command);
    simulation->fault_counts[FAULT_DRAIN]++;
}

static void evict_blobs(struct simulation *simulation)
{
    struct worker_node *worker = any_worker(simulation);
    if (worker->alive)
        worker_evict(worker, dice_unit(&simulation->world.dice));
    simulation->fault_counts[FAULT_CACHE_EVICTION]++;
}

static void change_cache_level(struct simulation *simulation)
{
    struct worker_node *worker = any_worker(simulation);
    if (worker->alive)
        worker_set_cache_full(worker, dice_below(&simulation->world.dice, 2));
    simulation->fault_counts[FAULT_CACHE_FULL]++;
}

static void stop_run(struct simulation *simulation)
{
    coordinator_request_stop(&simulation->coordinator);
    simulation->fault_counts[FAULT_STOP]++;
}

static void skip_job(struct simulation *simulation)
{
    simulation->fault_counts[FAULT_SKIP] += skips_strike(simulation);
}

static void (*const strikes[FAULT_COUNT])(struct simulation *) = {
    [FAULT_PARTITION] = cut_link,
    [FAULT_CLOG] = clog_link,
    [FAULT_CLOCK_STEP] = step_clock,
    [FAULT_DISK_FULL] = fill_disk,
    [FAULT_COORDINATOR_KILL] = kill_coordinator,
    [FAULT_POWER_CUT] = cut_power,
    [FAULT_COORDINATOR_STALL] = stall_coordinator,
    [FAULT_COORDINATOR_PAUSE] = pause_coordinator,
    [FAULT_WORKER_KILL] = kill_worker,
    [FAULT_WORKER_PAUSE] = pause_worker,
    [FAULT_WORKER_LEAVE] = send_worker_away,
    [FAULT_DRAIN] = drain_worker,
    [FAULT_CACHE_EVICTION] = evict_blobs,
    [FAULT_CACHE_FULL] = change_cache_level,
    [FAULT_STOP] = stop_run,
    [FAULT_SKIP] = skip_job,
};

static uint64_t draw_wait(struct simulation *simulation, enum fault fault)
{
    uint64_t mean_ms = simulation_stretch(simulation, simulation->plan.strength[fault]);
    return dice_wait(&simulation->world.dice, mean_ms);
}

static void strike(void *context, const struct action *action)
{
    struct simulation *simulation = context;
    if (simulation->healed)
        return;
    strikes[action->index](simulation);
    world_schedule(&simulation->world, 1 + draw_wait(simulation, action->index), *action);
}

void weather_start(struct simulation *simulation)
{
    for (enum fault i = 0; i < FAULT_COUNT; i++) {
        if (strikes[i] == NULL || simulation->plan.strength[i] == 0)
            continue;
        world_schedule(&simulation->world, draw_wait(simulation, i),
                       (struct action){.run = strike, .context = simulation, .index = i});
    }
}

void weather_clear(struct simulation *simulation)
{
    world_trace(&simulation->world, "the weather clears");
    simulation->healed = true;
    /* What is in the jobs and in the cast outlasts the weather. */
    simulation->plan = (struct fault_plan){{0}};
    network_heal(&simulation->network);
    coordinator_heal(&simulation->coordinator);
    for (uint32_t i = 0; i < simulation->cast.seats; i++)
        worker_heal(&simulation->workers[i]);
    if (!simulation->workers[0].alive)
        worker_spawn_later(&simulation->workers[0], 0);
}
