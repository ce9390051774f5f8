/*
 * operator_catalog.c: see operator_catalog.h.
 *
 * The order of an operator's parameters is the order in which they travel in a job, so it enters
 * every digest: append only.
 */
#include "common/operator_catalog.h"

#include <string.h>

static const struct param noise_params[] = {
    {.name = "scale",
     .kind = PARAM_REAL,
     .least = 0,
     .most = 10,
     .fallback = 0.1,
     .help = "largest change of one element"},
};

static const struct param crossover_params[] = {
    {.name = "rate",
     .kind = PARAM_REAL,
     .least = 0,
     .most = 1,
     .fallback = 0.5,
     .help = "chance of an element to come from the second parent"},
};

static const struct operator_info operators[] = {
    {.name = "init", .summary = "a new individual, without parents", .evaluators = FOR_NULL},
    {.name = "none", .summary = "the no-op: the control arm", .parents = 1, .evaluators = FOR_NULL},
    {.name = "noise",
     .summary = "adds uniform noise to every element",
     .parents = 1,
     .evaluators = FOR_NULL,
     .params = noise_params,
     .param_count = sizeof noise_params / sizeof noise_params[0]},
    {.name = "crossover",
     .summary = "takes each element from one of two parents",
     .parents = 2,
     .evaluators = FOR_NULL,
     .params = crossover_params,
     .param_count = sizeof crossover_params / sizeof crossover_params[0]},
};

const struct operator_info *operator_at(uint32_t index)
{
    return index < sizeof operators / sizeof operators[0] ? &operators[index] : NULL;
}

const struct operator_info *operator_find(const char *name)
{
    for (uint32_t i = 0; operator_at(i) != NULL; i++)
        if (strcmp(operators[i].name, name) == 0)
            return &operators[i];
    return NULL;
}
