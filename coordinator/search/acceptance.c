/* acceptance.c: see acceptance.h. */
#include "coordinator/search/acceptance.h"

#include "proto/job.h"

#include <math.h>

bool acceptance_allows(const struct acceptance *acceptance, double child, double incumbent)
{
    if (isnan(child))
        return false;
    if (fitness_better(child, incumbent))
        return true;
    return acceptance->rule == ACCEPT_EPSILON && child >= incumbent - acceptance->epsilon;
}
