/*
 * kernels_avx512.c: the kernels for CPUs with AVX-512 F, DQ, BW and VL. The build compiles this
 * file for such CPUs, and dispatch.c calls it only on them; elsewhere the table is not there.
 */
#include "worker/engine/cpu/tables.h"

#include <stddef.h>

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)

#include "worker/engine/cpu/isa_avx512.h"

#include "worker/engine/cpu/table_text.h"

const struct kernels *kernels_avx512(void)
{
    return &table;
}

#else

const struct kernels *kernels_avx512(void)
{
    return NULL;
}

#endif
