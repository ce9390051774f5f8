/*
 * test_victims.c: how often which unit is hit, over many jobs, against the published
 * distributions.
 *
 * Pearson's statistic over all units must stay below its mean by degrees of freedom plus five
 * deviations. Seeds are fixed, so the verdict is too. That the bound can fail is shown with the
 * distributions of the other operators.
 */
#include "operators_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DRAWS = 30000, UNITS_MAX = 64 };

/* Layers of very different widths: here `full` and `hidden` differ most. */
static const struct fixture_shape shape = {
    .classes = 5, .group_count = 3, .groups = {{2, 3}, {1, 17}, {2, 2}}};
enum { LAYERS = 6, HIDDEN = 27 };

static uint32_t layer_of(const struct model *model, uint32_t unit)
{
    uint32_t layer = 0;
    while (unit >= model->layers[layer].first_unit + model->layers[layer].out)
        layer++;
    return layer;
}

/* A layer, all the same chance; then a unit in it. */
static double chance_full(const struct model *model, uint32_t unit)
{
    return 1.0 / LAYERS / model->layers[layer_of(model, unit)].out;
}

static double chance_hidden(const struct model *model, uint32_t unit)
{
    return layer_of(model, unit) < model->layer_count - 1 ? 1.0 / HIDDEN : 0;
}

static double chance_output(const struct model *model, uint32_t unit)
{
    return layer_of(model, unit) == model->layer_count - 1 ? 1.0 / model->classes : 0;
}

static double chance_any_unit(const struct model *model, uint32_t unit)
{
    (void)unit;
    return 1.0 / (double)model->unit_count;
}

static void count_victims(struct fixture *fixture, uint32_t *counts)
{
    memset(counts, 0, sizeof *counts * UNITS_MAX);
    for (uint64_t job = 0; job < DRAWS; job++) {
        fixture_apply(fixture, job);
        struct damage_run run = fixture_expect_one(fixture, fixture->hits.runs[0].parts);
        counts[fixture->model->layers[run.layer].first_unit + run.unit]++;
    }
}

/* True when the counts may come from that distribution. */
static int fits(const struct fixture *fixture, const uint32_t *counts,
                double (*chance)(const struct model *model, uint32_t unit))
{
    double statistic = 0, cells = 0, sum = 0;
    for (uint32_t unit = 0; unit < fixture->model->unit_count; unit++) {
        double expected = DRAWS * chance(fixture->model, unit);
        sum += expected;
        if (expected == 0 && counts[unit] > 0)
            return 0;
        if (expected == 0)
            continue;
        cells++;
        statistic += (counts[unit] - expected) * (counts[unit] - expected) / expected;
    }
    assert_true(fabs(sum - DRAWS) < 1e-6);
    return statistic < (cells - 1) + 5 * sqrt(2 * (cells - 1));
}

static const struct {
    const char *name;
    double (*chance)(const struct model *model, uint32_t unit);
} cases[] = {
    {"psa.full", chance_full},        {"psa.hidden", chance_hidden},
    {"psa.output", chance_output},    {"reinit.full", chance_full},
    {"reinit.hidden", chance_hidden}, {"reinit.output", chance_output},
};

static void test_victims_follow_the_published_distributions(void **state)
{
    (void)state;
    static double (*const chances[])(const struct model *model, uint32_t unit) = {
        chance_full, chance_hidden, chance_output, chance_any_unit};
    uint32_t counts[UNITS_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture *fixture = fixture_make(&shape, cases[i].name);
        assert_true(fixture->model->unit_count <= UNITS_MAX);
        assert_int_equal(fixture->model->layer_count, LAYERS);
        assert_int_equal(fixture_hidden(fixture), HIDDEN);
        count_victims(fixture, counts);
        for (size_t j = 0; j < sizeof chances / sizeof chances[0]; j++) {
            int wanted = chances[j] == cases[i].chance;
            if (fits(fixture, counts, chances[j]) != wanted)
                fail_msg("%s and distribution %zu: expected %s", cases[i].name, j,
                         wanted ? "a fit" : "none");
        }
        fixture_destroy(&fixture);
    }
}

/* One layer of logits behind one of a single unit: every distribution has its corner cases. */
static void test_the_smallest_network(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_make(&fixture_shapes[0], "psa.full");
    uint32_t counts[UNITS_MAX];
    count_victims(fixture, counts);
    assert_true(abs((int)counts[0] - DRAWS / 2) < 5 * 87);
    assert_true(abs((int)counts[1] - DRAWS / 4) < 5 * 75);
    assert_int_equal(counts[0] + counts[1] + counts[2], DRAWS);
    fixture_call(fixture, "psa.hidden");
    count_victims(fixture, counts);
    assert_int_equal(counts[0], DRAWS);
    fixture_destroy(&fixture);
}

/* Pinned: the victims of the first jobs are part of every digest. */
static void test_known_victims(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct {
            uint32_t layer, unit;
        } victims[6];
    } known[] = {
        {"psa.full", {{1, 14}, {4, 8}, {1, 12}, {3, 7}, {1, 11}, {0, 23}}},
        {"psa.hidden", {{1, 0}, {3, 6}, {1, 5}, {3, 0}, {1, 5}, {0, 6}}},
        {"psa.output", {{7, 1}, {7, 5}, {7, 2}, {7, 4}, {7, 2}, {7, 0}}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct fixture *fixture = fixture_make(&fixture_shapes[5], known[i].name);
        for (uint64_t job = 0; job < 6; job++) {
            fixture_apply(fixture, job);
            assert_int_equal(fixture->hits.runs[0].layer, known[i].victims[job].layer);
            assert_int_equal(fixture->hits.runs[0].unit, known[i].victims[job].unit);
        }
        fixture_destroy(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_victims_follow_the_published_distributions),
        cmocka_unit_test(test_the_smallest_network),
        cmocka_unit_test(test_known_victims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
