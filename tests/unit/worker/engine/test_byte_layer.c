/*
 * test_byte_layer.c: a first layer that reads bytes: leaving out their zeros changes no bit, on any
 * vector unit, alone or in a cohort, also when numbers stop being finite; and what comes out is
 * what the normalised inputs give, by the reference.
 */
#include "tests/unit/worker/engine/kernel_cases.h"
#include "tests/unit/worker/engine/setting.h"
#include "worker/engine/engine_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

enum { TRIALS = 80, COHORT_MAX = 4, STEPS = 7 };

struct trial {
    struct random random;
    struct setting setting;
    uint32_t count;
};

/* ---------------------------------------------------------------------------------- what is drawn
 */

static uint32_t one_of(struct random *random, const uint32_t *values, uint32_t count)
{
    return values[random_below(random, count)];
}

/* Bytes that are 0 but for a share; some samples and some pixels wholly. */
static void thin_out(struct trial *trial, uint32_t filled_of_256)
{
    struct samples *samples = &trial->setting.data.samples;
    uint8_t *inputs = (uint8_t *)(uintptr_t)samples->inputs;
    for (uint32_t i = 0; i < samples->count; i++)
        for (uint32_t j = 0; j < samples->features; j++)
            if (i % 11 == 3 || j % 7 == 5 || random_below(&trial->random, 256) >= filled_of_256)
                inputs[(size_t)i * samples->features + j] = 0;
}

static struct trial trial_open(uint32_t number)
{
    static const uint32_t inputs[] = {1, 7, 31, 33, 64, 65, 80, 100, 145};
    static const uint32_t widths[] = {1, 3, 7, 16, 18, 24, 25, 48, 100, 129, 200};
    static const uint32_t batches[] = {1, 5, 16, 31, 64, 65, 70};
    static const uint32_t densities[] = {0, 10, 50, 128, 256};
    struct trial trial = {.random = random_open(number, 0, 0, RANDOM_NULL)};
    struct random *random = &trial.random;
    char text[64];
    snprintf(text, sizeof text, "mlp:[1x%u,1x%u]", one_of(random, widths, 11),
             1 + random_below(random, 5));
    trial.setting.model =
        fixture_model(text, random_below(random, 2) ? ACTIVATION_RELU : ACTIVATION_TANH,
                      one_of(random, inputs, 9), CLASSES);
    trial.setting.training = fixture_training(one_of(random, batches, 7));
    trial.setting.data = fixture_data_create(trial.setting.model, SAMPLE_U8, 140, number);
    if (random_below(random, 4) == 0)
        trial.setting.data.samples.shift = random_below(random, 2) ? 0 : 0.75F;
    if (random_below(random, 4) == 0)
        trial.setting.data.samples.scale = random_below(random, 2) ? 1 : -3.5F;
    if (random_below(random, 4) == 0)
        trial.setting.training.optimizer = OPTIMIZER_SGD;
    thin_out(&trial, one_of(random, densities, 5));
    trial.count = 1 + random_below(random, COHORT_MAX);
    return trial;
}

static void trial_close(struct trial *trial)
{
    setting_close(&trial->setting);
}

/* Zeros of both signs, the smallest and the largest numbers among the weights; rarely worse. */
static void spoil(const struct trial *trial, struct network *network, uint32_t seed)
{
    static const float odd[] = {0.0F,  -0.0F, 0x1p-126F, -0x1.8p-126F, 0x1p-149F, 0x1p-120F,
                                1e30F, 3e38F, -3e38F,    INFINITY,     -INFINITY, NAN};
    struct random random = random_open(seed, 1, 0, RANDOM_NULL);
    const uint64_t first = trial->setting.model->plan->ops[0].parameter_count;
    const uint32_t kinds = seed % 4 == 0 ? 12 : seed % 4 == 1 ? 6 : 0;
    for (uint64_t i = 0; i < first && kinds > 0; i++)
        if (random_below(&random, kinds == 12 ? (uint32_t)first : 4) == 0)
            network->parameters[i] = odd[random_below(&random, kinds)];
    if (seed % 4 == 2) /* all so small that sums are flushed on their way */
        for (uint64_t i = 0; i < first; i++)
            network->parameters[i] *= 0x1p-124F;
}

/* ------------------------------------------------------------------------------- what comes out */

static void assert_same(const float *a, const float *b, uint64_t count, const char *what)
{
    cases_assert_same(a, b, count, what);
}

static void assert_same_members(const struct cohort_member *a, const struct cohort_member *b,
                                const char *what)
{
    const uint64_t count = a->network->model->parameter_count;
    assert_same(a->network->parameters, b->network->parameters, count, what);
    assert_same(a->network->m, b->network->m, count, what);
    assert_same(a->network->v, b->network->v, count, what);
    assert_true(a->loss_sum == b->loss_sum || (isnan(a->loss_sum) && isnan(b->loss_sum)));
}

/* Members of a trial, trained in some way. */
struct way {
    const struct kernels *kernels;
    enum byte_way bytes;
    uint32_t together; /* in cohorts of so many */
};

static void train(const struct trial *trial, const struct way *way,
                  struct cohort_member members[COHORT_MAX], struct evaluation *evaluation)
{
    struct engine *engine = setting_engine(&trial->setting, way->kernels);
    engine_read_bytes(engine, way->bytes);
    for (uint32_t i = 0; i < trial->count; i++) {
        members[i] = setting_member(&trial->setting, i);
        spoil(trial, members[i].network, trial->setting.model->inputs + 5 * i);
    }
    for (uint32_t i = 0; i < trial->count; i += way->together) {
        const uint32_t left = trial->count - i;
        setting_train(engine, &trial->setting, (struct step_range){0, STEPS}, members + i,
                      left < way->together ? left : way->together);
    }
    engine_evaluate(engine, &trial->setting.data.samples, &trial->setting.data.slice,
                    members[0].network, evaluation);
    engine_destroy(&engine);
}

static void check_ways(const struct trial *trial)
{
    static struct evaluation first, other;
    const struct kernels *kernels[3];
    const uint32_t count = fixture_kernels(kernels);
    struct cohort_member members[COHORT_MAX], others[COHORT_MAX];
    train(trial, &(struct way){kernels[0], BYTE_WAY_DENSE, 1}, members, &first);
    for (uint32_t k = 1; k < 4 * count; k++) {
        const struct way way = {kernels[k / 4], k % 2 ? BYTE_WAY_SPARSE : BYTE_WAY_DENSE,
                                k % 4 < 2 ? 1 : COHORT_MAX};
        train(trial, &way, others, &other);
        for (uint32_t i = 0; i < trial->count; i++)
            assert_same_members(&members[i], &others[i], way.kernels->name);
        assert_true(first.loss == other.loss || (isnan(first.loss) && isnan(other.loss)));
        assert_memory_equal(first.confusion, other.confusion, sizeof first.confusion);
        setting_close_members(others, trial->count);
    }
    setting_close_members(members, trial->count);
}

static void leaving_out_zeros_changes_no_bit(void **state)
{
    (void)state;
    for (uint32_t number = 0; number < TRIALS; number++) {
        struct trial trial = trial_open(number);
        check_ways(&trial);
        trial_close(&trial);
    }
}

/* ------------------------------------------------------------------------------ the right numbers
 */

/* dW, db of the first layer and the loss, in double, of a network of no hidden layer's worth of
 * doubt: one hidden layer of tanh, all samples in one batch. Normalised as a user would. */
static double reference_loss(const struct trial *trial, const double *w)
{
    const struct model *model = trial->setting.model;
    const struct plan *plan = model->plan;
    const struct samples *samples = &trial->setting.data.samples;
    double sum = 0, from[256], to[256];
    for (uint32_t s = 0; s < samples->count; s++) {
        for (uint32_t j = 0; j < samples->features; j++)
            from[j] = (double)((const uint8_t *)samples->inputs)[s * samples->features + j] *
                          (double)samples->scale +
                      (double)samples->shift;
        for (uint32_t op = 0; op < plan->op_count; op++) {
            const uint32_t in = shape_features(plan->ops[op].in), out = plan->ops[op].out.channels;
            const double *weights = w + plan->ops[op].parameters;
            for (uint32_t u = 0; u < out; u++) {
                to[u] = weights[(size_t)in * out + u];
                for (uint32_t j = 0; j < in; j++)
                    to[u] += weights[(size_t)u * in + j] * from[j];
                if (plan->ops[op].activates)
                    to[u] = tanh(to[u]);
            }
            memcpy(from, to, sizeof from);
        }
        double total = 0;
        for (uint32_t c = 0; c < model->classes; c++)
            total += exp(from[c]);
        sum += log(total) - from[samples->labels[s]];
    }
    return sum / samples->count;
}

/* One step of SGD leaves the gradient in m: against central differences of the above. */
static void check_gradient(enum byte_way bytes, const struct kernels *kernels)
{
    struct trial trial = {.random = random_open(1, 0, 0, RANDOM_NULL), .count = 1};
    trial.setting.model = fixture_model("mlp:[1x20,1x4]", ACTIVATION_TANH, 70, CLASSES);
    trial.setting.training = fixture_training(60);
    trial.setting.training.optimizer = OPTIMIZER_SGD;
    trial.setting.data = fixture_data_create(trial.setting.model, SAMPLE_U8, 60, 1);
    thin_out(&trial, 60);
    struct engine *engine = setting_engine(&trial.setting, kernels);
    engine_read_bytes(engine, bytes);
    struct cohort_member member = setting_member(&trial.setting, 0);
    const uint64_t count = trial.setting.model->parameter_count;
    double *w = calloc(count, sizeof *w), error = 0, length = 0;
    assert_non_null(w);
    for (uint64_t i = 0; i < count; i++)
        w[i] = (double)member.network->parameters[i];
    setting_train(engine, &trial.setting, (struct step_range){0, 1}, &member, 1);
    assert_true(fabs(member.loss_sum - reference_loss(&trial, w)) < 2e-6 * member.loss_sum);
    for (uint64_t i = 0; i < count; i += 3) {
        const double middle = w[i], step = 1e-5;
        w[i] = middle + step;
        const double above = reference_loss(&trial, w);
        w[i] = middle - step;
        const double slope = (above - reference_loss(&trial, w)) / (2 * step);
        w[i] = middle;
        error += pow((double)member.network->m[i] - slope, 2);
        length += pow(slope, 2);
    }
    if (!(sqrt(error) < 1e-5 * sqrt(length)))
        fail_msg("%s: the gradient is off by %g", kernels->name, sqrt(error / length));
    free(w);
    engine_destroy(&engine);
    setting_close_members(&member, 1);
    trial_close(&trial);
}

static void both_ways_give_the_normalised_gradient(void **state)
{
    (void)state;
    const struct kernels *kernels[3];
    const uint32_t count = fixture_kernels(kernels);
    for (uint32_t k = 0; k < count; k++) {
        check_gradient(BYTE_WAY_DENSE, kernels[k]);
        check_gradient(BYTE_WAY_SPARSE, kernels[k]);
    }
}

/* An infinite weight meets zeros only: the unit is not a number all the same. */
static void a_weight_that_no_sample_meets_spoils_its_unit(void **state)
{
    (void)state;
    for (enum byte_way bytes = BYTE_WAY_DENSE; bytes <= BYTE_WAY_SPARSE; bytes++) {
        struct setting setting = setting_open("mlp:1x20", ACTIVATION_TANH);
        struct engine *engine = setting_engine(&setting, kernels_current());
        struct cohort_member member = setting_member(&setting, 0);
        engine_read_bytes(engine, bytes);
        memset((void *)(uintptr_t)setting.data.samples.inputs, 0, (size_t)SAMPLES * INPUTS);
        member.network->parameters[3] = -INFINITY;
        setting_train(engine, &setting, (struct step_range){0, 1}, &member, 1);
        assert_true(isnan(member.loss_sum));
        engine_destroy(&engine);
        setting_close_members(&member, 1);
        setting_close(&setting);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaving_out_zeros_changes_no_bit),
        cmocka_unit_test(both_ways_give_the_normalised_gradient),
        cmocka_unit_test(a_weight_that_no_sample_meets_spoils_its_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
