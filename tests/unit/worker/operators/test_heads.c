/*
 * test_heads.c: damage in a transformer hits exactly a unit's numbers. A head's are its rows of
 * queries, keys and values with their biases, and its columns in the way out; a channel's of the
 * perceptron between are its row and the columns that read it. Channels that are added to others'
 * have no column of their own.
 */
#include "operators_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { JOBS = 150, LAYERS = 5, NOBODY = 99, SAMPLE = 6, CLASSES = 3 };

/* Unit layers: 4 channels, 2 heads, 6 channels, 4 channels, 3 logits; at three positions. */
static const struct fixture_model encoder = {
    "layers:[project 4,positions,residual(norm,attention 2),residual(norm,conv 6k1,project 4),norm,"
    "mean]@2x1x3",
    SAMPLE, CLASSES};

/* The tensors in their order. Row r makes unit r % span / size of layer `makes`; column c reads
 * unit c / block of layer `reads`. */
static const struct {
    uint32_t rows, columns, makes, span, size, reads, block;
} tensors[] = {
    {4, 2, 0, 4, 1, NOBODY, 1},      {4, 1, 0, 4, 1, NOBODY, 1},      /* project */
    {4, 3, NOBODY, 1, 1, NOBODY, 1},                                  /* positions */
    {4, 1, NOBODY, 1, 1, NOBODY, 1}, {4, 1, NOBODY, 1, 1, NOBODY, 1}, /* norm */
    {12, 4, 1, 4, 2, 0, 1},          {12, 1, 1, 4, 2, NOBODY, 1},     /* attention: in, */
    {4, 4, NOBODY, 1, 1, 1, 2},      {4, 1, NOBODY, 1, 1, NOBODY, 1}, /* and out */
    {4, 1, NOBODY, 1, 1, NOBODY, 1}, {4, 1, NOBODY, 1, 1, NOBODY, 1}, /* norm */
    {6, 4, 2, 6, 1, NOBODY, 1},      {6, 1, 2, 6, 1, NOBODY, 1},      /* conv */
    {4, 6, 3, 4, 1, 2, 1},           {4, 1, 3, 4, 1, NOBODY, 1},      /* project */
    {4, 1, NOBODY, 1, 1, NOBODY, 1}, {4, 1, NOBODY, 1, 1, NOBODY, 1}, /* norm */
    {3, 4, 4, 3, 1, NOBODY, 1},      {3, 1, 4, 3, 1, NOBODY, 1},      /* logits */
};
enum { TENSORS = sizeof tensors / sizeof tensors[0] };

/* Whether number `at` of tensor t makes the unit, or reads it. */
static void find(uint32_t t, uint32_t at, struct damage_run hit, bool *enters, bool *leaves)
{
    const uint32_t row = at / tensors[t].columns, column = at % tensors[t].columns;
    *enters = tensors[t].makes == hit.layer && row % tensors[t].span / tensors[t].size == hit.unit;
    *leaves = tensors[t].reads == hit.layer && column / tensors[t].block == hit.unit;
}

static void expect_number(const struct fixture *fixture, uint64_t at, float expected, bool is_hit)
{
    const float moment = is_hit ? 0 : fixture->first->m[at];
    assert_memory_equal(&fixture->child->parameters[at], &expected, sizeof expected);
    assert_memory_equal(&fixture->child->m[at], &moment, sizeof moment);
}

static void expect_hit(const struct fixture *fixture, struct damage_run run, const float *fresh)
{
    assert_int_equal(fixture->model->layers[1].kind, UNIT_HEAD);
    uint64_t at = 0;
    for (uint32_t t = 0; t < TENSORS; t++)
        for (uint32_t i = 0; i < tensors[t].rows * tensors[t].columns; i++, at++) {
            bool enters, leaves;
            find(t, i, run, &enters, &leaves);
            leaves = leaves && (run.parts & DAMAGE_OUTGOING) != 0;
            const bool is_fresh = enters && (run.parts & DAMAGE_REINITIALISED) != 0;
            const float whole = fixture->first->parameters[at];
            const float expected = is_fresh ? fresh[at] : enters || leaves ? 0 : whole;
            expect_number(fixture, at, expected, enters || leaves);
        }
    assert_int_equal(at, fixture->model->parameter_count);
}

static void check_operator(const char *name, uint32_t parts)
{
    const struct fixture_trial trial = {&encoder, name, parts, JOBS, LAYERS, expect_hit};
    uint32_t seen[LAYERS] = {0};
    fixture_try(&trial, seen);
    assert_int_equal(seen[1], 3);  /* both heads */
    assert_int_equal(seen[2], 63); /* all channels between */
}

static void a_unit_that_is_cut_off_loses_its_rows(void **state)
{
    (void)state;
    check_operator("psa.full", ENTERS);
}

static void a_hidden_unit_loses_its_columns_too(void **state)
{
    (void)state;
    check_operator("psa.hidden", ENTERS | DAMAGE_OUTGOING);
}

static void a_unit_that_is_drawn_anew_gets_fresh_rows(void **state)
{
    (void)state;
    check_operator("reinit.full", ENTERS | DAMAGE_REINITIALISED);
    check_operator("reinit.hidden", ENTERS | DAMAGE_OUTGOING | DAMAGE_REINITIALISED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_that_is_cut_off_loses_its_rows),
        cmocka_unit_test(a_hidden_unit_loses_its_columns_too),
        cmocka_unit_test(a_unit_that_is_drawn_anew_gets_fresh_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
