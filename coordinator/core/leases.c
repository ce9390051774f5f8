/*
 * leases.c: handing jobs to workers and taking them back.
 *
 * The oldest of those that wait is looked at first. A plain job goes to whom window.c says; an
 * opinion, or a job that had trouble, chooses its worker here.
 */
#include "coordinator/core/core_internal.h"

#include <assert.h>
#include <string.h>

enum { OTHERS_TRIED = 8 }; /* workers looked at, to find one that is not the usual one */

/* --------------------------------------------------------------------------------- the lease table
 */

static bool is_opinion(const struct lease_entry *lease)
{
    return lease->reason == LEASE_PROMISING || lease->reason == LEASE_AUDIT;
}

uint32_t lease_find(const struct core *core, uint32_t slot_index, uint32_t session, uint64_t prefix)
{
    const struct slot *slot = &core->slots[slot_index];
    uint32_t index = slot->leases.head;
    for (; index != NONE; index = core->leases[index].in_slot.next) {
        const struct lease_entry *lease = &core->leases[index];
        const struct digest *description =
            is_opinion(lease) ? &slot->opinion_description : &slot->description;
        if (lease->session == session && job_prefix(description) == prefix)
            break;
    }
    return index;
}

uint32_t lease_find_key(const struct core *core, uint32_t slot, uint32_t session,
                        const struct lease_key *key)
{
    uint32_t index = core->slots[slot].leases.head;
    for (; index != NONE; index = core->leases[index].in_slot.next)
        if (core->leases[index].session == session &&
            lease_key_equal(core->leases[index].key, *key))
            break;
    return index;
}

static uint32_t lease_add(struct core *core, uint32_t slot, uint32_t session,
                          const struct lease_key *key, enum lease_reason reason)
{
    assert(core->free_lease_count > 0);
    uint32_t index = core->free_leases[--core->free_lease_count];
    struct lease_entry *lease = &core->leases[index];
    *lease = (struct lease_entry){
        .key = *key,
        .slot = slot,
        .session = session,
        .reason = reason,
        .since_ms = core->now_ms,
        .since_live_ms = core->live_ms,
    };
    list_append(&core->slots[slot].leases, &core->leases[0].in_slot, sizeof *lease, index);
    list_append(&core->sessions[session].leases, &core->leases[0].in_session, sizeof *lease, index);
    core->sessions[session].lease_count++;
    speed_lease_added(core, index);
    session_update_credit(core, session);
    return index;
}

void lease_free(struct core *core, uint32_t index)
{
    struct lease_entry *lease = &core->leases[index];
    struct session *session = &core->sessions[lease->session];
    handover_on_lease_end(core, index);
    speed_lease_leaves(core, index);
    list_remove(&core->slots[lease->slot].leases, &core->leases[0].in_slot, sizeof *lease, index);
    list_remove(&session->leases, &core->leases[0].in_session, sizeof *lease, index);
    session->lease_count--;
    core->free_leases[core->free_lease_count++] = index;
    session_update_credit(core, lease->session);
}

void lease_lost(struct core *core, uint32_t index)
{
    struct lease_entry *lease = &core->leases[index];
    struct slot *slot = &core->slots[lease->slot];
    uint32_t slot_index = lease->slot;
    bool opinion = is_opinion(lease);
    lease_free(core, index);
    if (opinion && slot->opinion == OPINION_LEASED) {
        slot->opinion = OPINION_WAITING;
        waiting_add(core, slot_index);
    } else if (slot->state == SLOT_LEASED && slot->leases.head == NONE) {
        slot->state = SLOT_WAITING;
        waiting_add(core, slot_index);
    }
}

void leases_end(struct core *core, uint32_t slot_index, uint32_t except_session)
{
    struct slot *slot = &core->slots[slot_index];
    while (slot->leases.head != NONE) {
        struct lease_entry *lease = &core->leases[slot->leases.head];
        if (lease->session != except_session)
            effect_verdict(core, &core->sessions[lease->session].instance, &lease->key,
                           VERDICT_RELEASED);
        if (lease->session != except_session && except_session != NONE)
            speed_on_outrun(core, slot->leases.head);
        lease_free(core, slot->leases.head);
    }
}

void lease_adopt(struct core *core, uint32_t slot_index, uint32_t session,
                 const struct lease_key *key)
{
    struct slot *slot = &core->slots[slot_index];
    bool audit = slot->state == SLOT_HELD;
    assert(slot->state == SLOT_WAITING || (audit && slot->opinion == OPINION_WAITING));
    waiting_remove(core, slot_index);
    slot->attempts++;
    if (audit) {
        slot->opinion = OPINION_LEASED;
        slot->opinions++;
    } else {
        slot->state = SLOT_LEASED;
    }
    uint32_t lease = lease_add(core, slot_index, session, key, audit ? LEASE_AUDIT : LEASE_RETRY);
    core->leases[lease].beat = core->sessions[session].beat;
}

/* -------------------------------------------------------------------------------------- dispatch
 */

static bool is_among(const struct instance_id *instance, const struct instance_id *list,
                     uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (instance_equal(&list[i], instance))
            return true;
    return false;
}

/* Workers that are not to be asked while there is anybody else. */
struct avoided {
    struct instance_id list[TROUBLES_MAX + OPINIONS_MAX + 1];
    uint32_t count;
};

static void avoid(struct avoided *avoided, const struct instance_id *instance)
{
    if (!is_among(instance, avoided->list, avoided->count))
        avoided->list[avoided->count++] = *instance;
}

static uint32_t troubles_of(const struct slot *slot)
{
    return slot->trouble_count < TROUBLES_MAX ? slot->trouble_count : TROUBLES_MAX;
}

bool slot_had_trouble_at(const struct slot *slot, const struct instance_id *instance)
{
    return is_among(instance, slot->trouble_at, troubles_of(slot));
}

static bool has_twin_at(const struct core *core, const struct slot *slot, uint32_t session)
{
    uint32_t index = slot->leases.head;
    while (index != NONE &&
           (core->leases[index].session != session || core->leases[index].reason != LEASE_LATE))
        index = core->leases[index].in_slot.next;
    return index != NONE;
}

void slot_note_trouble(struct core *core, uint32_t slot_index, uint32_t session)
{
    struct slot *slot = &core->slots[slot_index];
    const struct instance_id *instance = &core->sessions[session].instance;
    if (has_twin_at(core, slot, session))
        return;
    if (!is_among(instance, slot->trouble_at, troubles_of(slot)))
        slot->trouble_at[slot->trouble_count++ % TROUBLES_MAX] = *instance;
}

/* Whether somebody could work who is not to be avoided, now or as soon as there is credit. */
static bool others_are_able(const struct core *core, const struct avoided *avoided)
{
    uint32_t able = 0;
    for (uint32_t i = 0; i < avoided->count; i++) {
        uint32_t session = session_find(core, &avoided->list[i]);
        able += session != NONE && core->sessions[session].able;
    }
    return core->able_count > able;
}

/* Whom to take first among those that would do; each member may be NULL. */
struct preference {
    const char *numeric;    /* of this class: only its bits can be compared */
    const char *other_host; /* not on this one */
};

enum { PREFERRED_HOST = 1, PREFERRED_CLASS = 2, PREFERRED_MOST = 3 };

static int rank_of(const struct session *session, struct preference preference)
{
    int rank = 0;
    if (preference.numeric == NULL || strcmp(session->numeric, preference.numeric) == 0)
        rank += PREFERRED_CLASS;
    if (preference.other_host == NULL || strcmp(session->host, preference.other_host) != 0)
        rank += PREFERRED_HOST;
    return rank;
}

/* Of those with credit that are not to be avoided the first of the highest rank; or NONE. */
static uint32_t session_not_avoided(const struct core *core, const struct avoided *avoided,
                                    struct preference preference)
{
    uint32_t session = credit_first(core), best = NONE;
    int best_rank = -1;
    for (uint32_t i = 0; session != NONE && i < OTHERS_TRIED && best_rank < PREFERRED_MOST; i++) {
        const struct session *candidate = &core->sessions[session];
        int rank = rank_of(candidate, preference);
        if (rank > best_rank && !is_among(&candidate->instance, avoided->list, avoided->count)) {
            best = session;
            best_rank = rank;
        }
        session = credit_next(core, session);
    }
    return best;
}

/*
 * Who is to give an opinion. The first one: best somebody of the same numeric class on another
 * host, else somebody else, else whoever is free; a busy host is not waited for, since an opinion
 * late is a commit late. In a dispute, and after trouble, whoever has not spoken is waited for;
 * then whoever contradicted, who may contradict itself. The holder's own word settles no dispute
 * while somebody may be back in a moment, so it is not asked for then.
 */
static uint32_t session_for_opinion(const struct core *core, const struct slot *slot)
{
    struct avoided holder = {.count = 0};
    avoid(&holder, &slot->holder);
    struct avoided all = holder;
    for (uint32_t i = 0; i < slot->opinion_count; i++)
        avoid(&all, &slot->opinion_by[i]);
    for (uint32_t i = 0; i < troubles_of(slot); i++)
        avoid(&all, &slot->trouble_at[i]);
    bool patient = slot->opinion_count > 0 || slot->trouble_count > 0;
    uint32_t session =
        session_not_avoided(core, &all, (struct preference){slot->numeric, slot->host});
    if (session != NONE || (patient && others_are_able(core, &all)))
        return session;
    session = session_not_avoided(core, &holder, (struct preference){.numeric = slot->numeric});
    if (session != NONE || (patient && others_are_able(core, &holder)))
        return session;
    const struct group *group = group_of(core, slot->numeric);
    bool disputed = slot->opinion_count > 0;
    return disputed && group != NULL && group->silent > 0 ? NONE : credit_first(core);
}

/* After trouble, a worker where there was none: it is waited for while there is one. */
static uint32_t session_for_job(const struct core *core, const struct slot *slot)
{
    struct avoided avoided = {.count = 0};
    for (uint32_t i = 0; i < troubles_of(slot); i++)
        avoid(&avoided, &slot->trouble_at[i]);
    uint32_t session = session_not_avoided(core, &avoided, (struct preference){0});
    if (session != NONE || others_are_able(core, &avoided))
        return session;
    return credit_first(core);
}

uint32_t leases_choose(const struct core *core, const struct slot *slot)
{
    if (slot_is_plain(slot))
        return window_match(core).session;
    if (slot->state != SLOT_HELD)
        return session_for_job(core, slot);
    return slot->opinion_reason == LEASE_AUDIT ? audit_choose(core, slot)
                                               : session_for_opinion(core, slot);
}

static enum lease_reason reason_for(const struct slot *slot)
{
    if (slot->state == SLOT_HELD)
        return slot->opinion_reason;
    return slot->attempts == 0 ? LEASE_FIRST : LEASE_RETRY;
}

void lease_give(struct core *core, uint32_t slot_index, uint32_t session_index,
                enum lease_reason reason)
{
    struct slot *slot = &core->slots[slot_index];
    struct session *session = &core->sessions[session_index];
    bool opinion = slot->state == SLOT_HELD;
    waiting_remove(core, slot_index);
    slot->attempts++;
    core->counters.attempts++;
    struct lease_key key = {
        .job = slot->job.key,
        .epoch = core->config.epoch,
        .attempt = slot->attempts,
    };
    lease_add(core, slot_index, session_index, &key, reason);
    if (opinion) {
        slot->opinion = OPINION_LEASED;
        slot->opinions++;
    } else {
        slot->state = SLOT_LEASED;
    }
    struct message *message = effect_send(core, &session->instance, MESSAGE_LEASE);
    if (message == NULL)
        return;
    message->lease.key = key;
    message->lease.reason = reason;
    message->lease.partial = handover_for(core, slot_index, session_index);
    message->lease.job = reason == LEASE_PROMISING ? opinion_job(slot) : slot->job;
}

void leases_dispatch(struct core *core)
{
    core->leases_cut = false;
    if (core->now_ms < core->dispatch_from_ms)
        return;
    uint32_t parked = NONE, parked_count = 0, leased = 0;
    while (core->heap_count > 0 && leased < LEASES_PER_STEP && parked_count < PARKED_PER_STEP) {
        credit_settle(core);
        if (credit_first(core) == NONE)
            break;
        struct match match = {core->heap[0], NONE};
        if (audit_is_orphan(core, &core->slots[match.slot])) {
            result_drop(core, match.slot);
            leased++; /* an effect, as a lease is */
            continue;
        }
        if (slot_is_plain(&core->slots[match.slot])) {
            match = window_match(core);
            if (match.session == NONE)
                break; /* those with room could only delay */
        } else {
            match.session = leases_choose(core, &core->slots[match.slot]);
        }
        if (match.session != NONE) {
            lease_give(core, match.slot, match.session, reason_for(&core->slots[match.slot]));
            leased++;
            continue;
        }
        waiting_remove(core, match.slot);
        core->slots[match.slot].next_parked = parked;
        parked = match.slot;
        parked_count++;
    }
    core->leases_cut = leased == LEASES_PER_STEP;
    for (; parked != NONE; parked = core->slots[parked].next_parked)
        waiting_add(core, parked);
    if (!core->leases_cut)
        twins_dispatch(core);
}
