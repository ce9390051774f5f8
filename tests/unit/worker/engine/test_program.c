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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_layer_counts_twice_the_others_three_times),
        cmocka_unit_test(layers_in_a_chain_count_like_others),
        cmocka_unit_test(sums_and_activations_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
