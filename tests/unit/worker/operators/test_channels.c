/*
 * test_channels.c: damage of a convolution's channels hits exactly their numbers: the kernels that
 * make a channel and its bias, and the kernels (or columns of a linear layer) that read it.
 */
#include "operators_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { JOBS = 80, LAYERS = 4 };

/* 12 x 12 become 6 positions of 6 with pooling, then 3 x 3, which the linear layers read. */
static const struct fixture_model image = {"layers:[conv 5k3p1,maxpool 2,conv 4k3s2p1,dense 6]",
                                           144, 3};

/* Of each layer: units, what one number of the value before it is read with (taps, or positions of
 * a channel), and units of the layer before. */
static const struct {
    uint32_t units, block, before;
} layers[LAYERS] = {{5, 9, 1}, {4, 9, 5}, {6, 9, 4}, {3, 1, 6}};

static uint64_t weights_of(uint32_t layer)
{
    return (uint64_t)layers[layer].units * layers[layer].before * layers[layer].block;
}

static uint64_t first_of(uint32_t layer)
{
    uint64_t first = 0;
    for (uint32_t l = 0; l < layer; l++)
        first += weights_of(l) + layers[l].units;
    return first;
}

/* Whether number `at` of the flat array makes the unit, or reads it. */
static void find(uint64_t at, struct damage_run unit, bool *enters, bool *leaves)
{
    uint32_t layer = 0;
    while (layer + 1 < LAYERS && at >= first_of(layer + 1))
        layer++;
    uint64_t place = at - first_of(layer), row = weights_of(layer) / layers[layer].units;
    bool is_bias = place >= weights_of(layer);
    uint64_t out = is_bias ? place - weights_of(layer) : place / row;
    *enters = layer == unit.layer && out == unit.unit;
    *leaves = !is_bias && layer == unit.layer + 1 && place % row / layers[layer].block == unit.unit;
}

static void expect_hit(const struct fixture *fixture, struct damage_run run, const float *fresh)
{
    assert_int_equal(fixture->model->parameter_count, first_of(LAYERS));
    const struct network *child = fixture->child, *parent = fixture->first;
    for (uint64_t at = 0; at < fixture->model->parameter_count; at++) {
        bool enters, leaves;
        find(at, run, &enters, &leaves);
        leaves = leaves && (run.parts & DAMAGE_OUTGOING) != 0;
        float expected = enters   ? ((run.parts & DAMAGE_REINITIALISED) != 0 ? fresh[at] : 0)
                         : leaves ? 0
                                  : parent->parameters[at];
        float moment = enters || leaves ? 0 : parent->m[at];
        assert_memory_equal(&child->parameters[at], &expected, sizeof expected);
        assert_memory_equal(&child->m[at], &moment, sizeof moment);
    }
}

static void check_operator(const char *name, uint32_t parts)
{
    const struct fixture_trial trial = {&image, name, parts, JOBS, LAYERS, expect_hit};
    uint32_t seen[LAYERS] = {0};
    fixture_try(&trial, seen);
    assert_true(seen[0] != 0 && seen[1] != 0);
}

static void a_channel_that_is_cut_off_loses_its_kernels(void **state)
{
    (void)state;
    check_operator("psa.full", ENTERS);
}

static void a_hidden_channel_loses_those_that_read_it_too(void **state)
{
    (void)state;
    check_operator("psa.hidden", ENTERS | DAMAGE_OUTGOING);
}

static void a_channel_that_is_drawn_anew_gets_fresh_kernels(void **state)
{
    (void)state;
    check_operator("reinit.full", ENTERS | DAMAGE_REINITIALISED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_that_is_cut_off_loses_its_kernels),
        cmocka_unit_test(a_hidden_channel_loses_those_that_read_it_too),
        cmocka_unit_test(a_channel_that_is_drawn_anew_gets_fresh_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
