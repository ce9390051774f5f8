/*
 * explain.c: see explain.h.
 *
 * Each answer is read off the same tables, and where it can be by the same functions, as the
 * decision that it explains: what is told here and what is done in leases.c, commits.c and lines.c
 * must not drift apart.
 */
#include "coordinator/core/explain.h"
#include "coordinator/core/core_internal.h"

#include <string.h>

/* ------------------------------------------------------------------------------------ workers */

static bool is_ready(const struct session *session)
{
    return session->state == SESSION_READY && !session->benched && !session->draining;
}

static uint64_t silence_of(const struct core *core, const struct session *session)
{
    return core->live_ms - session->heard_ms;
}

static struct worker_tag tag_of(const struct core *core, const struct instance_id *instance)
{
    struct worker_tag tag = {.instance = *instance};
    uint32_t index = session_find(core, instance);
    if (index == NONE)
        return tag;
    tag.joined = true;
    memcpy(tag.name, core->sessions[index].name, sizeof tag.name);
    memcpy(tag.host, core->sessions[index].host, sizeof tag.host);
    return tag;
}

struct crowd core_crowd(const struct core *core)
{
    struct crowd crowd = {.joined = core->session_count, .waiting = core->heap_count};
    for (uint32_t i = core->by_silence.head; i != NONE; i = core->sessions[i].by_silence.next) {
        const struct session *session = &core->sessions[i];
        crowd.benched += session->benched;
        crowd.suspect += !session->benched && session->state == SESSION_SUSPECT;
        crowd.draining += !session->benched && session->state == SESSION_READY && session->draining;
        if (!is_ready(session))
            continue;
        crowd.ready++;
        crowd.full += session->capacity == 0;
        crowd.slots += session->slots;
        if (session->lease_count >= session->slots)
            continue;
        crowd.slots_idle += session->slots - session->lease_count;
        if (session->in_credit && window_is_closed_to(core, i))
            crowd.slots_slow += session->slots - session->lease_count;
    }
    return crowd;
}

uint32_t core_lost_ms(const struct core *core)
{
    return core->config.lost_ms;
}

static bool restarts(const struct core *core)
{
    return core->now_ms < core->dispatch_from_ms;
}

/* --------------------------------------------------------------------------------------- lines */

static enum line_stage stage_of_line(const struct line *line)
{
    switch (line->state) {
    case LINE_OPEN:
        return LINE_IS_OPEN;
    case LINE_CLOSED:
        return LINE_IS_CLOSED;
    case LINE_STALLED:
        return LINE_IS_STALLED;
    case LINE_UNOPENED:
        break;
    }
    return LINE_IS_WAITING;
}

static enum creation_hold hold_of_line(const struct place *place)
{
    if (place->finalising)
        return CREATION_FINAL;
    if (place->ended || place->next_job >= place->config.jobs)
        return CREATION_OVER;
    return place->in_flight >= place->config.lookahead ? CREATION_WINDOW : CREATION_STRATEGY;
}

static void count_slot(const struct slot *slot, struct line_explanation *explained)
{
    explained->waiting += slot->state == SLOT_WAITING;
    explained->leased += slot->state == SLOT_LEASED;
    explained->held += slot->state == SLOT_HELD;
    explained->quarantined += slot->state == SLOT_QUARANTINED;
    if (slot->state != SLOT_BEYOND && !explained->has_oldest) {
        explained->has_oldest = true;
        explained->oldest = slot->job.key;
    }
}

bool core_explain_line(const struct core *core, uint32_t number, struct line_explanation *explained)
{
    *explained = (struct line_explanation){.line = number};
    if (number >= core->config.line_count)
        return false;
    const struct line *line = &core->lines[number];
    explained->stage = stage_of_line(line);
    explained->commits = line->commits;
    if (line->state != LINE_OPEN)
        return true;
    const struct place *place = &core->places[line->place];
    explained->hold = hold_of_line(place);
    explained->next_commit = place->next_commit;
    explained->jobs = place->config.jobs;
    explained->lookahead = place->config.lookahead;
    explained->in_flight = place->in_flight;
    /* In the order of their creation. */
    for (uint32_t i = place->slots.head; i != NONE; i = core->slots[i].in_place.next)
        count_slot(&core->slots[i], explained);
    return true;
}

uint32_t core_open_lines(const struct core *core, uint32_t *lines, uint32_t max)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < core->config.line_count && count < max; i++)
        if (core->lines[i].state == LINE_OPEN)
            lines[count++] = i;
    return count;
}

/* ---------------------------------------------------------------------------------------- jobs */

static struct lease_explanation lease_told(const struct core *core, uint32_t index)
{
    const struct lease_entry *lease = &core->leases[index];
    const struct session *session = &core->sessions[lease->session];
    return (struct lease_explanation){
        .job = lease->key.job,
        .worker = tag_of(core, &session->instance),
        .worker_state = session_state_name(session),
        .worker_silent_ms = silence_of(core, session),
        .reason = lease->reason,
        .attempt = lease->key.attempt,
        .phase = lease->phase,
        .since_ms = core->now_ms - lease->since_ms,
    };
}

static enum worker_wait wait_of(const struct core *core, const struct slot *slot)
{
    struct crowd crowd = core_crowd(core);
    if (restarts(core))
        return WAIT_RESTART;
    if (crowd.joined == 0)
        return WAIT_NOBODY;
    if (crowd.ready == 0)
        return WAIT_SILENT;
    if (crowd.full == crowd.ready)
        return WAIT_ROOM;
    if (credit_first(core) == NONE)
        return WAIT_BUSY;
    if (leases_choose(core, slot) != NONE)
        return WAIT_MOMENT;
    return slot_is_plain(slot) ? WAIT_FASTER : WAIT_OTHERS;
}

static void explain_wait(const struct core *core, const struct slot *slot,
                         struct job_explanation *explained)
{
    explained->worker_wait = wait_of(core, slot);
    if (restarts(core))
        explained->restart_ms = core->dispatch_from_ms - core->now_ms;
    for (uint32_t i = 0; i < core->heap_count; i++)
        explained->ahead += core->slots[core->heap[i]].order < slot->order;
}

static enum commit_wait commit_wait_of(const struct core *core, const struct slot *slot)
{
    if (slot->opinion == OPINION_WAITING || slot->opinion == OPINION_LEASED)
        return slot->opinion_reason == LEASE_AUDIT ? COMMIT_AUDIT : COMMIT_OPINION;
    if (slot->waits_for_blob)
        return COMMIT_BYTES;
    return slot_is_next(core, slot) ? COMMIT_MOMENT : COMMIT_TURN;
}

static void explain_result(const struct core *core, const struct slot *slot,
                           struct job_explanation *explained)
{
    explained->commit_wait = commit_wait_of(core, slot);
    explained->its_turn = slot_is_next(core, slot);
    explained->outcome = slot->outcome;
    explained->fitness = slot->fitness;
    explained->child_bytes = slot->child_bytes;
    explained->contradictions = slot->opinion_count + audit_contradictions(slot);
    explained->holder = tag_of(core, &slot->holder);
    memcpy(explained->worker, slot->worker, sizeof explained->worker);
    memcpy(explained->host, slot->host, sizeof explained->host);
    if (slot->opinion == OPINION_WAITING)
        explain_wait(core, slot, explained);
}

static void explain_history(const struct core *core, const struct slot *slot,
                            struct job_explanation *explained)
{
    explained->age_ms = core->now_ms - slot->created_ms;
    explained->attempts = slot->attempts - slot->opinions;
    explained->opinions = slot->opinions;
    explained->deaths = slot->deaths;
    explained->failures = slot->failures;
    explained->partial_steps = slot->partial.steps;
    uint32_t troubles = slot->trouble_count < TROUBLES_MAX ? slot->trouble_count : TROUBLES_MAX;
    for (uint32_t i = 0; i < troubles && i < EXPLAINED_TROUBLES_MAX; i++)
        explained->troubles[explained->trouble_count++] = tag_of(core, &slot->trouble_at[i]);
    for (uint32_t i = slot->leases.head; i != NONE && explained->lease_count < EXPLAINED_LEASES_MAX;
         i = core->leases[i].in_slot.next)
        explained->leases[explained->lease_count++] = lease_told(core, i);
}

static enum job_stage stage_of_slot(const struct slot *slot)
{
    switch (slot->state) {
    case SLOT_WAITING:
        return JOB_IS_WAITING;
    case SLOT_LEASED:
        return JOB_IS_LEASED;
    case SLOT_HELD:
        return JOB_IS_HELD;
    case SLOT_QUARANTINED:
        return JOB_IS_QUARANTINED;
    case SLOT_BEYOND:
        return JOB_IS_BEYOND;
    case SLOT_FREE:
        break;
    }
    return JOB_IS_UNKNOWN;
}

/* Of a job that is not in flight. */
static enum job_stage stage_elsewhere(const struct core *core, struct job_key job)
{
    if (job.line >= core->config.line_count)
        return JOB_IS_UNKNOWN;
    const struct line *line = &core->lines[job.line];
    if (line->state == LINE_UNOPENED)
        return JOB_IS_LINE_WAITING;
    if (line->state != LINE_OPEN)
        return JOB_IS_OVER;
    const struct place *place = &core->places[line->place];
    if (job.job == JOB_NUMBER_FINAL)
        return core->config.final_evaluation ? JOB_IS_NOT_CREATED : JOB_IS_UNKNOWN;
    if (job.job < place->next_job)
        return JOB_IS_OVER;
    return place->ended || job.job >= place->config.jobs ? JOB_IS_BEYOND : JOB_IS_NOT_CREATED;
}

void core_explain_job(const struct core *core, struct job_key job,
                      struct job_explanation *explained)
{
    *explained = (struct job_explanation){.job = job};
    uint32_t index = fixed_map_find(core->by_job, slot_key(job));
    if (index == FIXED_MAP_NONE) {
        explained->stage = stage_elsewhere(core, job);
        return;
    }
    const struct slot *slot = &core->slots[index];
    explained->stage = stage_of_slot(slot);
    if (slot->state == SLOT_BEYOND)
        return;
    explain_history(core, slot, explained);
    if (slot->state == SLOT_WAITING)
        explain_wait(core, slot, explained);
    if (slot->state == SLOT_HELD)
        explain_result(core, slot, explained);
}

/* ---------------------------------------------------------------------------- single workers */

enum { INSTANCE_DIGITS_LEAST = 4 };

static bool begins_with(const struct instance_id *instance, const char *digits)
{
    static const char hex[] = "0123456789abcdef";
    size_t count = strlen(digits);
    if (count < INSTANCE_DIGITS_LEAST || count > 2 * sizeof instance->bytes)
        return false;
    for (size_t i = 0; i < count; i++) {
        unsigned byte = instance->bytes[i / 2];
        if (digits[i] != hex[i % 2 == 0 ? byte >> 4 : byte & 15])
            return false;
    }
    return true;
}

uint32_t core_find_workers(const struct core *core, const char *name, struct instance_id *found,
                           uint32_t max)
{
    uint32_t count = 0;
    for (uint32_t i = core->by_silence.head; i != NONE && count < max;
         i = core->sessions[i].by_silence.next) {
        const struct session *session = &core->sessions[i];
        if (strcmp(session->name, name) == 0 || begins_with(&session->instance, name))
            found[count++] = session->instance;
    }
    return count;
}

/* Whether one of the waiting jobs would go to whoever has credit now. */
static bool somebody_is_chosen(const struct core *core)
{
    for (uint32_t i = 0; i < core->heap_count; i++)
        if (leases_choose(core, &core->slots[core->heap[i]]) != NONE)
            return true;
    return false;
}

/* It is too slow for the window as it is; not when faster ones have nothing to do, either. */
static bool would_delay(const struct core *core, const struct session *session)
{
    uint32_t first = credit_first_known(core);
    if (first == NONE || !window_is_closed_to(core, (uint32_t)(session - core->sessions)))
        return false;
    return core->heap_count > 0 || core->sessions[first].lease_count > 0 ||
           &core->sessions[first] == session;
}

static enum worker_hold hold_of_worker(const struct core *core, const struct session *session)
{
    if (session->benched)
        return WORKER_IS_BENCHED;
    if (session->state == SESSION_SUSPECT)
        return WORKER_IS_SUSPECT;
    if (session->draining)
        return WORKER_IS_DRAINING;
    if (session->lease_count >= session->slots)
        return WORKER_HAS_ENOUGH;
    if (session->capacity == 0)
        return WORKER_TAKES_NONE;
    if (!session->in_credit)
        return WORKER_HAS_ENOUGH;
    if (restarts(core))
        return WORKER_RESTART;
    if (would_delay(core, session))
        return WORKER_WOULD_DELAY;
    if (core->heap_count == 0)
        return WORKER_NO_JOBS;
    return somebody_is_chosen(core) ? WORKER_MOMENT : WORKER_AVOIDED;
}

static uint32_t results_kept_by(const struct core *core, const struct instance_id *instance)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < core->slot_capacity; i++)
        kept +=
            core->slots[i].state == SLOT_HELD && instance_equal(&core->slots[i].holder, instance);
    return kept;
}

bool core_explain_worker(const struct core *core, const struct instance_id *instance,
                         struct worker_explanation *explained)
{
    *explained = (struct worker_explanation){.worker = tag_of(core, instance)};
    uint32_t index = session_find(core, instance);
    if (index == NONE)
        return false;
    const struct session *session = &core->sessions[index];
    memcpy(explained->numeric, session->numeric, sizeof explained->numeric);
    explained->state = session_state_name(session);
    explained->hold = hold_of_worker(core, session);
    explained->slots = session->slots;
    explained->capacity = session->capacity;
    explained->leases = session->lease_count;
    explained->done = session->done;
    explained->silent_ms = silence_of(core, session);
    explained->job_ms = speed_told_ms(session);
    explained->kept = results_kept_by(core, instance);
    for (uint32_t i = session->leases.head; i != NONE; i = core->leases[i].in_session.next) {
        explained->running += core->leases[i].phase == HELD_RUNNING;
        explained->queued += core->leases[i].phase == HELD_QUEUED;
        if (explained->lease_count < EXPLAINED_LEASES_MAX)
            explained->lease[explained->lease_count++] = lease_told(core, i);
    }
    return true;
}

/* ----------------------------------------------------------------------------------------- run */

/* Slots are idle and no job waits: what would make jobs? A line at its end makes none any more. */
static enum run_hold hold_of_lines(const struct core *core)
{
    enum run_hold hold = RUN_ENDS;
    for (uint32_t i = 0; i < core->place_count; i++) {
        if (!core->places[i].used)
            continue;
        enum creation_hold line = hold_of_line(&core->places[i]);
        if (line == CREATION_WINDOW)
            return RUN_WINDOW;
        if (line == CREATION_STRATEGY)
            hold = RUN_STRATEGY;
    }
    return hold;
}

enum run_hold core_explain_run(const struct core *core)
{
    struct crowd crowd = core_crowd(core);
    if (core->finished || lines_all_over(core))
        return RUN_IS_OVER;
    if (restarts(core) && crowd.waiting > 0)
        return RUN_RESTART;
    if (crowd.joined == 0)
        return RUN_NOBODY;
    if (crowd.ready == 0)
        return RUN_SILENT;
    if (crowd.slots_idle == 0)
        return RUN_COMPUTES;
    if (crowd.full == crowd.ready)
        return RUN_ROOM;
    if (crowd.slots_idle == crowd.slots_slow)
        return RUN_DELAYS;
    if (crowd.waiting == 0)
        return hold_of_lines(core);
    return credit_first(core) != NONE && !somebody_is_chosen(core) ? RUN_AVOIDS : RUN_MOMENT;
}
