/* test_model.c: where numbers lie, and how fresh ones are drawn. */
#include "tests/unit/worker/engine/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

static void layers_lie_one_behind_the_other(void **state)
{
    (void)state;
    struct model *model = fixture_model("mlp:[2x5,1x7]", ACTIVATION_RELU, 3, 4);
    static const struct {
        uint32_t in, out, weight, bias, first_unit;
    } expected[] = {{3, 5, 0, 15, 0}, {5, 5, 20, 45, 5}, {5, 7, 50, 85, 10}, {7, 4, 92, 120, 17}};
    assert_int_equal(model->layer_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(model->layers[i].in, expected[i].in);
        assert_int_equal(model->layers[i].out, expected[i].out);
        assert_int_equal(model->layers[i].weight, expected[i].weight);
        assert_int_equal(model->layers[i].bias, expected[i].bias);
        assert_int_equal(model->layers[i].first_unit, expected[i].first_unit);
    }
    assert_int_equal(model->parameter_count, 124);
    assert_int_equal(model->unit_count, 21);
    model_destroy(&model);
    assert_null(model);
}

static void the_study_counts_as_many_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *topology;
        uint64_t parameters;
    } cases[] = {{"mlp:1x1", 805},        {"mlp:18x18", 20134},   {"mlp:2048x1", 4899},
                 {"mlp:1x2048", 1628170}, {"mlp:4x632", 1702618}, {"mlp:2x1", 807}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct model *model = fixture_model(cases[i].topology, ACTIVATION_RELU, 784, 10);
        assert_int_equal(model->parameter_count, cases[i].parameters);
        model_destroy(&model);
    }
}

static void expect_refusal(const char *topology, uint32_t inputs, uint32_t classes,
                           const char *words)
{
    struct error error = {""};
    struct model_options options = {.activation = ACTIVATION_RELU,
                                    .initialisation = INITIALISATION_HE,
                                    .inputs = inputs,
                                    .classes = classes};
    assert_int_equal(model_text_parse(topology, &options.text, &error), 0);
    assert_null(model_create(&options, &error));
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
}

static void sizes_out_of_range_are_named(void **state)
{
    (void)state;
    expect_refusal("mlp:1x1", 0, 10, "0 inputs, allowed are 1 to 1048576");
    expect_refusal("mlp:1x1", 1048577, 10, "1048577 inputs");
    expect_refusal("mlp:1x1", 3, 0, "0 classes, allowed are 1 to 256");
    expect_refusal("mlp:1x1", 3, 257, "257 classes");
    expect_refusal("mlp:2x65536", 1, 2, "parameters, at most 2147483648");
    expect_refusal("mlp:4000x1048576", 1048576, 256, "parameters, at most 2147483648");
    struct model *model = fixture_model("mlp:1x1", ACTIVATION_RELU, 1048576, 256);
    model_destroy(&model);
}

/* Its layout: no memory for the numbers themselves is taken. */
static void the_largest_models_are_possible(void **state)
{
    (void)state;
    struct model *deep = fixture_model("mlp:4000x1", ACTIVATION_RELU, 784, 10);
    assert_int_equal(deep->layer_count, 4001);
    struct model *wide = fixture_model("mlp:1x1048576", ACTIVATION_RELU, 784, 10);
    assert_int_equal(wide->layers[0].out, 1048576);
    struct model *both = fixture_model("mlp:4000x731", ACTIVATION_RELU, 784, 256);
    assert_true(both->parameter_count > UINT64_C(2137000000));
    model_destroy(&deep);
    model_destroy(&wide);
    model_destroy(&both);
}

static float *draw(const struct model *model, const struct random *random)
{
    float *parameters = calloc(model->parameter_count, sizeof *parameters);
    assert_non_null(parameters);
    model_draw(model, random, parameters);
    return parameters;
}

/* The value at an offset is made from its own word: written down once more, from the contract. */
static void a_uniform_value_is_a_function_of_its_offset(void **state)
{
    (void)state;
    struct model *model = fixture_model("mlp:[2x5,1x7]", ACTIVATION_RELU, 3, 4);
    struct random random = random_open(UINT64_C(0x123456789ab), 5, 77, RANDOM_INIT);
    float *parameters = draw(model, &random);
    for (uint32_t i = 0; i < model->parameter_count; i++) {
        uint32_t layer = 0;
        while (layer + 1 < model->layer_count && i >= model->layers[layer + 1].weight)
            layer++;
        struct philox_block counter = {
            {i / 4, random.context[0], random.context[1], random.context[2]}};
        struct philox_block block = philox_4x32_10(counter, random.key[0], random.key[1]);
        float unit = (float)(block.words[i % 4] >> 8) * 0x1.0p-24F;
        float bound = (float)(1.0 / sqrt(model->layers[layer].in));
        assert_true(parameters[i] == bound * (2 * unit - 1));
    }
    free(parameters);
    model_destroy(&model);
}

static void a_normal_value_is_a_function_of_its_offset(void **state)
{
    (void)state;
    struct model *model = fixture_model_he("mlp:[2x5,1x7]", ACTIVATION_RELU, 3, 4);
    struct random random = random_open(9, 0, 3, RANDOM_INIT);
    float *parameters = draw(model, &random);
    for (uint32_t i = 0; i < model->parameter_count; i++) {
        uint32_t layer = 0;
        while (layer + 1 < model->layer_count && i >= model->layers[layer + 1].weight)
            layer++;
        struct philox_block counter = {
            {i / 4, random.context[0], random.context[1], random.context[2]}};
        struct philox_block block = philox_4x32_10(counter, random.key[0], random.key[1]);
        const uint32_t *pair = &block.words[i % 4 / 2 * 2];
        float normals[2], deviation = (float)sqrt(2.0 / model->layers[layer].in);
        portable_normals(pair[0], pair[1], normals);
        bool is_bias = i >= model->layers[layer].bias;
        assert_true(parameters[i] == (is_bias ? 0 : deviation * normals[i % 2]));
    }
    free(parameters);
    model_destroy(&model);
}

static void one_unit_is_drawn_as_the_whole_would_be(void **state)
{
    (void)state;
    struct model *models[] = {fixture_model("mlp:[2x5,1x7]", ACTIVATION_RELU, 3, 4),
                              fixture_model_he("mlp:[2x5,1x7]", ACTIVATION_RELU, 3, 4)};
    for (uint32_t k = 0; k < 2; k++) {
        const struct model *model = models[k];
        struct random random = random_open(11, 0, k, RANDOM_INIT);
        float *whole = draw(model, &random);
        float *pieces = calloc(model->parameter_count, sizeof *pieces);
        assert_non_null(pieces);
        for (uint32_t layer = model->layer_count; layer-- > 0;)
            for (uint32_t unit = model->layers[layer].out; unit-- > 0;)
                model_draw_unit(model, &random, layer, unit, pieces);
        assert_memory_equal(whole, pieces, model->parameter_count * sizeof *whole);
        free(whole);
        free(pieces);
        model_destroy(&models[k]);
    }
}

static void one_unit_touches_no_other(void **state)
{
    (void)state;
    struct model *model = fixture_model("mlp:[2x5,1x7]", ACTIVATION_RELU, 3, 4);
    struct random random = random_open(12, 0, 0, RANDOM_INIT);
    float *parameters = calloc(model->parameter_count, sizeof *parameters);
    assert_non_null(parameters);
    model_draw_unit(model, &random, 2, 3, parameters);
    for (uint32_t i = 0; i < model->parameter_count; i++) {
        bool hit = (i >= 50 + 3 * 5 && i < 50 + 4 * 5) || i == 85 + 3;
        assert_int_equal(parameters[i] != 0, hit);
    }
    free(parameters);
    model_destroy(&model);
}

struct moments {
    double mean, deviation, largest;
};

static struct moments measure(const float *values, uint64_t count)
{
    struct moments moments = {0, 0, 0};
    for (uint64_t i = 0; i < count; i++) {
        moments.mean += (double)values[i] / (double)count;
        moments.largest = fmax(moments.largest, fabs((double)values[i]));
    }
    for (uint64_t i = 0; i < count; i++)
        moments.deviation += pow((double)values[i] - moments.mean, 2) / (double)count;
    moments.deviation = sqrt(moments.deviation);
    return moments;
}

static void the_distributions_are_those_of_the_papers(void **state)
{
    (void)state;
    struct random random = random_open(13, 0, 0, RANDOM_INIT);
    struct model *uniform = fixture_model("mlp:1x200", ACTIVATION_RELU, 400, 10);
    float *parameters = draw(uniform, &random);
    struct moments moments = measure(parameters, 80000);
    assert_true(fabs(moments.mean) < 0.0005); /* 0.05 / sqrt(3 * 80000): five deviations */
    assert_true(fabs(moments.deviation / (0.05 / sqrt(3)) - 1) < 0.01);
    assert_true(moments.largest <= 0.05F && moments.largest > 0.0499);
    assert_true(measure(parameters + 80000, 200).deviation > 0.02); /* biases are drawn, too */
    free(parameters);
    model_destroy(&uniform);

    struct model *normal = fixture_model_he("mlp:1x200", ACTIVATION_RELU, 400, 10);
    parameters = draw(normal, &random);
    moments = measure(parameters, 80000);
    assert_true(fabs(moments.mean) < 0.00125);
    assert_true(fabs(moments.deviation / sqrt(2.0 / 400) - 1) < 0.0125);
    assert_true(moments.largest > 0.0707 * 3.5 && moments.largest < 0.0707 * 6.5);
    assert_true(measure(parameters + 80000, 200).largest == 0);
    free(parameters);
    model_destroy(&normal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_lie_one_behind_the_other),
        cmocka_unit_test(the_study_counts_as_many_parameters),
        cmocka_unit_test(sizes_out_of_range_are_named),
        cmocka_unit_test(the_largest_models_are_possible),
        cmocka_unit_test(a_uniform_value_is_a_function_of_its_offset),
        cmocka_unit_test(a_normal_value_is_a_function_of_its_offset),
        cmocka_unit_test(one_unit_is_drawn_as_the_whole_would_be),
        cmocka_unit_test(one_unit_touches_no_other),
        cmocka_unit_test(the_distributions_are_those_of_the_papers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
