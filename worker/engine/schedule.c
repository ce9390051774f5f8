/* schedule.c: see schedule.h. */
#include "worker/engine/schedule.h"

#include "worker/engine/kernels.h"
#include "worker/engine/update.h"

#include <assert.h>

/* Where a step is in a fall of the cosine. */
struct fall {
    uint64_t step, length;
};

static double fallen(const struct schedule *schedule, double lr, struct fall fall)
{
    if (fall.step >= fall.length)
        return schedule->final;
    double share = 0.5 * (1.0 + portable_cosine((double)fall.step / (double)fall.length));
    return schedule->final + (lr - schedule->final) * share;
}

/* The fall that `step` belongs to. Whole numbers: no rounding can put a restart elsewhere. */
static struct fall find_fall(const struct schedule *schedule, uint64_t step)
{
    uint64_t length = schedule->restart_steps, factor = schedule->restart_factor;
    assert(length > 0 && factor > 0);
    if (factor == 1)
        return (struct fall){step % length, length};
    while (step >= length && length <= UINT64_MAX / factor) {
        step -= length;
        length *= factor;
    }
    return (struct fall){step, length};
}

double schedule_rate(const struct schedule *schedule, double lr, uint64_t step)
{
    uint64_t warmup = schedule->warmup;
    if (step < warmup)
        return lr * ((double)(step + 1) / (double)warmup);
    step -= warmup;
    switch (schedule->kind) {
    case SCHEDULE_CONSTANT:
        break;
    case SCHEDULE_COSINE: {
        uint64_t length = schedule->steps > warmup ? schedule->steps - warmup : 0;
        return fallen(schedule, lr, (struct fall){step, length});
    }
    case SCHEDULE_SGDR:
        return fallen(schedule, lr, find_fall(schedule, step));
    case SCHEDULE_GEOMETRIC:
        assert(schedule->decay_steps > 0);
        return lr * update_power(schedule->decay, step / schedule->decay_steps);
    }
    return lr;
}
