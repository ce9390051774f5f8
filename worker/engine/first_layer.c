/* first_layer.c: see first_layer.h. */
#include "worker/engine/first_layer.h"

#include "worker/engine/ops/ops.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Wider layers fill the tiles by themselves; more rows would leave the cache. */
enum { MERGED_WIDTH_MAX = 24, MERGED_ROWS_MAX = 192, ALIGNMENT = 64 };

/* -------------------------------------------------------------------------------------- memory */

/* Whether the first op is a narrow layer, and nobody else reads the sample. */
static bool is_merged(const struct plan *plan)
{
    for (uint32_t i = 1; i < plan->op_count; i++)
        if (plan->ops[i].input == 0 || plan->ops[i].other == 0)
            return false;
    return plan->op_count > 1 && plan->ops[0].kind == OP_LINEAR && plan->ops[0].activates &&
           plan->ops[0].parameters == 0 && plan->ops[0].out.channels <= MERGED_WIDTH_MAX;
}

/* Bytes of `count` things, to the next line. */
static size_t lines_of(size_t count, size_t size)
{
    return (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

int first_layer_init(struct first_layer *first, const struct model *model, uint32_t samples_max)
{
    const struct op *op = &model->plan->ops[0];
    *first = (struct first_layer){.members_max = 0};
    if (!is_merged(model->plan))
        return 0;
    const uint32_t members = MERGED_ROWS_MAX / op->out.channels;
    const size_t rows = (size_t)members * op->out.channels, real = sizeof(float);
    const size_t values = lines_of(rows * workspace_row(samples_max), real);
    const size_t gradient = lines_of(members * op->parameter_count, real);
    const size_t pointers = lines_of(rows, sizeof(float *));
    char *memory =
        aligned_alloc(ALIGNMENT, 2 * values + lines_of(rows, real) + gradient + 2 * pointers);
    if (memory == NULL)
        return -1;
    *first = (struct first_layer){
        .members_max = members,
        .in = model->inputs,
        .out = op->out.channels,
        .parameter_count = op->parameter_count,
        .values = (float *)memory,
        .deltas = (float *)(memory + values),
        .gradient = (float *)(memory + 2 * values),
        .biases = (float *)(memory + 2 * values + gradient),
        .rows = (const float **)(memory + 2 * values + gradient + lines_of(rows, real)),
        .memory = memory,
    };
    first->gradient_rows = (float **)((char *)first->rows + pointers);
    for (size_t row = 0; row < rows; row++)
        first->gradient_rows[row] = first->gradient + row / first->out * first->parameter_count +
                                    row % first->out * first->in;
    return 0;
}

void first_layer_fini(struct first_layer *first)
{
    free(first->memory);
    *first = (struct first_layer){.members_max = 0};
}

/* ------------------------------------------------------------------------------------- forward */

void first_layer_place(struct first_layer *first, uint32_t member, const float *parameters)
{
    const float *biases = parameters + (size_t)first->out * first->in;
    assert(member < first->members_max);
    for (uint32_t u = 0; u < first->out; u++) {
        first->rows[member * first->out + u] = parameters + (size_t)u * first->in;
        first->biases[member * first->out + u] = biases[u];
    }
}

void first_layer_forward(const struct first_layer *first, const struct pass *pass, uint32_t count)
{
    const struct batch *batch = &pass->workspace->batch;
    if (byte_layer_is_open(pass)) {
        const struct activations z = {count * first->out, pass->workspace->n, batch->stride,
                                      first->values};
        byte_layer_forward(pass,
                           &(struct byte_weights){.rows = first->rows, .biases = first->biases}, &z,
                           PRODUCT_ENDS);
        return;
    }
    pass->product(&(struct product){
        .m = count * first->out,
        .n = pass->workspace->n,
        .k = first->in,
        .a_rows = first->rows,
        .a_column = 1,
        .b = batch->by_feature,
        .b_layout = batch->layout,
        .b_row = batch->stride,
        .bias = first->biases,
        .c = first->values,
        .c_row = batch->stride,
    });
}

/* A member's rows of `all`, and that they belong to its first op's output. */
static struct activations rows_of(const struct first_layer *first, const struct pass *pass,
                                  uint32_t member, float *all)
{
    struct activations rows = pass_value(pass, 1);
    rows.values = all + (size_t)member * first->out * rows.stride;
    return rows;
}

void first_layer_enter(const struct first_layer *first, const struct pass *pass, uint32_t member)
{
    struct activations from = rows_of(first, pass, member, first->values);
    struct activations to = pass_value(pass, 1);
    copy_values(&from, &to);
    activation_forward(pass, 0, &to, pass_kept(pass, &pass->model->plan->ops[0]));
}

/* ------------------------------------------------------------------------------------ backward */

void first_layer_leave(const struct first_layer *first, const struct pass *pass, uint32_t member)
{
    struct activations delta = pass_delta(pass, 1);
    struct activations to = rows_of(first, pass, member, first->deltas);
    if (!pass->model->program->values[1].delta_by_z) {
        struct activations values = pass_value(pass, 1);
        activation_backward(pass, 0, &values, pass_kept(pass, &pass->model->plan->ops[0]), &delta);
    }
    copy_values(&delta, &to);
    pass->kernels->sum_samples(&to, first->gradient + (member + 1) * first->parameter_count -
                                        first->out);
}

void first_layer_backward(const struct first_layer *first, const struct pass *pass, uint32_t count)
{
    const struct batch *batch = &pass->workspace->batch;
    if (byte_layer_is_open(pass)) {
        const struct activations delta = {count * first->out, pass->workspace->n, batch->stride,
                                          first->deltas};
        byte_layer_backward(pass, &delta, &(struct byte_gradient){.rows = first->gradient_rows});
        return;
    }
    pass->product(&(struct product){
        .m = count * first->out,
        .n = first->in,
        .k = pass->workspace->n,
        .a = first->deltas,
        .a_row = batch->stride,
        .a_column = 1,
        .b = batch->by_sample,
        .b_layout = batch->layout,
        .b_row = batch->sample_row,
        .c_rows = first->gradient_rows,
    });
}
