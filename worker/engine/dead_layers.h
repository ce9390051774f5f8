/*
 * dead_layers.h: networks with a layer that is zero on every sample train only what is above it.
 *
 * Behind such a layer of relu nothing of the sample is left, and its derivative is 0: gradients of
 * all that is below are exactly +0. While the moments there are +0 as well and an update moves no
 * such parameter, the long way computes what is there already, bit for bit; so a step may begin
 * behind the layer. A network that answers one class for ever is not dead: what is above the layer
 * goes on moving, and nothing here stops a training.
 *
 * That a layer is dead is proved, not guessed: by the values of all samples of the slice, and by
 * finite numbers below (0 times infinity is none). When it is looked for is a function of numbers
 * of steps alone. Only what is certain is in here: dense layers one on another, relu, fp32 in the
 * class portable, no limit on the length of gradient or parameters.
 */
#ifndef RATCHET_WORKER_ENGINE_DEAD_LAYERS_H
#define RATCHET_WORKER_ENGINE_DEAD_LAYERS_H

#include "worker/engine/pass.h"
#include "worker/engine/update.h"

#include <stdbool.h>

enum { DEAD_MEMBERS_MAX = 16 };

/* What is known of one member. */
struct dead_member {
    uint32_t first_op; /* where its steps begin: behind a dead layer; 0: with the sample */
    /* While it is looked at: */
    uint32_t limit;  /* ops before it have finite parameters and moments of +0; 0: no question */
    uint32_t lowest; /* whose output was zero on all samples so far; PLAN_NONE: none was seen */
    bool drops;      /* its dropout is on */
    bool *is_zero;   /* [op_count] on the samples that were looked at while `lowest` was zero */
};

struct dead_layers {
    const struct model *model;
    bool is_possible; /* with this model and these settings */
    struct dead_member members[DEAD_MEMBERS_MAX];
    uint64_t steps_saved; /* of members, that began behind a dead layer */
    bool *memory;
};

/* For an engine whose products and precision are certain to leave zeros as they are, or not.
 * 0 or -1: no memory. */
int dead_layers_init(struct dead_layers *dead, const struct model *model,
                     const struct training_settings *settings) __attribute__((warn_unused_result));
void dead_layers_fini(struct dead_layers *dead);

/* At the start of a call: nothing is known of anybody. */
void dead_layers_begin(struct dead_layers *dead);

/* Whether it pays to look behind step `done` (from 1) of a call, with so many left. */
bool dead_layers_is_due(uint64_t done, uint64_t left, uint64_t steps_per_epoch);
/* Whether an update leaves parameters as they are whose gradient and moments are +0. */
bool dead_layers_hold(const struct kernels *kernels, const struct update *update);

/* Begins to look at a member behind a step; false when its numbers say that nothing is dead. */
bool dead_layers_open(struct dead_layers *dead, uint32_t member, const struct network *network,
                      double dropout);
/* Looks at the mini-batch that is prepared in the pass, which has the member's parameters and no
 * dropout. False when there is nothing left to look for. */
bool dead_layers_look(struct dead_layers *dead, uint32_t member, const struct pass *pass);
/* All samples have been looked at. */
void dead_layers_close(struct dead_layers *dead, uint32_t member);

/* Lets a pass begin behind the member's dead layer. */
void dead_layers_enter(const struct dead_layers *dead, uint32_t member, struct pass *pass);

#endif
