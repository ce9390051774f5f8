/*
 * table_text.h: all kernels of one instruction set, as a table; included once by each kernels_*.c,
 * after the isa_*.h that says what a vector is.
 */
#include "worker/engine/kernels.h"

#include <assert.h>
#include <stddef.h>

#include "worker/engine/cpu/math_text.h"

#include "worker/engine/cpu/attention_text.h"
#include "worker/engine/cpu/batch_text.h"
#include "worker/engine/cpu/gather_text.h"
#include "worker/engine/cpu/layer_norm_text.h"
#include "worker/engine/cpu/norm_text.h"
#include "worker/engine/cpu/step_text.h"

#include "worker/engine/cpu/gru_text.h"
#include "worker/engine/cpu/pool_text.h"
#include "worker/engine/cpu/tile_text.h"

#include "worker/engine/cpu/chain_text.h"
#include "worker/engine/cpu/product_text.h"

#include "worker/engine/cpu/chain_single_text.h"

#include "worker/engine/cpu/chain_walk_text.h"

#include "worker/engine/cpu/bytes_text.h"

#include "worker/engine/cpu/narrow_text.h"
#include "worker/engine/cpu/rows_text.h"

#include "worker/engine/cpu/bf16_text.h"

_Static_assert((int)LANES == (int)KERNEL_LANES, "the contract's sums are over sixteen lanes");

static const struct kernels table = {
    .name = isa_name,
    .gather = gather,
    .gather_bytes = gather_bytes,
    .sparse_product = sparse_product,
    .sparse_units = SPARSE_UNITS,
    .sparse_density = sparse_density,
    .scale_row = scale_row,
    .product = product,
    .product_of_rows = product_of_rows,
    .transpose = transpose,
    .transpose_to_rows = transpose_to_rows,
    .activate = activate,
    .derive = derive,
    .drop = drop,
    .sum_samples = sum_samples,
    .lane_product = lane_product,
    .sum_products = sum_products,
    .pool = pool,
    .unpool = unpool,
    .chain_forward = chain_forward,
    .chain_backward = chain_backward,
    .chain_backward_width = CHAIN_BACKWARD_WIDTH,
    .gru_forward = gru_forward,
    .gru_backward = gru_backward,
    .softmax = softmax,
    .block_product = block_product,
    .block_weigh = block_weigh,
    .block_weigh_back = block_weigh_back,
    .layer_norm = layer_norm,
    .layer_norm_back = layer_norm_back,
    .adamw = adamw,
    .sgd = sgd,
    .sum_squares = sum_squares,
    .scale = scale,
    .exp = map_exp,
    .log = map_log,
    .tanh = map_tanh,
    .erf = map_erf,
    .bf16 = map_bf16,
    .product_bf16 = product_bf16,
    .lane_product_bf16 = lane_product_bf16,
    .sum_products_bf16 = sum_products_bf16,
    .round_parameters = round_parameters,
};
