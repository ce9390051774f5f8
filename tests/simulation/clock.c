/* clock.c: see clock.h. */
#include "tests/simulation/clock.h"

#include <assert.h>

struct clock clock_started(uint64_t world_ms, uint64_t local_ms, uint64_t per_mille)
{
    assert(per_mille > 0);
    return (struct clock){world_ms, local_ms, per_mille};
}

uint64_t clock_read(const struct clock *clock, uint64_t world_ms)
{
    assert(world_ms >= clock->world_ms);
    return clock->local_ms + (world_ms - clock->world_ms) * clock->per_mille / 1000;
}

uint64_t clock_until(const struct clock *clock, uint64_t world_ms, uint64_t local_ms)
{
    uint64_t now_ms = clock_read(clock, world_ms);
    if (local_ms <= now_ms)
        return 0;
    return ((local_ms - now_ms) * 1000 + clock->per_mille - 1) / clock->per_mille;
}

void clock_step_forward(struct clock *clock, uint64_t ms)
{
    clock->local_ms += ms;
}

void clock_step_back(struct clock *clock, uint64_t ms)
{
    clock->local_ms -= ms < clock->local_ms ? ms : clock->local_ms;
}
