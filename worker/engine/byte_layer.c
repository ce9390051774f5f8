/* byte_layer.c: see byte_layer.h. */
#include "worker/engine/byte_layer.h"

#include "worker/engine/pass.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, DENSE_UNITS = 96 };

/* -------------------------------------------------------------------------------------- memory */

bool byte_layer_suits(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->op_count; i++)
        if (plan->ops[i].kind != OP_LINEAR && (plan->ops[i].input == 0 || plan->ops[i].other == 0))
            return false;
    return true;
}

/* Memory is first counted, with no block, then handed out. */
struct block {
    char *memory;
    size_t used;
};

static void *take(struct block *block, size_t bytes)
{
    void *piece = block->memory != NULL ? block->memory + block->used : NULL;
    block->used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return piece;
}

static size_t panels_of(uint32_t columns)
{
    return ((size_t)columns + BYTE_COLUMNS - 1) / BYTE_COLUMNS;
}

static void take_matrix(struct block *block, struct byte_matrix *matrix, uint32_t rows,
                        uint32_t columns)
{
    const size_t count = panels_of(columns) * rows;
    *matrix = (struct byte_matrix){.rows = rows, .columns = columns};
    matrix->values = take(block, count * BYTE_COLUMNS);
    matrix->filled = take(block, count * sizeof *matrix->filled);
}

/* The way forward goes through the features, that back through the samples: room for the longer. */
static void lay_out(struct byte_layer *layer, struct block *block, uint32_t inputs,
                    uint32_t samples_max)
{
    const uint32_t longer = inputs > samples_max ? inputs : samples_max;
    const size_t row = workspace_row(longer + 1), real = sizeof(float);
    take_matrix(block, &layer->by_sample, samples_max, inputs);
    take_matrix(block, &layer->by_feature, inputs, samples_max);
    layer->factors = take(block, row * SPARSE_UNITS_MAX * real);
    layer->rows = take(block, row * KERNEL_LANES * real);
    layer->product = take(block, row * SPARSE_UNITS_MAX * real);
    layer->last = take(block, SPARSE_UNITS_MAX * real);
}

int byte_layer_init(struct byte_layer *layer, uint32_t inputs, uint32_t samples_max)
{
    struct block block = {.used = 0};
    *layer = (struct byte_layer){.is_possible = false};
    lay_out(layer, &block, inputs, samples_max);
    layer->memory = aligned_alloc(ALIGNMENT, block.used);
    if (layer->memory == NULL)
        return -1;
    memset(layer->memory, 0, block.used);
    block = (struct block){.memory = layer->memory};
    lay_out(layer, &block, inputs, samples_max);
    layer->is_possible = true;
    return 0;
}

void byte_layer_fini(struct byte_layer *layer)
{
    free(layer->memory);
    *layer = (struct byte_layer){.is_possible = false};
}

/* -------------------------------------------------------------------------------- mini-batches */

/* Share of the values that are not zero, of some samples from all over the slice. */
static double density_of(const struct samples *samples, const struct sample_slice *slice)
{
    enum { LOOKED_AT = 32 };
    const uint32_t count = slice->count < LOOKED_AT ? slice->count : LOOKED_AT;
    uint64_t filled = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t place = (uint32_t)((uint64_t)i * slice->count / count);
        const uint8_t *sample =
            (const uint8_t *)samples->inputs + (size_t)slice->index[place] * samples->features;
        for (uint32_t j = 0; j < samples->features; j++)
            filled += sample[j] != 0;
    }
    return (double)filled / ((double)count * samples->features);
}

/* Narrow layers are faster by the usual product: a row of few sums waits for itself. */
static enum byte_way choose_way(const struct kernels *kernels, const struct byte_slice *of)
{
    if (of->units <= kernels->sparse_units)
        return BYTE_WAY_DENSE;
    const double gain = 1 - (double)kernels->sparse_units / of->units;
    const bool is_sparse = density_of(of->samples, of->slice) < kernels->sparse_density * gain;
    return is_sparse ? BYTE_WAY_SPARSE : BYTE_WAY_DENSE;
}

void byte_layer_open(struct byte_layer *layer, const struct pass *pass, const struct byte_slice *of)
{
    const struct samples *samples = of->samples;
    const float origin = samples->shift / samples->scale;
    layer->way = BYTE_WAY_NONE;
    if (!layer->is_possible || samples->type != SAMPLE_U8 || !isfinite(samples->scale) ||
        !isfinite(origin))
        return;
    layer->scale = samples->scale;
    layer->origin = origin;
    layer->way = layer->wanted != BYTE_WAY_NONE ? layer->wanted : choose_way(pass->kernels, of);
}

/* As floats, with a row of ones behind them. */
static void gather_dense(const struct pass *pass, const struct batch_source *source)
{
    struct batch batch = pass->workspace->batch;
    struct samples stored = *source->samples;
    batch.ones = 1;
    stored.scale = 1;
    stored.shift = 0;
    pass->kernels->gather(&(struct batch_source){&stored, source->index, source->n}, &batch);
}

bool byte_layer_gather(struct byte_layer *layer, const struct pass *pass,
                       const struct batch_source *source)
{
    if (layer->way == BYTE_WAY_DENSE)
        gather_dense(pass, source);
    if (layer->way == BYTE_WAY_SPARSE) {
        layer->by_sample.rows = layer->by_feature.columns = source->n;
        pass->kernels->gather_bytes(source, &layer->by_sample, &layer->by_feature);
    }
    return layer->way != BYTE_WAY_NONE;
}

bool byte_layer_is_open(const struct pass *pass)
{
    return pass->bytes != NULL && pass->bytes->way != BYTE_WAY_NONE;
}

uint32_t byte_layer_units(const struct pass *pass)
{
    return pass->bytes->way == BYTE_WAY_SPARSE ? SPARSE_UNITS_MAX : DENSE_UNITS;
}

/* ------------------------------------------------------------------------------------- factors */

/*
 * What is added to a chain whose factors have this sum. Not a number where a factor is not finite:
 * a product with 0 would have said so, and those may be left out. Never -0: it is added to a chain
 * that is 0 with the sign of the zeros that took part.
 */
static float added_last(const struct byte_layer *layer, float sum, float bias)
{
    const float origin_adds = fmaf(layer->origin, sum, 0.0F * sum) + 0.0F;
    return (bias + origin_adds) + 0.0F;
}

/* Factors by unit, of some units; `length` of each. */
struct factors {
    uint32_t units, length;
    const float *biases; /* or NULL: 0 */
    const float *const *rows;
};

static float bias_of(const struct factors *factors, uint32_t unit)
{
    return factors->biases != NULL ? factors->biases[unit] : 0;
}

/* [units][length] and then what is last, for a product with a row of ones at the end. */
static size_t fill_rows(const struct pass *pass, const struct factors *factors)
{
    const struct byte_layer *layer = pass->bytes;
    const size_t row = workspace_row(factors->length + 1);
    for (uint32_t u = 0; u < factors->units; u++) {
        float *to = layer->factors + u * row;
        const float sum =
            pass->kernels->scale_row(layer->scale, factors->length, factors->rows[u], to);
        to[factors->length] = added_last(layer, sum, bias_of(factors, u));
    }
    return row;
}

/* [length][units, to a multiple of 16], and `last` by itself; how many units that are. */
static uint32_t fill_columns(const struct pass *pass, const struct factors *factors)
{
    const struct byte_layer *layer = pass->bytes;
    const size_t row = workspace_row(factors->length);
    const uint32_t units = (uint32_t)workspace_row(factors->units);
    for (uint32_t first = 0, n; first < factors->units; first += n) {
        n = factors->units - first < KERNEL_LANES ? factors->units - first : KERNEL_LANES;
        for (uint32_t i = 0; i < n; i++) {
            const float sum = pass->kernels->scale_row(
                layer->scale, factors->length, factors->rows[first + i], layer->rows + i * row);
            layer->last[first + i] = added_last(layer, sum, bias_of(factors, first + i));
        }
        pass->kernels->transpose(&(struct activations){n, factors->length, row, layer->rows},
                                 layer->factors + first, units);
    }
    return units;
}

static struct activations multiply_filled(const struct pass *pass, const struct byte_matrix *bytes,
                                          const struct factors *factors)
{
    const struct byte_layer *layer = pass->bytes;
    const uint32_t units = fill_columns(pass, factors);
    pass->kernels->sparse_product(&(struct sparse_product){
        .a = bytes,
        .units = units,
        .b = layer->factors,
        .last = layer->last,
        .c = layer->product,
    });
    return (struct activations){bytes->rows, factors->units, units, layer->product};
}

/* ------------------------------------------------------------------------------------- forward */

static void forward_dense(const struct pass *pass, const struct factors *factors,
                          const struct activations *z, enum product_end end)
{
    const size_t row = fill_rows(pass, factors);
    pass->product(&(struct product){
        .m = factors->units,
        .n = z->n,
        .k = factors->length + 1,
        .a = pass->bytes->factors,
        .a_row = row,
        .a_column = 1,
        .b = pass->workspace->batch.by_feature,
        .b_layout = MATRIX_PANELS,
        .c = z->values,
        .c_row = z->stride,
        .end = end,
        .activation = pass->model->activation,
    });
}

static void forward_sparse(const struct pass *pass, const struct factors *factors,
                           const struct activations *z, enum product_end end)
{
    const struct activations by_sample = multiply_filled(pass, &pass->bytes->by_sample, factors);
    pass->kernels->transpose(&by_sample, z->values, z->stride);
    if (end == PRODUCT_ACTIVATES)
        pass->kernels->activate(pass->model->activation, z);
}

void byte_layer_forward(const struct pass *pass, const struct byte_weights *weights,
                        const struct activations *z, enum product_end end)
{
    const uint32_t most = byte_layer_units(pass);
    const float *rows[SPARSE_UNITS_MAX];
    for (uint32_t first = 0, n; first < z->units; first += n) {
        n = z->units - first < most ? z->units - first : most;
        for (uint32_t i = 0; i < n; i++)
            rows[i] = weights->rows != NULL ? weights->rows[first + i]
                                            : weights->first + (first + i) * weights->row;
        const struct factors factors = {n, pass->model->inputs, weights->biases + first, rows};
        const struct activations part = {n, z->n, z->stride, z->values + first * z->stride};
        if (pass->bytes->way == BYTE_WAY_SPARSE)
            forward_sparse(pass, &factors, &part, end);
        else
            forward_dense(pass, &factors, &part, end);
    }
}

/* ------------------------------------------------------------------------------------ backward */

static void backward_dense(const struct pass *pass, const struct factors *factors,
                           float *const *gradient)
{
    const size_t row = fill_rows(pass, factors);
    pass->product(&(struct product){
        .m = factors->units,
        .n = pass->model->inputs,
        .k = factors->length + 1,
        .a = pass->bytes->factors,
        .a_row = row,
        .a_column = 1,
        .b = pass->workspace->batch.by_sample,
        .b_layout = MATRIX_PANELS,
        .c_rows = gradient,
    });
}

static void backward_sparse(const struct pass *pass, const struct factors *factors,
                            float *const *gradient)
{
    const struct activations by_feature = multiply_filled(pass, &pass->bytes->by_feature, factors);
    pass->kernels->transpose_to_rows(&by_feature, gradient);
}

void byte_layer_backward(const struct pass *pass, const struct activations *delta,
                         const struct byte_gradient *gradient)
{
    const uint32_t most = byte_layer_units(pass);
    const float *rows[SPARSE_UNITS_MAX];
    float *to[SPARSE_UNITS_MAX];
    for (uint32_t first = 0, n; first < delta->units; first += n) {
        n = delta->units - first < most ? delta->units - first : most;
        for (uint32_t i = 0; i < n; i++) {
            rows[i] = delta->values + (first + i) * delta->stride;
            to[i] = gradient->rows != NULL ? gradient->rows[first + i]
                                           : gradient->first + (first + i) * gradient->row;
        }
        const struct factors factors = {n, delta->n, NULL, rows};
        if (pass->bytes->way == BYTE_WAY_SPARSE)
            backward_sparse(pass, &factors, to);
        else
            backward_dense(pass, &factors, to);
    }
}
