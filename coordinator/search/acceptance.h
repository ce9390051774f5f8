/*
 * acceptance.h: when a child takes the place of the network it came from. Shared by the strategies.
 *
 * strict: better fitness, nothing less (the published ratchet). epsilon: not worse by more than
 * `epsilon`, which lets a search drift over the plateaus that freeze a strict one.
 */
#ifndef RATCHET_COORDINATOR_SEARCH_ACCEPTANCE_H
#define RATCHET_COORDINATOR_SEARCH_ACCEPTANCE_H

#include <stdbool.h>

enum acceptance_rule { ACCEPT_STRICT = 0, ACCEPT_EPSILON = 1 };

struct acceptance {
    enum acceptance_rule rule;
    double epsilon; /* in units of fitness */
};

/* NaN is never accepted, and anything finite is accepted in place of NaN. */
bool acceptance_allows(const struct acceptance *acceptance, double child, double incumbent);

#endif
