/*
 * bf16_units.h: matrix products by the CPU's own bfloat16 instructions: the classes avx512_bf16 and
 * amx_bf16.
 *
 * They take the operands of struct product, round them as the bf16 precisions do and add up in
 * float, denormals counting as zeros. Only the order differs from `portable`:
 *
 *   avx512_bf16  VDPBF16PS: one chain per output, two products of the ascending k at a time; an odd
 *                k ends with a product of zeros. What is rounded between the two is the CPU's
 *                matter. (Intel's CPUs round after each, so that there the chain is `portable`'s.)
 *   amx_bf16     TDPBF16PS: per 32 products two chains of fused multiply-adds from 0, over the even
 *                and the odd k; their sum is added to the output. Missing products are zeros.
 *
 * Right operands lie in rows (MATRIX_ROWS). The other sums of these classes (lane_product,
 * sum_samples) are those of `portable`.
 */
#ifndef RATCHET_WORKER_ENGINE_BF16_UNITS_H
#define RATCHET_WORKER_ENGINE_BF16_UNITS_H

#include "worker/engine/kernels.h"

/* The product of a class, ready to be called on any thread of this process; NULL with the reason
 * when this CPU or its operating system has no such instruction. */
void (*bf16_units_open(enum engine_numeric numeric,
                       struct error *error))(const struct product *product);

#endif
