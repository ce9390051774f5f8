/* test_program.c: the operations that a model needs, which shares of the ceiling are counted by. */
#include "worker/engine/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint64_t flops_of(const char *text)
{
    struct model_options options = {
        .activation = ACTIVATION_RELU,
        .initialisation = INITIALISATION_PYTORCH,
        .inputs = 784,
        .classes = 10,
    };
    struct error error;
    if (model_text_parse(text, &options.text, &error) != 0)
        fail_msg("%s: %s", text, error.text);
    struct model *model = model_create(&options, &error);
    if (model == NULL)
        fail_msg("%s: %s", text, error.text);
    uint64_t flops = (uint64_t)program_flops(model);
    model_destroy(&model);
    return flops;
}

/* A product of a weight is two operations; a sample's delta is not computed. */
static void the_first_layer_counts_twice_the_others_three_times(void **state)
{
    (void)state;
    assert_int_equal(flops_of("linear"), 4 * 784 * 10);
    assert_int_equal(flops_of("mlp:1x1"), 4 * 784 + 6 * 10);
    assert_int_equal(flops_of("mlp:18x18"), 4 * 784 * 18 + 6 * (17 * 18 * 18 + 18 * 10));
    assert_int_equal(flops_of("mlp:[1x3,2x5]"), 4 * 784 * 3 + 6 * (15 + 25 + 50));
}

static void layers_in_a_chain_count_like_others(void **state)
{
    (void)state;
    assert_int_equal(flops_of("mlp:632x4"), 4 * 784 * 4 + 6 * (631 * 16 + 40));
}

static void sums_and_activations_do_not_count(void **state)
{
    (void)state;
    assert_int_equal(flops_of("resmlp:2x4"), 4 * 784 * 4 + 6 * (2 * 2 * 16 + 40));
}

static void what_a_convolution_multiplies_with_padding_does_not_count(void **state)
{
    (void)state;
    assert_int_equal(flops_of("cnn:2k3"), 4 * 2 * 9 * 26 * 26 + 6 * 2 * 26 * 26 * 10);
    assert_int_equal(flops_of("cnn:1k3p1"), 4 * (28 * 3 - 2) * (28 * 3 - 2) + 6 * 784 * 10);
}

/* The first step has nothing behind it to multiply with. */
static void recurrent_layers_count_each_step(void **state)
{
    (void)state;
    const uint64_t forward = 4 * 3 * 6 * 28 * 28 + 6 * 3 * 6 * 6 * 27;
    assert_int_equal(flops_of("gru:1x6@28x1x28"), forward + 6 * 6 * 28 * 10);
    assert_int_equal(flops_of("bigru:1x6@28x1x28"), 2 * (forward + 6 * 6 * 28 * 10));
}

static void attention_counts_projections_scores_and_sums(void **state)
{
    (void)state;
    const uint64_t project = 4 * 49 * 8 * 16, attention = 6 * (4 * 8 * 8 * 16 + 2 * 16 * 16 * 8);
    const uint64_t between = 6 * 2 * 8 * 32 * 16, logits = 6 * 8 * 10;
    assert_int_equal(flops_of("transformer:1x8h2@49x4x4"), project + attention + between + logits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_layer_counts_twice_the_others_three_times),
        cmocka_unit_test(layers_in_a_chain_count_like_others),
        cmocka_unit_test(sums_and_activations_do_not_count),
        cmocka_unit_test(what_a_convolution_multiplies_with_padding_does_not_count),
        cmocka_unit_test(recurrent_layers_count_each_step),
        cmocka_unit_test(attention_counts_projections_scores_and_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
