/*
 * plan.h: what a model computes: a flat list of ops with their shapes, where each parameter lies,
 * and which numbers belong to which unit.
 *
 * A plan is compiled from a model's text and a data set's sizes. It has no arithmetic and no
 * buffers: the engine runs it, damage operators and checkpoints ask it where a unit's or a tensor's
 * numbers are, the coordinator asks how many there are. All individuals of one model have their
 * parameters in one flat array of float, in the order of the ops.
 *
 * Features are counted channel by channel: feature (c, y, x) of a value of shape {C, H, W} is row
 * (c * H + y) * W + x. A sequence has height 1; its positions are its steps.
 *
 * Units are what damage knows: neurons, channels, heads. They are counted per unit layer, in the
 * order of the ops; the last unit layer's units are the logits, all others are hidden.
 */
#ifndef RATCHET_COMMON_PLAN_H
#define RATCHET_COMMON_PLAN_H

#include "common/error.h"
#include "common/model_text.h"

#include <stdbool.h>
#include <stdint.h>

/* Networks of more parameters are refused: offsets are counted in floats. */
#define PLAN_PARAMETERS_MAX (UINT64_C(1) << 31)

enum {
    PLAN_INPUTS_MAX = 1048576,
    PLAN_CLASSES_MAX = 256,
    PLAN_OPS_MAX = 16384,
    PLAN_TENSORS_MAX = 8188,
    PLAN_FEATURES_MAX = 16777216, /* of one value */
    PLAN_TENSOR_NAME_BYTES_MAX = 40,
    PLAN_NONE = UINT32_MAX,
};

enum op_kind {
    OP_LINEAR = 0, /* z = W x + b on all features; W [out, in], b [out] */
    OP_CONV,       /* W [out, in, (kernel,) kernel], b [out]; cross-correlation, zero padding */
    OP_MAX_POOL,   /* kernel = stride; positions beyond the last whole window are left out */
    OP_MEAN,       /* over all positions */
    OP_PATCH,      /* {C, H, W} to {C * kernel (* kernel), H / kernel, W / kernel} */
    OP_ROWS,       /* {C, H, W} to {C * W, 1, H}: each row of an image is a step */
    OP_POSITIONS,  /* x + p; p [channels, positions] */
    OP_NORM,      /* over the channels at each position: Ba et al. 2016, eps 1e-5; gain, bias [C] */
    OP_ATTENTION, /* Vaswani et al. 2017, without mask; tensors as torch.nn.MultiheadAttention */
    OP_GRU,       /* Cho et al. 2014 as torch.nn.GRU: r, z, n; weight_ih [3H, C], weight_hh [3H, H],
                     bias_ih, bias_hh [3H]; once more for the way back when bidirectional, whose
                     channels follow */
    OP_ACTIVATION,
    OP_ADD, /* input + other */
    OP_KINDS
};

struct op {
    enum op_kind kind;
    bool activates;         /* LINEAR, CONV: the model's activation (and dropout) follows */
    bool bidirectional;     /* GRU */
    uint32_t input, output; /* values by number; 0 is the sample */
    uint32_t other;         /* ADD: the second summand; else PLAN_NONE */
    struct value_shape in, out;
    uint32_t kernel, stride, padding; /* in both directions; of height 1 only along the width */
    uint32_t heads;
    uint64_t parameters, parameter_count; /* a stretch of the flat array */
    uint32_t tensor, tensor_count;        /* of that stretch */
};

/* How fresh numbers are drawn. `fan` is in tensor.fan. */
enum tensor_start {
    START_WEIGHT = 1,   /* pytorch: uniform in +-1/sqrt(fan); he: normal, deviation sqrt(2/fan) */
    START_BIAS,         /* pytorch: uniform in +-1/sqrt(fan); he: 0 */
    START_UNIFORM,      /* in +-1/sqrt(fan), whatever the model's initialisation */
    START_XAVIER,       /* uniform in +-sqrt(6/fan): Glorot and Bengio 2010, eq. 16 */
    START_SMALL_NORMAL, /* deviation 0.02 */
    START_ZERO,
    START_ONE,
};

struct tensor {
    char name[PLAN_TENSOR_NAME_BYTES_MAX]; /* "layers.3.weight" */
    uint32_t rank;
    uint32_t shape[4];
    uint64_t offset, count; /* in floats */
    enum tensor_start start;
    uint32_t fan;
};

enum unit_kind { UNIT_NEURON = 1, UNIT_CHANNEL, UNIT_HEAD };

/* Numbers of unit u: first + u * unit_stride + i * stride + j, for i < count and j < block. */
struct unit_slice {
    uint64_t first, unit_stride, stride;
    uint32_t count, block;
    uint32_t tensor; /* that they are in */
};

enum { UNIT_SLICES_MAX = 6 };

struct unit_layer {
    enum unit_kind kind;
    bool is_stem;        /* not among the hidden units that damage draws from */
    uint32_t op;         /* whose units these are */
    uint32_t out;        /* number of units */
    uint64_t first_unit; /* number of unit 0 among all units of the model */
    /* Rows, biases; and the columns that read the units, where these are not added to others'. */
    uint32_t incoming_count, outgoing_count;
    struct unit_slice incoming[UNIT_SLICES_MAX], outgoing[UNIT_SLICES_MAX];
    /* For neurons and channels: row u is the `in` numbers from weight + u * in, the bias is at bias
     * + u. For others: the first row, the first bias. */
    uint32_t in;
    uint64_t weight, bias;
};

struct plan {
    struct model_text text;
    uint32_t inputs, classes;
    uint32_t op_count;
    struct op *ops;
    uint32_t value_count; /* values are numbered in the order they are made; the last: logits */
    struct value_shape *values; /* [value_count] */
    uint32_t tensor_count;
    struct tensor *tensors; /* in ascending offset */
    uint32_t layer_count;
    struct unit_layer *layers;
    uint64_t parameter_count, unit_count;
};

/* NULL with the reason: sizes out of range, a layer that does not fit what is before it, no memory.
 */
struct plan *plan_create(const struct model_text *text, uint32_t inputs, uint32_t classes,
                         struct error *error);
void plan_destroy(struct plan **plan);

/* channels * height * width */
uint32_t shape_features(struct value_shape shape);
/* height * width */
uint32_t shape_positions(struct value_shape shape);

#endif
