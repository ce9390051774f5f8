/*
 * test_train_precision.c: what the precisions are worth on MNIST-1D, 4,000 samples: the residual
 * net 40-100-(residual 100)-10 drawn as He et al. do, AdamW at 1e-3, 4,000 steps of 100. Parameters
 * that are stored as bfloat16 and rounded to nearest stall; rounded stochastically, or with
 * products of bfloat16 alone, a training ends where one in float does.
 */
#include "tests/unit/worker/evaluators/train_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static double metric_of(const struct result *result, enum metric_id id)
{
    const struct metric *metric = result_metric(result, id);
    assert_non_null(metric);
    return metric->value;
}

/* The loss on all training samples behind the training; *lost: updates, where parameters are
 * bfloat16. */
static double train(struct train_fixture *fixture, const char *precision, uint64_t number,
                    double *lost)
{
    char spec[512];
    snprintf(spec, sizeof spec,
             "evaluator = train\nmodel.spec = layers:[dense 100, residual(dense 100)]\n"
             "data.train = 3980\ndata.select = 10\ndata.confirm = 10\ndata.inputs = "
             "raw\nmodel.init = he\n"
             "train.lr = 0.001\ntrain.batch = 100\ntrain.steps = 4000\ntrain.precision = %s\n",
             precision);
    struct job job = train_fixture_init_job(fixture, number);
    job.slices = SLICE_TRAIN;
    const struct result *result = train_fixture_run_one(fixture, spec, &job);
    assert_int_equal(result->outcome, OUTCOME_OK);
    const struct metric *metric = result_metric(result, METRIC_UPDATES_LOST);
    *lost = metric == NULL ? -1 : metric->value;
    const double loss = metric_of(result, METRIC_TRAIN_LOSS);
    print_message("%s, number %u: loss %.4f, accuracy %.4f, %.0f updates lost\n", precision,
                  (unsigned)number, loss, metric_of(result, METRIC_TRAIN_ACCURACY), *lost);
    return loss;
}

static void nearest_stalls_and_the_others_do_not(void **state)
{
    enum { NUMBERS = 5 };
    struct train_fixture fixture = {.cache = memory_cache_create()};
    const struct dataset_source source = {.set = "mnist1d", .samples = 5000, .seed = 42};
    struct error error = {""};
    uint8_t *bytes;
    size_t count;
    double fp32 = 0, mixed = 0, nearest = 0, stochastic = 0, lost, lost_by_chance;
    (void)state;
    assert_int_equal(dataset_pack(&source, &bytes, &count, &error), 0);
    fixture.data = memory_cache_add(fixture.cache, bytes, count);
    free(bytes);
    for (uint64_t number = 0; number < NUMBERS; number++) {
        fp32 += train(&fixture, "fp32", number, &lost) / NUMBERS;
        assert_true(lost == -1); /* nothing is counted */
        mixed += train(&fixture, "bf16_mixed", number, &lost) / NUMBERS;
        assert_true(lost == -1);
        nearest += train(&fixture, "bf16_nearest", number, &lost) / NUMBERS;
        stochastic += train(&fixture, "bf16_stochastic", number, &lost_by_chance) / NUMBERS;
        assert_true(lost > 0 && lost_by_chance > 0);
    }
    train_fixture_fini(&fixture);
    print_message("means: fp32 %.4f, mixed %.4f, nearest %.4f, stochastic %.4f\n", fp32, mixed,
                  nearest, stochastic);
    assert_true(nearest >= 5 * fp32);
    assert_true(mixed < 1.1 * fp32 && mixed > 0.9 * fp32);
    assert_true(stochastic < 1.1 * fp32 && stochastic > 0.9 * fp32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_stalls_and_the_others_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
