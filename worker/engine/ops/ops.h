/*
 * ops.h: the code behind each kind of op (common/plan.h): one file each, one row each.
 *
 * An op reads its input's value and writes its own on the way forward; on the way back it finds
 * the loss's derivative by its value (its delta), fills its stretch of the gradient, and sets or
 * adds to the delta of what it read. All values and deltas are feature-major, see kernels.h; what
 * lies in the padding between n and stride is never part of a result, but must not trap.
 *
 * The order of every sum is part of the class `portable`: README.md tells it.
 */
#ifndef RATCHET_WORKER_ENGINE_OPS_OPS_H
#define RATCHET_WORKER_ENGINE_OPS_OPS_H

#include "worker/engine/pass.h"
#include "worker/engine/program.h"

struct op_row {
    const char *name;
    /* Rows of one float per sample that the way back needs, beside the values. NULL: none. */
    uint64_t (*kept_rows)(const struct model *model, const struct op *op);
    /* Floats that one call needs for itself, for batches of so many samples. NULL: none. */
    uint64_t (*scratch)(const struct model *model, const struct op *op, uint32_t samples_max);
    void (*forward)(const struct pass *pass, const struct program_step *step);
    void (*backward)(const struct pass *pass, const struct program_step *step);
    /* Whether `backward` itself tells pass->update which stretches of the op's gradient are there,
     * from the last to the first, when its parameters are no longer read. NULL: it never does. */
    bool (*reports)(const struct pass *pass, const struct op *op);
    /* Whether `backward` calls pass_hand_over for its input. */
    bool hands_over;
    /* Operations of the products for one sample, forward and back; that of the input's delta only
     * where it is wanted. NULL: none. */
    double (*flops)(const struct op *op, enum delta_use input);
};

/* By enum op_kind. */
extern const struct op_row *const op_rows[OP_KINDS];

extern const struct op_row op_linear, op_chain, op_conv, op_max_pool, op_mean, op_patch,
    op_rows_as_steps, op_positions, op_norm, op_attention, op_gru, op_activation, op_add;

/* Whether an op can be part of a chain (op_chain.c). */
bool op_chain_links(const struct program *program, const struct op *op);

/* ------------------------------------------------------------- what the files of this folder share
 */

/* Of a step that is one op. */
const struct op *pass_op(const struct pass *pass, const struct program_step *step);

/* The value of a number: {features, n, stride, ...}; of value 0 the mini-batch by feature. */
struct activations pass_value(const struct pass *pass, uint32_t value);
/* Its delta; values is NULL when nobody wants it. */
struct activations pass_delta(const struct pass *pass, uint32_t value);
/* What an op keeps: as many rows as its row says. */
float *pass_kept(const struct pass *pass, const struct op *op);

/* to += from; to = from: elementwise, padding included. */
void add_values(const struct activations *from, const struct activations *to);
void copy_values(const struct activations *from, const struct activations *to);

/* Gives a delta to that of a value which was handed on: sets it, adds to it, or leaves it. */
void pass_on(const struct activations *delta, const struct activations *to, enum delta_use use);

/*
 * The model's activation, then dropout where the member has it: activation.c. `kept`, when the
 * activation needs it for its derivative (activation_keeps), is as large as the value. The masks of
 * dropout are those of op number `op`.
 */
bool activation_keeps(const struct model *model);
/* Whether it is relu and nothing else: then a product can end in it, and in its derivative. */
bool activation_is_simple(const struct pass *pass);
void activation_forward(const struct pass *pass, uint32_t op, const struct activations *values,
                        float *kept);
/* delta by the value becomes delta by z. */
void activation_backward(const struct pass *pass, uint32_t op, const struct activations *values,
                         const float *kept, const struct activations *delta);

/* Whether it is what the pass begins with, whose delta nobody wants: the sample, or what a dead
 * layer left. */
bool pass_ends_at(const struct pass *pass, uint32_t value);

/* The delta of a value as its maker wants to find it: by z where program_value says so. To be
 * called by the value's one reader when it has written it. */
void pass_hand_over(const struct pass *pass, uint32_t value);

/* Whether dropout is on. */
bool pass_drops(const struct pass *pass);

/* op_linear.c, for a layer of a chain that has to be run by itself: delta by z of its output, and
 * where the raw delta of its input goes. */
void linear_forward(const struct pass *pass, const struct op *op);
void linear_gradient(const struct pass *pass, const struct op *op, const struct activations *delta);
void linear_back(const struct pass *pass, const struct op *op, const struct activations *delta,
                 const struct activations *before);

#endif
