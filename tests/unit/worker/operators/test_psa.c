/*
 * test_psa.c: the three published damages, bit by bit: on every topology exactly one unit is hit,
 * its numbers are zero, no other bit of the network changes, and the damage adds up over a lineage.
 */
#include "operators_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { JOBS = 60, GENERATIONS = 40 };

/* What an operator may do to which layer: `last` stands for the logits. */
struct mode {
    const char *name;
    uint32_t parts;
    enum { ANY_LAYER, HIDDEN_LAYERS, LAST_LAYER } layers;
};

static const struct mode modes[] = {
    {"psa.full", ENTERS, ANY_LAYER},
    {"psa.hidden", ENTERS | DAMAGE_OUTGOING, HIDDEN_LAYERS},
    {"psa.output", ENTERS, LAST_LAYER},
};

static void expect_layer(const struct fixture *fixture, const struct mode *mode, uint32_t layer)
{
    uint32_t last = fixture->model->layer_count - 1;
    if (mode->layers == HIDDEN_LAYERS)
        assert_true(layer < last);
    if (mode->layers == LAST_LAYER)
        assert_int_equal(layer, last);
}

static void expect_mode(const struct mode *mode, const struct fixture_shape *shape)
{
    struct fixture *fixture = fixture_make(shape, mode->name);
    struct operator_training before = fixture->training;
    for (uint64_t job = 0; job < JOBS; job++) {
        fixture_apply(fixture, job);
        struct damage_run run = fixture_expect_one(fixture, mode->parts);
        expect_layer(fixture, mode, run.layer);
        fixture_expect_child(fixture);
        uint64_t expected = fixture_row_numbers(fixture, run.layer);
        if ((mode->parts & DAMAGE_OUTGOING) != 0)
            expected += fixture_column_numbers(fixture, run.layer);
        assert_int_equal(fixture_changed(fixture), expected);
        assert_memory_equal(&fixture->training, &before, sizeof before);
    }
    fixture_destroy(&fixture);
}

static void expect_everywhere(const struct mode *mode)
{
    for (const struct fixture_shape *shape = fixture_shapes; shape->group_count > 0; shape++)
        expect_mode(mode, shape);
}

static void test_full_zeroes_what_enters_one_unit(void **state)
{
    (void)state;
    expect_everywhere(&modes[0]);
}

static void test_hidden_zeroes_what_enters_and_leaves_one_hidden_unit(void **state)
{
    (void)state;
    expect_everywhere(&modes[1]);
}

static void test_output_zeroes_what_enters_one_logit(void **state)
{
    (void)state;
    expect_everywhere(&modes[2]);
}

/* The tensors that changed, by name, for victims that are known: weights, biases, and no more. */
static void test_only_the_tensors_of_the_victim_change(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof modes / sizeof modes[0]; k++) {
        struct fixture *fixture = fixture_make(&fixture_shapes[5], modes[k].name);
        for (uint64_t job = 0; job < JOBS; job++) {
            fixture_apply(fixture, job);
            struct damage_run run = fixture_expect_one(fixture, modes[k].parts);
            for (uint32_t l = 0; l < fixture->model->layer_count; l++) {
                const struct unit_layer *layer = &fixture->model->layers[l];
                const float *was = fixture->first->parameters, *is = fixture->child->parameters;
                int weight = memcmp(was + layer->weight, is + layer->weight,
                                    sizeof(float) * layer->in * layer->out) != 0;
                int bias =
                    memcmp(was + layer->bias, is + layer->bias, sizeof(float) * layer->out) != 0;
                int leaves = modes[k].layers == HIDDEN_LAYERS && l == run.layer + 1;
                assert_int_equal(weight, l == run.layer || leaves);
                assert_int_equal(bias, l == run.layer);
            }
        }
        fixture_destroy(&fixture);
    }
}

/* Each generation's child is the next one's parent: the damage of all of them stays. */
static void test_damage_adds_up_over_a_lineage(void **state)
{
    (void)state;
    uint8_t expected[512];
    for (size_t k = 0; k < sizeof modes / sizeof modes[0]; k++) {
        struct fixture *fixture = fixture_make(&fixture_shapes[5], modes[k].name);
        assert_true(fixture->model->unit_count <= sizeof expected);
        memset(expected, 0, sizeof expected);
        for (uint64_t job = 0; job < GENERATIONS; job++) {
            fixture_apply(fixture, job);
            fixture_expect_child(fixture);
            struct damage_run run = fixture_expect_one(fixture, modes[k].parts);
            expected[fixture->model->layers[run.layer].first_unit + run.unit] |=
                (uint8_t)modes[k].parts;
            assert_memory_equal(fixture->child->damage, expected, fixture->model->unit_count);
            network_copy(fixture->first, fixture->child);
        }
        fixture_destroy(&fixture);
    }
}

/* On 1*1 with two logits every generation after the first hits the same dead unit. */
static void test_a_dead_unit_can_be_hit_again(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_make(&fixture_shapes[0], "psa.hidden");
    fixture_apply(fixture, 1);
    network_copy(fixture->first, fixture->child);
    fixture_apply(fixture, 2);
    fixture_expect_one(fixture, ENTERS | DAMAGE_OUTGOING);
    assert_int_equal(fixture_changed(fixture), 0);
    assert_int_equal(fixture->child->damage[0], ENTERS | DAMAGE_OUTGOING);
    fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_zeroes_what_enters_one_unit),
        cmocka_unit_test(test_hidden_zeroes_what_enters_and_leaves_one_hidden_unit),
        cmocka_unit_test(test_output_zeroes_what_enters_one_logit),
        cmocka_unit_test(test_only_the_tensors_of_the_victim_change),
        cmocka_unit_test(test_damage_adds_up_over_a_lineage),
        cmocka_unit_test(test_a_dead_unit_can_be_hit_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
