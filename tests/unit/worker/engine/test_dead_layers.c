/*
 * test_dead_layers.c: steps that begin behind a dead layer leave the bits of the long way.
 *
 * A thousand cohorts of nets are drawn: with layers that are dead by their biases, nearly dead
 * (zero on most samples), or alive; fresh and kept moments; zeros of both signs and denormals among
 * the weights, now and then an infinity; both optimisers, with and without decay and dropout. Each
 * trains from the sample on at every step, and as the engine would by itself, cut in two.
 */
#include "tests/unit/worker/engine/setting.h"
#include "worker/engine/engine_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <math.h>

/* More samples than one look of the engine takes in, so that a layer may be zero on all but the
 * last.
 */
enum { TRIALS = 1000, COHORT_MAX = 3, MANY_SAMPLES = 600, LARGE_BATCH = 70, EPOCH = 9 };

/* ---------------------------------------------------------------------------------- what is drawn
 */

/* The number of a trial is its seed. */
struct trial {
    struct random random;
    struct setting setting;
    struct step_range steps;
    uint32_t count;
    bool is_certain; /* the first member is dead, and nothing forbids to say so */
};

static double uniform(struct random *random)
{
    return (double)random_u32(random) * 0x1.0p-32;
}

/* One to eight layers of 1 .. 20 units: of any width each, or all of one. */
static struct setting draw_setting(struct random *random)
{
    char text[128];
    const uint32_t depth = 1 + random_below(random, 8);
    if (random_below(random, 2) == 0) {
        snprintf(text, sizeof text, "mlp:%ux%u", depth, 1 + random_below(random, 6));
        return setting_open(text, ACTIVATION_RELU);
    }
    int used = snprintf(text, sizeof text, "mlp:[");
    for (uint32_t i = 0; i < depth; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s1x%u", i > 0 ? "," : "",
                         1 + random_below(random, 20));
    snprintf(text + used, sizeof text - (size_t)used, "]");
    return setting_open(text, ACTIVATION_RELU);
}

static void draw_training(struct trial *trial)
{
    struct training_settings *training = &trial->setting.training;
    training->batch = LARGE_BATCH;
    fixture_data_destroy(&trial->setting.data);
    trial->setting.data =
        fixture_data_create(trial->setting.model, SAMPLE_U8, MANY_SAMPLES, trial->steps.first);
    if (random_below(&trial->random, 3) == 0) {
        training->optimizer = OPTIMIZER_SGD;
        training->momentum = random_below(&trial->random, 2) == 0 ? 0 : 0.9;
    }
    if (random_below(&trial->random, 20) == 0)
        training->l2 = 0.01;
    trial->is_certain = training->l2 == 0;
}

/* Biases of a hidden layer below zero: so far that it is dead, or that a few samples pass. */
static void weaken(struct random *random, struct network *network, bool wholly)
{
    const struct model *model = network->model;
    const struct unit_layer *layer = &model->layers[random_below(random, model->layer_count - 1)];
    const double limit = 4 * uniform(random);
    for (uint32_t u = 0; u < layer->out; u++)
        network->parameters[layer->bias + u] = wholly ? -1000.0F : (float)-limit;
}

/* Numbers that arithmetic has its own rules for. */
static void spoil(struct random *random, struct network *network)
{
    static const float special[] = {0.0F, -0.0F, 1e-40F, -1e-40F};
    const uint32_t count = (uint32_t)network->model->parameter_count;
    for (uint32_t i = 0; i < 8; i++)
        network->parameters[random_below(random, count)] = special[random_below(random, 4)];
}

/* Moments of a training before: of all parameters, the first, the second, or zeros of both signs.
 */
static void keep_moments(struct random *random, struct network *network)
{
    const uint32_t kept = random_below(random, 4);
    for (uint64_t i = 0; i < network->model->parameter_count; i++) {
        network->m[i] = (kept & 1) != 0 ? (float)(uniform(random) - 0.5) : 0.0F;
        if ((kept & 1) == 0 && random_below(random, 2) == 0)
            network->m[i] = -0.0F;
        network->v[i] = (kept & 2) != 0 ? (float)uniform(random) : 0.0F;
    }
    network->optimizer_step = 1 + random_below(random, 1000);
}

static struct cohort_member draw_member(struct trial *trial, uint32_t number)
{
    struct random *random = &trial->random;
    struct network *network =
        fixture_network(trial->setting.model, OPTIMIZER_STATE_MOMENTS, random_u32(random));
    struct cohort_member member = fixture_member(network, random_u32(random));
    const uint32_t kind = random_below(random, 8);
    spoil(random, network);
    if (random_below(random, 3) == 0) /* with others that are nearly dead */
        weaken(random, network, false);
    if (kind < 6)
        weaken(random, network, kind < 4);
    if (random_below(random, 4) == 0)
        keep_moments(random, network);
    static const double decays[] = {0, 0, 0, 0, 1e-9, 0.3}, rates[] = {0, 0, 0, 0.6};
    member.weight_decay = decays[random_below(random, 6)];
    member.dropout = rates[random_below(random, 4)];
    if (random_below(random, 50) == 0)
        network->parameters[random_below(random, (uint32_t)trial->setting.model->parameter_count)] =
            INFINITY;
    if (number == 0)
        trial->is_certain = trial->is_certain && kind < 4 && network->optimizer_step == 0 &&
                            member.weight_decay < 0.1 && member.dropout == 0 &&
                            network_is_finite(network);
    return member;
}

/* Of this topology, or NULL: of any. */
static struct trial draw_trial(uint64_t seed, const char *topology)
{
    struct trial trial = {.random = random_open(seed, 0, 0, RANDOM_NULL)};
    trial.setting =
        topology != NULL ? setting_open(topology, ACTIVATION_RELU) : draw_setting(&trial.random);
    trial.steps.first = random_below(&trial.random, 8);
    trial.steps.end = trial.steps.first + EPOCH + random_below(&trial.random, EPOCH + 1);
    draw_training(&trial);
    trial.count = 1 + random_below(&trial.random, COHORT_MAX);
    return trial;
}

/* --------------------------------------------------------------------------------- both ways */

/* Steps saved. */
static uint64_t train_both_ways(struct trial *trial, const struct kernels *kernels)
{
    struct cohort_member longer[COHORT_MAX], shorter[COHORT_MAX], cut[COHORT_MAX];
    struct engine *by_all = setting_engine(&trial->setting, kernels);
    struct engine *by_itself = setting_engine(&trial->setting, kernels);
    for (uint32_t i = 0; i < trial->count; i++) {
        longer[i] = draw_member(trial, i);
        shorter[i] = fixture_copy_member(&longer[i]);
        cut[i] = fixture_copy_member(&longer[i]);
    }
    engine_go_the_long_way(by_all);
    setting_train(by_all, &trial->setting, trial->steps, longer, trial->count);
    setting_train(by_itself, &trial->setting, trial->steps, shorter, trial->count);
    const uint64_t saved = engine_steps_saved(by_itself);
    const uint64_t at = trial->steps.first + 1 + random_below(&trial->random, EPOCH);
    setting_train(by_itself, &trial->setting, (struct step_range){trial->steps.first, at}, cut,
                  trial->count);
    setting_train(by_itself, &trial->setting, (struct step_range){at, trial->steps.end}, cut,
                  trial->count);
    for (uint32_t i = 0; i < trial->count; i++) {
        setting_assert_same(&longer[i], &shorter[i]);
        setting_assert_same(&longer[i], &cut[i]);
    }
    assert_int_equal(engine_steps_saved(by_all), 0);
    setting_close_members(longer, trial->count);
    setting_close_members(shorter, trial->count);
    setting_close_members(cut, trial->count);
    engine_destroy(&by_all);
    engine_destroy(&by_itself);
    return saved;
}

static void the_short_way_has_the_bits_of_the_long_way(void **state)
{
    (void)state;
    const struct kernels *kernels[3];
    const uint32_t kernel_count = fixture_kernels(kernels);
    uint32_t certain = 0, taken = 0;
    for (uint32_t seed = 0; seed < TRIALS; seed++) {
        struct trial trial = draw_trial(seed, NULL);
        const uint64_t saved = train_both_ways(&trial, kernels[seed % kernel_count]);
        if (trial.is_certain && saved + 1 < trial.steps.end - trial.steps.first)
            fail_msg("trial %u: a dead layer was passed over", seed);
        certain += trial.is_certain;
        taken += saved > 0;
        setting_close(&trial.setting);
    }
    print_message("short in %u cohorts, certainly in %u\n", taken, certain);
    assert_true(taken > TRIALS / 2 && certain > TRIALS / 10);
}

/* Chains whose values are not all kept, layers that are updated in stretches. */
static void deep_and_wide_nets_do_as_well(void **state)
{
    (void)state;
    static const char *const topologies[] = {"mlp:120x4", "mlp:90x3",         "mlp:61x2",
                                             "mlp:250x1", "mlp:[1x90,1x800]", "mlp:[5x4,1x30,9x1]"};
    const struct kernels *kernels[3];
    const uint32_t kernel_count = fixture_kernels(kernels);
    for (uint32_t t = 0; t < sizeof topologies / sizeof topologies[0]; t++) {
        uint32_t taken = 0;
        for (uint32_t seed = 0; seed < 9; seed++) {
            struct trial trial = draw_trial(seed, topologies[t]);
            taken += train_both_ways(&trial, kernels[seed % kernel_count]) > 0;
            setting_close(&trial.setting);
        }
        assert_true(taken > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_short_way_has_the_bits_of_the_long_way),
        cmocka_unit_test(deep_and_wide_nets_do_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
