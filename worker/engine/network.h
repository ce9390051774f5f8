/*
 * network.h: one individual's numbers: parameters, optimiser state, cumulative damage; and the
 * checkpoint that they travel in.
 *
 * A checkpoint is a safetensors file with these tensors, in this order:
 *
 *   layers.L.NAME    F32               each tensor of the plan (common/plan.h); of a linear layer
 *                                      layers.L.weight [out, in] and layers.L.bias [out]
 *   damage           U8  [units]       enum damage_part bits, over the whole lineage
 *   optimizer.step   U64 [1]           the rest only if the optimiser's state is kept
 *   optimizer.m      F32 [parameters]  AdamW's first moment, SGD's velocity
 *   optimizer.v      F32 [parameters]  AdamW's second moment; not for SGD
 *
 * Its header is a function of the model and of what is kept, so equal networks have equal bytes.
 */
#ifndef RATCHET_WORKER_ENGINE_NETWORK_H
#define RATCHET_WORKER_ENGINE_NETWORK_H

#include "worker/engine/model.h"

#include <stddef.h>

/* What was hit of a unit: bits. The numbers enter checkpoints and ledgers: append only. */
enum damage_part {
    DAMAGE_INCOMING = 1,      /* its row of weights */
    DAMAGE_BIAS = 2,          /* its bias */
    DAMAGE_OUTGOING = 4,      /* its column in the next layer's weights */
    DAMAGE_REINITIALISED = 8, /* incoming and bias drawn anew instead of set to zero */
    DAMAGE_ALL = 15,
};

enum optimizer_state {
    OPTIMIZER_STATE_NONE = 0,     /* reset at the start of each job, not in the checkpoint */
    OPTIMIZER_STATE_VELOCITY = 1, /* m */
    OPTIMIZER_STATE_MOMENTS = 2,  /* m and v */
};

struct network {
    const struct model *model;  /* borrowed */
    enum optimizer_state state; /* which of m and v the checkpoint has */
    float *parameters;          /* [model->parameter_count] */
    float *m, *v;               /* [model->parameter_count]; always there, zero when fresh */
    uint64_t optimizer_step;    /* updates that m and v have seen */
    uint8_t *damage;            /* [model->unit_count], enum damage_part bits */
};

/* All zero. NULL: no memory. */
struct network *network_create(const struct model *model, enum optimizer_state state);
void network_destroy(struct network **network);
void network_copy(struct network *to, const struct network *from);
/* True when no parameter is NaN or infinite. */
int network_is_finite(const struct network *network);

/* What damage does to numbers. Moments of the parameters that it touches become zero. `layer` is a
 * unit layer of the plan, which says which numbers a unit has. */
void network_zero_incoming(struct network *network, uint32_t layer, uint32_t unit); /* and bias */
/* The unit's columns in whatever reads it; of a logit, or of a unit that is added to others'
 * values, there are none. */
void network_zero_outgoing(struct network *network, uint32_t layer, uint32_t unit);
void network_draw_incoming(struct network *network, uint32_t layer, uint32_t unit,
                           const struct random *random); /* and bias */

/* Bytes of the checkpoint. */
size_t network_checkpoint_bytes(const struct network *network);
/* Writes exactly that many. */
void network_checkpoint_write(const struct network *network, uint8_t *bytes);
/*
 * Reads a checkpoint of this model. With a state of NONE, optimiser tensors may be there and are
 * passed over; otherwise missing ones leave m, v and step zero. Other tools' files in another order
 * are fine. -1 names what does not fit: not a safetensors file, a tensor missing, of another shape
 * or type, or one too many.
 */
int network_checkpoint_read(struct network *network, const uint8_t *bytes, size_t count,
                            struct error *error) __attribute__((warn_unused_result));

#endif
