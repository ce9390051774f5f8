/* ops.c: the table of ops.h. */
#include "worker/engine/ops/ops.h"

const struct op_row *const op_rows[OP_KINDS] = {
    [OP_LINEAR] = &op_linear,
    [OP_CONV] = &op_conv,
    [OP_MAX_POOL] = &op_max_pool,
    [OP_MEAN] = &op_mean,
    [OP_PATCH] = &op_patch,
    [OP_POSITIONS] = &op_positions,
    [OP_NORM] = &op_norm,
    [OP_ATTENTION] = &op_attention,
    [OP_ROWS] = &op_rows_as_steps,
    [OP_GRU] = &op_gru,
    [OP_ACTIVATION] = &op_activation,
    [OP_ADD] = &op_add,
};
