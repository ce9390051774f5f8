/*
 * kernels_plain.c: the kernels in C for any CPU. Where a CPU has no fused multiply-add, the C
 * library computes it, slowly and to the same bits.
 */
#include "worker/engine/cpu/tables.h"

#include "worker/engine/cpu/isa_plain.h"

#include "worker/engine/cpu/table_text.h"

const struct kernels *kernels_plain(void)
{
    return &table;
}
