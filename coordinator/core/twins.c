/*
 * twins.c: a second lease for the job that holds its line up.
 *
 * When a worker has room, no job that waits is for it, and the oldest job of a line is with
 * somebody who will be done with it clearly later than the other would be, that job goes to both.
 * The first result wins; the other lease is released. Jobs behind the oldest one are looked at only
 * when that one is in trouble: otherwise they hold nobody up.
 *
 * A lease is late when its job runs for half as long again as was to be expected. From then on the
 * best guess is that it will take as long again as it has taken so far. In an ordered run, where
 * the window waits for the job, and at the end of a line, a prediction that the other one beats is
 * enough; elsewhere in arrival mode it must be late.
 *
 * A twin says nothing about its job: whatever becomes of it is neither trouble nor poison.
 *
 * An opinion has no twin, as each voice counts: one that is late is taken back and asked of
 * somebody else. It should take much less than a job; each time it is given longer.
 */
#include "coordinator/core/core_internal.h"

enum {
    TWINS_MAX = 4,     /* of a job in its life; two at a time at most */
    TWIN_AGE_MS = 100, /* to start a job elsewhere costs a moment as well */
    PLACES_PER_STEP = 64,
    SLOTS_PER_PLACE = 64,
    TWINS_PER_STEP = 64, /* and opinions taken back; then the next step goes on */
    WORKERS_TRIED = 8,
    OPINION_JOBS = 3,  /* an opinion that takes as long as so many jobs is late, */
    OPINION_MS = 1000, /* and as long as this */
    DOUBT = 2,         /* factor for a worker that was never seen to finish a job, */
    DOUBT_LARGE = 64,  /* and where there are others that were, and will be free some time */
};

static const uint64_t BLIND_US = 60000000;

/* What a lease is expected to take from now on. */
struct rest {
    uint64_t us;
    bool late;
    uint64_t late_us; /* in so long it would be late; 0: it is */
};

static struct rest rest_of_running(uint64_t age_us, uint64_t usual_us)
{
    uint64_t late_us = usual_us + usual_us / 2;
    if (age_us >= late_us)
        return (struct rest){.us = age_us, .late = true};
    return (struct rest){
        .us = usual_us > age_us ? usual_us - age_us : 0,
        .late_us = late_us - age_us,
    };
}

/*
 * A worker of unknown speed is assumed to be as fast as the other one (`other_us`) until it is
 * late. What waits for a slot there takes the rest of what runs, and then its own time.
 */
static struct rest rest_of(const struct core *core, const struct lease_entry *lease,
                           uint64_t other_us)
{
    const struct session *session = &core->sessions[lease->session];
    uint32_t kind = core->places[core->slots[lease->slot].place].kind;
    uint64_t usual_us = lease->measures ? other_us : speed_usual_us(core, lease->session, kind);
    if (lease->runs)
        return rest_of_running(speed_age_us(core, lease), usual_us);
    const struct lease_entry *running = &core->leases[session->leases.head];
    struct rest rest = rest_of_running(speed_age_us(core, running), usual_us);
    rest.us += lease->measures ? other_us : speed_pace_us(core, lease->session, kind);
    return rest;
}

/* ------------------------------------------------------------------------------------ who, when
 */

/* What another worker would need for the job, and usually needs for one. */
struct offer {
    uint64_t finish_us, usual_us;
};

static bool somebody_else_is_trusted(const struct core *core, const struct lease_entry *lease)
{
    uint32_t own = speed_is_trusted(&core->sessions[lease->session].speed) &&
                   core->sessions[lease->session].able;
    return core->speeds.trusted_count > own;
}

/*
 * Of a worker of which nothing is known the best guess is what the one that is late needs; where
 * that is not known either, a long time. Such guesses are doubted: with the twin the job is with
 * two workers, and no third one can help.
 */
static struct offer offer_of(const struct core *core, const struct lease_entry *lease,
                             uint32_t session)
{
    const struct speed *speed = &core->sessions[session].speed;
    uint32_t kind = core->places[core->slots[lease->slot].place].kind;
    struct offer offer = {
        .finish_us = speed_finish_us(core, session, kind),
        .usual_us = speed_usual_us(core, session, kind),
    };
    if (speed->slowness == 0) {
        offer.usual_us = speed_usual_us(core, lease->session, kind);
        offer.usual_us = offer.usual_us > 0 ? offer.usual_us : BLIND_US;
        offer.finish_us = offer.usual_us;
    }
    if (!speed_is_trusted(speed))
        offer.finish_us *= somebody_else_is_trusted(core, lease) ? DOUBT_LARGE : DOUBT;
    return offer;
}

/* Nothing goes on without the job: the window is behind it, or nothing else is to come. */
static bool is_waited_for(const struct core *core, const struct slot *slot)
{
    const struct place *place = &core->places[slot->place];
    return core->config.mode == COMMIT_ORDERED || place->ended ||
           place->next_job >= place->config.jobs;
}

/* At the latest; events may come earlier. */
static void ask_again_in(struct core *core, uint64_t us)
{
    uint64_t at = core->now_ms + us / 1000 + 1;
    core->twin_at = at < core->twin_at ? at : core->twin_at;
}

/* Whether the session should do it as well; if not yet, `core->twin_at` says when to ask again. */
static bool is_worth_it(struct core *core, const struct lease_entry *lease, uint32_t session)
{
    struct offer offer = offer_of(core, lease, session);
    uint64_t needed_us = offer.finish_us + offer.finish_us / 4;
    struct rest rest = rest_of(core, lease, offer.usual_us);
    uint64_t age_ms = core->live_ms - lease->since_live_ms;
    if ((rest.late || is_waited_for(core, &core->slots[lease->slot])) && age_ms >= TWIN_AGE_MS &&
        rest.us >= needed_us)
        return true;
    uint64_t wait_us = rest.late && needed_us > rest.us ? needed_us - rest.us : rest.late_us;
    uint64_t young_us = age_ms < TWIN_AGE_MS ? (TWIN_AGE_MS - age_ms) * 1000 : 0;
    ask_again_in(core, wait_us > young_us ? wait_us : young_us);
    return false;
}

/* The first of those with room that has not got the job and had no trouble with it; or NONE. */
static uint32_t session_for_twin(const struct core *core, const struct slot *slot)
{
    uint32_t session = credit_first(core);
    for (uint32_t i = 0; i < WORKERS_TRIED && session != NONE; i++) {
        if (core->leases[slot->leases.head].session != session &&
            !slot_had_trouble_at(slot, &core->sessions[session].instance))
            return session;
        session = credit_next(core, session);
    }
    return NONE;
}

static bool twin_one(struct core *core, uint32_t index, uint32_t *budget)
{
    struct slot *slot = &core->slots[index];
    const struct lease_entry *lease = &core->leases[slot->leases.head];
    if (lease->in_slot.next != NONE)
        return true; /* it has one */
    if (slot->twins >= TWINS_MAX)
        return false;
    uint32_t session = session_for_twin(core, slot);
    if (session == NONE || !is_worth_it(core, lease, session))
        return false;
    slot->twins++;
    --*budget;
    lease_give(core, index, session, LEASE_LATE);
    return true;
}

static void take_back_late_opinion(struct core *core, uint32_t index, uint32_t *budget)
{
    struct slot *slot = &core->slots[index];
    if (slot->opinion != OPINION_LEASED || slot->leases.head == NONE || slot->twins >= TWINS_MAX)
        return;
    const struct lease_entry *lease = &core->leases[slot->leases.head];
    const struct session *session = &core->sessions[lease->session];
    uint64_t usual_us = speed_usual_us(core, lease->session, core->places[slot->place].kind);
    uint64_t limit_us = (usual_us > 0 ? usual_us : BLIND_US) * OPINION_JOBS + OPINION_MS * 1000;
    uint64_t age_us = speed_age_us(core, &core->leases[session->leases.head]);
    limit_us <<= slot->twins;
    if (age_us < limit_us) {
        ask_again_in(core, limit_us - age_us);
        return;
    }
    if (session_for_twin(core, slot) == NONE)
        return;
    slot->twins++;
    --*budget;
    effect_verdict(core, &session->instance, &lease->key, VERDICT_RELEASED);
    slot_note_trouble(core, index, lease->session);
    lease_lost(core, slot->leases.head);
    core->leases_cut = true; /* the next step hands it out */
}

/* It chooses its worker, and whom it chose is busy: with what may never end. */
static bool waits_for_somebody(const struct slot *slot)
{
    return (slot->state == SLOT_WAITING && !slot_is_plain(slot)) ||
           (slot->state == SLOT_HELD && slot->opinion == OPINION_WAITING);
}

/* From the oldest job on, as long as those that are not done get twins or wait for somebody. */
static void look_at(struct core *core, const struct place *place, uint32_t *budget)
{
    uint32_t index = place->slots.head;
    for (uint32_t i = 0; i < SLOTS_PER_PLACE && index != NONE && *budget > 0; i++) {
        const struct slot *slot = &core->slots[index];
        if (slot->state == SLOT_HELD)
            take_back_late_opinion(core, index, budget);
        bool done = slot->state == SLOT_HELD && (i > 0 || core->config.mode == COMMIT_ARRIVAL);
        if (!done && !waits_for_somebody(slot) &&
            (slot->state != SLOT_LEASED || !twin_one(core, index, budget)))
            return;
        index = slot->in_place.next;
    }
}

void twins_dispatch(struct core *core)
{
    uint32_t budget = TWINS_PER_STEP;
    core->twin_at = UINT64_MAX;
    uint32_t count = core->place_count < PLACES_PER_STEP ? core->place_count : PLACES_PER_STEP;
    for (uint32_t i = 0; i < count && budget > 0 && credit_first(core) != NONE; i++) {
        core->twin_place = (core->twin_place + 1) % core->place_count;
        if (core->places[core->twin_place].used)
            look_at(core, &core->places[core->twin_place], &budget);
    }
    if (budget == 0)
        core->leases_cut = true;
}
