/* seed.c: see seed.h. */
#include "tests/simulation/seed.h"

#include <stdio.h>

/*
 * The same trial in its plainest form: one worker, one slot, no faults but the poison that is in
 * its jobs, and no second opinions, which must not matter either.
 */
static struct simulation_result run_plainly(const struct trial *trial, uint64_t seed,
                                            const struct beginning *beginning,
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
        .beginning = beginning,
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

/* A run that the user stopped, against a plain one that is told the same: see inputs.h. */
static void compare_with_inputs(const struct simulation_setup *run, const struct history *history,
                                struct simulation_result *result)
{
    struct beginning beginning;
    struct history told = {0};
    struct simulation_result plain = {0};
    const char *wrong = inputs_make_beginning(&beginning, run->reference->history, history);
    if (wrong == NULL)
        plain = run_plainly(run->trial, run->seed, &beginning, &told);
    if (wrong == NULL && plain.failure.kind != FAILURE_NONE)
        wrong = plain.failure.text;
    else if (wrong == NULL && !history_same_jobs(history, &told))
        wrong = "not the same jobs were committed as in a plain run with the same inputs";
    else if (wrong == NULL && !digest_equal(&history->digest, &told.digest))
        wrong = "the digest is not that of a plain run with the same inputs";
    if (wrong != NULL) {
        result->failure = (struct failure){FAILURE_DIGEST, result->simulated_ms, ""};
        snprintf(result->failure.text, sizeof result->failure.text, "after a stop: %.900s", wrong);
    }
    result->inputs_compared = history->input_count;
    add(result, &plain);
    inputs_free_beginning(&beginning);
    history_fini(&told);
}

struct simulation_result seed_run(const struct seed_setup *setup)
{
    struct fault_plan plan = fault_plan_draw(setup->seed, &setup->faults);
    struct trial trial;
    struct cast cast;
    trial_draw(&trial, setup->seed, &plan);
    cast_draw(&cast, setup->seed, &plan);
    struct history history = {0}, own = {0};
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
        plain = run_plainly(&trial, setup->seed, NULL, &history);
        run.reference = &reference;
    }
    if (plain.failure.kind != FAILURE_NONE) {
        struct failure failure = plain.failure;
        snprintf(plain.failure.text, sizeof plain.failure.text, "in the fault-free run: %.900s",
                 failure.text);
        history_fini(&history);
        return plain;
    }
    run.history = &own;
    struct simulation_result result = simulation_run(&run);
    if (result.failure.kind == FAILURE_NONE && run.reference != NULL && own.input_count > 0)
        compare_with_inputs(&run, &own, &result);
    add(&result, &plain);
    history_fini(&history);
    history_fini(&own);
    return result;
}
