/*
 * test_masks.c: damage that is inherited: replayed as it was, or mixed from two parents.
 */
#include "operators_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { GENERATIONS = 25, WIDE = 3000, DEAD = ENTERS | DAMAGE_OUTGOING };

static const char *const damaging[] = {"psa.full",    "psa.hidden",    "psa.output",
                                       "reinit.full", "reinit.hidden", "reinit.output"};

/* A lineage of all operators; only its damage is kept, as if training had filled all else. */
static void scar(struct fixture *fixture, struct network *parent, uint64_t first_job)
{
    for (uint64_t i = 0; i < GENERATIONS; i++) {
        fixture_call(fixture, damaging[i % 6]);
        fixture_apply(fixture, first_job + i);
        memcpy(fixture->first->damage, fixture->child->damage, fixture->model->unit_count);
    }
    if (parent == fixture->first)
        return;
    memcpy(parent->damage, fixture->first->damage, fixture->model->unit_count);
    memset(fixture->first->damage, 0, fixture->model->unit_count);
}

static const struct fixture_shape *roomy = &fixture_shapes[5];

static void expect_hits_are(const struct fixture *fixture, const uint8_t *damage)
{
    struct network masked = *fixture->child;
    struct damage_list expected;
    uint8_t copy[512];
    assert_true(fixture->model->unit_count <= sizeof copy);
    memcpy(copy, damage, fixture->model->unit_count);
    masked.damage = copy;
    operator_list_damage(&masked, &expected);
    assert_int_equal(fixture->hits.count, expected.count);
    assert_memory_equal(fixture->hits.runs, expected.runs, sizeof *expected.runs * expected.count);
}

/* ------------------------------------------------------------------------------------- replay */

static void test_replay_hits_all_that_was_ever_hit(void **state)
{
    (void)state;
    for (const struct fixture_shape *shape = fixture_shapes; shape->group_count > 0; shape++) {
        struct fixture *fixture = fixture_make(shape, "none");
        scar(fixture, fixture->first, 0);
        fixture_call(fixture, "mask_replay");
        fixture_apply(fixture, 900);
        assert_true(fixture->hits.count > 0);
        fixture_expect_child(fixture);
        expect_hits_are(fixture, fixture->first->damage);
        assert_memory_equal(fixture->child->damage, fixture->first->damage,
                            fixture->model->unit_count);
        fixture_destroy(&fixture);
    }
}

/* Zeroing alone leaves nothing to choose: what was dead is dead, and a second time says nothing. */
static void test_replay_reproduces_the_damage_of_psa(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_make(roomy, "psa.hidden");
    for (uint64_t job = 0; job < GENERATIONS; job++) {
        fixture_call(fixture, damaging[job % 3]);
        fixture_apply(fixture, job);
        network_copy(fixture->first, fixture->child);
    }
    fixture_call(fixture, "mask_replay");
    fixture_apply(fixture, 900);
    assert_int_equal(fixture_changed(fixture), 0);
    fixture_destroy(&fixture);
}

static void test_replay_of_no_damage_is_none(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_make(roomy, "mask_replay");
    fixture_apply(fixture, 1);
    fixture_expect_child(fixture);
    assert_int_equal(fixture->hits.count, 0);
    assert_int_equal(fixture_changed(fixture), 0);
    fixture_destroy(&fixture);
}

/* A redrawn row crosses a column that was cut: the crossing is zero, whatever came first. */
static void test_a_cut_column_stays_cut_where_a_fresh_row_crosses_it(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_make(roomy, "mask_replay");
    const struct unit_layer *next = &fixture->model->layers[1];
    fixture->first->damage[4] = DEAD;
    fixture->first->damage[next->first_unit + 7] = ENTERS | DAMAGE_REINITIALISED;
    fixture_apply(fixture, 1);
    fixture_expect_child(fixture);
    const float *row = fixture->child->parameters + next->weight + 7 * (uint64_t)next->in;
    for (uint32_t i = 0; i < next->in; i++)
        assert_int_equal(row[i] == 0.0F, i == 4);
    fixture_destroy(&fixture);
}

/* More runs than a list holds: the list says so, the network is hit in full. */
static void test_more_damage_than_a_list_holds(void **state)
{
    (void)state;
    static const struct fixture_shape wide = {
        .classes = 2, .group_count = 1, .groups = {{1, WIDE}}};
    struct fixture *fixture = fixture_make(&wide, "mask_replay");
    for (uint32_t unit = 0; unit < WIDE; unit += 2)
        fixture->first->damage[unit] = DEAD;
    fixture_apply(fixture, 1);
    assert_int_equal(fixture->hits.count, DAMAGE_RUNS_MAX);
    assert_false(fixture->hits.complete);
    assert_int_equal(fixture->hits.runs[DAMAGE_RUNS_MAX - 1].unit, 2 * (DAMAGE_RUNS_MAX - 1));
    const struct unit_layer *layer = fixture->model->layers;
    for (uint32_t unit = 0; unit < WIDE; unit++) {
        assert_int_equal(fixture->child->parameters[layer->bias + unit] == 0.0F, unit % 2 == 0);
        assert_int_equal(fixture->child->parameters[layer[1].weight + unit] == 0.0F, unit % 2 == 0);
    }
    fixture_destroy(&fixture);
}

/* What a checkpoint from elsewhere may say, and what no operator of ours would. */
static void test_a_strange_mask_is_applied_as_far_as_it_makes_sense(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_make(roomy, "mask_replay");
    uint64_t logits = fixture_hidden(fixture);
    fixture->first->damage[0] = DAMAGE_BIAS;
    fixture->first->damage[1] = DAMAGE_INCOMING;
    fixture->first->damage[2] = DAMAGE_REINITIALISED;
    fixture->first->damage[3] = DAMAGE_REINITIALISED | DAMAGE_OUTGOING;
    fixture->first->damage[logits] = DAMAGE_OUTGOING;
    fixture->first->damage[logits + 1] = DAMAGE_ALL;
    fixture_apply(fixture, 1);
    fixture_expect_child(fixture);
    uint32_t last = fixture->model->layer_count - 1;
    const struct damage_run expected[] = {
        {0, 0, 2, ENTERS}, {0, 3, 1, DAMAGE_OUTGOING}, {last, 1, 1, ENTERS | DAMAGE_REINITIALISED}};
    assert_int_equal(fixture->hits.count, 3);
    assert_memory_equal(fixture->hits.runs, expected, sizeof expected);
    fixture_destroy(&fixture);
}

/* -------------------------------------------------------------------------------------- cross */

/* Two parents, each with damage of its own; the numbers are the first one's. */
static struct fixture *couple(double rate)
{
    struct fixture *fixture = fixture_make(roomy, "none");
    scar(fixture, fixture->second, 1000);
    scar(fixture, fixture->first, 0);
    assert_memory_not_equal(fixture->first->damage, fixture->second->damage,
                            fixture->model->unit_count);
    fixture_call(fixture, "mask_cross");
    fixture->job.call.params[0] = rate;
    return fixture;
}

static void test_cross_at_the_ends_of_the_rate_is_one_parents_mask(void **state)
{
    (void)state;
    struct fixture *fixture = couple(0);
    fixture_apply(fixture, 1);
    fixture_expect_child(fixture);
    expect_hits_are(fixture, fixture->first->damage);
    fixture_destroy(&fixture);
    fixture = couple(1);
    fixture_apply(fixture, 1);
    fixture_expect_child(fixture);
    expect_hits_are(fixture, fixture->second->damage);
    fixture_destroy(&fixture);
}

static uint32_t hit_parts(const struct fixture *fixture, uint32_t layer, uint32_t unit)
{
    for (uint32_t i = 0; i < fixture->hits.count; i++) {
        const struct damage_run *run = &fixture->hits.runs[i];
        if (run->layer == layer && unit >= run->unit && unit < run->unit + run->count)
            return run->parts;
    }
    return 0;
}

struct tally {
    uint32_t chosen, of;
};

/* Each unit has one parent's parts, both kinds occur; counts where it shows which it was. */
static void tally_job(const struct fixture *fixture, struct tally *tally)
{
    for (uint32_t l = 0; l < fixture->model->layer_count; l++) {
        for (uint32_t u = 0; u < fixture->model->layers[l].out; u++) {
            uint64_t number = fixture->model->layers[l].first_unit + u;
            uint32_t first = fixture->first->damage[number], parts = hit_parts(fixture, l, u);
            uint32_t second = fixture->second->damage[number];
            assert_true(parts == first || parts == second);
            if (first == second)
                continue;
            tally->of++;
            tally->chosen += parts == second;
        }
    }
}

static void expect_rate(double rate)
{
    enum { JOBS = 200 };
    struct tally tally = {0, 0};
    struct fixture *fixture = couple(rate);
    for (uint64_t job = 0; job < JOBS; job++) {
        fixture_apply(fixture, job);
        fixture_expect_child(fixture);
        tally_job(fixture, &tally);
    }
    assert_true(tally.of > 20 * JOBS);
    double expected = rate * tally.of;
    assert_true(fabs(tally.chosen - expected) < 4 * sqrt(expected * (1 - rate)));
    fixture_destroy(&fixture);
}

static void test_cross_takes_from_both_at_the_rate(void **state)
{
    (void)state;
    expect_rate(0.5);
    expect_rate(0.1);
    expect_rate(0.8);
}

static void test_cross_with_itself_is_replay(void **state)
{
    (void)state;
    struct fixture *fixture = couple(0.5);
    memcpy(fixture->second->damage, fixture->first->damage, fixture->model->unit_count);
    fixture_apply(fixture, 1);
    expect_hits_are(fixture, fixture->first->damage);
    fixture_expect_child(fixture);
    struct operator_input input = {.job = &fixture->job,
                                   .parents = {fixture->first, fixture->first}};
    operator_apply(&input, fixture->child, &fixture->training, &fixture->hits);
    fixture_expect_child(fixture);
    expect_hits_are(fixture, fixture->first->damage);
    fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_hits_all_that_was_ever_hit),
        cmocka_unit_test(test_replay_reproduces_the_damage_of_psa),
        cmocka_unit_test(test_replay_of_no_damage_is_none),
        cmocka_unit_test(test_a_cut_column_stays_cut_where_a_fresh_row_crosses_it),
        cmocka_unit_test(test_more_damage_than_a_list_holds),
        cmocka_unit_test(test_a_strange_mask_is_applied_as_far_as_it_makes_sense),
        cmocka_unit_test(test_cross_at_the_ends_of_the_rate_is_one_parents_mask),
        cmocka_unit_test(test_cross_takes_from_both_at_the_rate),
        cmocka_unit_test(test_cross_with_itself_is_replay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
