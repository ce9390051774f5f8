/*
 * kernels_avx2.c: the kernels for CPUs with AVX2 and FMA. The build compiles this file for such
 * CPUs, and dispatch.c calls it only on them; elsewhere the table is not there.
 */
#include "worker/engine/cpu/tables.h"

#include <stddef.h>

#if defined(__AVX2__) && defined(__FMA__)

#include "worker/engine/cpu/isa_avx2.h"

#include "worker/engine/cpu/table_text.h"

const struct kernels *kernels_avx2(void)
{
    return &table;
}

#else

const struct kernels *kernels_avx2(void)
{
    return NULL;
}

#endif
