/* test_plan.c: which ops, tensors and units a model's text becomes. */
#include "common/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct plan *make(const char *text, uint32_t inputs)
{
    struct model_text model;
    struct error error = {""};
    if (model_text_parse(text, &model, &error) != 0)
        fail_msg("%s", error.text);
    struct plan *plan = plan_create(&model, inputs, 10, &error);
    if (plan == NULL)
        fail_msg("%s", error.text);
    return plan;
}

static void models_have_as_many_parameters_as_published(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t inputs;
        uint64_t parameters;
    } cases[] = {
        /* Cotten 2025 */
        {"mlp:1x1", 784, 805},
        {"mlp:2x1", 784, 807},
        {"mlp:18x18", 784, 20134},
        {"mlp:4x632", 784, 1702618},
        {"mlp:1x2048", 784, 1628170},
        {"mlp:[2x3,1x5]", 784, 785 * 3 + 4 * 3 + 4 * 5 + 6 * 10},
        /* The notebook of MNIST-1D */
        {"linear", 40, 410},
        {"layers:[dense 100, residual(dense 100)]", 40, 15210},
        {"cnn:25k5s2p1,25k3s2p1,25k3s2p1", 40, 5210},
        {"bigru:1x6", 40, 5134},
        /* 28 steps of 28: three gates of eight in each direction, then all 28 * 16 states */
        {"layers:[rows,bigru 8]", 784, 2 * 24 * (28 + 8 + 2) + 28 * 16 * 10 + 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plan *plan = make(cases[i].text, cases[i].inputs);
        assert_int_equal(plan->parameter_count, cases[i].parameters);
        plan_destroy(&plan);
        assert_null(plan);
    }
}

static void expect_refusal(const char *text, uint32_t inputs, const char *words)
{
    struct model_text model;
    struct error error = {""};
    if (model_text_parse(text, &model, &error) == 0)
        assert_null(plan_create(&model, inputs, 10, &error));
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
}

static void what_does_not_fit_is_named(void **state)
{
    (void)state;
    expect_refusal("mlp:4000x1048576", 784, "4396952026349578 parameters, at most 2147483648");
    expect_refusal("layers:[dense 8, residual(dense 9)]", 40, "both must be equal");
    expect_refusal("layers:[residual(3*(residual(conv 1k3p1))), conv 2k47]", 40, "does not fit");
    expect_refusal("cnn:8k41", 40, "kernel of 41 does not fit 1 x 40");
    expect_refusal("transformer:1x30h4p7", 784, "4 heads do not divide 30 channels");
    expect_refusal("transformer:1x32h4p5", 784, "patches of 5 do not divide 28 x 28");
    expect_refusal("gru:1x6", 784, "reads a sequence, not 28 x 28 positions: write rows before it");
    expect_refusal("layers:[rows,gru 6]", 40, "rows of a sequence");
    expect_refusal("cnn:8k3@3x3", 784, "@1x3x3 is not the shape of samples of 784 numbers");
    expect_refusal("layers:[densee 3]", 40, "did you mean \"dense\"");
    expect_refusal("layers:[dense]", 40, "the number behind dense");
    expect_refusal("layers:[residual(dense 3]", 40, "',' or ')' is missing");
    expect_refusal("cnn:3k0", 40, "write cnn:STAGE");
    expect_refusal("foo:3", 40, "neither \"linear\" nor");
}

static void there_is_one_way_to_write_a_model(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"cnn:8, 16s2p1m2", "cnn:8k3,16k3s2p1m2"},
        {"cnn:8k3@28x28", "cnn:8k3@1x28x28"},
        {"transformer:2x32h4p7r4", "transformer:2x32h4p7"},
        {"layers:[ dense 8 ,3*( residual( dense 8) ),conv 4 ]", "layers:[dense 8,3*(residual(dense "
                                                                "8)),conv 4k3]"},
    };
    struct model_text model, again;
    struct error error = {""};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (model_text_parse(cases[i].text, &model, &error) != 0)
            fail_msg("%s", error.text);
        assert_string_equal(model.text, cases[i].canonical);
        assert_int_equal(model_text_parse(model.text, &again, &error), 0);
        assert_string_equal(again.text, cases[i].canonical);
        assert_int_equal(again.count, model.count);
        assert_memory_equal(again.items, model.items, model.count * sizeof model.items[0]);
    }
}

/* Every number of a model is of the incoming ones of at most one unit, and of all of them together
 * but for what belongs to no unit. */
static void units_share_no_incoming_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t of_nobody; /* positions, norms, the way out of attention */
    } cases[] = {
        {"mlp:[2x5,1x3]", 0},
        {"resmlp:3x7", 0},
        {"cnn:3k3m2,5k2", 0},
        {"bigru:2x3", 0},
        {"gru:1x5", 0},
        {"layers:[patch 4,project 8,positions,residual(norm,attention 2),mean]",
         8 * 10 + 16 + 8 * 8 + 8},
    };
    static uint8_t seen[1 << 16];
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct plan *plan = make(cases[c].text, 40);
        assert_true(plan->parameter_count < sizeof seen);
        memset(seen, 0, sizeof seen);
        uint64_t count = 0;
        for (uint32_t l = 0; l < plan->layer_count; l++)
            for (uint32_t s = 0; s < plan->layers[l].incoming_count; s++)
                for (uint32_t u = 0; u < plan->layers[l].out; u++) {
                    const struct unit_slice *slice = &plan->layers[l].incoming[s];
                    for (uint32_t i = 0; i < slice->count * slice->block; i++) {
                        uint64_t at = slice->first + u * slice->unit_stride +
                                      i / slice->block * slice->stride + i % slice->block;
                        const struct tensor *tensor = &plan->tensors[slice->tensor];
                        assert_true(at >= tensor->offset && at < tensor->offset + tensor->count);
                        assert_int_equal(seen[at]++, 0);
                        count++;
                    }
                }
        assert_int_equal(count + cases[c].of_nobody, plan->parameter_count);
        plan_destroy(&plan);
    }
}

static void a_channel_is_read_by_its_columns(void **state)
{
    (void)state;
    struct plan *plan = make("cnn:3k3m2,5k2", 40); /* 3 x 38, 3 x 19, 5 x 18, 10 */
    const struct unit_slice next = plan->layers[0].outgoing[0];
    assert_int_equal(plan->layers[0].outgoing_count, 1);
    assert_int_equal(next.first, plan->layers[1].weight);
    assert_int_equal(next.unit_stride, 2);
    assert_int_equal(next.block, 2);
    assert_int_equal(next.count, 5);
    assert_int_equal(next.stride, 6);
    const struct unit_slice flat = plan->layers[1].outgoing[0];
    assert_int_equal(flat.first, plan->layers[2].weight);
    assert_int_equal(flat.unit_stride, 18);
    assert_int_equal(flat.block, 18);
    assert_int_equal(flat.count, 10);
    assert_int_equal(flat.stride, 90);
    assert_int_equal(plan->layers[2].outgoing_count, 0);
    plan_destroy(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_have_as_many_parameters_as_published),
        cmocka_unit_test(what_does_not_fit_is_named),
        cmocka_unit_test(there_is_one_way_to_write_a_model),
        cmocka_unit_test(units_share_no_incoming_numbers),
        cmocka_unit_test(a_channel_is_read_by_its_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
