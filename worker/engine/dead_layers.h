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

/* Whose layers, and the numbers that they may be dead by. */
struct dead_search {
    const struct samples *samples;
    const struct sample_slice *slice;
    const struct training_settings *at_step; /* with the learning rate of the step in work */
    const struct cohort_member *members;
    uint32_t count; /* at most DEAD_MEMBERS_MAX */
};

/* At the start of a call: nothing is known of anybody. */
void dead_layers_begin(struct dead_layers *dead);

/* Before a step: members whose zeros it would not leave as they are begin with the sample again.
 * True when all are dead, so that nobody reads the sample. */
bool dead_layers_hold_all(struct dead_layers *dead, const struct pass *pass,
                          const struct dead_search *search);

/* Whether it may pay to search behind step `done` (from 1) of a call, with so many left. */
bool dead_layers_is_due(uint64_t done, uint64_t left, uint64_t steps_per_epoch);
/* Behind a step: which layers are dead. Uses up the mini-batch of the pass, whose parameters and
 * dropout are nobody's. */
void dead_layers_search(struct dead_layers *dead, const struct pass *pass,
                        const struct dead_search *search);

/* Lets a pass begin behind the member's dead layer. */
void dead_layers_enter(const struct dead_layers *dead, uint32_t member, struct pass *pass);

#endif
