/*
 * plan.c: a model's text becomes a flat list of ops; see plan.h. What one layer becomes is
 * plan_ops.c.
 */
#include "common/plan.h"

#include "common/plan_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t shape_positions(struct value_shape shape)
{
    return shape.height * shape.width;
}

uint32_t shape_features(struct value_shape shape)
{
    return shape.channels * shape_positions(shape);
}

/* ------------------------------------------------------------------------------------- growing */

void plan_fail(struct plan_builder *builder, const char *format, ...)
{
    char reason[256];
    va_list arguments;
    if (builder->failed)
        return;
    builder->failed = true;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    error_set(builder->error, -1, "model: %s", reason);
}

/* One more element of `size` bytes fits behind `count`. */
static void *grow(struct plan_builder *builder, void *array, uint32_t count, size_t *room,
                  size_t size)
{
    if (count < *room)
        return array;
    size_t wanted = count < 16 ? 16 : 2 * (size_t)count;
    void *larger = calloc(wanted, size);
    if (larger == NULL) {
        plan_fail(builder, "no memory for its layers");
        return array;
    }
    if (count > 0)
        memcpy(larger, array, count * size);
    free(array);
    *room = wanted;
    return larger;
}

static bool check_shape(struct plan_builder *builder, struct value_shape shape)
{
    uint64_t features = (uint64_t)shape.channels * shape.height;
    if (features <= PLAN_FEATURES_MAX)
        features *= shape.width;
    if (features > PLAN_FEATURES_MAX)
        plan_fail(builder, "a layer gives more than %d numbers for one sample", PLAN_FEATURES_MAX);
    return !builder->failed;
}

struct op *plan_add_op(struct plan_builder *builder, const struct op *op)
{
    struct plan *plan = builder->plan;
    if (builder->failed || !check_shape(builder, op->out))
        return NULL;
    if (plan->op_count == PLAN_OPS_MAX) {
        plan_fail(builder, "more than %d layers", PLAN_OPS_MAX);
        return NULL;
    }
    size_t ops = builder->op_room, values = builder->op_room, owners = builder->op_room;
    plan->ops = grow(builder, plan->ops, plan->op_count, &ops, sizeof *plan->ops);
    plan->values = grow(builder, plan->values, plan->value_count, &values, sizeof *plan->values);
    builder->owners =
        grow(builder, builder->owners, plan->value_count, &owners, sizeof *builder->owners);
    if (builder->failed)
        return NULL;
    builder->op_room = ops;
    struct op *added = &plan->ops[plan->op_count++];
    *added = *op;
    added->input = builder->value;
    added->output = plan->value_count++;
    added->parameters = plan->parameter_count;
    added->tensor = plan->tensor_count;
    plan->values[added->output] = op->out;
    builder->owners[added->output] = (struct plan_owner){PLAN_NONE, 1};
    builder->value = added->output;
    return added;
}

uint32_t plan_add_tensor(struct plan_builder *builder, const struct tensor_row *row)
{
    const uint64_t count_max = UINT64_C(1) << 48;
    struct plan *plan = builder->plan;
    plan->tensors = grow(builder, plan->tensors, plan->tensor_count, &builder->tensor_room,
                         sizeof *plan->tensors);
    if (builder->failed)
        return PLAN_NONE;
    struct op *op = &plan->ops[plan->op_count - 1];
    if (op->tensor_count == 0)
        builder->parameters++;
    struct tensor *tensor = &plan->tensors[plan->tensor_count];
    *tensor = (struct tensor){.rank = row->rank,
                              .offset = plan->parameter_count,
                              .count = 1,
                              .start = row->start,
                              .fan = row->fan};
    snprintf(tensor->name, sizeof tensor->name, "layers.%u.%s", builder->parameters - 1, row->name);
    for (uint32_t i = 0; i < row->rank; i++) {
        tensor->shape[i] = row->shape[i];
        if (__builtin_mul_overflow(tensor->count, row->shape[i], &tensor->count) ||
            tensor->count > count_max)
            tensor->count = count_max; /* far too many, and their sum still fits 64 bits */
    }
    plan->parameter_count += tensor->count;
    op->parameter_count += tensor->count;
    op->tensor_count++;
    return plan->tensor_count++;
}

struct unit_layer *plan_add_units(struct plan_builder *builder, enum unit_kind kind, uint32_t out)
{
    struct plan *plan = builder->plan;
    plan->layers =
        grow(builder, plan->layers, plan->layer_count, &builder->layer_room, sizeof *plan->layers);
    if (builder->failed)
        return NULL;
    struct unit_layer *layer = &plan->layers[plan->layer_count];
    *layer = (struct unit_layer){
        .kind = kind, .op = plan->op_count - 1, .out = out, .first_unit = plan->unit_count};
    plan->unit_count += out;
    struct plan_owner *owner = &builder->owners[builder->value];
    if (owner->layer == PLAN_NONE)
        owner->layer = plan->layer_count;
    else
        owner->halves = 2;
    plan->layer_count++;
    return layer;
}

void plan_add_incoming(struct plan_builder *builder, struct unit_layer *layer,
                       struct unit_slice slice)
{
    if (builder->failed)
        return;
    assert(layer->incoming_count < UNIT_SLICES_MAX);
    layer->incoming[layer->incoming_count++] = slice;
}

void plan_add_outgoing(struct plan_builder *builder, uint32_t value, struct unit_slice slice)
{
    if (builder->failed || builder->owners[value].layer == PLAN_NONE)
        return;
    for (uint32_t half = 0; half < builder->owners[value].halves; half++) {
        struct unit_layer *owner = &builder->plan->layers[builder->owners[value].layer + half];
        struct unit_slice part = slice;
        part.first += (uint64_t)half * owner->out * slice.unit_stride;
        if (owner->outgoing_count == UNIT_SLICES_MAX)
            plan_fail(builder, "a layer is read by more than %d others", UNIT_SLICES_MAX);
        else
            owner->outgoing[owner->outgoing_count++] = part;
    }
}

/* ------------------------------------------------------------------------------------ compiling */

/* The item behind the end that belongs to the opening one at `first`. */
static uint32_t behind_bracket(const struct model_text *text, uint32_t first)
{
    uint32_t depth = 0, i = first;
    do {
        enum layer_word word = text->items[i++].word;
        depth += word == LAYER_RESIDUAL || word == LAYER_GROUP;
        depth -= word == LAYER_END;
    } while (depth > 0);
    return i;
}

/* The items from first to end, brackets in them by recursion. */
static void add_items(struct plan_builder *builder, uint32_t first, uint32_t end)
{
    const struct model_text *text = &builder->plan->text;
    for (uint32_t i = first, next; i < end && !builder->failed; i = next) {
        const struct layer_item *item = &text->items[i];
        bool is_bracket = item->word == LAYER_RESIDUAL || item->word == LAYER_GROUP;
        next = is_bracket ? behind_bracket(text, i) : i + 1;
        for (uint32_t repeat = 0; repeat < item->repeat && !builder->failed; repeat++) {
            uint32_t before = builder->value;
            if (is_bracket)
                add_items(builder, i + 1, next - 1);
            else
                plan_add_layer(builder, item);
            if (item->word == LAYER_RESIDUAL)
                plan_add_sum(builder, before);
        }
    }
}

/* Of a square number; 0 for others. */
static uint32_t root_of(uint32_t number)
{
    uint32_t root = 0;
    while ((uint64_t)root * root < number)
        root++;
    return (uint64_t)root * root == number ? root : 0;
}

static struct value_shape shape_of_inputs(uint32_t inputs)
{
    enum { IMAGE_MIN = 64 };
    uint32_t edge = root_of(inputs);
    if (inputs >= IMAGE_MIN && edge != 0)
        return (struct value_shape){1, edge, edge};
    edge = inputs % 3 == 0 ? root_of(inputs / 3) : 0;
    if (inputs / 3 >= IMAGE_MIN && edge != 0)
        return (struct value_shape){3, edge, edge};
    return (struct value_shape){1, 1, inputs};
}

static void add_input(struct plan_builder *builder)
{
    struct plan *plan = builder->plan;
    struct value_shape shape = plan->text.input;
    if (shape.channels == 0)
        shape = shape_of_inputs(plan->inputs);
    uint64_t features = (uint64_t)shape.channels * shape.height * shape.width;
    if (features != plan->inputs) {
        plan_fail(builder, "@%ux%ux%u is not the shape of samples of %u numbers", shape.channels,
                  shape.height, shape.width, plan->inputs);
        return;
    }
    plan->values = malloc(sizeof *plan->values);
    builder->owners = malloc(sizeof *builder->owners);
    if (plan->values == NULL || builder->owners == NULL) {
        plan_fail(builder, "no memory for its layers");
        return;
    }
    plan->values[0] = shape;
    plan->value_count = 1;
    builder->owners[0] = (struct plan_owner){PLAN_NONE, 1};
}

static void check_result(struct plan_builder *builder)
{
    const struct plan *plan = builder->plan;
    if (!builder->failed && plan->tensor_count > PLAN_TENSORS_MAX)
        plan_fail(builder, "%u tensors, at most %d are possible", plan->tensor_count,
                  PLAN_TENSORS_MAX);
    if (!builder->failed && plan->parameter_count > PLAN_PARAMETERS_MAX)
        plan_fail(builder, "%llu parameters, at most %llu are possible",
                  (unsigned long long)plan->parameter_count,
                  (unsigned long long)PLAN_PARAMETERS_MAX);
}

static bool check_sizes(struct plan_builder *builder)
{
    const struct plan *plan = builder->plan;
    if (plan->inputs == 0 || plan->inputs > PLAN_INPUTS_MAX)
        plan_fail(builder, "%u inputs, allowed are 1 to %d", plan->inputs, PLAN_INPUTS_MAX);
    if (plan->classes == 0 || plan->classes > PLAN_CLASSES_MAX)
        plan_fail(builder, "%u classes, allowed are 1 to %d", plan->classes, PLAN_CLASSES_MAX);
    return !builder->failed;
}

struct plan *plan_create(const struct model_text *text, uint32_t inputs, uint32_t classes,
                         struct error *error)
{
    const struct layer_item logits = {.word = LAYER_LINEAR, .repeat = 1, .size = classes};
    struct plan *plan = calloc(1, sizeof *plan);
    struct plan_builder builder = {.plan = plan, .error = error};
    if (plan == NULL) {
        error_set(error, -1, "model: no memory");
        return NULL;
    }
    plan->text = *text;
    plan->inputs = inputs;
    plan->classes = classes;
    if (check_sizes(&builder)) {
        add_input(&builder);
        add_items(&builder, 0, text->count);
        plan_add_layer(&builder, &logits);
        check_result(&builder);
    }
    free(builder.owners);
    if (builder.failed)
        plan_destroy(&plan);
    return plan;
}

void plan_destroy(struct plan **plan)
{
    if (*plan == NULL)
        return;
    free((*plan)->ops);
    free((*plan)->values);
    free((*plan)->tensors);
    free((*plan)->layers);
    free(*plan);
    *plan = NULL;
}
