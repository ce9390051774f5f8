/*
 * operators_fixture.h: small models, parents without a zero in them, and an oracle.
 *
 * Parents have distinct, nonzero parameters and moments, so that every change of a bit shows. The
 * oracle knows from the hits alone what each number of the child must be; it goes through the flat
 * array number by number and shares no code with the operators or with network.c.
 */
#ifndef RATCHET_TESTS_OPERATORS_FIXTURE_H
#define RATCHET_TESTS_OPERATORS_FIXTURE_H

#include "worker/operators/operators.h"

enum {
    FIXTURE_INPUTS = 5,
    FIXTURE_SEED = 77,
    ENTERS = DAMAGE_INCOMING | DAMAGE_BIAS,
};

struct fixture_shape {
    uint32_t classes, group_count;
    struct {
        uint32_t depth, width;
    } groups[4];
};

/* From 1*1 over the paper's squares to funnels; a shape of no groups ends the list. */
extern const struct fixture_shape fixture_shapes[];

struct fixture {
    struct model *model;
    struct network *first, *second, *child; /* parents, and what becomes of them */
    struct operator_training training;
    struct damage_list hits;
    struct job job;
};

/* The job is number 0 of line 3, with the catalogue's parents and fallback values. */
struct fixture *fixture_make(const struct fixture_shape *shape, const char *operator_name);
/* The same for any text of common/model_text.h. */
struct fixture_model {
    const char *text;
    uint32_t inputs, classes;
};
struct fixture *fixture_make_model(const struct fixture_model *model, const char *operator_name);
void fixture_destroy(struct fixture **fixture);

/* Another operator for the same networks. */
void fixture_call(struct fixture *fixture, const char *operator_name);
/* Carries job number `job` out, with rubbish in child and hits before. */
void fixture_apply(struct fixture *fixture, uint64_t job);

/* The layer's number of units that are not logits. */
uint32_t fixture_hidden(const struct fixture *fixture);
/* Every number of the child against what the hits say; fails the test with the place. */
void fixture_expect_child(const struct fixture *fixture);
/* That exactly one unit was hit, in those of these parts that it has; gives its run. */
struct damage_run fixture_expect_one(const struct fixture *fixture, uint32_t parts);

/*
 * Carries an operator out for many jobs that each hit one unit in these parts. `expect` holds the
 * child against what the run says; `fresh` is what model_draw gives for that job. Each unit that
 * was hit sets its bit in seen[layer].
 */
struct fixture_trial {
    const struct fixture_model *model;
    const char *name;
    uint32_t parts, jobs, layers; /* of the model */
    void (*expect)(const struct fixture *fixture, struct damage_run run, const float *fresh);
};
void fixture_try(const struct fixture_trial *trial, uint32_t *seen);

/* Numbers that differ between child and first parent, moments not counted. */
uint64_t fixture_changed(const struct fixture *fixture);
/* Numbers in the columns and rows of that unit. */
uint64_t fixture_row_numbers(const struct fixture *fixture, uint32_t layer);
uint64_t fixture_column_numbers(const struct fixture *fixture, uint32_t layer);

#endif
