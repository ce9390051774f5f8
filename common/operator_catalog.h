/*
 * operator_catalog.h: the names, parameters and one-line descriptions of all operators.
 *
 * Both sides need it: the coordinator checks an experiment and lists operators without knowing how
 * any of them works; the worker has the implementations (worker/operators, worker/evaluators). A
 * test holds the two lists against each other.
 */
#ifndef RATCHET_COMMON_OPERATOR_CATALOG_H
#define RATCHET_COMMON_OPERATOR_CATALOG_H

#include "common/param.h"

/* Evaluators that can carry an operator out: a bit set. */
enum evaluator_set { FOR_NULL = 1, FOR_TRAIN = 2 };

struct operator_info {
    const char *name;
    const char *summary; /* with the source, where there is one */
    uint32_t parents;    /* 0 (init), 1 or 2 */
    uint32_t evaluators; /* enum evaluator_set */
    const struct param *params;
    uint32_t param_count;
    const char *founder; /* the operator, of the same parameters, that makes the first individual of
                            a line which has this operator only; NULL: init */
};

/* In the order in which they are listed; NULL past the end. */
const struct operator_info *operator_at(uint32_t index);
const struct operator_info *operator_find(const char *name);

#endif
