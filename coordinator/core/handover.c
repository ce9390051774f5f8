/*
 * handover.c: jobs that a leaving worker gives back, trained up to some step.
 *
 * The worker keeps the state until it is told RELEASED, which is when its bytes are in the store or
 * are not wanted. Only then the job waits again, and its next lease brings the state along; of
 * several the one with most steps is kept. It is no part of the job: whoever cannot have it starts
 * from the beginning, to the same result. So nothing of it is in the ledger, and a restarted
 * coordinator knows of none. Second opinions start from the beginning always.
 *
 * What a state does to a result is as little checked as what a worker does: after a death or a
 * failure, and once there is a result, it is forgotten, so that what follows a doubt is made anew
 * as a whole.
 */
#include "coordinator/core/core_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* The worker may forget the state; the job is with it no more. */
static void give_back(struct core *core, uint32_t lease_index)
{
    const struct lease_entry lease = core->leases[lease_index];
    const struct instance_id to = core->sessions[lease.session].instance;
    lease_lost(core, lease_index);
    effect_verdict(core, &to, &lease.key, VERDICT_RELEASED);
}

/* Whether the state brings the job further than what is there already. */
static bool is_wanted(const struct core *core, const struct slot *slot,
                      const struct session *session, const struct handover *handover)
{
    bool better = slot->partial_blob == NONE ||
                  strcmp(slot->partial_numeric, session->numeric) != 0 ||
                  handover->partial.steps > slot->partial.steps;
    /* A state is of one job; a digest that means something else already is a mistake or a lie. */
    return better && !session->benched && slot->job.kind == JOB_MUTATE &&
           !blob_conflicts(core, &handover->partial.state) &&
           blob_find(core, &handover->partial.state) == NONE;
}

void handover_on_message(struct core *core, uint32_t session_index, const struct handover *handover)
{
    struct session *session = &core->sessions[session_index];
    uint32_t slot_index, lease = NONE;
    if (lines_standing(core, handover->lease.job, &slot_index) == JOB_IN_FLIGHT)
        lease = lease_find_key(core, slot_index, session_index, &handover->lease);
    struct slot *slot = lease != NONE ? &core->slots[slot_index] : NULL;
    if (slot == NULL || slot->state != SLOT_LEASED ||
        !digest_equal(&handover->job, &slot->description)) {
        if (lease != NONE)
            give_back(core, lease); /* an opinion, which goes elsewhere */
        else
            effect_verdict(core, &session->instance, &handover->lease, VERDICT_RELEASED);
        return;
    }
    if (slot->handed_blob != NONE && slot->handed_lease == lease)
        return; /* said again: its bytes are under way */
    if (slot->handed_blob != NONE || !is_wanted(core, slot, session, handover)) {
        give_back(core, lease);
        return;
    }
    slot->handed = handover->partial;
    slot->handed_lease = lease;
    slot->handed_blob = blob_want_state(core, slot_index, &handover->partial, &session->instance);
}

static void forget_partial(struct core *core, struct slot *slot)
{
    uint32_t blob = slot->partial_blob;
    slot->partial_blob = NONE;
    slot->partial = (struct partial){.steps = 0};
    if (blob != NONE)
        blob_release(core, blob);
}

static void forget_handed(struct core *core, struct slot *slot)
{
    uint32_t blob = slot->handed_blob;
    slot->handed_blob = NONE;
    if (blob == NONE)
        return;
    core->blobs[blob].state_of = NONE;
    blob_release(core, blob);
}

void handover_on_stored(struct core *core, uint32_t slot_index)
{
    struct slot *slot = &core->slots[slot_index];
    assert(slot->handed_blob != NONE);
    uint32_t lease = slot->handed_lease;
    const struct session *session = &core->sessions[core->leases[lease].session];
    struct note note = {
        .kind = NOTE_JOB_HANDED_OVER,
        .job = &slot->job.key,
        .instance = &session->instance,
    };
    effect_note(core, note,
                "worker %s on %s: handed it over behind step %" PRIu64
                "; whoever gets it goes on from there",
                session->name, session->host, slot->handed.steps);
    forget_partial(core, slot);
    slot->partial = slot->handed;
    slot->partial_blob = slot->handed_blob;
    memcpy(slot->partial_numeric, session->numeric, sizeof slot->partial_numeric);
    slot->handed_blob = NONE;
    core->counters.handovers++;
    give_back(core, lease);
}

void handover_on_unavailable(struct core *core, uint32_t slot_index)
{
    struct slot *slot = &core->slots[slot_index];
    assert(slot->handed_blob != NONE);
    uint32_t lease = slot->handed_lease;
    forget_handed(core, slot);
    give_back(core, lease);
}

void handover_on_lease_end(struct core *core, uint32_t lease)
{
    struct slot *slot = &core->slots[core->leases[lease].slot];
    if (slot->handed_blob != NONE && slot->handed_lease == lease)
        forget_handed(core, slot);
}

void handover_forget(struct core *core, uint32_t slot_index)
{
    forget_partial(core, &core->slots[slot_index]);
}

struct partial handover_for(const struct core *core, uint32_t slot_index, uint32_t session_index)
{
    static const struct partial none;
    const struct slot *slot = &core->slots[slot_index];
    /* Of a held result an opinion is leased. */
    bool fits = slot->state == SLOT_LEASED && slot->partial_blob != NONE &&
                strcmp(slot->partial_numeric, core->sessions[session_index].numeric) == 0;
    return fits ? slot->partial : none;
}
