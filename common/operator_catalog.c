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

static const struct param decay_params[] = {
    {.name = "weight_decay",
     .kind = PARAM_REAL,
     .least = 0,
     .most = 100,
     .fallback = 1e-4,
     .help = "decoupled; below 6e-8 / lr it changes no float"},
};

static const struct param dropout_params[] = {
    {.name = "rate",
     .kind = PARAM_REAL,
     .least = 0,
     .most = 0.9,
     .fallback = 0.1,
     .help = "chance of a hidden unit to be dropped"},
};

static const struct param mask_cross_params[] = {
    {.name = "rate",
     .kind = PARAM_REAL,
     .least = 0,
     .most = 1,
     .fallback = 0.5,
     .help = "chance of a unit to take its damage from the second parent"},
};

#define PARAMS(rows) .params = (rows), .param_count = sizeof(rows) / sizeof((rows)[0])

static const struct operator_info operators[] = {
    {.name = "init",
     .summary = "a new individual, without parents",
     .evaluators = FOR_NULL | FOR_TRAIN},
    {.name = "init.decay",
     .summary = "a new individual, trained with weight decay",
     .evaluators = FOR_TRAIN,
     PARAMS(decay_params)},
    {.name = "init.dropout",
     .summary = "a new individual, trained with dropout",
     .evaluators = FOR_TRAIN,
     PARAMS(dropout_params)},
    {.name = "none",
     .summary = "the no-op: the control arm",
     .parents = 1,
     .evaluators = FOR_NULL | FOR_TRAIN},
    {.name = "noise",
     .summary = "adds uniform noise to every element",
     .parents = 1,
     .evaluators = FOR_NULL,
     PARAMS(noise_params)},
    {.name = "crossover",
     .summary = "takes each element from one of two parents",
     .parents = 2,
     .evaluators = FOR_NULL,
     PARAMS(crossover_params)},
    {.name = "psa.full",
     .summary = "zeroes what enters one unit of a random layer, logits included (Cotten 2025)",
     .parents = 1,
     .evaluators = FOR_TRAIN},
    {.name = "psa.hidden",
     .summary = "zeroes what enters and leaves one random hidden unit (Cotten 2025)",
     .parents = 1,
     .evaluators = FOR_TRAIN},
    {.name = "psa.output",
     .summary = "zeroes what enters one random logit (Cotten 2025)",
     .parents = 1,
     .evaluators = FOR_TRAIN},
    {.name = "decay",
     .summary = "no damage; this job trains with weight decay: the control of Cotten 2025",
     .parents = 1,
     .evaluators = FOR_TRAIN,
     .founder = "init.decay",
     PARAMS(decay_params)},
    {.name = "dropout",
     .summary = "no damage; this job trains with dropout: the control of Cotten 2025",
     .parents = 1,
     .evaluators = FOR_TRAIN,
     .founder = "init.dropout",
     PARAMS(dropout_params)},
    {.name = "reinit.full",
     .summary = "psa.full, but what enters is drawn anew, so that a hidden unit can heal",
     .parents = 1,
     .evaluators = FOR_TRAIN},
    {.name = "reinit.hidden",
     .summary = "psa.hidden, but what enters is drawn anew; what leaves is zero (ReDo, 2023)",
     .parents = 1,
     .evaluators = FOR_TRAIN},
    {.name = "reinit.output",
     .summary = "psa.output, but what enters is drawn anew",
     .parents = 1,
     .evaluators = FOR_TRAIN},
    {.name = "mask_replay",
     .summary = "hits all that the parent's lineage ever hit once more",
     .parents = 1,
     .evaluators = FOR_TRAIN},
    {.name = "mask_cross",
     .summary = "hits the first parent with a mask mixed unit by unit from both parents' damage",
     .parents = 2,
     .evaluators = FOR_TRAIN,
     PARAMS(mask_cross_params)},
};

#undef PARAMS

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
