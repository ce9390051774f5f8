/*
 * ratchet.c: the (1+lambda) ratchet: break the last good network, train on, keep it if it improved.
 *
 * Source: Cotten, "Beyond Pruning and Dropout: Evolving Robust Networks via Persistent Stochastic
 * Ablation" (2025), algorithm 1, which is the case shards = 1, accept = strict: one damaged copy of
 * the last-known-good network (LKG) at a time, promoted as it is after training. With shards =
 * lambda, that many damaged copies of one LKG are trained side by side, each with its own victim
 * and data order.
 *
 * wait = round: the next round starts when all shards of this one are committed, so all siblings
 * descend from one LKG. wait = none: `shards` jobs are always in flight, each from the LKG of the
 * moment it was created.
 */
#include "coordinator/search/acceptance.h"
#include "coordinator/search/choice.h"
#include "coordinator/search/strategies.h"

#include <assert.h>

enum { PARAM_SHARDS, PARAM_WAIT, PARAM_ACCEPT, PARAM_EPSILON, PARAM_COUNT };
enum { WAIT_ROUND = 0, WAIT_NONE = 1 };

static const struct param ratchet_params[PARAM_COUNT] = {
    {"shards", PARAM_WHOLE, 1, LOOKAHEAD_MAX, 1, NULL, "damaged copies of one network at a time"},
    {"wait", PARAM_CHOICE, 0, 0, WAIT_ROUND, "round|none", "for the whole round, or for nothing"},
    {"accept", PARAM_CHOICE, 0, 0, ACCEPT_STRICT, "strict|epsilon", "when a child is promoted"},
    {"epsilon", PARAM_REAL, 0, 1e6, 0, NULL, "loss of fitness that `accept: epsilon` allows"},
};

struct ratchet {
    const struct search_config *config;
    struct acceptance acceptance;
    uint64_t created, told; /* of this round, or since the start with wait = none */
    uint32_t shards;
    bool has_good;
    struct individual good; /* the LKG */
};

static size_t ratchet_state_size(const struct search_config *config)
{
    (void)config;
    return sizeof(struct ratchet);
}

static uint32_t ratchet_population_max(const struct search_config *config)
{
    (void)config;
    return 1;
}

static const char *ratchet_check(const struct search_config *config)
{
    if (choice_parents_max(config) > 1)
        return "the ratchet keeps one network: operators with two parents need a population";
    return NULL;
}

static void ratchet_open(void *state, const struct search_config *config)
{
    struct ratchet *self = state;
    *self = (struct ratchet){
        .config = config,
        .acceptance = {.rule = (enum acceptance_rule)config->params[PARAM_ACCEPT],
                       .epsilon = config->params[PARAM_EPSILON]},
        .shards = (uint32_t)config->params[PARAM_SHARDS],
    };
}

static enum ask_answer ratchet_ask(void *state, uint64_t job, struct proposal *proposal)
{
    struct ratchet *self = state;
    /* The founder is alone: nothing can be damaged before there is a network. */
    uint64_t limit = self->has_good ? self->shards : 1;
    bool round = (int)self->config->params[PARAM_WAIT] == WAIT_ROUND;
    if ((round ? self->created : self->created - self->told) >= limit)
        return ASK_WAIT;
    self->created++;
    *proposal = (struct proposal){
        .operator_index = OPERATOR_INIT,
        .stream = choice_stream(self->config, job),
    };
    if (self->has_good) {
        proposal->operator_index = choice_weighted(self->config, job);
        proposal->parent_count = 1;
        proposal->parents[0] = self->good;
    }
    return ASK_PROPOSED;
}

static bool ratchet_judge(const void *state, const struct candidate *candidate)
{
    const struct ratchet *self = state;
    if (candidate->outcome != OUTCOME_OK)
        return false;
    return !self->has_good ||
           acceptance_allows(&self->acceptance, candidate->individual.fitness, self->good.fitness);
}

static void ratchet_tell(void *state, const struct candidate *candidate, struct turnover *turnover)
{
    struct ratchet *self = state;
    *turnover = (struct turnover){.admitted = ratchet_judge(state, candidate)};
    self->told++;
    assert(self->told <= self->created);
    if (self->told == self->created)
        self->created = self->told = 0;
    if (!turnover->admitted)
        return;
    if (self->has_good)
        turnover->evicted[turnover->evicted_count++] = self->good;
    self->good = candidate->individual;
    self->has_good = true;
}

static uint32_t ratchet_population(const void *state, struct individual *individuals, uint32_t max)
{
    const struct ratchet *self = state;
    if (!self->has_good || max == 0)
        return 0;
    individuals[0] = self->good;
    return 1;
}

const struct strategy strategy_ratchet = {
    .name = "ratchet",
    .summary = "(1+lambda) ratchet: damage the last good network, train, keep it if it improved",
    .params = ratchet_params,
    .param_count = PARAM_COUNT,
    .check = ratchet_check,
    .state_size = ratchet_state_size,
    .population_max = ratchet_population_max,
    .open = ratchet_open,
    .ask = ratchet_ask,
    .judge = ratchet_judge,
    .tell = ratchet_tell,
    .population = ratchet_population,
};
