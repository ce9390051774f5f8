/*
 * window.c: which of the jobs that wait goes to which of the workers that are free.
 *
 * Jobs of an ordered run are committed in order, and only so many are in flight: a job that is
 * still under way when all older ones are done stops its line, and soon everybody. So the worker
 * that would finish first gets the oldest job, and a slower one a job that it is predicted to
 * finish before the clearly faster ones together have done all that goes before it: the oldest if
 * that will do, else the newest. For whom even the newest comes too early there is no work: it
 * could only delay. Nobody is slow by himself: where no faster one is able to work, everybody is
 * fast; and a worker's slowness grows with the age of what it has not finished, so that nobody is
 * waited for for ever.
 *
 * A worker of unknown speed gets one job to be measured by: the newest, which is needed last.
 *
 * In arrival mode nobody waits for anybody: the oldest job goes to whoever would finish it first.
 */
#include "coordinator/core/core_internal.h"

enum { NEIGHBOURS = 1 }; /* classes by which a worker that has the parent may be slower */

struct question {
    uint32_t session, kind;
    uint64_t before_us; /* work that goes before the job and that nobody has yet */
};

/* Predictions are off: what would be in time by less than a quarter is late. */
static bool in_time(const struct core *core, struct question question)
{
    if (core->config.mode == COMMIT_ARRIVAL)
        return true;
    struct speed_class faster = speed_of_faster(core, question.session);
    if (faster.sessions == 0)
        return true;
    double work = (double)(question.before_us + faster.load_us) * SPEED_RATE_OF_ONE;
    uint64_t reached_us = (uint64_t)(work / (double)faster.rate);
    uint64_t finish_us = speed_finish_us(core, question.session, question.kind);
    return finish_us + finish_us / 4 <= reached_us;
}

static uint32_t kind_of(const struct core *core, uint32_t slot)
{
    return core->places[core->slots[slot].place].kind;
}

/* Somebody who has the parent's bytes, where it costs no time to prefer him; else the session. */
static uint32_t with_affinity(const struct core *core, uint32_t session, uint32_t slot_index)
{
    const struct slot *slot = &core->slots[slot_index];
    if (slot->job.parent_count == 0)
        return session;
    const struct blob *blob = &core->blobs[slot->parent_blobs[0]];
    uint32_t list_max = core->sessions[session].credit_list + NEIGHBOURS;
    for (uint32_t i = 0; i < HOLDERS_MAX; i++) {
        struct holder holder = blob->holders[i];
        if (holder.session == NONE)
            continue;
        const struct session *holds = &core->sessions[holder.session];
        if (holds->generation == holder.generation && holds->in_credit &&
            holds->credit_list <= list_max && holds->credit_list != CREDIT_UNKNOWN)
            return holder.session;
    }
    return session;
}

struct match window_match(const struct core *core)
{
    const struct match none = {NONE, NONE};
    uint32_t newest = core->newest_count > 0 ? core->newest[0] : NONE;
    uint32_t unknown = credit_first_unknown(core), known = credit_first_known(core);
    if (newest == NONE)
        return none;
    if (unknown != NONE)
        return (struct match){newest, unknown};
    if (known == NONE)
        return none;
    uint32_t oldest = core->heap[0];
    struct question question = {known, kind_of(core, oldest), 0};
    if (slot_is_plain(&core->slots[oldest]) && in_time(core, question))
        return (struct match){oldest, with_affinity(core, known, oldest)};
    question.kind = kind_of(core, newest);
    question.before_us = core->waiting_us - core->slots[newest].work_us;
    if (in_time(core, question))
        return (struct match){newest, with_affinity(core, known, newest)};
    return none;
}

bool window_is_closed_to(const struct core *core, uint32_t session)
{
    struct question question = {session, core->sessions[session].speed.last_kind, core->waiting_us};
    return core->config.mode == COMMIT_ORDERED &&
           !speed_is_unknown(core, &core->sessions[session]) && !in_time(core, question);
}
