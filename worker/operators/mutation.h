/*
 * mutation.h: what the operators of this folder share. Nobody outside includes it, but tests.
 *
 * A mutation is one operator_apply() under way. Before an operator's function is called, the child
 * is a copy of the first parent, or all zero without parents; the function does what is left.
 */
#ifndef RATCHET_WORKER_OPERATORS_MUTATION_H
#define RATCHET_WORKER_OPERATORS_MUTATION_H

#include "worker/operators/operators.h"

struct mutation {
    const struct operator_input *input;
    struct network *child;
    struct operator_training *training;
    struct damage_list *hits;
    struct random choices; /* the job's RANDOM_VICTIM; moves on with each draw */
    struct random fresh;   /* the job's RANDOM_INIT; a weight's value goes by its offset */
};

/* One unit of the child's model. */
struct victim {
    uint32_t layer, unit;
};

/* ----------------------------------------------------------------------------------- damage.c */

/* What `parts` (enum damage_part) say of the unit's row and bias, done to the child's numbers. */
void mutation_hit_incoming(struct mutation *mutation, struct victim victim, uint32_t parts);
/* The same of its column in the next layer. */
void mutation_hit_outgoing(struct mutation *mutation, struct victim victim, uint32_t parts);
/* Adds to the hits and to the child's damage. Victims come in ascending order. */
void mutation_record(struct mutation *mutation, struct victim victim, uint32_t parts);
/* All three. */
void mutation_hit(struct mutation *mutation, struct victim victim, uint32_t parts);

/* ---------------------------------------------------------------------------------- victims.c */

/* The published distributions (Cotten 2025). Each takes its draws from mutation->choices. */
struct victim victim_draw_full(struct mutation *mutation);
struct victim victim_draw_hidden(struct mutation *mutation);
struct victim victim_draw_output(struct mutation *mutation);

/* --------------------------------------------------------------- controls.c, psa.c, reinit.c ...
 */

void apply_init(struct mutation *mutation);
void apply_init_decay(struct mutation *mutation);
void apply_init_dropout(struct mutation *mutation);
void apply_none(struct mutation *mutation);
void apply_decay(struct mutation *mutation);
void apply_dropout(struct mutation *mutation);

void apply_psa_full(struct mutation *mutation);
void apply_psa_hidden(struct mutation *mutation);
void apply_psa_output(struct mutation *mutation);

void apply_reinit_full(struct mutation *mutation);
void apply_reinit_hidden(struct mutation *mutation);
void apply_reinit_output(struct mutation *mutation);

void apply_mask_replay(struct mutation *mutation);
void apply_mask_cross(struct mutation *mutation);

/* --------------------------------------------------------------------------------- operators.c */

struct operator_row {
    const char *name; /* of the catalogue */
    void (*apply)(struct mutation *mutation);
};

/* NULL past the end. */
const struct operator_row *operator_row_at(uint32_t index);

#endif
