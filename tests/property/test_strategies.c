/*
 * test_strategies.c: what strategy.h promises, for every strategy with random parameters.
 *
 * Two states of one strategy hear the same results in the same order; the second one is bothered
 * with questions in between. They must answer alike. Population and turnover are held against an
 * account of our own.
 */
#include "tests/simulation/dice.h"
#include "tests/simulation/trial.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TRIALS = 400, JOBS = 150, MEMBERS_MAX = 64, LOOKAHEAD = 9 };

static const struct fault_plan no_faults;

struct pending {
    uint64_t job;
    struct proposal proposal;
};

struct course {
    const struct search_config *config;
    const struct strategy *strategy;
    struct dice dice;
    void *state, *bothered;
    struct individual members[MEMBERS_MAX]; /* our own account of the population */
    uint32_t member_count;
    struct pending pending[LOOKAHEAD];
    uint32_t pending_count;
    uint64_t next_job;
};

static int find_member(const struct course *course, uint64_t job)
{
    for (uint32_t i = 0; i < course->member_count; i++)
        if (course->members[i].job == job)
            return (int)i;
    return -1;
}

static void check_population(const struct course *course)
{
    struct individual kept[MEMBERS_MAX], other[MEMBERS_MAX];
    uint32_t count = course->strategy->population(course->state, kept, MEMBERS_MAX);
    assert_int_equal(count, course->member_count);
    assert_true(count <= course->strategy->population_max(course->config));
    for (uint32_t i = 0; i < count; i++)
        assert_true(find_member(course, kept[i].job) >= 0);
    assert_int_equal(course->strategy->population(course->bothered, other, MEMBERS_MAX), count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(kept[i].job, other[i].job);
}

/* Asks both states; parents must be alive. False: WAIT. */
static bool ask(struct course *course)
{
    struct proposal one, other;
    enum ask_answer answer = course->strategy->ask(course->state, course->next_job, &one);
    assert_int_equal(answer, course->strategy->ask(course->bothered, course->next_job, &other));
    if (answer == ASK_WAIT)
        return false;
    assert_int_equal(one.operator_index, other.operator_index);
    assert_int_equal(one.stream, other.stream);
    assert_int_equal(one.parent_count, other.parent_count);
    bool founder = one.operator_index == OPERATOR_INIT;
    uint32_t parents = founder ? 0 : course->config->operators[one.operator_index].parents;
    assert_int_equal(one.parent_count, parents);
    for (uint32_t i = 0; i < one.parent_count; i++) {
        int member = find_member(course, one.parents[i].job);
        assert_true(member >= 0);
        assert_true(digest_equal(&one.parents[i].checkpoint, &course->members[member].checkpoint));
        assert_int_equal(one.parents[i].job, other.parents[i].job);
    }
    course->pending[course->pending_count++] = (struct pending){course->next_job++, one};
    return true;
}

static struct candidate draw_candidate(struct course *course, const struct pending *pending)
{
    const struct proposal *proposal = &pending->proposal;
    struct candidate candidate = {
        .individual = {.job = pending->job,
                       .checkpoint = digest_of(&pending->job, sizeof pending->job),
                       .fitness = dice_unit(&course->dice),
                       .depth = proposal->parent_count > 0 ? proposal->parents[0].depth + 1 : 0},
        .operator_index = proposal->operator_index,
        .parent_count = proposal->parent_count,
        .outcome = OUTCOME_OK,
    };
    for (uint32_t i = 0; i < proposal->parent_count; i++)
        candidate.parents[i] = proposal->parents[i].job;
    /* Ties, failures and divergence are where care is needed. */
    if (dice_chance(&course->dice, 0.3))
        candidate.individual.fitness = 0.5;
    if (dice_chance(&course->dice, 0.1)) {
        candidate.outcome = dice_chance(&course->dice, 0.5) ? OUTCOME_DIVERGED : OUTCOME_FAILED;
        candidate.individual.fitness = (double)NAN;
    }
    return candidate;
}

/* Questions change nothing. */
static void bother(struct course *course)
{
    for (uint32_t i = 0; i < course->pending_count; i++) {
        struct candidate candidate = draw_candidate(course, &course->pending[i]);
        bool first = course->strategy->judge(course->bothered, &candidate);
        assert_int_equal(first, course->strategy->judge(course->bothered, &candidate));
    }
}

static void account(struct course *course, const struct candidate *candidate,
                    const struct turnover *turnover)
{
    assert_true(turnover->evicted_count <= 2);
    assert_true(turnover->admitted || turnover->evicted_count == 0);
    for (uint32_t i = 0; i < turnover->evicted_count; i++) {
        int member = find_member(course, turnover->evicted[i].job);
        assert_true(member >= 0);
        assert_true(
            digest_equal(&turnover->evicted[i].checkpoint, &course->members[member].checkpoint));
        course->members[member] = course->members[--course->member_count];
    }
    if (!turnover->admitted)
        return;
    assert_int_equal(candidate->outcome, OUTCOME_OK);
    assert_true(course->member_count < MEMBERS_MAX);
    course->members[course->member_count++] = candidate->individual;
}

static void commit(struct course *course, uint32_t index)
{
    struct pending pending = course->pending[index];
    course->pending_count--;
    memmove(&course->pending[index], &course->pending[index + 1],
            (course->pending_count - index) * sizeof course->pending[0]);
    struct candidate candidate = draw_candidate(course, &pending);
    bother(course);
    bool judged = course->strategy->judge(course->state, &candidate);
    struct turnover turnover, other;
    course->strategy->tell(course->state, &candidate, &turnover);
    course->strategy->tell(course->bothered, &candidate, &other);
    assert_int_equal(turnover.admitted, judged);
    assert_int_equal(turnover.admitted, other.admitted);
    assert_int_equal(turnover.evicted_count, other.evicted_count);
    account(course, &candidate, &turnover);
    check_population(course);
}

static void run_course(uint64_t seed, uint32_t commit_in_order)
{
    struct trial trial;
    trial_draw(&trial, seed, &no_faults);
    struct course course = {
        .config = &trial.lines[0].search,
        .strategy = trial.lines[0].search.strategy,
        .dice = dice_open(seed, DICE_WORLD),
    };
    size_t size = course.strategy->state_size(course.config);
    course.state = calloc(1, size);
    course.bothered = malloc(size);
    assert_non_null(course.state);
    assert_non_null(course.bothered);
    memset(course.bothered, 0xa5, size); /* open must not count on clean memory */
    course.strategy->open(course.state, course.config);
    course.strategy->open(course.bothered, course.config);
    for (uint32_t i = 0; i < JOBS; i++) {
        while (course.pending_count < LOOKAHEAD && ask(&course))
            ;
        assert_true(course.pending_count > 0); /* a strategy that waits for nothing */
        commit(&course, commit_in_order ? 0 : dice_below(&course.dice, course.pending_count));
    }
    free(course.state);
    free(course.bothered);
}

static void strategies_keep_their_contract_in_job_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= TRIALS; seed++)
        run_course(seed, 1);
}

static void strategies_keep_their_contract_in_any_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= TRIALS; seed++)
        run_course(seed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strategies_keep_their_contract_in_job_order),
        cmocka_unit_test(strategies_keep_their_contract_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
