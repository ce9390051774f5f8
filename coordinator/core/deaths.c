/*
 * deaths.c: slot processes that died, as their supervisor saw it, and which deaths count against
 * the job that ran.
 */
#include "coordinator/core/core_internal.h"

enum { SIGNAL_KILL = 9 };

/*
 * A death counts against the job only when nothing else can have caused it: the job was alone in
 * the process, and a SIGKILL came with evidence that memory was out. Of a cohort none was alone,
 * not even the last one to be done. Its jobs are given out again as LEASE_RETRY, which no worker
 * puts together with others: what then kills alone is found out.
 */
static bool counts(const struct death *death)
{
    return death->lease_count == 1 && death->cohort <= 1 &&
           (death->signal != SIGNAL_KILL || death->out_of_memory);
}

/*
 * Counts the death of an attempt, once: a copy of the message finds a lease where a heartbeat from
 * before the death came in between and took it up again. True: that was the last that is allowed.
 */
static bool is_one_too_many(struct slot *slot, const struct lease_key *attempt)
{
    for (uint32_t i = 0; i < slot->deaths; i++)
        if (lease_key_equal(slot->died[i], *attempt))
            return false;
    slot->died[slot->deaths] = *attempt;
    return ++slot->deaths == POISON_DEATHS;
}

void deaths_on_death(struct core *core, uint32_t session_index, const struct death *death)
{
    struct session *session = &core->sessions[session_index];
    core->counters.deaths++;
    struct note note = {
        .kind = NOTE_SLOT_DIED,
        .job = death->lease_count > 0 ? &death->leases[0].job : NULL,
        .instance = &session->instance,
        .log_tail = death->log_tail,
    };
    if (death->signal != 0)
        effect_note(core, note, "worker %s: slot %u died by signal %d%s", session->name,
                    death->slot, death->signal, death->out_of_memory ? ", out of memory" : "");
    else
        effect_note(core, note, "worker %s: slot %u died with exit code %d%s", session->name,
                    death->slot, death->exit_code, death->out_of_memory ? ", out of memory" : "");
    for (uint32_t i = 0; i < death->lease_count; i++) {
        uint32_t slot_index;
        if (lines_standing(core, death->leases[i].job, &slot_index) != JOB_IN_FLIGHT)
            continue;
        struct slot *slot = &core->slots[slot_index];
        uint32_t lease = lease_find_key(core, slot_index, session_index, &death->leases[i]);
        if (lease == NONE)
            continue;
        bool own = slot->state == SLOT_LEASED && core->leases[lease].reason != LEASE_LATE;
        bool audit = core->leases[lease].reason == LEASE_AUDIT;
        slot_note_trouble(core, slot_index, session_index);
        handover_forget(core, slot_index);
        lease_lost(core, lease);
        if (own && counts(death) && slot->deaths < POISON_DEATHS &&
            is_one_too_many(slot, &death->leases[i]))
            lines_poison(core, slot_index, "its slot process died three times");
        if (audit && counts(death))
            audit_on_failure(core, slot_index);
    }
}
