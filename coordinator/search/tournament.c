/*
 * tournament.c: steady-state evolution with tournament selection.
 *
 * A population of `population` founders is made first. After that each job takes the fittest of
 * `size` individuals drawn with replacement (a second parent likewise), and its child replaces, by
 * `replace`: its first parent, if better and still there; the worst individual, if better; or the
 * oldest one, always (regularised evolution: Real, Aggarwal, Huang, Le, AAAI 2019, algorithm 1), so
 * that a lucky score has to prove itself again through its offspring.
 */
#include "common/philox.h"
#include "coordinator/search/choice.h"
#include "coordinator/search/population.h"
#include "coordinator/search/strategies.h"

#include <assert.h>

enum { PARAM_POPULATION, PARAM_SIZE, PARAM_REPLACE, PARAM_COUNT };
enum { REPLACE_PARENT = 0, REPLACE_WORST = 1, REPLACE_OLDEST = 2 };

static const struct param tournament_params[PARAM_COUNT] = {
    {"population", PARAM_WHOLE, 2, 100000, 16, NULL, "individuals kept"},
    {"size", PARAM_WHOLE, 1, 1000, 3, NULL, "individuals that compete to be a parent"},
    {"replace", PARAM_CHOICE, 0, 0, REPLACE_WORST, "parent|worst|oldest",
     "whose place a child takes"},
};

struct tournament {
    const struct search_config *config;
    struct population population;
    uint32_t founders_in_flight;
    uint32_t oldest; /* slots are filled in order, and replaced in that order by REPLACE_OLDEST */
    _Alignas(64) uint8_t memory[];
};

static uint32_t tournament_population_max(const struct search_config *config)
{
    return (uint32_t)config->params[PARAM_POPULATION];
}

static size_t tournament_state_size(const struct search_config *config)
{
    return sizeof(struct tournament) + population_bytes(tournament_population_max(config));
}

static const char *tournament_check(const struct search_config *config)
{
    if (config->params[PARAM_SIZE] > config->params[PARAM_POPULATION])
        return "size must not exceed population";
    return NULL;
}

static void tournament_open(void *state, const struct search_config *config)
{
    struct tournament *self = state;
    self->config = config;
    self->founders_in_flight = 0;
    self->oldest = 0;
    population_init(&self->population, tournament_population_max(config), self->memory);
}

static uint32_t winner(const struct tournament *self, struct random *random)
{
    const struct individual *individuals = self->population.individuals;
    uint32_t best = random_below(random, self->population.count);
    for (uint32_t i = 1; i < (uint32_t)self->config->params[PARAM_SIZE]; i++) {
        uint32_t rival = random_below(random, self->population.count);
        if (fitness_better(individuals[rival].fitness, individuals[best].fitness))
            best = rival;
    }
    return best;
}

static enum ask_answer tournament_ask(void *state, uint64_t job, struct proposal *proposal)
{
    struct tournament *self = state;
    *proposal = (struct proposal){
        .operator_index = OPERATOR_INIT,
        .stream = choice_stream(self->config, job),
    };
    if (self->population.count + self->founders_in_flight < self->population.capacity) {
        self->founders_in_flight++;
        return ASK_PROPOSED;
    }
    if (self->population.count < self->population.capacity)
        return ASK_WAIT;
    proposal->operator_index = choice_weighted(self->config, job);
    proposal->parent_count = self->config->operators[proposal->operator_index].parents;
    struct random random =
        random_open(self->config->seed, self->config->line, job, RANDOM_STRATEGY);
    for (uint32_t i = 0; i < proposal->parent_count; i++)
        proposal->parents[i] = self->population.individuals[winner(self, &random)];
    return ASK_PROPOSED;
}

/* The slot that the candidate would take from somebody, or POPULATION_NONE. */
static uint32_t slot_to_replace(const struct tournament *self, const struct candidate *candidate)
{
    const struct population *population = &self->population;
    uint32_t slot = POPULATION_NONE;
    switch ((int)self->config->params[PARAM_REPLACE]) {
    case REPLACE_PARENT:
        if (candidate->parent_count > 0)
            slot = population_find(population, candidate->parents[0]);
        break;
    case REPLACE_WORST:
        slot = population_worst(population);
        break;
    default:
        return self->oldest;
    }
    if (slot == POPULATION_NONE ||
        !fitness_better(candidate->individual.fitness, population->individuals[slot].fitness))
        return POPULATION_NONE;
    return slot;
}

static bool tournament_judge(const void *state, const struct candidate *candidate)
{
    const struct tournament *self = state;
    if (candidate->outcome != OUTCOME_OK)
        return false;
    return self->population.count < self->population.capacity ||
           slot_to_replace(self, candidate) != POPULATION_NONE;
}

static void tournament_tell(void *state, const struct candidate *candidate,
                            struct turnover *turnover)
{
    struct tournament *self = state;
    *turnover = (struct turnover){.admitted = tournament_judge(state, candidate)};
    if (candidate->operator_index == OPERATOR_INIT) {
        assert(self->founders_in_flight > 0);
        self->founders_in_flight--;
    }
    if (!turnover->admitted)
        return;
    if (self->population.count < self->population.capacity) {
        population_add(&self->population, &candidate->individual);
        return;
    }
    uint32_t slot = slot_to_replace(self, candidate);
    if (slot == self->oldest)
        self->oldest = (self->oldest + 1) % self->population.capacity;
    turnover->evicted[turnover->evicted_count++] =
        population_replace(&self->population, slot, &candidate->individual);
}

static uint32_t tournament_population(const void *state, struct individual *individuals,
                                      uint32_t max)
{
    const struct population *population = &((const struct tournament *)state)->population;
    uint32_t count = population->count < max ? population->count : max;
    for (uint32_t i = 0; i < count; i++)
        individuals[i] = population->individuals[i];
    return count;
}

const struct strategy strategy_tournament = {
    .name = "tournament",
    .summary =
        "steady-state evolution: the fittest of a few is mutated, its child replaces another",
    .params = tournament_params,
    .param_count = PARAM_COUNT,
    .check = tournament_check,
    .state_size = tournament_state_size,
    .population_max = tournament_population_max,
    .open = tournament_open,
    .ask = tournament_ask,
    .judge = tournament_judge,
    .tell = tournament_tell,
    .population = tournament_population,
};
