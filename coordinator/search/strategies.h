/* strategies.h: the tables that strategies.c lists; nobody else needs them by name. */
#ifndef RATCHET_COORDINATOR_SEARCH_STRATEGIES_H
#define RATCHET_COORDINATOR_SEARCH_STRATEGIES_H

#include "coordinator/search/strategy.h"

extern const struct strategy strategy_ratchet;
extern const struct strategy strategy_tournament;
extern const struct strategy strategy_random;

#endif
