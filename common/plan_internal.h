/*
 * plan_internal.h: a plan while it is compiled; shared by plan.c and the rules for each op in
 * plan_ops.c.
 *
 * Arrays grow as ops are added; a failure is kept in `failed` and everything after it does nothing,
 * so that rules read straight on.
 */
#ifndef RATCHET_COMMON_PLAN_INTERNAL_H
#define RATCHET_COMMON_PLAN_INTERNAL_H

#include "common/plan.h"

#include <stddef.h>

/* Whose units the channels of a value are: of one unit layer, or half of them each of two
 * neighbouring ones. PLAN_NONE: nobody's alone. */
struct plan_owner {
    uint32_t layer, halves;
};

struct plan_builder {
    struct plan *plan;
    struct error *error;
    bool failed;
    uint32_t value;      /* what the next op reads */
    uint32_t parameters; /* number of the next op that has parameters: layers.N in tensor names */
    size_t op_room, tensor_room, layer_room;
    struct plan_owner *owners; /* [values] */
};

/* Marks the failure; the first one counts. */
__attribute__((format(printf, 2, 3))) void plan_fail(struct plan_builder *builder,
                                                     const char *format, ...);

/* Appends an op on the present value, whose result has shape op.out; sets its input, output and
 * where its parameters begin. NULL after a failure. */
struct op *plan_add_op(struct plan_builder *builder, const struct op *op);

/* A tensor of the last op, behind those before it: its name's last part, shape and start. */
struct tensor_row {
    const char *name;
    uint32_t rank, shape[4];
    enum tensor_start start;
    uint32_t fan;
};
/* Its number, PLAN_NONE after a failure. */
uint32_t plan_add_tensor(struct plan_builder *builder, const struct tensor_row *row);

/* A unit layer of the last op, without slices: it owns the op's value, with the layer before it
 * when that is the op's, too. NULL after a failure. */
struct unit_layer *plan_add_units(struct plan_builder *builder, enum unit_kind kind, uint32_t out);

/* Numbers by which the units are fed, or by which what they give is read. */
void plan_add_incoming(struct plan_builder *builder, struct unit_layer *layer,
                       struct unit_slice slice);
/* To whoever owns the value; to nobody when it has no owner. The slice is that of channel 0. */
void plan_add_outgoing(struct plan_builder *builder, uint32_t value, struct unit_slice slice);

/* plan_ops.c: appends what one word of the text stands for. */
void plan_add_layer(struct plan_builder *builder, const struct layer_item *item);
void plan_add_sum(struct plan_builder *builder, uint32_t other);

#endif
