/*
 * engine.c: training and evaluation on the CPU; see engine.h.
 *
 * What is here is the order of things: which samples make a mini-batch, and that each member of the
 * cohort goes forward, backward and one update on, one after the other. A network over a batch is
 * pass.c, the arithmetic is kernels.h.
 */
#include "worker/engine/engine.h"

#include "worker/engine/bf16_units.h"
#include "worker/engine/data_order.h"
#include "worker/engine/dead_layers.h"
#include "worker/engine/engine_private.h"
#include "worker/engine/first_layer.h"
#include "worker/engine/float_mode.h"
#include "worker/engine/mini_batch.h"
#include "worker/engine/norm.h"
#include "worker/engine/pass.h"
#include "worker/engine/precision.h"
#include "worker/engine/update.h"
#include "worker/engine/workspace.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 65536 };

/* Above so many parameters networks gain nothing from each other. Four of the others are nearly as
 * good as sixteen. */
enum { LARGE_PARAMETERS = 100000, COHORT_OF_SMALL = DEAD_MEMBERS_MAX };

struct engine {
    const struct model *model;
    struct training_settings training, at_step; /* with the learning rate of the step in work */
    struct kernels kernels;                     /* of its precision */
    struct workspace workspace;
    struct byte_layer bytes;        /* portable only, as is what follows */
    struct first_layer first_layer; /* of cohorts; portable only */
    struct dead_layers dead_layers; /* portable only */
    struct pass pass;
    struct order_cache order;
};

/* ----------------------------------------------------------------------------- create, destroy */

/* Whose products: ours as they are, unless the class says otherwise. */
static int choose_product(struct engine *engine, enum engine_numeric numeric, struct error *error)
{
    const enum precision precision = engine->training.precision;
    engine->pass.product =
        precision == PRECISION_FP32 ? engine->kernels.product : engine->kernels.product_bf16;
    if (numeric == NUMERIC_PORTABLE)
        return 0;
    if (numeric == NUMERIC_NATIVE) {
        if (precision != PRECISION_FP32)
            return error_set(error, -1, "engine: OpenBLAS has no products of bfloat16");
        engine->pass.product = blas_product;
        return blas_open(error);
    }
    if (precision == PRECISION_FP32)
        return error_set(error, -1, "engine: an instruction for bfloat16 cannot compute in fp32");
    engine->pass.product = bf16_units_open(numeric, error);
    return engine->pass.product == NULL ? -1 : 0;
}

const char *engine_bf16_class(enum engine_numeric numeric, struct error *error)
{
    if (bf16_units_open(numeric, error) == NULL)
        return NULL;
    return numeric == NUMERIC_AMX_BF16 ? "amx_bf16" : "avx512_bf16";
}

/* A first layer that reads bytes as they are, where there may be one. */
static int open_bytes(struct engine *engine)
{
    if (!byte_layer_suits(engine->model->plan) || engine->training.precision != PRECISION_FP32)
        return 0;
    engine->pass.bytes = &engine->bytes;
    return byte_layer_init(&engine->bytes, engine->model->inputs, engine->workspace.samples_max);
}

static int fill(struct engine *engine, const struct engine_options *options,
                const struct kernels *kernels, struct error *error)
{
    uint32_t batch = options->training.batch;
    engine->model = options->model;
    engine->training = options->training;
    engine->kernels = precision_kernels(kernels, options->training.precision);
    engine->pass = (struct pass){
        .model = options->model, .kernels = &engine->kernels, .workspace = &engine->workspace};
    if (choose_product(engine, options->numeric, error) != 0)
        return -1;
    if (workspace_init(&engine->workspace, options->model,
                       batch > EVALUATION_BATCH ? batch : EVALUATION_BATCH) != 0)
        return error_set(error, -1, "engine: no memory for batches of %u samples of this model",
                         batch);
    if (options->numeric != NUMERIC_PORTABLE)
        return 0;
    if (byte_layer_suits(options->model->plan))
        engine->workspace.batch.layout = MATRIX_PANELS;
    if (open_bytes(engine) != 0 ||
        first_layer_init(&engine->first_layer, options->model, batch) != 0 ||
        dead_layers_init(&engine->dead_layers, options->model, &options->training) != 0)
        return error_set(error, -1, "engine: no memory for cohorts in batches of %u samples",
                         batch);
    return 0;
}

struct engine *engine_create_with(const struct engine_options *options,
                                  const struct kernels *kernels, struct error *error)
{
    assert(options->training.batch > 0 && options->training.batch <= BATCH_MAX);
    struct engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        error_set(error, -1, "engine: no memory");
    else if (fill(engine, options, kernels, error) != 0)
        engine_destroy(&engine);
    return engine;
}

struct engine *engine_create(const struct engine_options *options, struct error *error)
{
    return engine_create_with(options, kernels_current(), error);
}

void engine_go_the_long_way(struct engine *engine)
{
    engine->dead_layers.is_possible = false;
}

void engine_read_bytes(struct engine *engine, enum byte_way way)
{
    engine->bytes.wanted = way;
}

uint64_t engine_steps_saved(const struct engine *engine)
{
    return engine->dead_layers.steps_saved;
}

void engine_destroy(struct engine **engine)
{
    if (*engine == NULL)
        return;
    order_cache_fini(&(*engine)->order);
    byte_layer_fini(&(*engine)->bytes);
    first_layer_fini(&(*engine)->first_layer);
    dead_layers_fini(&(*engine)->dead_layers);
    workspace_fini(&(*engine)->workspace);
    free(*engine);
    *engine = NULL;
}

/* ------------------------------------------------------------------------------- mini-batches */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint64_t engine_steps_per_epoch(const struct engine *engine, const struct sample_slice *slice)
{
    uint64_t batch = engine->training.batch;
    return (slice->count + batch - 1) / batch;
}

/* The losses of the batch in use, and what they hand back. */
static void compute_losses(const struct pass *pass, double label_smoothing, float *delta)
{
    double spread = label_smoothing / pass->model->classes;
    struct workspace *workspace = pass->workspace;
    struct activations logits = pass_logits(pass);
    pass->kernels->softmax(&(struct softmax){
        .classes = logits.units,
        .n = logits.n,
        .stride = logits.stride,
        .logits = logits.values,
        .labels = workspace->labels,
        .gradient_scale = (float)(1.0 / workspace->n),
        .delta = delta,
        .losses = workspace->losses,
        .smoothed_label = spread == 0 ? 0 : (float)(1.0 - label_smoothing + spread),
        .smoothed_other = (float)spread,
    });
}

/* `sum` and the losses of the batch in use: in double, one by one, in the order of the samples. */
static double add_losses(const struct workspace *workspace, double sum)
{
    for (uint32_t i = 0; i < workspace->n; i++)
        sum += (double)workspace->losses[i];
    return sum;
}

/* ----------------------------------------------------------------------------------- training */

/* What the gradient of one network becomes of use to. */
struct updating {
    const struct engine *engine;
    struct network *network;
    struct update update;
    const float *gradient; /* of the whole network, or of as much of it as is to be updated */
    struct stored_rounding rounding;
    uint64_t lost; /* updates, so far */
};

static void update_stretch(void *context, uint64_t first, uint64_t end)
{
    struct updating *updating = context;
    struct network *network = updating->network;
    const struct updated numbers = {updating->gradient, network->parameters, network->m,
                                    network->v};
    updating->lost +=
        precision_update(&updating->rounding, &updating->update, &numbers, first, end);
}

/* For updates that wait until the whole gradient is there. */
static void keep_stretch(void *context, uint64_t first, uint64_t end)
{
    (void)context;
    (void)first;
    (void)end;
}

/* The way back, and the update: stretch by stretch on the way, or all at once behind it. */
static void update_member(const struct pass *pass, struct updating *updating)
{
    const struct training_settings *settings = &updating->engine->at_step;
    uint64_t count = pass->model->parameter_count;
    bool clips = settings->clip_norm > 0;
    pass_backward(pass, &(struct pass_update){updating, clips ? keep_stretch : update_stretch});
    if (clips) {
        norm_clip(pass->kernels, settings->clip_norm, count, pass->workspace->gradient);
        update_stretch(updating, 0, count);
    }
    if (settings->clamp_norm > 0) {
        norm_clamp(pass->kernels, settings->clamp_norm, count, updating->network->parameters);
        precision_settle(&updating->rounding, count, updating->network->parameters);
    }
}

/* What a member's step begins with: all but what it is to be computed in. */
static struct pass open_pass(const struct engine *engine, const struct cohort_member *member,
                             uint64_t step)
{
    struct pass pass = engine->pass;
    pass.parameters = member->network->parameters;
    pass.dropout = (struct pass_dropout){member->dropout, &member->dropout_key, step};
    return pass;
}

static struct updating open_updating(const struct engine *engine,
                                     const struct cohort_member *member, uint64_t step)
{
    struct network *network = member->network;
    return (struct updating){
        .engine = engine,
        .network = network,
        .update = update_prepare(&engine->at_step, member->weight_decay, network->optimizer_step),
        .gradient = engine->workspace.gradient,
        .rounding = {&engine->kernels, engine->training.precision, &member->rounding_key, step},
    };
}

/* Forward to the logits, and the loss's derivative by them. */
static void go_forward(struct engine *engine, const struct pass *pass, struct cohort_member *member)
{
    pass_forward(pass);
    compute_losses(pass, engine->at_step.label_smoothing, pass_logits_delta(pass));
    member->loss_sum += add_losses(&engine->workspace, 0) / engine->workspace.n;
}

/* One member, one step on the batch in use; from the sample on, or from what a dead layer left. */
static void train_member(struct engine *engine, struct cohort_member *member, uint64_t step,
                         uint32_t number)
{
    struct pass pass = open_pass(engine, member, step);
    struct updating updating = open_updating(engine, member, step);
    dead_layers_enter(&engine->dead_layers, number, &pass);
    go_forward(engine, &pass, member);
    update_member(&pass, &updating);
    member->lost_updates += updating.lost;
    member->network->optimizer_step++;
}

/* The same for several, whose first layers go together. */
static void train_together(struct engine *engine, struct cohort_member *const *members,
                           uint32_t count, uint64_t step)
{
    struct first_layer *first = &engine->first_layer;
    for (uint32_t i = 0; i < count; i++)
        first_layer_place(first, i, members[i]->network->parameters);
    first_layer_forward(first, &engine->pass, count);
    for (uint32_t i = 0; i < count; i++) {
        struct pass pass = open_pass(engine, members[i], step);
        struct updating updating = open_updating(engine, members[i], step);
        pass.first_step = 1;
        first_layer_enter(first, &pass, i);
        go_forward(engine, &pass, members[i]);
        update_member(&pass, &updating);
        members[i]->lost_updates += updating.lost;
        first_layer_leave(first, &pass, i);
    }
    first_layer_backward(first, &engine->pass, count);
    for (uint32_t i = 0; i < count; i++) {
        struct updating updating = open_updating(engine, members[i], step);
        updating.gradient = first->gradient + i * first->parameter_count;
        update_stretch(&updating, 0, first->parameter_count);
        members[i]->lost_updates += updating.lost;
        members[i]->network->optimizer_step++;
    }
}

/* Limits on a whole network's length need all of its gradient or parameters at once. */
static bool goes_together(const struct engine *engine)
{
    return engine->first_layer.members_max > 1 && !(engine->at_step.clip_norm > 0) &&
           !(engine->at_step.clamp_norm > 0);
}

/* Units of the first layer that so many members have in one product. */
static uint32_t first_units(const struct engine *engine, uint32_t count)
{
    const uint32_t units = engine->model->plan->ops[0].out.channels;
    return goes_together(engine) ? units * smaller(count, engine->first_layer.members_max) : units;
}

/* At most COHORT_OF_SMALL members. */
static void train_step(struct engine *engine, struct cohort_member *members, uint32_t count,
                       uint64_t step)
{
    struct cohort_member *together[COHORT_OF_SMALL];
    const uint32_t most = goes_together(engine) ? engine->first_layer.members_max : 0;
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (most > 1 && engine->dead_layers.members[i].first_op == 0)
            together[waiting++] = &members[i];
        else
            train_member(engine, &members[i], step, i);
    }
    for (uint32_t i = 0, n; i < waiting; i += n) {
        n = smaller(most, waiting - i);
        if (n > 1)
            train_together(engine, together + i, n, step);
        else
            train_member(engine, together[i], step, (uint32_t)(together[i] - members));
    }
}

/* Chooses the mini-batch and the step's learning rate. */
static void prepare_step(struct engine *engine, const struct samples *samples,
                         const struct sample_slice *slice, const struct data_order *order,
                         uint64_t step)
{
    uint64_t per_epoch = engine_steps_per_epoch(engine, slice);
    uint32_t batch = engine->training.batch;
    struct epoch_order epoch = {*order, step / per_epoch, slice->count};
    uint32_t first = (uint32_t)(step % per_epoch) * batch;
    struct batch_places places = {data_order_places(engine->training.order, &engine->order, &epoch),
                                  first, smaller(batch, slice->count - first)};
    mini_batch_choose(&engine->workspace, samples, slice, &places);
    engine->at_step = engine->training;
    engine->at_step.lr = schedule_rate(&engine->training.schedule, engine->training.lr, step);
}

/* All steps of at most COHORT_OF_SMALL members. */
static void train_group(struct engine *engine, const struct samples *samples,
                        const struct sample_slice *slice, const struct data_order *order,
                        struct step_range steps, struct cohort_member *members, uint32_t count)
{
    const uint64_t per_epoch = engine_steps_per_epoch(engine, slice);
    const struct dead_search search = {samples, slice, &engine->at_step, members, count};
    byte_layer_open(&engine->bytes, &engine->pass,
                    &(struct byte_slice){samples, slice, first_units(engine, count)});
    dead_layers_begin(&engine->dead_layers);
    for (uint64_t step = steps.first; step < steps.end; step++) {
        prepare_step(engine, samples, slice, order, step);
        if (!dead_layers_hold_all(&engine->dead_layers, &engine->pass, &search))
            mini_batch_gather(&engine->pass, samples);
        train_step(engine, members, count, step);
        if (dead_layers_is_due(step - steps.first + 1, steps.end - step - 1, per_epoch))
            dead_layers_search(&engine->dead_layers, &engine->pass, &search);
    }
}

uint32_t engine_cohort_best(const struct model *model)
{
    return model->parameter_count > LARGE_PARAMETERS ? 1 : COHORT_OF_SMALL;
}

int engine_train(struct engine *engine, const struct samples *samples,
                 const struct sample_slice *slice, const struct data_order *order,
                 struct step_range steps, struct cohort_member *members, uint32_t count,
                 struct error *error)
{
    assert(slice->count > 0 && samples->features == engine->model->inputs);
    for (uint32_t i = 0; i < count; i++)
        assert(members[i].network->model->parameter_count == engine->model->parameter_count);
    if (order_cache_reserve(&engine->order, slice->count) != 0)
        return error_set(error, -1, "engine: no memory for the order of %u samples", slice->count);
    struct float_mode before = float_mode_enter();
    for (uint32_t i = 0; i < count; i++)
        precision_begin(&engine->kernels, engine->training.precision,
                        engine->model->parameter_count, members[i].network->parameters);
    const uint32_t most = engine_cohort_best(engine->model);
    for (uint32_t i = 0; i < count; i += most)
        train_group(engine, samples, slice, order, steps, members + i, smaller(most, count - i));
    float_mode_leave(before);
    return 0;
}

/* --------------------------------------------------------------------------------- evaluation */

/* The first of the largest logits; 0 when one of them is not a number. */
static uint32_t answer(const struct activations *logits, uint32_t sample)
{
    uint32_t best = 0;
    for (uint32_t class = 0; class < logits->units; class ++) {
        float logit = logits->values[class * logits->stride + sample];
        if (isnan(logit))
            return 0;
        if (logit > logits->values[best * logits->stride + sample])
            best = class;
    }
    return best;
}

/* Counts the answers to the batch in use; returns how many were right. */
static uint32_t count_answers(const struct pass *pass, struct evaluation *evaluation)
{
    const struct workspace *workspace = pass->workspace;
    struct activations logits = pass_logits(pass);
    uint32_t right = 0;
    for (uint32_t i = 0; i < workspace->n; i++) {
        uint32_t given = answer(&logits, i), label = workspace->labels[i];
        evaluation->confusion[label * logits.units + given]++;
        right += given == label;
    }
    return right;
}

void engine_evaluate(struct engine *engine, const struct samples *samples,
                     const struct sample_slice *slice, const struct network *network,
                     struct evaluation *evaluation)
{
    uint32_t classes = engine->model->classes;
    struct pass pass = engine->pass;
    uint64_t right = 0;
    double sum = 0;
    assert(slice->count > 0 && samples->features == engine->model->inputs);
    memset(evaluation->confusion, 0, (size_t)classes * classes * sizeof evaluation->confusion[0]);
    pass.parameters = network->parameters;
    byte_layer_open(&engine->bytes, &pass,
                    &(struct byte_slice){samples, slice, first_units(engine, 1)});
    struct float_mode before = float_mode_enter();
    for (uint32_t first = 0, n; first < slice->count; first += n) {
        n = mini_batch_evaluation(&pass, samples, slice, first);
        pass_forward(&pass);
        compute_losses(&pass, 0, NULL);
        sum = add_losses(&engine->workspace, sum);
        right += count_answers(&pass, evaluation);
    }
    float_mode_leave(before);
    evaluation->loss = sum / slice->count;
    evaluation->accuracy = (double)right / slice->count;
}
