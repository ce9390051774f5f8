/*
 * test_recurrent.c: damage of a recurrent unit hits exactly its numbers: its rows of all three
 * gates in the four tensors of its direction, and the columns that read it: its own layer's, those
 * of the next layer and of the logits.
 */
#include "operators_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { JOBS = 120, LAYERS = 4, NOBODY = 99, STEPS = 5 };

/* Two channels at five steps. Unit layers: both directions of three units, four units, logits. */
static const struct fixture_model sequence = {"layers:[bigru 3,gru 4]@2x1x5", 2 * STEPS, 3};

/* The tensors in their order: [gates * units of `rows`, columns]. Column c belongs to unit
 * (c / block) of the layer `read`, and of the layers behind it when that has no more units. */
static const struct {
    uint32_t rows, units, gates, columns, read, read_units, block;
} tensors[] = {
    {0, 3, 3, 2, NOBODY, 1, 1}, {0, 3, 3, 3, 0, 3, 1},      {0, 3, 3, 1, NOBODY, 1, 1},
    {0, 3, 3, 1, NOBODY, 1, 1}, {1, 3, 3, 2, NOBODY, 1, 1}, {1, 3, 3, 3, 1, 3, 1},
    {1, 3, 3, 1, NOBODY, 1, 1}, {1, 3, 3, 1, NOBODY, 1, 1}, {2, 4, 3, 6, 0, 3, 1},
    {2, 4, 3, 4, 2, 4, 1},      {2, 4, 3, 1, NOBODY, 1, 1}, {2, 4, 3, 1, NOBODY, 1, 1},
    {3, 3, 1, 20, 2, 4, STEPS}, {3, 3, 1, 1, NOBODY, 1, 1},
};
enum { TENSORS = sizeof tensors / sizeof tensors[0] };

/* Whether number `at` of tensor t makes the unit, or reads it. */
static void find(uint32_t t, uint32_t at, struct damage_run hit, bool *enters, bool *leaves)
{
    uint32_t row = at / tensors[t].columns, column = at % tensors[t].columns / tensors[t].block;
    *enters = tensors[t].rows == hit.layer && row % tensors[t].units == hit.unit;
    *leaves = tensors[t].read != NOBODY &&
              tensors[t].read + column / tensors[t].read_units == hit.layer &&
              column % tensors[t].read_units == hit.unit;
}

static void expect_number(const struct fixture *fixture, uint64_t at, float expected, bool is_hit)
{
    const float moment = is_hit ? 0 : fixture->first->m[at];
    assert_memory_equal(&fixture->child->parameters[at], &expected, sizeof expected);
    assert_memory_equal(&fixture->child->m[at], &moment, sizeof moment);
}

static void expect_hit(const struct fixture *fixture, struct damage_run run, const float *fresh)
{
    uint64_t at = 0;
    for (uint32_t t = 0; t < TENSORS; t++)
        for (uint32_t i = 0; i < tensors[t].gates * tensors[t].units * tensors[t].columns;
             i++, at++) {
            bool enters, leaves;
            find(t, i, run, &enters, &leaves);
            leaves = leaves && (run.parts & DAMAGE_OUTGOING) != 0;
            bool is_fresh = enters && !leaves && (run.parts & DAMAGE_REINITIALISED) != 0;
            float expected = is_fresh           ? fresh[at]
                             : enters || leaves ? 0
                                                : fixture->first->parameters[at];
            expect_number(fixture, at, expected, enters || leaves);
        }
    assert_int_equal(at, fixture->model->parameter_count);
}

static void check_operator(const char *name, uint32_t parts)
{
    const struct fixture_trial trial = {&sequence, name, parts, JOBS, LAYERS, expect_hit};
    uint32_t seen[LAYERS] = {0};
    fixture_try(&trial, seen);
    assert_true(seen[0] != 0 && seen[1] != 0 && seen[2] != 0);
}

static void a_unit_that_is_cut_off_loses_its_gates(void **state)
{
    (void)state;
    check_operator("psa.full", ENTERS);
}

static void a_hidden_unit_loses_those_that_read_it_too(void **state)
{
    (void)state;
    check_operator("psa.hidden", ENTERS | DAMAGE_OUTGOING);
}

static void a_unit_that_is_drawn_anew_gets_fresh_gates(void **state)
{
    (void)state;
    check_operator("reinit.full", ENTERS | DAMAGE_REINITIALISED);
    check_operator("reinit.hidden", ENTERS | DAMAGE_OUTGOING | DAMAGE_REINITIALISED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_that_is_cut_off_loses_its_gates),
        cmocka_unit_test(a_hidden_unit_loses_those_that_read_it_too),
        cmocka_unit_test(a_unit_that_is_drawn_anew_gets_fresh_gates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
