/* test_model_layers.c: what the layers and units of each family are called. */
#include "coordinator/reading/model_layers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct plan *plan_of(const char *set, const char *spec)
{
    char canonical[512];
    snprintf(canonical, sizeof canonical, "data.set = %s\nmodel.spec = %s\nseed = 1\n", set, spec);
    return model_layers_plan(canonical, 0);
}

static void expect_kinds(const char *set, const char *spec, const char *expected)
{
    struct plan *plan = plan_of(set, spec);
    char found[512] = "";
    if (plan == NULL)
        fail_msg("%s has no plan", spec);
    for (uint32_t layer = 0; layer < plan->layer_count; layer++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%u %s", layer ? "; " : "",
                 plan->layers[layer].out, model_layer_kind(plan, layer));
    assert_string_equal(found, expected);
    assert_string_equal(model_layer_kind(plan, plan->layer_count), "");
    plan_destroy(&plan);
}

static void layers_have_names(void **state)
{
    (void)state;
    expect_kinds("fashion-mnist", "mlp:[2x5,1x4]", "5 hidden; 5 hidden; 4 hidden; 10 output");
    expect_kinds("mnist1d", "linear", "10 output");
    expect_kinds("mnist1d", "resmlp:1x6", "6 projection; 6 hidden; 6 hidden; 10 output");
    expect_kinds("mnist1d", "cnn:7k3,5k3", "7 channels; 5 channels; 10 output");
    expect_kinds("mnist1d", "layers:[bigru 3,gru 4]",
                 "3 recurrent; 3 recurrent, backwards; 4 recurrent; 10 output");
    expect_kinds("fashion-mnist", "transformer:1x8h4p7r2",
                 "8 channels; 4 heads; 16 channels; 8 channels; 10 output");
    /* Of files that are not here the text, or most sets of images, say how large a sample is. */
    expect_kinds("idx", "cnn:3k3@3x8x8", "3 channels; 10 output");
    expect_kinds("idx", "cnn:3k3", "3 channels; 10 output");
}

static void units_have_names(void **state)
{
    (void)state;
    struct plan *plan = plan_of("fashion-mnist", "transformer:1x8h4p7");
    assert_non_null(plan);
    assert_string_equal(model_layer_units(plan, 0, 1), "channel");
    assert_string_equal(model_layer_units(plan, 1, 1), "head");
    assert_string_equal(model_layer_units(plan, 1, 2), "heads");
    assert_string_equal(model_layer_units(plan, 4, 1), "unit");
    assert_string_equal(model_layer_units(plan, 99, 2), "units");
    assert_string_equal(model_layer_units(NULL, 0, 2), "units");
    plan_destroy(&plan);
}

static void what_is_no_model_has_no_layers(void **state)
{
    (void)state;
    static const char *const specs[] = {
        "", "foo", "cnn:3x3", "gru:1x6", "mlp:4000x1048576", "cnn:3k3@1048576x1048576x1048576"};
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++)
        assert_null(plan_of("fashion-mnist", specs[i]));
    assert_null(model_layers_plan("seed = 1\n", 10));
    assert_null(model_layers_plan(NULL, 10));
    assert_string_equal(model_layer_kind(NULL, 0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_have_names),
        cmocka_unit_test(units_have_names),
        cmocka_unit_test(what_is_no_model_has_no_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
