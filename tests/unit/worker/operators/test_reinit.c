/*
 * test_reinit.c: the damage that can heal: the victims of psa.*, but with fresh weights and bias.
 */
#include "operators_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { JOBS = 60, ANEW = ENTERS | DAMAGE_REINITIALISED };

static const struct {
    const char *name, *zeroing; /* and the operator of the same victims */
    uint32_t parts;
} modes[] = {
    {"reinit.full", "psa.full", ANEW},
    {"reinit.hidden", "psa.hidden", ANEW | DAMAGE_OUTGOING},
    {"reinit.output", "psa.output", ANEW},
};

enum { MODES = sizeof modes / sizeof modes[0] };

static void test_what_enters_is_drawn_anew_and_nothing_else_changes(void **state)
{
    (void)state;
    for (size_t k = 0; k < MODES; k++) {
        for (const struct fixture_shape *shape = fixture_shapes; shape->group_count > 0; shape++) {
            struct fixture *fixture = fixture_make(shape, modes[k].name);
            for (uint64_t job = 0; job < JOBS; job++) {
                fixture_apply(fixture, job);
                struct damage_run run = fixture_expect_one(fixture, modes[k].parts);
                fixture_expect_child(fixture);
                uint64_t expected = fixture_row_numbers(fixture, run.layer);
                if ((run.parts & DAMAGE_OUTGOING) != 0)
                    expected += fixture_column_numbers(fixture, run.layer);
                assert_int_equal(fixture_changed(fixture), expected);
            }
            fixture_destroy(&fixture);
        }
    }
}

static void test_the_victims_are_those_of_psa(void **state)
{
    (void)state;
    for (size_t k = 0; k < MODES; k++) {
        struct fixture *fixture = fixture_make(&fixture_shapes[5], modes[k].name);
        for (uint64_t job = 0; job < JOBS; job++) {
            fixture_call(fixture, modes[k].name);
            fixture_apply(fixture, job);
            struct damage_run anew = fixture_expect_one(fixture, modes[k].parts);
            fixture_call(fixture, modes[k].zeroing);
            fixture_apply(fixture, job);
            struct damage_run zeroed = fixture->hits.runs[0];
            assert_int_equal(anew.layer, zeroed.layer);
            assert_int_equal(anew.unit, zeroed.unit);
        }
        fixture_destroy(&fixture);
    }
}

/* A unit that psa.full made silent lives again: its numbers are those of model_draw_unit. */
static void test_a_dead_unit_heals(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_make(&fixture_shapes[4], "psa.full");
    for (uint64_t job = 0; job < JOBS; job++) {
        fixture_call(fixture, "psa.full");
        fixture_apply(fixture, job);
        network_copy(fixture->second, fixture->first);
        network_copy(fixture->first, fixture->child);
        fixture_call(fixture, "reinit.full");
        fixture_apply(fixture, job); /* the same victim */
        struct damage_run run = fixture_expect_one(fixture, ANEW);
        const struct unit_layer *layer = &fixture->model->layers[run.layer];
        struct random random = random_open(FIXTURE_SEED, 3, job, RANDOM_INIT);
        model_draw_unit(fixture->model, &random, run.layer, run.unit, fixture->first->parameters);
        assert_int_equal(fixture_changed(fixture), 0);
        uint64_t row = layer->weight + (uint64_t)run.unit * layer->in;
        for (uint32_t i = 0; i < layer->in; i++)
            assert_true(fixture->child->parameters[row + i] != 0.0F);
        assert_true(fixture->child->parameters[layer->bias + run.unit] != 0.0F);
        assert_int_equal(fixture->child->damage[layer->first_unit + run.unit], ANEW);
        network_copy(fixture->first, fixture->second);
    }
    fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_enters_is_drawn_anew_and_nothing_else_changes),
        cmocka_unit_test(test_the_victims_are_those_of_psa),
        cmocka_unit_test(test_a_dead_unit_heals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
