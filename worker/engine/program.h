/*
 * program.h: a plan as the CPU runs it: which code runs which ops, and where each value, each delta
 * and what an op keeps for the way back lies in the workspace.
 *
 * Deltas share a few slots: one is in use from the first op on the way back that adds to it until
 * the op that made the value has read it. Everything is feature-major, in rows of one float per
 * sample.
 */
#ifndef RATCHET_WORKER_ENGINE_PROGRAM_H
#define RATCHET_WORKER_ENGINE_PROGRAM_H

#include "worker/engine/model.h"

#include <stdbool.h>

struct op_row;

/* Ops [first, end) that are run together: one, or a chain of narrow layers (ops/op_chain.c). */
struct program_step {
    const struct op_row *row;
    uint32_t first, end;
};

/* What an op on the way back does with the delta of a value that it read. */
enum delta_use {
    DELTA_UNWANTED = 0, /* no parameters made the value, or it is inside a chain */
    DELTA_SET,
    DELTA_ADD, /* another op that read the value has set it */
};

struct program_value {
    uint64_t row;  /* its first row among the workspace's values; nothing for value 0, the sample */
    uint32_t slot; /* of its delta; PLAN_NONE: it has none */
    /* Its one reader hands the delta over by z, the activation's derivative and dropout in it: so
     * the op that made it need not. Else the delta is by the value, and that op sees to it. */
    bool delta_by_z;
    bool delta_wanted; /* there are parameters on the way to it */
};

struct program_op {
    uint64_t kept; /* first row of what it keeps from the way forward */
    enum delta_use input, other;
};

enum { PROGRAM_SLOTS_MAX = 16 };

struct program {
    uint32_t step_count;
    struct program_step *steps;
    struct program_value *values; /* [plan->value_count] */
    struct program_op *ops;       /* [plan->op_count] */
    uint64_t value_rows, kept_rows;
    uint32_t slot_count;
    uint64_t slot_rows[PROGRAM_SLOTS_MAX];
    uint64_t slot_row[PROGRAM_SLOTS_MAX]; /* first row of each slot among the deltas */
    uint64_t delta_rows;
};

/* For a model whose plan and activation are set. NULL: no memory, or more deltas at once than slots
 * (residuals deeper in one another than a text can write). */
struct program *program_create(const struct model *model);
void program_destroy(struct program **program);

/* Floats of scratch memory that the hungriest op needs for batches of so many samples. */
uint64_t program_scratch(const struct model *model, uint32_t samples_max);

/* Floating-point operations of all products for one sample: on the way forward and back, without
 * the delta of the sample. What padding or recomputing costs is not counted. */
double program_flops(const struct model *model);

#endif
