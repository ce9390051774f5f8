/*
 * simulation.h: one seed's cluster, from its first event to the verdict.
 *
 * A simulation has two phases, as in TigerBeetle's VOPR. First the faults blow for a bounded time:
 * whatever happens, nothing wrong may be committed. Then they end, at least one healthy worker is
 * there, and the run must finish within a bounded time: that is liveness. The checkers watch all
 * along from outside the cores.
 *
 * One thread, no clock but the world's, no randomness but the seed's.
 */
#ifndef RATCHET_TESTS_SIMULATION_SIMULATION_H
#define RATCHET_TESTS_SIMULATION_SIMULATION_H

#include "proto/codec.h"
#include "tests/simulation/archive.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/clock.h"
#include "tests/simulation/coordinator_node.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/inputs.h"
#include "tests/simulation/network.h"
#include "tests/simulation/trial.h"
#include "tests/simulation/worker_node.h"
#include "tests/simulation/world.h"

struct simulation {
    uint64_t seed;
    const struct trial *trial;
    struct cast cast;
    struct fault_plan plan; /* the network has a copy of its own */
    double drift_chance;    /* outlasts the weather: clocks are bad at any time */
    bool calm;              /* no fault is on that could make a job be carried out twice */
    bool healed;
    struct world world;
    struct network network;
    struct archive archive;
    struct checker checker;
    struct codec *encoder, *decoder; /* two, as a message that was decoded outlives the answer to it
                                      */
    struct coordinator_node coordinator;
    struct worker_node *workers; /* by seat */
    struct core_effects *core_effects;
    struct worker_effects *worker_effects;
    const struct history *skips; /* its skips are given to this run, too; or NULL */
    uint64_t fault_counts[FAULT_COUNT];
    uint64_t evaluations; /* jobs carried out by slots */
    uint64_t resumptions; /* that began where another worker left off */
    uint64_t cohorts;     /* of several jobs, given to a slot together */
    uint64_t cohort_deaths;
    uint64_t worker_ms; /* how long processes of workers have lived, added up */
};

struct simulation_setup {
    uint64_t seed;
    const struct trial *trial;
    const struct cast *cast;
    const struct fault_plan *plan;
    const struct reference *reference; /* what an ordered trial must come to; NULL: nothing to
                                          compare */
    const struct history *skips;       /* its skips are given to this run, too; or NULL */
    const struct beginning *beginning; /* what the ledger holds at the start, or NULL: nothing */
    struct history *history;           /* gets the run's commits, for the caller to end; or NULL */
    enum { SETUP_QUIET, SETUP_VERBOSE } voice;
};

struct simulation_result {
    struct failure failure;
    struct digest digest;
    uint64_t simulated_ms, worker_ms, commits, evaluations, resumptions, datagrams;
    uint64_t cohorts, cohort_deaths;
    uint64_t inputs_compared; /* decisions of users, replayed in another run */
    uint64_t fault_counts[FAULT_COUNT];
};

/* Runs the whole of it. */
struct simulation_result simulation_run(const struct simulation_setup *setup);

/* The seat is part of an instance's name: bytes 4 to 7. */
uint32_t simulation_seat_of(const struct simulation *simulation,
                            const struct instance_id *instance);
/* As long as that takes at the pace of this trial. */
uint64_t simulation_stretch(const struct simulation *simulation, uint64_t ms);
/* A process starts: at any time, perhaps with a clock that is too slow or too fast. */
struct clock simulation_draw_clock(struct simulation *simulation);
/* A time between these, at this pace, of whatever magnitude. */
uint64_t simulation_draw_ms(struct simulation *simulation, struct span span);

#endif
