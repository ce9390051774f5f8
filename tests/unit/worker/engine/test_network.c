/* test_network.c: one individual's numbers, and what damage does to them. */
#include "tests/unit/worker/engine/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

enum { PARAMETERS = 124 };

/* layers: W0 [5, 3] at 0, b0 at 15, W1 [5, 5] at 20, b1 at 45, W2 [7, 5] at 50, b2 at 85, W3 [4, 7]
 * at 92, b3 at 120. Parameter i is 1 + i, m is 1000 + i, v is 2000 + i. */
static struct network *numbered(void **state)
{
    struct model *model = fixture_model("mlp:[2x5,1x7]", ACTIVATION_RELU, 3, 4);
    struct network *network = network_create(model, OPTIMIZER_STATE_MOMENTS);
    assert_non_null(network);
    assert_int_equal(model->parameter_count, PARAMETERS);
    for (uint32_t i = 0; i < PARAMETERS; i++) {
        network->parameters[i] = (float)(1 + i);
        network->m[i] = (float)(1000 + i);
        network->v[i] = (float)(2000 + i);
    }
    *state = model;
    return network;
}

static void drop(void **state, struct network *network)
{
    struct model *model = *state;
    network_destroy(&network);
    assert_null(network);
    model_destroy(&model);
}

/* Parameters and moments are as `numbered` made them where `hit` is 0. */
static void assert_only(const struct network *network, const uint8_t hit[PARAMETERS])
{
    for (uint32_t i = 0; i < PARAMETERS; i++) {
        assert_true((network->parameters[i] != (float)(1 + i)) == hit[i]);
        assert_true(network->m[i] == (hit[i] ? 0 : (float)(1000 + i)));
        assert_true(network->v[i] == (hit[i] ? 0 : (float)(2000 + i)));
    }
}

static void a_new_network_is_all_zero(void **state)
{
    (void)state;
    struct model *model = fixture_model("mlp:2x3", ACTIVATION_RELU, 2, 2);
    struct network *network = network_create(model, OPTIMIZER_STATE_VELOCITY);
    assert_non_null(network);
    for (uint32_t i = 0; i < model->parameter_count; i++)
        assert_true(network->parameters[i] == 0 && network->m[i] == 0 && network->v[i] == 0);
    for (uint32_t i = 0; i < model->unit_count; i++)
        assert_int_equal(network->damage[i], 0);
    assert_int_equal(network->optimizer_step, 0);
    assert_int_equal(network->state, OPTIMIZER_STATE_VELOCITY);
    network_destroy(&network);
    network_destroy(&network);
    model_destroy(&model);
}

static void zero_incoming_takes_row_and_bias(void **state)
{
    struct network *network = numbered(state);
    uint8_t hit[PARAMETERS] = {0};
    network_zero_incoming(network, 2, 3);
    memset(hit + 50 + 3 * 5, 1, 5);
    hit[85 + 3] = 1;
    assert_only(network, hit);
    for (uint32_t i = 65; i < 70; i++)
        assert_true(network->parameters[i] == 0);
    assert_true(network->parameters[88] == 0);
    drop(state, network);
}

static void zero_incoming_reaches_the_logits(void **state)
{
    struct network *network = numbered(state);
    uint8_t hit[PARAMETERS] = {0};
    network_zero_incoming(network, 3, 3);
    memset(hit + 92 + 3 * 7, 1, 7);
    hit[123] = 1;
    assert_only(network, hit);
    drop(state, network);
}

static void zero_outgoing_takes_a_column(void **state)
{
    struct network *network = numbered(state);
    uint8_t hit[PARAMETERS] = {0};
    network_zero_outgoing(network, 1, 4);
    for (uint32_t row = 0; row < 7; row++) {
        hit[50 + row * 5 + 4] = 1;
        assert_true(network->parameters[50 + row * 5 + 4] == 0);
    }
    assert_only(network, hit);
    drop(state, network);
}

static void draw_incoming_forgets_the_moments(void **state)
{
    struct network *network = numbered(state);
    uint8_t hit[PARAMETERS] = {0};
    float expected[PARAMETERS];
    struct random random = random_open(4, 1, 9, RANDOM_INIT);
    network_draw_incoming(network, 0, 2, &random);
    memset(hit + 2 * 3, 1, 3);
    hit[15 + 2] = 1;
    assert_only(network, hit);
    model_draw(network->model, &random, expected);
    assert_memory_equal(network->parameters + 6, expected + 6, 3 * sizeof(float));
    assert_true(network->parameters[17] == expected[17]);
    drop(state, network);
}

static void a_copy_is_equal_and_its_own(void **state)
{
    struct network *network = numbered(state);
    struct network *copy = network_create(network->model, OPTIMIZER_STATE_NONE);
    assert_non_null(copy);
    network->optimizer_step = 17;
    network->damage[20] = DAMAGE_BIAS;
    network_copy(copy, network);
    fixture_assert_equal(copy, network);
    assert_int_equal(copy->state, OPTIMIZER_STATE_MOMENTS);
    copy->parameters[0] = 0;
    assert_true(network->parameters[0] == 1);
    network_destroy(&copy);
    drop(state, network);
}

static void finite_means_every_parameter(void **state)
{
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    struct network *network = numbered(state);
    assert_true(network_is_finite(network));
    for (uint32_t i = 0; i < 4; i++) {
        network->parameters[i * 41] = bad[i];
        assert_false(network_is_finite(network));
        network->parameters[i * 41] = 3.4e38F;
        assert_true(network_is_finite(network));
    }
    drop(state, network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_network_is_all_zero),
        cmocka_unit_test(zero_incoming_takes_row_and_bias),
        cmocka_unit_test(zero_incoming_reaches_the_logits),
        cmocka_unit_test(zero_outgoing_takes_a_column),
        cmocka_unit_test(draw_incoming_forgets_the_moments),
        cmocka_unit_test(a_copy_is_equal_and_its_own),
        cmocka_unit_test(finite_means_every_parameter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
