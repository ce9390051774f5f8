/*
 * tables.h: the three builds of the kernels, for dispatch.c alone. NULL: not in this build.
 */
#ifndef RATCHET_WORKER_ENGINE_CPU_TABLES_H
#define RATCHET_WORKER_ENGINE_CPU_TABLES_H

#include "worker/engine/kernels.h"

const struct kernels *kernels_plain(void);
const struct kernels *kernels_avx2(void);
const struct kernels *kernels_avx512(void);

#endif
