/* dead_layers.c: see dead_layers.h. */
#include "worker/engine/dead_layers.h"

#include "worker/engine/mini_batch.h"
#include "worker/engine/ops/ops.h"
#include "worker/engine/precision.h"
#include "worker/engine/program.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------- numbers */

/* Whether all are +0, to the bit. */
static bool are_zero(const float *values, uint64_t count)
{
    const float zeros[256] = {0};
    for (uint64_t i = 0, n; i < count; i += n) {
        n = count - i < 256 ? count - i : 256;
        if (memcmp(values + i, zeros, n * sizeof *values) != 0)
            return false;
    }
    return true;
}

static bool are_finite(const float *values, uint64_t count)
{
    const uint32_t exponent = UINT32_C(0x7F800000);
    uint32_t found = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        found |= (bits & exponent) == exponent;
    }
    return found == 0;
}

/* Of the samples of a value; its padding is any numbers. */
static bool rows_are(const struct activations *value, bool (*are)(const float *, uint64_t))
{
    for (uint32_t u = 0; u < value->units; u++)
        if (!are(value->values + u * value->stride, value->n))
            return false;
    return true;
}

/* ------------------------------------------------------------------------------- what can be so */

/* Whether the ops are linear layers, each of which reads the one before and nothing else. */
static bool is_sequence(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->op_count; i++)
        if (plan->ops[i].kind != OP_LINEAR || plan->ops[i].input != i ||
            plan->ops[i].output != i + 1)
            return false;
    return true;
}

int dead_layers_init(struct dead_layers *dead, const struct model *model,
                     const struct training_settings *settings)
{
    const uint32_t ops = model->plan->op_count;
    *dead = (struct dead_layers){.model = model};
    if (!is_sequence(model->plan) || model->activation != ACTIVATION_RELU || settings->l2 != 0 ||
        settings->precision != PRECISION_FP32 || settings->clip_norm > 0 ||
        settings->clamp_norm > 0)
        return 0;
    dead->memory = calloc((size_t)DEAD_MEMBERS_MAX * ops, sizeof *dead->memory);
    if (dead->memory == NULL)
        return -1;
    for (uint32_t i = 0; i < DEAD_MEMBERS_MAX; i++)
        dead->members[i].is_zero = dead->memory + (size_t)i * ops;
    dead->is_possible = true;
    return 0;
}

void dead_layers_fini(struct dead_layers *dead)
{
    free(dead->memory);
    *dead = (struct dead_layers){.is_possible = false};
}

void dead_layers_begin(struct dead_layers *dead)
{
    for (uint32_t i = 0; i < DEAD_MEMBERS_MAX; i++)
        dead->members[i].first_op = dead->members[i].limit = 0;
}

bool dead_layers_is_due(uint64_t done, uint64_t left, uint64_t steps_per_epoch)
{
    /* To look at all samples costs up to a third of an epoch's steps. */
    return (done & (done - 1)) == 0 && left >= steps_per_epoch / 2 && left > 0;
}

/* Whether a member's next update leaves parameters as they are whose gradient and moments are +0.
 */
static bool holds(const struct kernels *kernels, const struct training_settings *at_step,
                  const struct cohort_member *member)
{
    const struct update update =
        update_prepare(at_step, member->weight_decay, member->network->optimizer_step);
    /* Zeros of both signs stay when nothing or +0 is taken away, ones when nothing is scaled. */
    const float before[] = {0.0F, -0.0F, 1.0F, -1.0F}, zeros[4] = {0};
    float w[4], m[4] = {0}, v[4] = {0};
    memcpy(w, before, sizeof w);
    const struct stored_rounding rounding = {.kernels = kernels, .precision = PRECISION_FP32};
    precision_update(&rounding, &update, &(struct updated){zeros, w, m, v}, 0, 4);
    return memcmp(w, before, sizeof w) == 0 && are_zero(m, 4) && are_zero(v, 4);
}

/* ---------------------------------------------------------------------------------- the proof */

/* False when the member's numbers say that nothing is dead. */
static bool open_question(struct dead_layers *dead, uint32_t number, const struct cohort_member *of)
{
    struct dead_member *member = &dead->members[number];
    const struct plan *plan = dead->model->plan;
    const struct network *network = of->network;
    member->drops = of->dropout > 0;
    member->lowest = PLAN_NONE;
    member->limit = 0;
    for (uint32_t i = 0; i + 1 < plan->op_count; i++) { /* the logits are never dead */
        const uint64_t first = plan->ops[i].parameters, count = plan->ops[i].parameter_count;
        if (!are_zero(network->m + first, count) || !are_zero(network->v + first, count) ||
            !are_finite(network->parameters + first, count))
            break;
        member->limit = i + 1;
    }
    return member->limit > 0;
}

/* The next layer above `op` that was zero on what has been seen. */
static void go_up(struct dead_member *member, uint32_t op)
{
    while (op < member->limit && !member->is_zero[op])
        op++;
    member->lowest = op < member->limit ? op : PLAN_NONE;
}

/* Masks of dropout change what a layer reads, but not where that is the sample or zero. */
static bool goes_on(struct dead_member *member)
{
    const bool is_certain = member->lowest != PLAN_NONE && (!member->drops || member->lowest == 0);
    if (!is_certain)
        member->limit = 0;
    return is_certain;
}

static bool batch_is_finite(const struct pass *pass)
{
    const struct batch *batch = &pass->workspace->batch;
    if (byte_layer_is_open(pass))
        return true;
    return are_finite(batch->by_feature, (uint64_t)pass->model->inputs * batch->stride);
}

/* The first samples: all layers. Numbers that are not finite end the question above them. */
static void look_at_all(struct dead_member *member, const struct pass *pass)
{
    const struct plan *plan = pass->model->plan;
    for (uint32_t i = 0; i < member->limit; i++) {
        linear_forward(pass, &plan->ops[i]);
        const struct activations value = pass_value(pass, i + 1);
        member->is_zero[i] = plan->ops[i].activates && rows_are(&value, are_zero);
        if (!rows_are(&value, are_finite))
            member->limit = i;
    }
    go_up(member, 0);
}

/*
 * Others: up to the lowest layer that was zero so far. Where it is not, the next one above is in
 * question. That one was zero on all samples before, too: they had the same zeros below.
 */
static void look_at_lowest(struct dead_member *member, const struct pass *pass)
{
    for (uint32_t i = 0; member->lowest != PLAN_NONE && i <= member->lowest; i++) {
        linear_forward(pass, &pass->model->plan->ops[i]);
        const struct activations value = pass_value(pass, i + 1);
        if (!rows_are(&value, are_finite))
            member->lowest = PLAN_NONE;
        else if (i == member->lowest && !rows_are(&value, are_zero))
            go_up(member, i + 1);
    }
}

/* Looks at the samples of the pass, which has the member's parameters and no dropout. False when
 * there is nothing left to look for. */
static bool look(struct dead_layers *dead, uint32_t number, const struct pass *pass)
{
    struct dead_member *member = &dead->members[number];
    if (member->limit == 0)
        return false;
    const bool is_first = member->lowest == PLAN_NONE;
    if (!batch_is_finite(pass))
        member->lowest = PLAN_NONE;
    else if (is_first)
        look_at_all(member, pass);
    else
        look_at_lowest(member, pass);
    return goes_on(member);
}

/* All samples have been looked at. */
static void close_question(struct dead_layers *dead, uint32_t number)
{
    struct dead_member *member = &dead->members[number];
    if (member->limit == 0)
        return;
    /* Above the lowest, values are the same for all samples: what the first ones had. */
    uint32_t highest = member->lowest;
    for (uint32_t i = highest + 1; i < member->limit; i++) {
        if (member->is_zero[i])
            highest = i;
        else if (member->drops)
            break;
    }
    member->first_op = highest + 1;
    member->limit = 0;
}

/* Opens the question for all members; of how many. */
static uint32_t suspect(struct dead_layers *dead, const struct pass *pass,
                        const struct dead_search *search)
{
    uint32_t suspects = 0;
    for (uint32_t i = 0; i < search->count; i++) {
        const struct cohort_member *member = &search->members[i];
        if (dead->members[i].first_op == 0 && holds(pass->kernels, search->at_step, member))
            suspects += open_question(dead, i, member);
    }
    return suspects;
}

void dead_layers_search(struct dead_layers *dead, const struct pass *pass,
                        const struct dead_search *search)
{
    const struct sample_slice *slice = search->slice;
    uint32_t suspects = dead->is_possible ? suspect(dead, pass, search) : 0;
    for (uint32_t first = 0, n; suspects > 0 && first < slice->count; first += n) {
        n = mini_batch_evaluation(pass, search->samples, slice, first);
        suspects = 0;
        for (uint32_t i = 0; i < search->count; i++) {
            struct pass own = *pass;
            own.parameters = search->members[i].network->parameters;
            suspects += look(dead, i, &own);
        }
    }
    for (uint32_t i = 0; i < search->count; i++)
        close_question(dead, i);
}

/* ---------------------------------------------------------------------------------- the steps */

bool dead_layers_hold_all(struct dead_layers *dead, const struct pass *pass,
                          const struct dead_search *search)
{
    uint32_t count = 0;
    assert(search->count <= DEAD_MEMBERS_MAX);
    for (uint32_t i = 0; i < search->count; i++) {
        uint32_t *first_op = &dead->members[i].first_op;
        if (*first_op > 0 && !holds(pass->kernels, search->at_step, &search->members[i]))
            *first_op = 0;
        count += *first_op > 0;
    }
    dead->steps_saved += count;
    return count == search->count;
}

void dead_layers_enter(const struct dead_layers *dead, uint32_t number, struct pass *pass)
{
    const struct program *program = pass->model->program;
    pass->first_op = dead->members[number].first_op;
    if (pass->first_op == 0)
        return;
    while (program->steps[pass->first_step].end <= pass->first_op)
        pass->first_step++;
    const struct activations value = pass_value(pass, pass->first_op);
    memset(value.values, 0, value.units * value.stride * sizeof *value.values);
}
