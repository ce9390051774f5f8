/* test_strategies.c: what each strategy asks, admits and evicts. */
#include "coordinator/search/acceptance.h"
#include "coordinator/search/choice.h"
#include "coordinator/search/strategy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct search_config config;
static void *self;

static void open_strategy(const char *name)
{
    config = (struct search_config){.seed = 5, .line = 2, .operator_count = 1};
    config.operators[0] =
        (struct operator_choice){.call = {.name = "noise"}, .parents = 1, .weight = 1};
    config.strategy = strategy_find(name);
    assert_non_null(config.strategy);
    for (uint32_t i = 0; i < config.strategy->param_count; i++)
        config.params[i] = config.strategy->params[i].fallback;
}

static void set(const char *param, double value)
{
    int index = param_find(config.strategy->params, config.strategy->param_count, param);
    assert_true(index >= 0);
    config.params[index] = value;
}

static void begin(void)
{
    size_t bytes = config.strategy->state_size(&config);
    self = aligned_alloc(64, (bytes + 63) / 64 * 64);
    config.strategy->open(self, &config);
}

static struct proposal ask(uint64_t job)
{
    struct proposal proposal;
    assert_int_equal(config.strategy->ask(self, job, &proposal), ASK_PROPOSED);
    return proposal;
}

static bool waits(uint64_t job)
{
    struct proposal proposal;
    return config.strategy->ask(self, job, &proposal) == ASK_WAIT;
}

static struct turnover tell(uint64_t job, const struct proposal *proposal, double fitness)
{
    struct candidate candidate = {
        .individual = {.job = job, .fitness = fitness},
        .operator_index = proposal->operator_index,
        .parent_count = proposal->parent_count,
        .outcome = isnan(fitness) ? OUTCOME_DIVERGED : OUTCOME_OK,
    };
    for (uint32_t i = 0; i < proposal->parent_count; i++)
        candidate.parents[i] = proposal->parents[i].job;
    bool judged = config.strategy->judge(self, &candidate);
    struct turnover turnover;
    config.strategy->tell(self, &candidate, &turnover);
    assert_int_equal(judged, turnover.admitted);
    return turnover;
}

static struct turnover one(uint64_t job, double fitness)
{
    struct proposal proposal = ask(job);
    return tell(job, &proposal, fitness);
}

/* The published algorithm: first loop undamaged; strictly higher is promoted; every loop damages
 * the LKG. */
static void test_the_ratchet_is_the_published_one(void **state)
{
    (void)state;
    open_strategy("ratchet");
    begin();
    struct proposal founder = ask(0);
    assert_int_equal(founder.operator_index, OPERATOR_INIT);
    assert_int_equal(founder.parent_count, 0);
    assert_true(waits(1));
    assert_true(tell(0, &founder, 0.5).admitted);
    struct proposal second = ask(1);
    assert_int_equal(second.parents[0].job, 0);
    assert_true(waits(2));
    assert_false(tell(1, &second, 0.5).admitted); /* equal is not better */
    struct proposal third = ask(2);
    assert_int_equal(third.parents[0].job, 0);
    struct turnover turnover = tell(2, &third, 0.6);
    assert_true(turnover.admitted);
    assert_int_equal(turnover.evicted_count, 1);
    assert_int_equal(turnover.evicted[0].job, 0);
    assert_int_equal(ask(3).parents[0].job, 2); /* damage goes on after an improvement */
    free(self);
}

static void test_a_round_of_shards_shares_one_parent(void **state)
{
    (void)state;
    open_strategy("ratchet");
    set("shards", 3);
    begin();
    one(0, 0.1);
    struct proposal shard[3];
    for (uint64_t i = 0; i < 3; i++)
        shard[i] = ask(1 + i);
    assert_true(waits(4));
    assert_true(shard[0].stream != shard[1].stream);
    tell(1, &shard[0], 0.3);
    assert_true(waits(4));
    tell(2, &shard[1], 0.2);
    tell(3, &shard[2], 0.4);
    assert_int_equal(ask(4).parents[0].job, 3);
    free(self);
}

static void test_without_waiting_the_next_shard_takes_the_newest_parent(void **state)
{
    (void)state;
    open_strategy("ratchet");
    set("shards", 2);
    set("wait", 1);
    begin();
    one(0, 0.1);
    struct proposal first = ask(1);
    struct proposal second = ask(2);
    assert_true(waits(3));
    tell(1, &first, 0.3);
    assert_int_equal(ask(3).parents[0].job, 1);
    assert_true(waits(4));
    assert_int_equal(second.parents[0].job, 0);
    free(self);
}

static void test_a_ratchet_without_a_network_founds_another(void **state)
{
    (void)state;
    open_strategy("ratchet");
    begin();
    assert_false(one(0, (double)NAN).admitted);
    assert_int_equal(ask(1).operator_index, OPERATOR_INIT);
    free(self);
}

static void fill(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_true(one(i, i).admitted);
}

static void test_tournament_replacement(void **state)
{
    (void)state;
    for (int replace = 0; replace < 3; replace++) { /* parent, worst, oldest */
        open_strategy("tournament");
        set("population", 5);
        set("size", 5);
        set("replace", replace);
        begin();
        fill(5);
        struct proposal proposal = ask(5);
        uint64_t parent = proposal.parents[0].job;
        struct turnover turnover = tell(5, &proposal, 10);
        assert_true(turnover.admitted);
        assert_int_equal(turnover.evicted_count, 1);
        assert_int_equal(turnover.evicted[0].job, replace == 0 ? parent : 0);
        /* Only ageing takes a child that is worse than all others. */
        assert_int_equal(one(6, -1).admitted, replace == 2);
        struct individual members[8];
        assert_int_equal(config.strategy->population(self, members, 8), 5);
        free(self);
    }
}

static void test_tournament_waits_for_its_founders(void **state)
{
    (void)state;
    open_strategy("tournament");
    set("population", 3);
    begin();
    struct proposal founders[3];
    for (uint64_t i = 0; i < 3; i++)
        founders[i] = ask(i);
    assert_true(waits(3));
    tell(0, &founders[0], 1);
    tell(1, &founders[1], (double)NAN); /* its place is free again */
    assert_int_equal(ask(3).operator_index, OPERATOR_INIT);
    free(self);
}

static void test_larger_tournaments_press_harder(void **state)
{
    (void)state;
    double mean[2] = {0};
    for (int large = 0; large < 2; large++) {
        open_strategy("tournament");
        set("population", 50);
        set("size", large ? 7 : 1);
        begin();
        fill(50);
        for (uint64_t job = 50; job < 2050; job++)
            mean[large] += ask(job).parents[0].fitness / 2000;
        free(self);
    }
    assert_true(mean[0] > 22 && mean[0] < 27); /* uniform: 24.5 */
    assert_true(mean[1] > 41 && mean[1] < 45); /* best of 7 of 0 .. 49: 43.3 */
}

static void test_operators_are_drawn_by_weight(void **state)
{
    (void)state;
    open_strategy("random");
    config.operator_count = 3;
    config.operators[0].weight = 1;
    config.operators[1].weight = 2;
    config.operators[2].weight = 7;
    uint32_t count[3] = {0};
    for (uint64_t job = 0; job < 10000; job++)
        count[choice_weighted(&config, job)]++;
    assert_in_range(count[0], 850, 1150);
    assert_in_range(count[1], 1850, 2150);
    assert_in_range(count[2], 6800, 7200);
}

static void test_acceptance(void **state)
{
    (void)state;
    struct acceptance strict = {ACCEPT_STRICT, 0}, loose = {ACCEPT_EPSILON, 0.1};
    assert_false(acceptance_allows(&strict, 1, 1));
    assert_true(acceptance_allows(&strict, 1.5, 1));
    assert_true(acceptance_allows(&loose, 0.95, 1));
    assert_false(acceptance_allows(&loose, 0.85, 1));
    assert_false(acceptance_allows(&loose, (double)NAN, (double)NAN));
    assert_true(acceptance_allows(&strict, -1e300, (double)NAN));
}

static void test_two_parents_need_a_population(void **state)
{
    (void)state;
    open_strategy("ratchet");
    config.operators[0].parents = 2;
    assert_non_null(config.strategy->check(&config));
    open_strategy("tournament");
    config.operators[0].parents = 2;
    assert_null(config.strategy->check(&config));
    set("size", 17);
    assert_non_null(config.strategy->check(&config));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_ratchet_is_the_published_one),
        cmocka_unit_test(test_a_round_of_shards_shares_one_parent),
        cmocka_unit_test(test_without_waiting_the_next_shard_takes_the_newest_parent),
        cmocka_unit_test(test_a_ratchet_without_a_network_founds_another),
        cmocka_unit_test(test_tournament_replacement),
        cmocka_unit_test(test_tournament_waits_for_its_founders),
        cmocka_unit_test(test_larger_tournaments_press_harder),
        cmocka_unit_test(test_operators_are_drawn_by_weight),
        cmocka_unit_test(test_acceptance),
        cmocka_unit_test(test_two_parents_need_a_population),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
