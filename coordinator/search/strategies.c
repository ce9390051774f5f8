/* strategies.c: the list of strategies. A new one is a file and a row here. */
#include "coordinator/search/strategies.h"

#include <string.h>

static const struct strategy *const strategies[] = {
    &strategy_ratchet,
    &strategy_tournament,
    &strategy_random,
};

enum { STRATEGY_COUNT = sizeof strategies / sizeof strategies[0] };

const struct strategy *strategy_at(uint32_t index)
{
    return index < STRATEGY_COUNT ? strategies[index] : NULL;
}

const struct strategy *strategy_find(const char *name)
{
    for (uint32_t i = 0; i < STRATEGY_COUNT; i++)
        if (strcmp(strategies[i]->name, name) == 0)
            return strategies[i];
    return NULL;
}
