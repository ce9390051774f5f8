/*
 * fma_ceiling.c: the highest rate of fused multiply-adds of one core; see fma_ceiling.h.
 *
 * Each chain waits for its own last result only. Two units with a latency of four to five cycles
 * are full from ten chains on; twelve of them and two operands fit into the sixteen registers of
 * AVX2. The loop is in assembly, because a compiler that put one chain into memory would make a
 * ceiling out of its own weakness. The values go to 1 and stay there: no overflow, no denormal
 * number.
 */
#include "tests/bench/fma_ceiling.h"

#include "tests/bench/rounds.h"

#include <stdint.h>
#include <string.h>

enum { CHAINS = 12, PLAIN_LANES = 4 };

static const float factor = 0.75F, summand = 0.25F;

#if defined(__x86_64__)
/* Registers 0 .. 11 are the chains, 12 and 13 the operands. A turn of the loop is eight turns of
 * ours, so that counting costs nothing. */
static void burst_avx512(uint64_t turns)
{
    uint64_t eights = turns / 8;
    __asm__ volatile("vbroadcastss %[factor], %%zmm12\n\t"
                     "vbroadcastss %[summand], %%zmm13\n\t"
                     ".irp chain, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n\t"
                     "vpxord %%zmm\\chain, %%zmm\\chain, %%zmm\\chain\n\t"
                     ".endr\n"
                     "1:\n\t"
                     ".rept 8\n\t"
                     ".irp chain, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n\t"
                     "vfmadd213ps %%zmm13, %%zmm12, %%zmm\\chain\n\t"
                     ".endr\n\t"
                     ".endr\n\t"
                     "dec %[eights]\n\t"
                     "jnz 1b\n\t"
                     "vzeroupper"
                     : [eights] "+r"(eights)
                     : [factor] "m"(factor), [summand] "m"(summand)
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "cc");
}

static void burst_avx2(uint64_t turns)
{
    uint64_t eights = turns / 8;
    __asm__ volatile("vbroadcastss %[factor], %%ymm12\n\t"
                     "vbroadcastss %[summand], %%ymm13\n\t"
                     ".irp chain, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n\t"
                     "vxorps %%ymm\\chain, %%ymm\\chain, %%ymm\\chain\n\t"
                     ".endr\n"
                     "1:\n\t"
                     ".rept 8\n\t"
                     ".irp chain, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n\t"
                     "vfmadd213ps %%ymm13, %%ymm12, %%ymm\\chain\n\t"
                     ".endr\n\t"
                     ".endr\n\t"
                     "dec %[eights]\n\t"
                     "jnz 1b\n\t"
                     "vzeroupper"
                     : [eights] "+r"(eights)
                     : [factor] "m"(factor), [summand] "m"(summand)
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "cc");
}
#endif

/* So that the compiler cannot leave the work out. */
static volatile float sink;

static void burst_plain(uint64_t turns)
{
    float sums[CHAINS][PLAIN_LANES];
    for (int i = 0; i < CHAINS; i++) {
        for (int lane = 0; lane < PLAIN_LANES; lane++)
            sums[i][lane] = (float)i;
    }
    for (uint64_t turn = 0; turn < turns; turn++) {
        for (int i = 0; i < CHAINS; i++) {
            for (int lane = 0; lane < PLAIN_LANES; lane++)
                sums[i][lane] = __builtin_fmaf(sums[i][lane], factor, summand);
        }
    }
    for (int i = 0; i < CHAINS; i++) {
        for (int lane = 0; lane < PLAIN_LANES; lane++)
            sink = sums[i][lane];
    }
}

static const struct unit {
    const char *cpu;
    void (*burst)(uint64_t turns);
    uint32_t lanes;
    uint64_t turns; /* about a millisecond */
} units[] = {
#if defined(__x86_64__)
    {"avx512", burst_avx512, 16, 400000},
    {"avx2", burst_avx2, 8, 400000},
#endif
    {"plain", burst_plain, PLAIN_LANES, 20000},
};

double fma_ceiling_gflops(const char *cpu)
{
    const struct unit *unit = units;
    while (strcmp(unit->cpu, cpu) != 0 && strcmp(unit->cpu, "plain") != 0)
        unit++;
    double start = rounds_cpu_s();
    unit->burst(unit->turns);
    return 2e-9 * CHAINS * unit->lanes * (double)unit->turns / (rounds_cpu_s() - start);
}
