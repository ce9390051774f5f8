/*
 * plan_ops.c: what each word of a model's text becomes: the op, the shape of what it gives, its
 * tensors, and which of their numbers feed and read each unit.
 *
 * A layer's units have a column in whoever reads them: so each op, when it has weights, tells the
 * owner of the value it reads. Values that are sums (residuals) have no owner: zeroing a column of
 * a sum would hit more than the unit. Pooling, norm and activation pass ownership on.
 */
#include "common/plan_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static struct value_shape shape_now(const struct plan_builder *builder)
{
    return builder->plan->values[builder->value];
}

/* The value before the last op owns what comes out of it as well. */
static void pass_ownership(struct plan_builder *builder)
{
    if (builder->failed)
        return;
    const struct op *op = &builder->plan->ops[builder->plan->op_count - 1];
    builder->owners[op->output] = builder->owners[op->input];
}

/* ------------------------------------------------------------------------ linear, convolution */

/* W [out, row] and b [out] of the last op: its tensors, its units, and the columns that read what
 * it reads, where each of the value's channels is `block` neighbouring numbers of a row. */
struct matrix {
    enum unit_kind kind;
    uint32_t out, row, block;
    uint32_t rank, shape[4]; /* of W */
};

static struct unit_layer *add_matrix(struct plan_builder *builder, const struct matrix *matrix)
{
    struct tensor_row weight = {"weight", matrix->rank, {0}, START_WEIGHT, matrix->row};
    const struct tensor_row bias = {"bias", 1, {matrix->out}, START_BIAS, matrix->row};
    memcpy(weight.shape, matrix->shape, sizeof weight.shape);
    uint32_t w = plan_add_tensor(builder, &weight), b = plan_add_tensor(builder, &bias);
    struct unit_layer *layer = plan_add_units(builder, matrix->kind, matrix->out);
    if (layer == NULL)
        return NULL;
    const struct plan *plan = builder->plan;
    layer->in = matrix->row;
    layer->weight = plan->tensors[w].offset;
    layer->bias = plan->tensors[b].offset;
    plan_add_incoming(builder, layer,
                      (struct unit_slice){layer->weight, matrix->row, 0, 1, matrix->row, w});
    plan_add_incoming(builder, layer, (struct unit_slice){layer->bias, 1, 0, 1, 1, b});
    plan_add_outgoing(builder, plan->ops[plan->op_count - 1].input,
                      (struct unit_slice){layer->weight, matrix->block, matrix->row, matrix->out,
                                          matrix->block, w});
    return layer;
}

static void add_linear(struct plan_builder *builder, const struct layer_item *item)
{
    struct value_shape in = shape_now(builder);
    uint32_t features = shape_features(in);
    const struct op op = {.kind = OP_LINEAR,
                          .activates = item->word != LAYER_LINEAR,
                          .other = PLAN_NONE,
                          .in = in,
                          .out = {item->size, 1, 1}};
    if (plan_add_op(builder, &op) == NULL)
        return;
    struct unit_layer *layer = add_matrix(
        builder,
        &(struct matrix){
            UNIT_NEURON, item->size, features, shape_positions(in), 2, {item->size, features}});
    if (layer != NULL)
        layer->is_stem = item->word == LAYER_STEM;
}

/* Positions along one axis; 0 when the kernel does not fit. */
static uint32_t convolved(uint32_t positions, const struct op *op)
{
    uint32_t padded = positions + 2 * op->padding;
    return padded < op->kernel ? 0 : (padded - op->kernel) / op->stride + 1;
}

static void add_convolution(struct plan_builder *builder, const struct layer_item *item)
{
    struct value_shape in = shape_now(builder);
    bool is_project = item->word == LAYER_PROJECT;
    struct op op = {.kind = OP_CONV,
                    .activates = !is_project,
                    .other = PLAN_NONE,
                    .in = in,
                    .out = {item->size, 1, 1},
                    .kernel = is_project ? 1 : item->kernel,
                    .stride = is_project ? 1 : item->stride,
                    .padding = is_project ? 0 : item->padding};
    bool is_flat = in.height == 1;
    if (!is_flat)
        op.out.height = convolved(in.height, &op);
    op.out.width = convolved(in.width, &op);
    if (op.out.height == 0 || op.out.width == 0) {
        plan_fail(builder, "a convolution's kernel of %u does not fit %u x %u positions", op.kernel,
                  in.height, in.width);
        return;
    }
    uint32_t taps = is_flat ? op.kernel : op.kernel * op.kernel;
    if ((uint64_t)in.channels * taps > PLAN_FEATURES_MAX) {
        plan_fail(builder, "a convolution reads more than %d numbers", PLAN_FEATURES_MAX);
        return;
    }
    if (plan_add_op(builder, &op) == NULL)
        return;
    add_matrix(builder,
               &(struct matrix){UNIT_CHANNEL,
                                item->size,
                                in.channels * taps,
                                taps,
                                is_flat ? 3 : 4,
                                {item->size, in.channels, op.kernel, is_flat ? 0 : op.kernel}});
}

/* ------------------------------------------------------------------------- without any weights */

static void add_pool(struct plan_builder *builder, const struct layer_item *item)
{
    struct value_shape in = shape_now(builder);
    const struct op op = {
        .kind = OP_MAX_POOL,
        .other = PLAN_NONE,
        .in = in,
        .out = {in.channels, in.height == 1 ? 1 : in.height / item->size, in.width / item->size},
        .kernel = item->size,
        .stride = item->size};
    if (shape_positions(op.out) == 0)
        plan_fail(builder, "max-pooling over %u does not fit %u x %u positions", item->size,
                  in.height, in.width);
    if (plan_add_op(builder, &op) != NULL)
        pass_ownership(builder);
}

static void add_mean(struct plan_builder *builder)
{
    struct value_shape in = shape_now(builder);
    const struct op op = {
        .kind = OP_MEAN, .other = PLAN_NONE, .in = in, .out = {in.channels, 1, 1}};
    if (plan_add_op(builder, &op) != NULL)
        pass_ownership(builder);
}

static void add_patch(struct plan_builder *builder, const struct layer_item *item)
{
    struct value_shape in = shape_now(builder);
    uint32_t edge = item->size, taps = in.height == 1 ? edge : edge * edge;
    struct op op = {
        .kind = OP_PATCH,
        .other = PLAN_NONE,
        .in = in,
        .out = {in.channels * taps, in.height == 1 ? 1 : in.height / edge, in.width / edge},
        .kernel = edge,
        .stride = edge};
    if (shape_features(op.out) != shape_features(in))
        plan_fail(builder, "patches of %u do not divide %u x %u positions", edge, in.height,
                  in.width);
    plan_add_op(builder, &op);
}

static void add_rows(struct plan_builder *builder)
{
    struct value_shape in = shape_now(builder);
    const struct op op = {.kind = OP_ROWS,
                          .other = PLAN_NONE,
                          .in = in,
                          .out = {in.channels * in.width, 1, in.height}};
    if (in.height == 1)
        plan_fail(builder, "rows of a sequence: only an image has them");
    plan_add_op(builder, &op);
}

static void add_activation(struct plan_builder *builder)
{
    struct value_shape in = shape_now(builder);
    const struct op op = {.kind = OP_ACTIVATION, .other = PLAN_NONE, .in = in, .out = in};
    if (plan_add_op(builder, &op) != NULL)
        pass_ownership(builder);
}

void plan_add_sum(struct plan_builder *builder, uint32_t other)
{
    struct value_shape in = builder->failed ? (struct value_shape){0} : shape_now(builder);
    if (builder->failed)
        return;
    struct value_shape skipped = builder->plan->values[other];
    const struct op op = {.kind = OP_ADD, .other = other, .in = in, .out = in};
    if (builder->value == other)
        plan_fail(builder, "a residual without a layer that computes");
    else if (memcmp(&in, &skipped, sizeof in) != 0)
        plan_fail(
            builder, "a residual's layers make %u x %u x %u of %u x %u x %u: both must be equal",
            in.channels, in.height, in.width, skipped.channels, skipped.height, skipped.width);
    plan_add_op(builder, &op);
    /* What was summed is nobody's; nor can the summands be cut off any more. */
}

/* --------------------------------------------------------------------- positions, norm, attention
 */

static void add_positions(struct plan_builder *builder)
{
    struct value_shape in = shape_now(builder);
    const struct op op = {.kind = OP_POSITIONS, .other = PLAN_NONE, .in = in, .out = in};
    if (plan_add_op(builder, &op) == NULL)
        return;
    plan_add_tensor(builder,
                    &(struct tensor_row){
                        "positions", 2, {in.channels, shape_positions(in)}, START_SMALL_NORMAL, 1});
    pass_ownership(builder);
}

static void add_norm(struct plan_builder *builder)
{
    struct value_shape in = shape_now(builder);
    const struct op op = {.kind = OP_NORM, .other = PLAN_NONE, .in = in, .out = in};
    if (plan_add_op(builder, &op) == NULL)
        return;
    plan_add_tensor(builder, &(struct tensor_row){"weight", 1, {in.channels}, START_ONE, 1});
    plan_add_tensor(builder, &(struct tensor_row){"bias", 1, {in.channels}, START_ZERO, 1});
    pass_ownership(builder);
}

static void add_attention(struct plan_builder *builder, const struct layer_item *item)
{
    struct value_shape in = shape_now(builder);
    uint32_t width = in.channels, heads = item->size;
    const struct op op = {
        .kind = OP_ATTENTION, .other = PLAN_NONE, .in = in, .out = in, .heads = heads};
    if (width % heads != 0)
        plan_fail(builder, "%u heads do not divide %u channels", heads, width);
    if (width > PLAN_INPUTS_MAX)
        plan_fail(builder, "attention over %u channels, at most %d", width, PLAN_INPUTS_MAX);
    if (plan_add_op(builder, &op) == NULL)
        return;
    uint32_t in_w = plan_add_tensor(
        builder,
        &(struct tensor_row){"in_proj_weight", 2, {3 * width, width}, START_XAVIER, 4 * width});
    uint32_t in_b = plan_add_tensor(
        builder, &(struct tensor_row){"in_proj_bias", 1, {3 * width}, START_ZERO, 1});
    uint32_t out_w = plan_add_tensor(
        builder, &(struct tensor_row){"out_proj.weight", 2, {width, width}, START_WEIGHT, width});
    plan_add_tensor(builder, &(struct tensor_row){"out_proj.bias", 1, {width}, START_ZERO, 1});
    struct unit_layer *layer = plan_add_units(builder, UNIT_HEAD, heads);
    if (layer == NULL)
        return;
    const struct plan *plan = builder->plan;
    const uint32_t size = width / heads;
    const uint64_t rows = plan->tensors[in_w].offset, square = (uint64_t)width * width;
    layer->in = size * width;
    layer->weight = rows;
    layer->bias = plan->tensors[in_b].offset;
    /* Rows of queries, keys and values. */
    plan_add_incoming(
        builder, layer,
        (struct unit_slice){rows, (uint64_t)size * width, square, 3, size * width, in_w});
    plan_add_incoming(builder, layer, (struct unit_slice){layer->bias, size, width, 3, size, in_b});
    layer->outgoing[layer->outgoing_count++] =
        (struct unit_slice){plan->tensors[out_w].offset, size, width, width, size, out_w};
    plan_add_outgoing(builder, plan->ops[plan->op_count - 1].input,
                      (struct unit_slice){rows, 1, width, 3 * width, 1, in_w});
    /* The way out mixes the heads: nobody behind it has a column of theirs. */
    builder->owners[builder->value].layer = PLAN_NONE;
}

/* ------------------------------------------------------------------------------------- recurrent
 */

/* The tensors of one direction, and its units, whose numbers are in all four. */
static void add_direction(struct plan_builder *builder, const char *suffix)
{
    const struct op *op = &builder->plan->ops[builder->plan->op_count - 1];
    const uint32_t channels = op->in.channels, input = op->input;
    const uint32_t units = op->bidirectional ? op->out.channels / 2 : op->out.channels;
    static const char *const names[4] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    const uint32_t columns[4] = {channels, units, 1, 1};
    uint32_t tensors[4];
    char name[32];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s", names[i], suffix);
        const struct tensor_row row = {
            name, i < 2 ? 2 : 1, {3 * units, i < 2 ? columns[i] : 0}, START_UNIFORM, units};
        tensors[i] = plan_add_tensor(builder, &row);
    }
    struct unit_layer *layer = plan_add_units(builder, UNIT_NEURON, units);
    if (layer == NULL)
        return;
    const struct tensor *all = builder->plan->tensors;
    for (int i = 0; i < 4; i++) /* a row of each of the three gates */
        plan_add_incoming(builder, layer,
                          (struct unit_slice){all[tensors[i]].offset, columns[i],
                                              (uint64_t)units * columns[i], 3, columns[i],
                                              tensors[i]});
    layer->in = channels;
    layer->weight = all[tensors[0]].offset;
    layer->bias = all[tensors[2]].offset;
    layer->outgoing[layer->outgoing_count++] =
        (struct unit_slice){all[tensors[1]].offset, 1, units, 3 * units, 1, tensors[1]};
    plan_add_outgoing(
        builder, input,
        (struct unit_slice){all[tensors[0]].offset, 1, channels, 3 * units, 1, tensors[0]});
}

static void add_gru(struct plan_builder *builder, const struct layer_item *item)
{
    struct value_shape in = shape_now(builder);
    bool both = item->word == LAYER_BIGRU;
    const struct op op = {.kind = OP_GRU,
                          .bidirectional = both,
                          .other = PLAN_NONE,
                          .in = in,
                          .out = {both ? 2 * item->size : item->size, in.height, in.width}};
    if (in.height != 1)
        plan_fail(builder,
                  "a recurrent layer reads a sequence, not %u x %u positions: write rows before it",
                  in.height, in.width);
    if (plan_add_op(builder, &op) == NULL)
        return;
    add_direction(builder, "");
    if (both)
        add_direction(builder, "_reverse");
}

/* --------------------------------------------------------------------------------------- the table
 */

void plan_add_layer(struct plan_builder *builder, const struct layer_item *item)
{
    if (builder->failed)
        return;
    switch (item->word) {
    case LAYER_DENSE:
    case LAYER_STEM:
    case LAYER_LINEAR:
        add_linear(builder, item);
        break;
    case LAYER_CONV:
    case LAYER_PROJECT:
        add_convolution(builder, item);
        break;
    case LAYER_MAX_POOL:
        add_pool(builder, item);
        break;
    case LAYER_MEAN:
        add_mean(builder);
        break;
    case LAYER_PATCH:
        add_patch(builder, item);
        break;
    case LAYER_ROWS:
        add_rows(builder);
        break;
    case LAYER_POSITIONS:
        add_positions(builder);
        break;
    case LAYER_NORM:
        add_norm(builder);
        break;
    case LAYER_ATTENTION:
        add_attention(builder, item);
        break;
    case LAYER_GRU:
    case LAYER_BIGRU:
        add_gru(builder, item);
        break;
    case LAYER_ACTIVATION:
        add_activation(builder);
        break;
    case LAYER_RESIDUAL:
    case LAYER_GROUP:
    case LAYER_END:
        assert(0 && "brackets are plan.c's");
        break;
    }
}
