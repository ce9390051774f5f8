/*
 * test_random_nets.c: what the bits of a training may not depend on, for models, controls and
 * cohorts that nobody chose.
 *
 * Each trial draws a model, how it is trained, samples, and a cohort whose members differ in all
 * that is their own; among them are nets with NaN, with numbers near the largest, dead ones and
 * ones that nothing moves. Each member trains alone and in one go. Then all train in lockstep, on
 * another vector unit; and then in pieces: at each cut some of those that stand behind the others
 * are taken, in any order, some of them through a checkpoint, and go on by an engine that may
 * hold another group's numbers. What bits a NaN has is left open: nets that have one are only asked
 * to be diverged in all three ways.
 */
#include "tests/unit/worker/engine/random_net.h"
#include "tests/unit/worker/engine/setting.h"
#include "worker/engine/engine_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

enum { TRIALS = 600, COHORT_MAX = 18, PARAMETERS_MAX = 6000 };

/* The number of a trial is its seed. */
struct trial {
    struct random random;
    struct random_net net;
    struct setting setting;
    const struct kernels *kernels[2]; /* alone, together */
    struct step_range steps;
    uint32_t count;
};

static double uniform(struct random *random)
{
    return (double)random_u32(random) * 0x1.0p-32;
}

/* One time in `times`. */
static bool once_in(struct random *random, uint32_t times)
{
    return random_below(random, times) == 0;
}

/* ---------------------------------------------------------------------------------- what is drawn
 */

static struct schedule draw_schedule(struct random *random)
{
    const struct schedule schedules[] = {
        {.kind = SCHEDULE_CONSTANT, .warmup = random_below(random, 4)},
        {.kind = SCHEDULE_COSINE, .steps = 8 + random_below(random, 30), .final = 1e-4},
        {.kind = SCHEDULE_SGDR, .restart_steps = 1 + random_below(random, 5), .restart_factor = 2},
        {.kind = SCHEDULE_GEOMETRIC, .decay = 0.5, .decay_steps = 1 + random_below(random, 5)},
    };
    return schedules[random_below(random, 4)];
}

static struct training_settings draw_training(struct random *random)
{
    static const double rates[] = {1e-4, 1e-3, 0.01, 0.01, 0.1, 30};
    struct training_settings training =
        fixture_training(1 + random_below(random, once_in(random, 3) ? 200 : 40));
    training.lr = rates[random_below(random, 6)];
    training.schedule = draw_schedule(random);
    if (once_in(random, 3)) {
        training.optimizer = OPTIMIZER_SGD;
        training.momentum = once_in(random, 2) ? 0.9 : 0;
    }
    training.eps = once_in(random, 8) ? 0 : training.eps;
    training.l2 = once_in(random, 5) ? 0.01 : 0;
    training.label_smoothing = once_in(random, 4) ? uniform(random) : 0;
    training.clip_norm = once_in(random, 5) ? 1e-9 + uniform(random) : 0;
    training.clamp_norm = once_in(random, 5) ? 1e-9 + 5 * uniform(random) : 0;
    if (once_in(random, 3))
        training.precision = (enum precision)random_below(random, 4);
    return training;
}

/* Bytes or reals, some of them nearly all zeros. */
static struct fixture_data draw_data(struct random *random, const struct model *model)
{
    const enum sample_type type = once_in(random, 2) ? SAMPLE_U8 : SAMPLE_F32;
    const uint32_t count = 1 + random_below(random, once_in(random, 3) ? 150 : 30);
    struct fixture_data data = fixture_data_create(model, type, count, random_u32(random));
    const size_t size = type == SAMPLE_U8 ? 1 : sizeof(float);
    uint8_t *inputs = (uint8_t *)(uintptr_t)data.samples.inputs;
    const uint32_t zeros = once_in(random, 3) ? 1 + random_below(random, 20) : 0;
    for (size_t i = 0; zeros > 0 && i < (size_t)count * model->inputs; i++)
        if (random_below(random, 20) < zeros)
            memset(inputs + i * size, 0, size);
    if (once_in(random, 2))
        data.samples.shift = 0;
    return data;
}

/* A model of few enough parameters. */
static struct model *draw_model(struct random *random, struct random_net *net)
{
    for (;;) {
        *net = random_net_draw(random);
        struct model *model =
            fixture_model(net->text, (enum activation)(ACTIVATION_RELU + random_below(random, 4)),
                          net->inputs, 1 + random_below(random, 12));
        if (model->parameter_count <= PARAMETERS_MAX)
            return model;
        model_destroy(&model);
    }
}

static struct trial draw_trial(uint64_t seed)
{
    struct trial trial = {.random = random_open(seed, 0, 0, RANDOM_NULL)};
    struct random *random = &trial.random;
    const struct kernels *kernels[3];
    const uint32_t kernel_count = fixture_kernels(kernels);
    trial.setting.model = draw_model(random, &trial.net);
    trial.setting.training = draw_training(random);
    trial.setting.data = draw_data(random, trial.setting.model);
    for (int i = 0; i < 2; i++)
        trial.kernels[i] = kernels[random_below(random, kernel_count)];
    trial.steps.first = once_in(random, 2) ? 0 : random_below(random, 9);
    trial.steps.end = trial.steps.first + 1 + random_below(random, 9);
    trial.count = 1 + random_below(random, once_in(random, 8) ? COHORT_MAX : 4);
    return trial;
}

/* ------------------------------------------------------------------------------------- members */

static void spoil(struct random *random, struct network *network)
{
    static const float special[] = {0.0F, -0.0F, 1e-40F, -1e-40F, 1e38F, -3e38F};
    const struct model *model = network->model;
    const struct unit_layer *layer = &model->layers[random_below(random, model->layer_count)];
    const uint32_t count = (uint32_t)model->parameter_count;
    switch (random_below(random, 10)) {
    case 0:
        network->parameters[random_below(random, count)] = once_in(random, 2) ? NAN : -INFINITY;
        break;
    case 1:
        for (uint32_t i = 0; i < 8; i++)
            network->parameters[random_below(random, count)] = special[random_below(random, 6)];
        break;
    case 2:
        memset(network->parameters, 0, count * sizeof *network->parameters);
        break;
    case 3:
    case 4:
        for (uint32_t u = 0; u < layer->out; u++)
            network->parameters[layer->bias + u] = -1000;
        break;
    default:
        break;
    }
}

static void keep_moments(struct random *random, struct network *network)
{
    for (uint64_t i = 0; i < network->model->parameter_count; i++) {
        network->m[i] = (float)(uniform(random) - 0.5);
        network->v[i] = (float)uniform(random);
    }
    network->optimizer_step = 1 + random_below(random, 1000);
}

static struct cohort_member draw_member(struct trial *trial)
{
    static const double decays[] = {0, 0, 1e-9, 0.3}, rates[] = {0, 0, 0.2, 0.8};
    struct random *random = &trial->random;
    struct network *network =
        fixture_network(trial->setting.model, OPTIMIZER_STATE_MOMENTS, random_u32(random));
    struct cohort_member member = fixture_member(network, random_u32(random));
    member.rounding_key = random_open(random_u32(random), 0, 0, RANDOM_ROUNDING);
    member.weight_decay = decays[random_below(random, 4)];
    member.dropout = rates[random_below(random, 4)];
    spoil(random, network);
    if (once_in(random, 4))
        keep_moments(random, network);
    return member;
}

static void go_through_checkpoint(struct cohort_member *member)
{
    const struct network *network = member->network;
    const size_t bytes = network_checkpoint_bytes(network);
    struct network *read = network_create(network->model, network->state);
    uint8_t *file = malloc(bytes);
    assert_true(file != NULL && read != NULL);
    network_checkpoint_write(network, file);
    assert_int_equal(network_checkpoint_read(read, file, bytes, NULL), 0);
    free(file);
    network_destroy(&member->network);
    member->network = read;
}

/* How many members are not diverged. */
static uint32_t assert_same(const struct trial *trial, const struct cohort_member *alone,
                            const struct cohort_member *other)
{
    uint32_t finite = 0;
    for (uint32_t i = 0; i < trial->count; i++) {
        const bool is_finite = network_is_finite(alone[i].network) && isfinite(alone[i].loss_sum);
        assert_true(is_finite ==
                    (network_is_finite(other[i].network) && isfinite(other[i].loss_sum)));
        if (!is_finite)
            continue;
        setting_assert_same(&alone[i], &other[i]);
        assert_true(alone[i].lost_updates == other[i].lost_updates);
        finite++;
    }
    return finite;
}

/* ------------------------------------------------------------------------------------ the ways */

/* Some of the members that are behind all others go on for some steps. */
static void train_some(struct trial *trial, struct engine *engine, struct cohort_member *members,
                       uint64_t *at)
{
    struct random *random = &trial->random;
    struct cohort_member group[COHORT_MAX];
    uint32_t chosen[COHORT_MAX], count = 0;
    uint64_t behind = trial->steps.end;
    for (uint32_t i = 0; i < trial->count; i++)
        behind = at[i] < behind ? at[i] : behind;
    for (uint32_t i = 0; i < trial->count; i++)
        if (at[i] == behind && (count == 0 || !once_in(random, 3)))
            chosen[count++] = i;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t other = random_below(random, count), moved = chosen[i];
        chosen[i] = chosen[other];
        chosen[other] = moved;
    }
    const uint64_t end = behind + 1 + random_below(random, (uint32_t)(trial->steps.end - behind));
    for (uint32_t i = 0; i < count; i++) {
        if (once_in(random, 2))
            go_through_checkpoint(&members[chosen[i]]);
        group[i] = members[chosen[i]];
    }
    setting_train(engine, &trial->setting, (struct step_range){behind, end}, group, count);
    for (uint32_t i = 0; i < count; i++) {
        members[chosen[i]] = group[i];
        at[chosen[i]] = end;
    }
}

static bool is_done(const struct trial *trial, const uint64_t *at)
{
    for (uint32_t i = 0; i < trial->count; i++)
        if (at[i] < trial->steps.end)
            return false;
    return true;
}

static void train_in_pieces(struct trial *trial, struct engine *const engines[2],
                            struct cohort_member *members)
{
    uint64_t at[COHORT_MAX];
    for (uint32_t i = 0; i < trial->count; i++)
        at[i] = trial->steps.first;
    while (!is_done(trial, at))
        train_some(trial, engines[random_below(&trial->random, 2)], members, at);
}

static uint32_t check(struct trial *trial)
{
    struct cohort_member alone[COHORT_MAX], together[COHORT_MAX], pieces[COHORT_MAX];
    struct engine *engines[2];
    for (int i = 0; i < 2; i++)
        engines[i] = setting_engine(&trial->setting, trial->kernels[i]);
    for (uint32_t i = 0; i < trial->count; i++) {
        alone[i] = draw_member(trial);
        together[i] = fixture_copy_member(&alone[i]);
        pieces[i] = fixture_copy_member(&alone[i]);
        setting_train(engines[0], &trial->setting, trial->steps, &alone[i], 1);
    }
    setting_train(engines[1], &trial->setting, trial->steps, together, trial->count);
    train_in_pieces(trial, engines, pieces);
    const uint32_t finite = assert_same(trial, alone, together);
    assert_same(trial, alone, pieces);
    setting_close_members(alone, trial->count);
    setting_close_members(together, trial->count);
    setting_close_members(pieces, trial->count);
    for (int i = 0; i < 2; i++)
        engine_destroy(&engines[i]);
    return finite;
}

static void bits_are_a_members_own(void **state)
{
    (void)state;
    uint32_t members = 0, finite = 0;
    for (uint64_t seed = 0; seed < TRIALS; seed++) {
        struct trial trial = draw_trial(seed);
        print_message("  %u: %s\n", (unsigned)seed, trial.net.text);
        finite += check(&trial);
        members += trial.count;
        setting_close(&trial.setting);
    }
    print_message("%u members, of which %u stayed finite\n", members, finite);
    assert_true(finite > members / 2 && finite < members);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bits_are_a_members_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
