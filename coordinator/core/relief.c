/*
 * relief.c: making room when every worker's cache is full of results whose turn has not come: the
 * job whose turn it is would find no worker for ever.
 */
#include "coordinator/core/core_internal.h"

/* Jobs wait, workers are there, and not one of them has any. Those that have room may be of a
 * numeric class that cannot do what is left: audits of another one's results. */
static bool is_stuck(const struct core *core)
{
    return core->heap_count > 0 && core->session_count > 0 &&
           core->free_lease_count == core->lease_capacity;
}

/* Somebody would work but for its cache; the others are benched, suspect or on their way out. */
static bool anybody_is_full(const struct core *core)
{
    for (uint32_t i = core->by_silence.head; i != NONE; i = core->sessions[i].by_silence.next) {
        const struct session *session = &core->sessions[i];
        if (session->state == SESSION_READY && !session->benched && !session->draining &&
            session->capacity == 0)
            return true;
    }
    return false;
}

/* The newest result whose bytes nobody has asked for, or NONE. */
static uint32_t newest_idle(const struct core *core)
{
    uint32_t newest = NONE;
    for (uint32_t i = 0; i < core->slot_capacity; i++) {
        const struct slot *slot = &core->slots[i];
        if (slot->state == SLOT_HELD && slot->child_blob == NONE && slot->child_bytes > 0 &&
            (newest == NONE || slot->order > core->slots[newest].order))
            newest = i;
    }
    return newest;
}

void relief_advance(struct core *core)
{
    if (!is_stuck(core)) {
        core->relief_at = UINT64_MAX;
        return;
    }
    if (core->relief_at == UINT64_MAX)
        core->relief_at = core->live_ms + STUCK_MS;
    if (core->live_ms < core->relief_at)
        return;
    if (!anybody_is_full(core)) {
        core->relief_at = core->live_ms + STUCK_MS;
        return;
    }
    uint32_t slot = newest_idle(core);
    if (slot == NONE) {
        core->relief_at = core->live_ms + STUCK_MS;
        if (core->able_count > 0)
            return;
        effect_note(core, (struct note){.kind = NOTE_STUCK},
                    "no worker takes work: none has room for another checkpoint");
        return;
    }
    core->relief_at = core->live_ms + RELIEF_MS;
    struct note note = {.kind = NOTE_RESULT_DROPPED, .job = &core->slots[slot].job.key};
    effect_note(core, note, "given up to make room in worker %s: an older job finds no worker",
                core->slots[slot].worker);
    result_drop(core, slot);
}
