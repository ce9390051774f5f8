/*
 * op_attention.c: multi-head self-attention without a mask, Vaswani et al. 2017, section 3.2.
 *
 * It goes by blocks of sixteen samples, [row][position][16] floats, so that what belongs together
 * stays in the cache and an element is a vector. Shapes, with C channels, P positions, h heads of
 * d = C / h channels, one block:
 *   Q, K, V [3C, P] = Win X [C, P] + bin
 *   S [P, P] = Q^T K of a head, W = softmax(S / sqrt(d)) over the keys, G [d, P] = V W^T
 *   Y [C, P] = Wout G + bout
 * and back
 *   dG = Wout^T dY,  dWout = dY G^T,  dbout = dY 1
 *   dW = dG^T V,  dV = dG W,  dS = scale * W (dW - sum of W dW),  dQ = K dS^T,  dK = Q dS
 *   dX = Win^T dQKV,  dWin = dQKV X^T,  dbin = dQKV 1
 * Each block's sums for the gradient are added to those of the blocks before.
 *
 * Kept of each block, one behind the other: Q, K, V, then G, then the weights of each head.
 */
#include "worker/engine/ops/ops.h"

#include <math.h>
#include <string.h>

enum { BLOCK = KERNEL_LANES };

/* One op over one mini-batch. */
struct attention {
    const struct pass *pass;
    const struct op *op;
    uint32_t width, positions, heads, size;            /* C, P, h, d */
    uint32_t columns;                                  /* of a block's row: positions * BLOCK */
    uint64_t in_weight, in_bias, out_weight, out_bias; /* offsets among all parameters */
    struct {                                           /* in the scratch memory */
        float *input;                                  /* [C][columns]: X, at last dX */
        float *delta;                                  /* [C][columns]: Y, dY */
        float *given;                                  /* [C][columns]: dG */
        float *projected;                              /* [3C][columns]: dQ, dK, dV */
        float *scores;                                 /* [P][P][BLOCK]: dS */
        float *transposed;                             /* [columns][transposed_row] */
        float *sums;                                   /* [3C][C] or [3C]: of one block */
    } own;
    size_t transposed_row;
};

static uint32_t columns_of(const struct op *op)
{
    return shape_positions(op->in) * BLOCK;
}

static uint64_t kept_rows(const struct model *model, const struct op *op)
{
    (void)model;
    const uint64_t positions = shape_positions(op->in);
    return 4 * op->in.channels * positions + op->heads * positions * positions;
}

static uint64_t scratch(const struct model *model, const struct op *op, uint32_t samples_max)
{
    (void)model;
    (void)samples_max;
    const uint64_t width = op->in.channels, columns = columns_of(op);
    return 6 * width * columns + shape_positions(op->in) * columns +
           columns * workspace_row(op->in.channels) + 3 * width * width;
}

static struct attention open_attention(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const uint32_t width = op->in.channels;
    const uint64_t square = (uint64_t)width * width;
    struct attention own = {.pass = pass,
                            .op = op,
                            .width = width,
                            .positions = shape_positions(op->in),
                            .heads = op->heads,
                            .size = width / op->heads,
                            .columns = columns_of(op),
                            .in_weight = op->parameters,
                            .in_bias = op->parameters + 3 * square,
                            .out_weight = op->parameters + 3 * square + 3 * width,
                            .out_bias = op->parameters + 4 * square + 3 * width,
                            .transposed_row = workspace_row(width)};
    const size_t rows = (size_t)width * own.columns;
    own.own.input = pass->workspace->scratch;
    own.own.delta = own.own.input + rows;
    own.own.given = own.own.delta + rows;
    own.own.projected = own.own.given + rows;
    own.own.scores = own.own.projected + 3 * rows;
    own.own.transposed = own.own.scores + (size_t)own.positions * own.columns;
    own.own.sums = own.own.transposed + own.columns * own.transposed_row;
    return own;
}

/* ----------------------------------------------------------------------------- in and out of
 * blocks
 */

/* Copies the samples from `first` on, zeros beyond the last. */
static void pack(const struct activations *from, uint32_t first, float *to)
{
    const uint32_t count = from->n - first < BLOCK ? from->n - first : BLOCK;
    for (uint32_t row = 0; row < from->units; row++) {
        float *block = to + (size_t)row * BLOCK;
        memcpy(block, from->values + row * from->stride + first, BLOCK * sizeof *block);
        for (uint32_t s = count; s < BLOCK; s++)
            block[s] = 0;
    }
}

static void unpack(const float *from, const struct activations *to, uint32_t first,
                   enum delta_use use)
{
    for (uint32_t row = 0; row < to->units; row++) {
        const float *block = from + (size_t)row * BLOCK;
        float *values = to->values + row * to->stride + first;
        for (uint32_t s = 0; use == DELTA_ADD && s < BLOCK; s++)
            values[s] += block[s];
        if (use == DELTA_SET)
            memcpy(values, block, BLOCK * sizeof *values);
    }
}

/* What is kept of the block that begins with sample `first`. */
struct kept_block {
    float *projected; /* [3C][columns] */
    float *given;     /* [C][columns] */
    float *weights;   /* [h][P][columns] */
};

static struct kept_block open_block(const struct attention *own, uint32_t first)
{
    const size_t rows = (size_t)own->width * own->columns;
    const size_t weights = (size_t)own->heads * own->positions * own->columns;
    float *kept = pass_kept(own->pass, own->op) + first / BLOCK * (4 * rows + weights);
    return (struct kept_block){kept, kept + 3 * rows, kept + 4 * rows};
}

/* Rows of head h. */
struct head {
    const float *queries, *keys, *values; /* [d][columns] */
    float *given, *weights;               /* [d][columns], [P][columns] */
};

static struct head open_head(const struct attention *own, const struct kept_block *block,
                             uint32_t number)
{
    const size_t rows = (size_t)own->width * own->columns;
    const size_t at = (size_t)number * own->size * own->columns;
    return (struct head){block->projected + at, block->projected + rows + at,
                         block->projected + 2 * rows + at, block->given + at,
                         block->weights + (size_t)number * own->positions * own->columns};
}

static float scale_of(const struct attention *own)
{
    return (float)(1.0 / sqrt(own->size));
}

/* ------------------------------------------------------------------------------------- forward */

/* to [out][columns] = W [out, C] from + b */
struct projection {
    uint32_t out;
    uint64_t weight, bias;
    const float *from;
    float *to;
};

static void project(const struct attention *own, const struct projection *way)
{
    own->pass->product(&(struct product){
        .m = way->out,
        .n = own->columns,
        .k = own->width,
        .a = own->pass->parameters + way->weight,
        .a_row = own->width,
        .a_column = 1,
        .b = way->from,
        .b_row = own->columns,
        .bias = own->pass->parameters + way->bias,
        .c = way->to,
        .c_row = own->columns,
    });
}

static void attend(const struct attention *own, const struct head *head)
{
    const struct kernels *kernels = own->pass->kernels;
    const uint32_t positions = own->positions;
    kernels->block_product(&(struct block_product){
        .m = positions,
        .n = positions,
        .terms = own->size,
        .left = head->queries,
        .left_row = 1,
        .left_term = positions,
        .right = head->keys,
        .right_row = 1,
        .right_term = positions,
        .c = head->weights,
        .c_row = positions,
    });
    kernels->block_weigh(&(struct block_weights){
        .queries = positions, .keys = positions, .scale = scale_of(own), .weights = head->weights});
    kernels->block_product(&(struct block_product){
        .m = own->size,
        .n = positions,
        .terms = positions,
        .left = head->values,
        .left_row = positions,
        .left_term = 1,
        .right = head->weights,
        .right_row = positions,
        .right_term = 1,
        .c = head->given,
        .c_row = positions,
    });
}

static void forward(const struct pass *pass, const struct program_step *step)
{
    const struct attention own = open_attention(pass, step);
    struct activations input = pass_value(pass, own.op->input);
    struct activations output = pass_value(pass, own.op->output);
    for (uint32_t first = 0; first < input.n; first += BLOCK) {
        struct kept_block block = open_block(&own, first);
        pack(&input, first, own.own.input);
        project(&own, &(struct projection){3 * own.width, own.in_weight, own.in_bias, own.own.input,
                                           block.projected});
        for (uint32_t h = 0; h < own.heads; h++) {
            const struct head head = open_head(&own, &block, h);
            attend(&own, &head);
        }
        project(&own, &(struct projection){own.width, own.out_weight, own.out_bias, block.given,
                                           own.own.delta});
        unpack(own.own.delta, &output, first, DELTA_SET);
    }
}

/* ------------------------------------------------------------------------------------ backward */

/* to [C][columns] = W^T from, W [out, C] */
static void project_back(const struct attention *own, const struct projection *way)
{
    own->pass->product(&(struct product){
        .m = own->width,
        .n = own->columns,
        .k = way->out,
        .a = own->pass->parameters + way->weight,
        .a_row = 1,
        .a_column = own->width,
        .b = way->from,
        .b_row = own->columns,
        .c = way->to,
        .c_row = own->columns,
    });
}

/* Sets the sums of the first block, adds those of the others. */
static void gather_sums(const float *sums, float *gradient, size_t count, uint32_t first)
{
    for (size_t i = 0; i < count; i++)
        gradient[i] = first == 0 ? sums[i] : gradient[i] + sums[i];
}

/* What a projection's weights and biases get from one block: its delta [out][columns] against what
 * it read, `from` [C][columns]. */
static void project_gradient(const struct attention *own, const struct projection *way,
                             const float *delta, uint32_t first)
{
    const struct pass *pass = own->pass;
    const struct activations deltas = {way->out, own->columns, own->columns, (float *)delta};
    const struct activations read = {own->width, own->columns, own->columns, (float *)way->from};
    pass->kernels->transpose(&read, own->own.transposed, own->transposed_row);
    pass->product(&(struct product){
        .m = way->out,
        .n = own->width,
        .k = own->columns,
        .a = delta,
        .a_row = own->columns,
        .a_column = 1,
        .b = own->own.transposed,
        .b_row = own->transposed_row,
        .c = own->own.sums,
        .c_row = own->width,
    });
    gather_sums(own->own.sums, pass->workspace->gradient + way->weight,
                (size_t)way->out * own->width, first);
    pass->kernels->sum_samples(&deltas, own->own.sums);
    gather_sums(own->own.sums, pass->workspace->gradient + way->bias, way->out, first);
}

/* c [d or P][P] = left, right over `terms`; rows of left and right are what the outputs count. */
struct back_product {
    uint32_t rows, terms;
    const float *left;
    size_t left_row, left_term;
    const float *right;
    size_t right_row, right_term;
    float *c;
};

static void multiply(const struct attention *own, const struct back_product *product)
{
    own->pass->kernels->block_product(&(struct block_product){
        .m = product->rows,
        .n = own->positions,
        .terms = product->terms,
        .left = product->left,
        .left_row = product->left_row,
        .left_term = product->left_term,
        .right = product->right,
        .right_row = product->right_row,
        .right_term = product->right_term,
        .c = product->c,
        .c_row = own->positions,
    });
}

/* From dG of a head, [d][columns], to its dQ, dK and dV. */
static void attend_back(const struct attention *own, const struct head *head, uint32_t number)
{
    const uint32_t p = own->positions, d = own->size;
    const size_t rows = (size_t)own->width * own->columns;
    const size_t at = (size_t)number * d * own->columns;
    const float *given = own->own.given + at;
    float *queries = own->own.projected + at, *keys = queries + rows, *values = keys + rows;
    float *scores = own->own.scores;
    multiply(own, &(struct back_product){d, p, given, p, 1, head->weights, 1, p, values});
    multiply(own, &(struct back_product){p, d, given, 1, p, head->values, 1, p, scores});
    own->pass->kernels->block_weigh_back(
        &(struct block_weights){p, p, scale_of(own), head->weights, scores});
    multiply(own, &(struct back_product){d, p, head->keys, p, 1, scores, p, 1, queries});
    multiply(own, &(struct back_product){d, p, head->queries, p, 1, scores, 1, p, keys});
}

static void backward(const struct pass *pass, const struct program_step *step)
{
    const struct attention own = open_attention(pass, step);
    const enum delta_use use = pass->model->program->ops[step->first].input;
    struct activations input = pass_value(pass, own.op->input);
    struct activations delta = pass_delta(pass, own.op->output);
    struct activations before = pass_delta(pass, own.op->input);
    for (uint32_t first = 0; first < input.n; first += BLOCK) {
        struct kept_block block = open_block(&own, first);
        struct projection out = {own.width, own.out_weight, own.out_bias, block.given, NULL};
        struct projection in = {3 * own.width, own.in_weight, own.in_bias, own.own.input, NULL};
        pack(&input, first, own.own.input);
        pack(&delta, first, own.own.delta);
        project_gradient(&own, &out, own.own.delta, first);
        out.from = own.own.delta;
        out.to = own.own.given;
        project_back(&own, &out);
        for (uint32_t h = 0; h < own.heads; h++) {
            const struct head head = open_head(&own, &block, h);
            attend_back(&own, &head, h);
        }
        project_gradient(&own, &in, own.own.projected, first);
        in.from = own.own.projected;
        in.to = own.own.input;
        if (use == DELTA_UNWANTED)
            continue;
        project_back(&own, &in);
        unpack(own.own.input, &before, first, use);
    }
}

/* The products of projections and heads, forward and twice back. */
static double flops(const struct op *op, enum delta_use input)
{
    const double positions = shape_positions(op->in), width = op->in.channels;
    const double projected = 2.0 * 4 * width * width * positions;
    const double input_delta = input == DELTA_UNWANTED ? 2.0 * 3 * width * width * positions : 0;
    return 3 * (projected + 2.0 * 2 * positions * positions * width) - input_delta;
}

const struct op_row op_attention = {
    .name = "attention",
    .kept_rows = kept_rows,
    .scratch = scratch,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
