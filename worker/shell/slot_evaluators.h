/*
 * slot_evaluators.h: the evaluators that a slot has open, by the digest of their spec.
 *
 * Opening one may be dear (a data set, a plan, a device), and jobs of one experiment share a spec:
 * the last few stay open.
 */
#ifndef RATCHET_WORKER_SHELL_SLOT_EVALUATORS_H
#define RATCHET_WORKER_SHELL_SLOT_EVALUATORS_H

#include "worker/evaluators/evaluator.h"

enum { SLOT_EVALUATORS_MAX = 4 };

struct slot_evaluator {
    struct digest spec;
    const struct evaluator *evaluator; /* NULL: this row is free */
    void *state;
    uint64_t used; /* a count of uses: the smallest is the oldest */
};

struct slot_evaluators {
    struct slot_evaluator rows[SLOT_EVALUATORS_MAX];
    uint64_t uses;
};

/*
 * The open evaluator for a spec; its text is loaded through `environment` when it is not open yet.
 * NULL with the reason. Borrowed until the next call.
 */
const struct slot_evaluator *slot_evaluators_get(struct slot_evaluators *evaluators,
                                                 const struct digest *spec,
                                                 const struct evaluator_environment *environment,
                                                 struct error *error);
void slot_evaluators_close(struct slot_evaluators *evaluators);

/* The value of the spec's line `evaluator = NAME`. 0, or -1 when there is none or it is too long.
 */
int slot_evaluator_name(const char *spec, char name[NAME_BYTES_MAX], struct error *error)
    __attribute__((warn_unused_result));

#endif
