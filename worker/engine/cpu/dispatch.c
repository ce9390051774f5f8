/*
 * dispatch.c: which build of the kernels this process uses.
 *
 * All give the same bits, so the choice is a matter of speed, and of tests that force one.
 */
#include "worker/engine/cpu/tables.h"

#include <stddef.h>
#include <string.h>

/* What the CPU has, and the operating system lets it use. */
static int cpu_has_avx2(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 0;
#endif
}

static int cpu_has_avx512(void)
{
#if defined(__x86_64__)
    return cpu_has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
#else
    return 0;
#endif
}

static int cpu_has_all(void)
{
    return 1;
}

/* The fastest first. */
static const struct {
    const char *name;
    int (*is_here)(void);
    const struct kernels *(*table)(void);
} builds[] = {
    {"avx512", cpu_has_avx512, kernels_avx512},
    {"avx2", cpu_has_avx2, kernels_avx2},
    {"plain", cpu_has_all, kernels_plain},
};

enum { BUILDS = sizeof builds / sizeof builds[0] };

static const struct kernels *chosen;

const struct kernels *kernels_named(const char *name)
{
    for (int i = 0; i < BUILDS; i++) {
        if (strcmp(name, builds[i].name) == 0)
            return builds[i].is_here() ? builds[i].table() : NULL;
    }
    return NULL;
}

static const struct kernels *best(void)
{
    for (int i = 0; i < BUILDS; i++) {
        const struct kernels *table = kernels_named(builds[i].name);
        if (table != NULL)
            return table;
    }
    return kernels_plain();
}

const struct kernels *kernels_current(void)
{
    /* Two threads that come here first both write the same. */
    const struct kernels *table = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
    if (table == NULL) {
        table = best();
        __atomic_store_n(&chosen, table, __ATOMIC_RELAXED);
    }
    return table;
}

int engine_choose_cpu(const char *name, struct error *error)
{
    const struct kernels *table = strcmp(name, "auto") == 0 ? best() : kernels_named(name);
    if (table == NULL) {
        for (int i = 0; i < BUILDS; i++) {
            if (strcmp(name, builds[i].name) == 0)
                return error_set(error, -1, "this CPU cannot run the kernels \"%s\"", name);
        }
        return error_set(error, -1, "there are no kernels \"%s\": auto, plain, avx2 and avx512 are",
                         name);
    }
    __atomic_store_n(&chosen, table, __ATOMIC_RELAXED);
    return 0;
}

const char *engine_cpu(void)
{
    return kernels_current()->name;
}
