/* ops.c: the table of ops.h. */
#include "worker/engine/ops/ops.h"

const struct op_row *const op_rows[OP_KINDS] = {
    [OP_LINEAR] = &op_linear,
    [OP_ACTIVATION] = &op_activation,
    [OP_ADD] = &op_add,
};
