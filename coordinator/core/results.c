/*
 * results.c: results, and second opinions on would-be champions.
 *
 * The first result whose description is the job's is taken, whoever sends it and under whatever
 * attempt. A result that is not a function of the job (the worker could not do it) only ends the
 * attempt.
 */
#include "coordinator/core/core_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct job opinion_job(const struct slot *slot)
{
    struct job job = {
        .key = slot->job.key,
        .kind = JOB_EVALUATE,
        .slices = slot->job.slices | SLICE_CONFIRM,
        .seed = slot->job.seed,
        .stream = slot->job.stream,
        .spec = slot->job.spec,
        .data = slot->job.data,
        .parent_count = 1,
        .parents = {slot->child},
    };
    return job;
}

static void clear_opinion(struct core *core, uint32_t slot_index)
{
    struct slot *slot = &core->slots[slot_index];
    if (slot->state == SLOT_HELD)
        waiting_remove(core, slot_index);
    slot->opinion = OPINION_NONE;
    slot->opinion_count = 0;
}

void result_drop(struct core *core, uint32_t slot_index)
{
    struct slot *slot = &core->slots[slot_index];
    assert(slot->state == SLOT_HELD);
    leases_end(core, slot_index, NONE);
    clear_opinion(core, slot_index);
    receipt_settle(core, slot_index);
    blob_stop_waiting(core, slot_index);
    if (slot->child_blob != NONE) {
        uint32_t blob = slot->child_blob;
        slot->child_blob = NONE;
        blob_release(core, blob);
    }
    if (slot->held_under.attempt > 0) /* somebody sent it: see lines_fail() */
        effect_verdict(core, &slot->holder, &slot->held_under, VERDICT_RELEASED);
    slot->state = SLOT_WAITING;
    waiting_add(core, slot_index);
}

/* -------------------------------------------------------------------------------- failed attempts
 */

const char *result_fault(const struct core *core, const struct slot *slot,
                         const struct result *result)
{
    if (result->outcome == OUTCOME_FAILED)
        return result->reason[0] != '\0' ? result->reason : "failed without a reason";
    bool child = result->child_bytes > 0;
    if (slot->job.kind == JOB_EVALUATE && child)
        return "an evaluation made a child";
    if (slot->job.kind == JOB_MUTATE && result->outcome == OUTCOME_OK && !child)
        return "the result has no child";
    if (child && blob_conflicts(core, &result->child))
        return "the child's digest imitates another's";
    return NULL;
}

/* Whether this attempt's failure has been counted; if not, it will have been from now on. */
static bool was_counted(struct slot *slot, const struct lease_key *key)
{
    for (uint32_t i = 0; i < slot->failures && i < FAILURES_MAX; i++)
        if (lease_key_equal(slot->failed[i], *key))
            return true;
    if (slot->failures < FAILURES_MAX)
        slot->failed[slot->failures] = *key;
    return false;
}

/*
 * The attempt ends; the third such end is poison. A copy of a failure, or one of an attempt that
 * was taken back, has no lease and counts for nothing; nor does a copy whose lease was taken up
 * again, because a heartbeat from before the failure came behind it.
 */
static void attempt_failed(struct core *core, uint32_t slot_index, uint32_t session_index,
                           const struct result *result, const char *reason)
{
    struct slot *slot = &core->slots[slot_index];
    struct session *session = &core->sessions[session_index];
    uint32_t lease = lease_find_key(core, slot_index, session_index, &result->lease);
    if (lease == NONE)
        return;
    struct note note = {
        .kind = NOTE_ATTEMPT_FAILED,
        .job = &slot->job.key,
        .instance = &session->instance,
    };
    effect_note(core, note, "worker %s: %s", session->name, reason);
    bool twin = core->leases[lease].reason == LEASE_LATE;
    slot_note_trouble(core, slot_index, session_index);
    handover_forget(core, slot_index); /* it may have been that which failed */
    lease_lost(core, lease);
    if (!twin && !was_counted(slot, &result->lease) && ++slot->failures >= FAILURES_MAX)
        lines_poison(core, slot_index, reason);
}

/* ------------------------------------------------------------------------------- second opinions
 */

static bool would_be_champion(const struct core *core, const struct slot *slot)
{
    const struct line *line = &core->lines[core->places[slot->place].line];
    return !line->has_champion || fitness_better(slot->fitness, line->champion.fitness);
}

static bool opinion_prepare(struct core *core, uint32_t slot_index)
{
    struct slot *slot = &core->slots[slot_index];
    if (!core->config.opinion_promising || !would_be_champion(core, slot))
        return true; /* the audit of a job, if there was one, serves as its opinion, too */
    if (slot->opinion == OPINION_NONE) {
        struct job job = opinion_job(slot);
        slot->opinion_description = job_digest(&job);
        slot->opinion_reason = LEASE_PROMISING;
        slot->opinion = OPINION_WAITING;
        core->counters.opinions++;
        waiting_add(core, slot_index);
    }
    return slot->opinion == OPINION_AGREED;
}

/* What a benched worker left behind and nobody has confirmed is made anew, by somebody else. */
static bool is_discredited(const struct core *core, const struct slot *slot)
{
    uint32_t holder = session_find(core, &slot->holder);
    return slot->outcome != OUTCOME_FAILED && slot->opinion != OPINION_AGREED && holder != NONE &&
           core->sessions[holder].benched;
}

bool result_prepare(struct core *core, uint32_t slot_index)
{
    struct slot *slot = &core->slots[slot_index];
    if (is_discredited(core, slot)) {
        result_drop(core, slot_index);
        return false;
    }
    if (!audit_prepare(core, slot_index))
        return false;
    if (slot->job.kind != JOB_MUTATE)
        return true;
    struct candidate candidate = slot_candidate(core, slot_index);
    const struct place *place = &core->places[slot->place];
    if (!place->config.search.strategy->judge(place->strategy, &candidate))
        return true;
    if (slot->child_blob == NONE && blob_conflicts(core, &slot->child)) {
        result_drop(core, slot_index); /* it was no imitation when it came: see result_fault() */
        if (++slot->failures >= FAILURES_MAX)
            lines_poison(core, slot_index, "its child's digest imitates another's");
        return false;
    }
    blob_want(core, slot_index);
    if (core->blobs[slot->child_blob].state != BLOB_STORED)
        return false;
    return opinion_prepare(core, slot_index);
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Somebody else can be asked, now or (of the result's class) in a moment. */
static bool somebody_can_judge(const struct core *core, const struct slot *slot)
{
    const struct group *group = group_of(core, slot->numeric);
    uint32_t holder = session_find(core, &slot->holder);
    uint32_t own = holder != NONE && core->sessions[holder].able;
    return core->able_count > own || (group != NULL && group->silent > 0);
}

/*
 * The opinion agrees with the result: those who said otherwise are wrong, whoever changed its mind
 * among them. In a dispute the holder's own word counts for nothing while there is anybody else to
 * ask: one that is leaving or has no room for work cannot be.
 */
static void opinion_agrees(struct core *core, uint32_t slot_index, const struct instance_id *by)
{
    struct slot *slot = &core->slots[slot_index];
    bool disputed = slot->opinion_count > 0;
    if (disputed && instance_equal(by, &slot->holder) && somebody_can_judge(core, slot)) {
        slot->opinion = OPINION_WAITING;
        waiting_add(core, slot_index);
        return;
    }
    slot->opinion = OPINION_AGREED;
    if (disputed && !instance_equal(by, &slot->holder))
        session_bench(core, &slot->opinion_by[0]);
    slot_mark_ready(core, slot_index);
}

/* Two opinions on one child, both against its result: who is wrong? */
static void convict(struct core *core, const struct slot *slot, const struct instance_id *second,
                    double fitness)
{
    const struct instance_id *first = &slot->opinion_by[0];
    bool agree = bits_of(slot->opinion_fitness[0]) == bits_of(fitness);
    if (instance_equal(first, second)) {
        if (!agree)
            session_bench(core, first); /* it contradicts itself */
    } else if (agree && !instance_equal(first, &slot->holder) &&
               !instance_equal(second, &slot->holder)) {
        session_bench(core, &slot->holder);
    }
}

/*
 * The opinion contradicts the result. After the first one, a third voice is asked for; if that is
 * against the result as well, the job is done again.
 */
static void opinion_differs(struct core *core, uint32_t slot_index, const struct session *session,
                            double fitness)
{
    struct slot *slot = &core->slots[slot_index];
    struct instance_id by = session->instance;
    struct note note = {
        .kind = NOTE_OPINION_DIFFERS,
        .job = &slot->job.key,
        .instance = &by,
    };
    effect_note(core, note, "fitness %.17g by worker %s, %.17g by worker %s", slot->fitness,
                slot->worker, fitness, session->name);
    if (slot->opinion_count == 0) {
        slot->opinion_fitness[slot->opinion_count] = fitness;
        slot->opinion_by[slot->opinion_count++] = by;
        slot->opinion = OPINION_WAITING;
        waiting_add(core, slot_index);
        return;
    }
    convict(core, slot, &by, fitness);
    result_drop(core, slot_index);
    if (++slot->disputes >= DISPUTES_MAX)
        lines_quarantine(core, slot_index, "workers do not agree on its fitness");
}

/* Of the result's numeric class somebody is there who has not spoken in the dispute. */
static bool class_has_another(const struct core *core, const struct slot *slot)
{
    const struct group *group = group_of(core, slot->numeric);
    uint32_t spoken = session_find(core, &slot->holder) != NONE;
    for (uint32_t i = 0; i < slot->opinion_count; i++)
        spoken += !instance_equal(&slot->opinion_by[i], &slot->holder) &&
                  session_find(core, &slot->opinion_by[i]) != NONE;
    return group != NULL && group->joined > spoken;
}

/*
 * In arrival mode workers of several numeric classes take part, and each class has bits of its own:
 * this opinion shows that the bytes can be evaluated elsewhere, and no more. In a dispute it is no
 * voice: where only other classes are left to be asked, the job is done again, and not by the one
 * whose result is in dispute while there is anybody else.
 */
static void opinion_of_another_class(struct core *core, uint32_t slot_index, uint32_t session_index)
{
    struct slot *slot = &core->slots[slot_index];
    if (slot->opinion_count == 0) {
        slot->opinion = OPINION_AGREED;
        slot_mark_ready(core, slot_index);
        return;
    }
    if (class_has_another(core, slot)) {
        slot_note_trouble(core, slot_index, session_index);
        slot->opinion = OPINION_WAITING;
        waiting_add(core, slot_index);
    } else {
        uint32_t holder = session_find(core, &slot->holder);
        if (holder != NONE)
            slot_note_trouble(core, slot_index, holder);
        result_drop(core, slot_index);
    }
    if (++slot->disputes >= DISPUTES_MAX)
        lines_quarantine(core, slot_index, "nobody can settle the dispute on its fitness");
}

/* Another worker (or, when there is no other, the same) evaluated the child's bytes. */
static void on_opinion(struct core *core, uint32_t slot_index, uint32_t session_index,
                       const struct result *result)
{
    struct slot *slot = &core->slots[slot_index];
    struct session *session = &core->sessions[session_index];
    uint32_t lease = lease_find(core, slot_index, session_index, job_prefix(&result->job));
    effect_verdict(core, &session->instance, &result->lease, VERDICT_RELEASED);
    if (lease == NONE || slot->opinion != OPINION_LEASED)
        return;
    if (result->outcome == OUTCOME_FAILED) {
        slot_note_trouble(core, slot_index, session_index);
        lease_lost(core, lease);
        if (++slot->disputes >= DISPUTES_MAX)
            lines_quarantine(core, slot_index, "nobody can evaluate its child");
        return;
    }
    lease_free(core, lease);
    if (strcmp(session->numeric, slot->numeric) != 0)
        opinion_of_another_class(core, slot_index, session_index);
    else if (bits_of(result->fitness) == bits_of(slot->fitness))
        opinion_agrees(core, slot_index, &session->instance);
    else
        opinion_differs(core, slot_index, session, result->fitness);
}

/* ---------------------------------------------------------------------------------------- results
 */

/* `result` NULL: it has none. */
static void persist_detail(struct core *core, struct slot *slot, const struct result *result)
{
    slot->has_detail = result != NULL && result->detail_bytes > 0;
    struct core_effect *effect = effect_add(core, CORE_PERSIST_DETAIL);
    if (effect == NULL)
        return;
    effect->detail.job = slot->job.key;
    effect->detail.bytes = slot->has_detail ? result->detail_bytes : 0;
    effect->detail.detail = slot->has_detail ? result->detail : NULL;
}

void result_forget_detail(struct core *core, uint32_t slot_index)
{
    if (core->slots[slot_index].has_detail)
        persist_detail(core, &core->slots[slot_index], NULL);
}

/* One NaN for all of them, whatever payload and sign the worker's arithmetic left: the bits are
 * hashed. */
static double with_one_nan(double value)
{
    return isnan(value) ? (double)NAN : value;
}

struct result result_clean(const struct slot *slot, const struct result *result)
{
    struct result clean = *result;
    bool good = result->outcome == OUTCOME_OK &&
                (isfinite(result->fitness) || slot->job.kind == JOB_EVALUATE);
    clean.outcome = good ? OUTCOME_OK : OUTCOME_DIVERGED;
    clean.fitness = good ? with_one_nan(result->fitness) : (double)NAN;
    for (uint32_t i = 0; i < clean.metric_count; i++)
        clean.metrics[i].value = with_one_nan(result->metrics[i].value);
    return clean;
}

void result_keep(struct core *core, uint32_t slot_index, const struct session *session,
                 const struct result *result)
{
    struct slot *slot = &core->slots[slot_index];
    struct result clean = result_clean(slot, result);
    numeric_keep(core);
    handover_forget(core, slot_index);
    slot->state = SLOT_HELD;
    slot->outcome = clean.outcome;
    slot->fitness = clean.fitness;
    slot->metric_count = clean.metric_count;
    memcpy(slot->metrics, clean.metrics, clean.metric_count * sizeof slot->metrics[0]);
    slot->child = result->child;
    slot->child_bytes = result->child_bytes;
    slot->steps = result->steps;
    /* Its share of what its slot was busy for: people add these up. */
    slot->compute_ms = result->compute_ms / (result->cohort > 0 ? result->cohort : 1);
    memcpy(slot->worker, session->name, sizeof slot->worker);
    memcpy(slot->host, session->host, sizeof slot->host);
    memcpy(slot->numeric, session->numeric, sizeof slot->numeric);
    slot->holder = session->instance;
    slot->held_under = result->lease;
    slot->opinion = OPINION_NONE;
    slot->opinion_count = 0;
    /* A line that went on under a larger budget ends with another final job: an earlier one left
     * one. And in an earlier life a liar may have. */
    bool left = slot->job.key.job == JOB_NUMBER_FINAL ||
                (core->config.epoch > 1 && audit_is_drawn(core, slot));
    if (result->detail_bytes > 0 || slot->has_detail || left)
        persist_detail(core, slot, result);
}

/* A further result of a job whose result is here already. */
static void on_repeated(struct core *core, uint32_t slot_index, uint32_t session_index,
                        const struct result *result)
{
    struct slot *slot = &core->slots[slot_index];
    struct session *session = &core->sessions[session_index];
    core->counters.results_stale++;
    bool same = digest_equal(&slot->child, &result->child);
    bool by_holder = instance_equal(&slot->holder, &session->instance);
    bool counts = slot->outcome != OUTCOME_FAILED; /* a job given up needs nobody's bytes */
    if (by_holder || (counts && same && session_find(core, &slot->holder) == NONE)) {
        /* The holder is gone and this worker has the same bytes: they can be had from it. */
        slot->holder = session->instance;
        slot->held_under = result->lease;
        receipt_settle(core, slot_index);
        effect_verdict(core, &session->instance, &result->lease, VERDICT_HELD);
        return;
    }
    effect_verdict(core, &session->instance, &result->lease, VERDICT_RELEASED);
}

static void on_first(struct core *core, uint32_t slot_index, uint32_t session_index,
                     const struct result *result)
{
    struct slot *slot = &core->slots[slot_index];
    struct session *session = &core->sessions[session_index];
    const char *fault = result_fault(core, slot, result);
    if (fault != NULL) {
        effect_verdict(core, &session->instance, &result->lease, VERDICT_RELEASED);
        attempt_failed(core, slot_index, session_index, result, fault);
        return;
    }
    session->done++;
    for (uint32_t i = 0; i < slot->job.parent_count; i++)
        blob_add_holder(core, slot->parent_blobs[i], session_index);
    speed_on_result(core, session_index,
                    (struct job_time){slot_index, result->compute_ms, result->cohort});
    leases_end(core, slot_index, session_index);
    waiting_remove(core, slot_index);
    result_keep(core, slot_index, session, result);
    receipt_owe(core, slot_index);
    audit_on_first(core, slot_index, session_index, result);
    result_prepare(core, slot_index); /* asks for bytes and audits ahead of its turn */
    slot_mark_ready(core, slot_index);
}

void results_on_result(struct core *core, uint32_t session_index, const struct result *result)
{
    struct session *session = &core->sessions[session_index];
    uint32_t slot_index;
    core->counters.results++;
    if (session->benched) {
        core->counters.results_stale++;
        effect_verdict(core, &session->instance, &result->lease, VERDICT_RELEASED);
        return;
    }
    switch (lines_standing(core, result->lease.job, &slot_index)) {
    case JOB_NOT_YET:
        effect_verdict(core, &session->instance, &result->lease, VERDICT_LATER);
        return;
    case JOB_OVER:
        core->counters.results_stale++;
        effect_verdict(core, &session->instance, &result->lease, VERDICT_RELEASED);
        return;
    case JOB_IN_FLIGHT:
        break;
    }
    const struct slot *slot = &core->slots[slot_index];
    if (digest_equal(&result->job, &slot->description)) {
        if (slot->state != SLOT_HELD)
            on_first(core, slot_index, session_index, result);
        else if (!audit_on_result(core, slot_index, session_index, result))
            on_repeated(core, slot_index, session_index, result);
    } else if (slot->state == SLOT_HELD && slot->opinion == OPINION_LEASED &&
               digest_equal(&result->job, &slot->opinion_description)) {
        on_opinion(core, slot_index, session_index, result);
    } else {
        core->counters.results_stale++;
        effect_verdict(core, &session->instance, &result->lease, VERDICT_RELEASED);
    }
}
