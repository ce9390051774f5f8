/*
 * random_restarts.c: the honest baseline: every job founds a fresh individual, the best one is
 * kept.
 *
 * It spends the same training budget per job as any other strategy, so "best of n restarts" stands
 * beside every claim that a search makes.
 */
#include "coordinator/search/choice.h"
#include "coordinator/search/strategies.h"

struct restarts {
    const struct search_config *config;
    bool has_best;
    struct individual best;
};

static size_t restarts_state_size(const struct search_config *config)
{
    (void)config;
    return sizeof(struct restarts);
}

static uint32_t restarts_population_max(const struct search_config *config)
{
    (void)config;
    return 1;
}

static const char *restarts_check(const struct search_config *config)
{
    (void)config;
    return NULL;
}

static void restarts_open(void *state, const struct search_config *config)
{
    struct restarts *self = state;
    *self = (struct restarts){.config = config};
}

static enum ask_answer restarts_ask(void *state, uint64_t job, struct proposal *proposal)
{
    const struct restarts *self = state;
    *proposal = (struct proposal){
        .operator_index = OPERATOR_INIT,
        .stream = choice_stream(self->config, job),
    };
    return ASK_PROPOSED;
}

static bool restarts_judge(const void *state, const struct candidate *candidate)
{
    const struct restarts *self = state;
    if (candidate->outcome != OUTCOME_OK)
        return false;
    return !self->has_best || fitness_better(candidate->individual.fitness, self->best.fitness);
}

static void restarts_tell(void *state, const struct candidate *candidate, struct turnover *turnover)
{
    struct restarts *self = state;
    *turnover = (struct turnover){.admitted = restarts_judge(state, candidate)};
    if (!turnover->admitted)
        return;
    if (self->has_best)
        turnover->evicted[turnover->evicted_count++] = self->best;
    self->best = candidate->individual;
    self->has_best = true;
}

static uint32_t restarts_population(const void *state, struct individual *individuals, uint32_t max)
{
    const struct restarts *self = state;
    if (!self->has_best || max == 0)
        return 0;
    individuals[0] = self->best;
    return 1;
}

const struct strategy strategy_random = {
    .name = "random",
    .summary = "random restarts: a fresh network each time, the best is kept (the baseline)",
    .founders_only = true,
    .check = restarts_check,
    .state_size = restarts_state_size,
    .population_max = restarts_population_max,
    .open = restarts_open,
    .ask = restarts_ask,
    .judge = restarts_judge,
    .tell = restarts_tell,
    .population = restarts_population,
};
