/*
 * philox.h: Philox4x32-10, the counter-based generator behind every random choice.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011. A
 * draw is a pure function of (key, counter): nothing is carried from one draw to the next, so the
 * same numbers come out on any worker, after any crash, on CPU and GPU.
 *
 * A `struct random` names one sequence: experiment seed, line, job (or data stream) and purpose.
 * Draw i of it is reached in O(1).
 */
#ifndef RATCHET_COMMON_PHILOX_H
#define RATCHET_COMMON_PHILOX_H

#include <stdint.h>

struct philox_block {
    uint32_t words[4];
};

/* Ten rounds over the counter under the key. */
struct philox_block philox_4x32_10(struct philox_block counter, uint32_t key0, uint32_t key1);

/* What a sequence is for. The numbers enter every digest: append only. */
enum random_purpose {
    RANDOM_STRATEGY = 1,   /* which parent, which slot of the population */
    RANDOM_OPERATOR = 2,   /* which operator */
    RANDOM_VICTIM = 3,     /* what an operator hits */
    RANDOM_INIT = 4,       /* fresh weights */
    RANDOM_DATA_ORDER = 5, /* keyed by stream, not by job */
    RANDOM_DROPOUT = 6,
    RANDOM_AUDIT = 7,    /* which jobs are carried out a second time before their commit */
    RANDOM_NULL = 8,     /* the null evaluator's landscape */
    RANDOM_ROUNDING = 9, /* parameters to bfloat16 */
};

struct random {
    uint32_t key[2];     /* from the experiment's seed */
    uint32_t context[3]; /* line and purpose, job or stream low, high */
    uint32_t position;   /* next block; the sequence holds 2^32 blocks of 4 words */
    uint32_t used;       /* words of `block` already handed out; 4: none left */
    struct philox_block block;
};

/* Lines are below 2^24 and purposes below 2^8: they share one counter word. */
struct random random_open(uint64_t seed, uint32_t line, uint64_t job_or_stream,
                          enum random_purpose purpose);

uint32_t random_u32(struct random *random);
uint64_t random_u64(struct random *random);
/* Uniform in [0, 1) with 53 bits. */
double random_unit(struct random *random);
/* Uniform in [0, bound), unbiased (Lemire 2019, with rejection); bound > 0. */
uint32_t random_below(struct random *random, uint32_t bound);

#endif
