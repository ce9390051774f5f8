/* seed.c: see seed.h. */
#include "tests/simulation/seed.h"

#include <stdio.h>

/*
 * The same trial in its plainest form: one worker, one slot, no faults but the poison that is in
 * its jobs, and no second opinions, which must not matter either.
 */
static struct simulation_result run_reference(const struct trial *trial, uint64_t seed,
                                              struct history *history)
{
    struct trial plain = *trial;
    plain.config.opinion_promising = false;
    plain.extended = false;
    struct cast cast = cast_of_one();
    struct fault_plan plan = {{0}};
    struct simulation_setup setup = {
        .seed = seed,
        .trial = &plain,
        .cast = &cast,
        .plan = &plan,
        .history = history,
    };
    return simulation_run(&setup);
}

static void add(struct simulation_result *sum, const struct simulation_result *other)
{
    sum->simulated_ms += other->simulated_ms;
    sum->worker_ms += other->worker_ms;
    sum->commits += other->commits;
    sum->evaluations += other->evaluations;
    sum->datagrams += other->datagrams;
}

struct simulation_result seed_run(const struct seed_setup *setup)
{
    struct fault_plan plan = fault_plan_draw(setup->seed, &setup->faults);
    struct trial trial;
    struct cast cast;
    trial_draw(&trial, setup->seed, &plan);
    cast_draw(&cast, setup->seed, &plan);
    struct history history = {0};
    struct reference reference = {.history = &history};
    struct simulation_setup run = {
        .seed = setup->seed,
        .trial = &trial,
        .cast = &cast,
        .plan = &plan,
        .voice = setup->voice == SEED_VERBOSE ? SETUP_VERBOSE : SETUP_QUIET,
    };
    struct simulation_result plain = {0};
    if (trial.config.mode == COMMIT_ORDERED) {
        plain = run_reference(&trial, setup->seed, &history);
        run.reference = &reference;
    }
    if (plain.failure.kind != FAILURE_NONE) {
        struct failure failure = plain.failure;
        snprintf(plain.failure.text, sizeof plain.failure.text, "in the fault-free run: %.900s",
                 failure.text);
        history_fini(&history);
        return plain;
    }
    struct simulation_result result = simulation_run(&run);
    add(&result, &plain);
    history_fini(&history);
    return result;
}
