/* evaluator.c: the list of evaluators; see evaluator.h. */
#include "worker/evaluators/evaluator.h"

#include "worker/evaluators/null.h"
#include "worker/evaluators/train.h"

#include <string.h>

static const struct evaluator *const evaluators[] = {
    &null_evaluator,
    &train_evaluator,
};

const struct evaluator *evaluator_find(const char *name)
{
    for (size_t i = 0; i < sizeof evaluators / sizeof evaluators[0]; i++)
        if (strcmp(evaluators[i]->name, name) == 0)
            return evaluators[i];
    return NULL;
}
