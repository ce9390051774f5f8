/* net_trial.c: see net_trial.h. */
#include "tests/unit/worker/engine/net_trial.h"

#include "worker/engine/data_order.h"
#include "worker/engine/engine_private.h"
#include "worker/engine/float_mode.h"
#include "worker/engine/pass.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct data_order order = {2026, 8};
static const uint64_t dropout_seed = 4, parameter_seed = 3;

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    assert_non_null(memory);
    return memory;
}

/* ----------------------------------------------------------------------------------- the batch */

/* The engine's word of dropout, from README.md, at step 0. */
static uint32_t mask_word(const struct random *key, uint32_t op, uint32_t unit, uint32_t sample,
                          uint32_t n)
{
    struct philox_block block =
        philox_4x32_10((struct philox_block){{0, 0, op, 0xD0}}, key->key[0], key->key[1]);
    struct philox_block counter = {
        {unit * ((n + 3) / 4) + sample / 4, key->context[0], key->context[1], key->context[2]}};
    return philox_4x32_10(counter, block.words[0], block.words[1]).words[sample % 4];
}

/* By op, for those that have an activation. */
static double **make_masks(const struct net_trial *trial)
{
    const struct plan *plan = trial->model->plan;
    const double rate = trial->its_case->dropout;
    const uint32_t n = trial->its_case->batch;
    const struct random key = random_open(dropout_seed, 0, 0, RANDOM_DROPOUT);
    double **masks = room(plan->op_count, sizeof *masks);
    for (uint32_t op = 0; rate > 0 && op < plan->op_count; op++) {
        uint32_t features = shape_features(plan->ops[op].out);
        if (!plan->ops[op].activates)
            continue;
        masks[op] = room((size_t)features * n, sizeof *masks[op]);
        for (uint32_t u = 0; u < features; u++)
            for (uint32_t s = 0; s < n; s++) {
                bool drops = (double)mask_word(&key, op, u, s, n) < floor(rate * 4294967296.0);
                masks[op][(size_t)u * n + s] = drops ? 0 : 1 / (1 - rate);
            }
    }
    return masks;
}

/* Samples by their place in the first mini-batch, which is all of them. */
static uint32_t *make_places(const struct net_trial *trial)
{
    const struct sample_slice *slice = &trial->data.slice;
    uint32_t *places = room(slice->count, sizeof *places);
    data_order_shuffle(&(struct epoch_order){order, 0, slice->count}, places);
    for (uint32_t i = 0; i < slice->count; i++)
        places[i] = slice->index[places[i]];
    return places;
}

static struct net_batch make_batch(const struct net_trial *trial)
{
    const uint32_t n = trial->its_case->batch, features = trial->its_case->inputs;
    double *inputs = room((size_t)n * features, sizeof *inputs);
    uint8_t *labels = room(n, 1);
    uint32_t *places = make_places(trial);
    for (uint32_t i = 0; i < n; i++) {
        labels[i] = trial->data.samples.labels[places[i]];
        for (uint32_t j = 0; j < features; j++)
            inputs[(size_t)i * features + j] =
                (double)fixture_input(&trial->data.samples, places[i], j);
    }
    free(places);
    return (struct net_batch){n, inputs, labels, make_masks(trial)};
}

struct net_trial net_trial_open(const struct net_case *its_case)
{
    struct net_trial trial = {.its_case = its_case};
    trial.model =
        fixture_model(its_case->model, its_case->activation, its_case->inputs, its_case->classes);
    trial.data = fixture_data_create(trial.model, SAMPLE_F32, its_case->batch, its_case->batch);
    struct network *network = fixture_network(trial.model, OPTIMIZER_STATE_NONE, parameter_seed);
    trial.parameters = room(trial.model->parameter_count, sizeof *trial.parameters);
    for (uint64_t i = 0; i < trial.model->parameter_count; i++)
        trial.parameters[i] = (double)network->parameters[i];
    network_destroy(&network);
    trial.batch = make_batch(&trial);
    return trial;
}

void net_trial_close(struct net_trial *trial)
{
    for (uint32_t op = 0; op < trial->model->plan->op_count; op++)
        free(trial->batch.masks[op]);
    free((void *)(uintptr_t)trial->batch.masks);
    free((void *)(uintptr_t)trial->batch.inputs);
    free((void *)(uintptr_t)trial->batch.labels);
    free(trial->parameters);
    fixture_data_destroy(&trial->data);
    model_destroy(&trial->model);
}

/* ---------------------------------------------------------------------------------- the engine */

void net_trial_logits(const struct net_trial *trial, const struct kernels *kernels, float *logits)
{
    struct workspace workspace;
    uint32_t *places = make_places(trial);
    struct network *network = fixture_network(trial->model, OPTIMIZER_STATE_NONE, parameter_seed);
    assert_int_equal(workspace_init(&workspace, trial->model, trial->batch.n), 0);
    workspace.n = trial->batch.n;
    struct float_mode before = float_mode_enter();
    kernels->gather(&(struct batch_source){&trial->data.samples, places, trial->batch.n},
                    &workspace.batch);
    const struct pass pass = {.model = trial->model,
                              .kernels = kernels,
                              .product = kernels->product,
                              .workspace = &workspace,
                              .parameters = network->parameters};
    pass_forward(&pass);
    float_mode_leave(before);
    struct activations found = pass_logits(&pass);
    for (uint32_t s = 0; s < trial->batch.n; s++)
        for (uint32_t c = 0; c < trial->model->classes; c++)
            logits[s * trial->model->classes + c] = found.values[c * found.stride + s];
    network_destroy(&network);
    workspace_fini(&workspace);
    free(places);
}

double net_trial_gradient(const struct net_trial *trial, const struct kernels *kernels,
                          float *gradient)
{
    struct network *network =
        fixture_network(trial->model, OPTIMIZER_STATE_MOMENTS, parameter_seed);
    struct cohort_member member = fixture_member(network, dropout_seed);
    struct engine_options options = {.model = trial->model,
                                     .training = fixture_training(trial->batch.n)};
    member.dropout = trial->its_case->dropout;
    options.training.optimizer = OPTIMIZER_SGD;
    struct engine *engine = engine_create_with(&options, kernels, NULL);
    assert_non_null(engine);
    assert_int_equal(engine_train(engine, &trial->data.samples, &trial->data.slice, &order,
                                  (struct step_range){0, 1}, &member, 1, NULL),
                     0);
    memcpy(gradient, network->m, trial->model->parameter_count * sizeof *gradient);
    engine_destroy(&engine);
    network_destroy(&network);
    return member.loss_sum;
}
