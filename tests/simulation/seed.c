/* seed.c: see seed.h. */
#include "tests/simulation/seed.h"

#include <stdio.h>

/* What a plain run is told, and against what it is held. */
struct told {
    const struct beginning *beginning;
    const struct history *skips;
    const struct reference *reference;
};

/*
 * The same trial in its plainest form: one worker, one slot, no faults but the poison that is in
 * its jobs, and no second opinions, which must not matter either.
 */
static struct simulation_result run_plainly(const struct simulation_setup *run,
                                            const struct told *told, struct history *history)
{
    struct trial plain = *run->trial;
    plain.config.opinion_promising = false;
    plain.config.audit = 0;
    plain.extended = false;
    struct cast cast = cast_of_one();
    struct fault_plan plan = {{0}};
    struct simulation_setup setup = {
        .seed = run->seed,
        .trial = &plain,
        .cast = &cast,
        .plan = &plan,
        .reference = told->reference,
        .beginning = told->beginning,
        .skips = told->skips,
        .history = history,
    };
    struct simulation_result result = simulation_run(&setup);
    if (result.failure.kind != FAILURE_NONE) {
        struct failure failure = result.failure;
        snprintf(result.failure.text, sizeof result.failure.text, "in the fault-free run: %.900s",
                 failure.text);
    }
    return result;
}

static void add(struct simulation_result *sum, const struct simulation_result *other)
{
    sum->simulated_ms += other->simulated_ms;
    sum->worker_ms += other->worker_ms;
    sum->commits += other->commits;
    sum->evaluations += other->evaluations;
    sum->resumptions += other->resumptions;
    sum->cohorts += other->cohorts;
    sum->cohort_deaths += other->cohort_deaths;
    sum->datagrams += other->datagrams;
}

/*
 * Sentence on what tells the two apart, or NULL. A job may be quarantined for what happened to its
 * attempts alone, and its line stalls there; that it did happen is the checker's business.
 */
static const char *difference(const struct history *history, const struct history *plain)
{
    if (history->finish_code == FINISH_POISONED && plain->finish_code == FINISH_DONE)
        return NULL;
    if (history->finish_code != plain->finish_code)
        return "the end is not that of a plain run with the same inputs";
    if (!history_same_jobs(history, plain))
        return "not the same jobs were committed as in a plain run with the same inputs";
    if (!digest_equal(&history->digest, &plain->digest))
        return "the digest is not that of a plain run with the same inputs";
    return NULL;
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
        plain = run_plainly(run, &(struct told){.beginning = &beginning}, &told);
    if (wrong == NULL && plain.failure.kind != FAILURE_NONE)
        wrong = plain.failure.text;
    else if (wrong == NULL)
        wrong = difference(history, &told);
    if (wrong != NULL) {
        result->failure = (struct failure){FAILURE_DIGEST, result->simulated_ms, ""};
        snprintf(result->failure.text, sizeof result->failure.text, "after a stop: %.900s", wrong);
    }
    result->inputs_compared = history->input_count;
    add(result, &plain);
    inputs_free_beginning(&beginning);
    history_fini(&told);
}

/* The reference first: what the run must come to is known at each of its commits. */
static struct simulation_result run_against(const struct simulation_setup *run)
{
    struct history history = {0}, own = {0};
    const struct reference reference = {.history = &history};
    struct simulation_result plain = run_plainly(run, &(struct told){.skips = NULL}, &history);
    struct simulation_result result = plain;
    if (plain.failure.kind == FAILURE_NONE) {
        struct simulation_setup held = *run;
        held.reference = &reference;
        held.history = &own;
        result = simulation_run(&held);
        if (result.failure.kind == FAILURE_NONE && own.input_count > 0)
            compare_with_inputs(&held, &own, &result);
        add(&result, &plain);
    }
    history_fini(&history);
    history_fini(&own);
    return result;
}

/* The run first: only then it is known which jobs the user gave up. See skips.h. */
static struct simulation_result run_with_skips(const struct simulation_setup *run)
{
    struct history history = {0}, plain_history = {0};
    const struct reference reference = {.history = &history};
    const struct told told = {.skips = &history, .reference = &reference};
    struct simulation_setup kept = *run;
    kept.history = &history;
    struct simulation_result result = simulation_run(&kept);
    if (result.failure.kind == FAILURE_NONE) {
        struct simulation_result plain = run_plainly(run, &told, &plain_history);
        result.failure = plain.failure;
        add(&result, &plain);
    }
    history_fini(&history);
    history_fini(&plain_history);
    return result;
}

void seed_draw(const struct seed_setup *setup, struct fault_plan *plan, struct trial *trial,
               struct cast *cast)
{
    *plan = fault_plan_draw(setup->seed, &setup->faults);
    /* Stops and skips are told to the plain run in two ways, so they do not meet in one seed. */
    if (plan->strength[FAULT_SKIP] > 0)
        plan->strength[FAULT_STOP] = 0;
    trial_draw(trial, setup->seed, plan);
    cast_draw(cast, setup->seed, plan);
    if (setup->crowd == 0)
        return;
    trial_suit_crowd(trial, setup->crowd, setup->crowd_jobs);
    cast_make_crowd(cast, setup->crowd);
}

struct simulation_result seed_run(const struct seed_setup *setup)
{
    struct fault_plan plan;
    struct trial trial;
    struct cast cast;
    seed_draw(setup, &plan, &trial, &cast);
    const struct simulation_setup run = {
        .seed = setup->seed,
        .trial = &trial,
        .cast = &cast,
        .plan = &plan,
        .voice = setup->voice == SEED_VERBOSE ? SETUP_VERBOSE : SETUP_QUIET,
    };
    if (trial.config.mode != COMMIT_ORDERED)
        return simulation_run(&run);
    return plan.strength[FAULT_SKIP] > 0 ? run_with_skips(&run) : run_against(&run);
}
