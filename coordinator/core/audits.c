/*
 * audits.c: jobs that are carried out a second time before their result is committed.
 *
 * Which jobs is drawn by (experiment seed, line, job). The first result of such a job is held; the
 * whole job then goes to another worker of the same numeric class, where every bit must come out
 * again: tolerance is zero. Each result is a vote. Two workers that say the same settle the job,
 * and whoever said otherwise is benched. Otherwise one more is asked: first those that have not
 * spoken, then everybody again, since hardware that is broken seldom lies twice in the same way.
 *
 * A worker that is alone in its class confirms itself. That finds hardware that makes mistakes now
 * and then; it cannot find malice, and neither can anybody else there.
 *
 * An audit covers all that a second opinion on a would-be champion does (results.c), and takes its
 * place.
 */
#include "coordinator/core/core_internal.h"

#include "common/canonical.h"
#include "common/philox.h"

#include <assert.h>
#include <string.h>

bool audit_is_drawn(const struct core *core, const struct slot *slot)
{
    if (core->config.audit <= 0)
        return false;
    struct job_key key = slot->job.key;
    struct random random = random_open(slot->job.seed, key.line, key.job, RANDOM_AUDIT);
    return random_unit(&random) < core->config.audit;
}

/* Whether the slot holds what a worker sent, and it has to be confirmed. */
static bool is_audited(const struct core *core, const struct slot *slot)
{
    return slot->state == SLOT_HELD && slot->outcome != OUTCOME_FAILED &&
           audit_is_drawn(core, slot);
}

static bool is_open(const struct slot *slot)
{
    return slot->state == SLOT_HELD && slot->opinion_reason == LEASE_AUDIT &&
           (slot->opinion == OPINION_WAITING || slot->opinion == OPINION_LEASED);
}

bool audit_is_orphan(const struct core *core, const struct slot *slot)
{
    if (!is_open(slot))
        return false;
    const struct group *group = group_of(core, slot->numeric);
    return group == NULL || group->trusted == 0;
}

/* --------------------------------------------------------------------------------------- votes */

static struct digest print_of(const struct result *result)
{
    struct digest_state state;
    digest_init(&state);
    canonical_u32(&state, result->outcome);
    canonical_f64(&state, result->fitness);
    canonical_u32(&state, result->metric_count);
    for (uint32_t i = 0; i < result->metric_count; i++) {
        canonical_u32(&state, result->metrics[i].id);
        canonical_f64(&state, result->metrics[i].value);
    }
    canonical_u64(&state, result->steps);
    canonical_bytes(&state, result->detail, result->detail_bytes);
    /* Nobody promises which NaN is in the child of a job that diverged, and nobody wants it. */
    if (result->outcome == OUTCOME_OK) {
        canonical_digest(&state, &result->child);
        canonical_u64(&state, result->child_bytes);
    }
    return digest_final(&state);
}

static bool same_home(const struct home_id *a, const struct home_id *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static bool has_voted(const struct slot *slot, const struct home_id *home)
{
    for (uint32_t i = 0; i < slot->vote_count; i++)
        if (same_home(&slot->votes[i].by, home))
            return true;
    return false;
}

uint32_t audit_contradictions(const struct slot *slot)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < slot->vote_count; i++)
        count += !digest_equal(&slot->votes[i].print, &slot->held_print);
    return count;
}

enum vote_news { VOTE_NEW, VOTE_REPEATED };

/* The last vote is the last in time; one that says the same again moves there. */
static enum vote_news add_vote(struct slot *slot, const struct vote *vote)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < slot->vote_count; i++)
        if (!same_home(&slot->votes[i].by, &vote->by) ||
            !digest_equal(&slot->votes[i].print, &vote->print))
            slot->votes[kept++] = slot->votes[i];
    enum vote_news news = kept < slot->vote_count ? VOTE_REPEATED : VOTE_NEW;
    if (kept == VOTES_MAX) /* the oldest is forgotten: it has convinced nobody so far */
        memmove(&slot->votes[0], &slot->votes[1], --kept * sizeof slot->votes[0]);
    slot->votes[kept] = *vote;
    slot->vote_count = kept + 1;
    return news;
}

static bool contradicts_itself(const struct slot *slot, const struct vote *vote)
{
    for (uint32_t i = 0; i < slot->vote_count; i++)
        if (same_home(&slot->votes[i].by, &vote->by) &&
            !digest_equal(&slot->votes[i].print, &vote->print))
            return true;
    return false;
}

static void forget_votes_of(struct slot *slot, const struct home_id *home)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < slot->vote_count; i++)
        if (!same_home(&slot->votes[i].by, home))
            slot->votes[kept++] = slot->votes[i];
    slot->vote_count = kept;
}

/* Two workers say so; or the only one that is left says so again. */
static bool is_settled(const struct core *core, const struct slot *slot, const struct vote *vote,
                       enum vote_news news)
{
    for (uint32_t i = 0; i < slot->vote_count; i++)
        if (!same_home(&slot->votes[i].by, &vote->by) &&
            digest_equal(&slot->votes[i].print, &vote->print))
            return true;
    const struct session *session = &core->sessions[session_find_home(core, &vote->by)];
    const struct group *group = &core->groups[session->group];
    bool alone = group->able == (uint32_t)session->able && group->silent == 0;
    return alone && news == VOTE_REPEATED;
}

/* ------------------------------------------------------------------------------------- auditors */

/* Workers that are not asked while there is anybody else of their class. */
struct shunned {
    uint32_t sessions[VOTES_MAX + TROUBLES_MAX];
    uint32_t count;
};

static bool is_shunned(const struct shunned *shunned, uint32_t session)
{
    for (uint32_t i = 0; i < shunned->count; i++)
        if (shunned->sessions[i] == session)
            return true;
    return false;
}

static void shun(struct shunned *shunned, uint32_t session)
{
    if (session != NONE && !is_shunned(shunned, session))
        shunned->sessions[shunned->count++] = session;
}

static void shun_voters(const struct core *core, const struct slot *slot, struct shunned *shunned)
{
    for (uint32_t i = 0; i < slot->vote_count; i++)
        shun(shunned, session_find_home(core, &slot->votes[i].by));
}

static void shun_troubled(const struct core *core, const struct slot *slot, struct shunned *shunned)
{
    for (uint32_t i = 0; i < slot->trouble_count && i < TROUBLES_MAX; i++)
        shun(shunned, session_find(core, &slot->trouble_at[i]));
}

/* Somebody of the class who is not shunned, best on another host than the result's. True also when
 * such a one is busy: then *session is NONE, and it is waited for. */
static bool find_auditor(const struct core *core, const struct slot *slot,
                         const struct shunned *shunned, uint32_t *session)
{
    const struct group *group = group_of(core, slot->numeric);
    uint32_t able = group == NULL ? 0 : group->able, seen = 0;
    *session = NONE;
    for (uint32_t i = 0; i < shunned->count; i++) {
        const struct session *other = &core->sessions[shunned->sessions[i]];
        able -= other->able && &core->groups[other->group] == group;
    }
    if (able == 0)
        return false;
    for (uint32_t i = credit_first(core); i != NONE;) {
        const struct session *candidate = &core->sessions[i];
        bool fits = &core->groups[candidate->group] == group && !is_shunned(shunned, i);
        bool elsewhere = strcmp(candidate->host, slot->host) != 0;
        if (fits && (*session == NONE || elsewhere))
            *session = i;
        if (fits && elsewhere)
            break;
        i = credit_next_of_few(core, i, &seen);
    }
    return true;
}

/* Who had no trouble and has not spoken, else who has not spoken, else whoever did not speak last.
 * Nobody confirms itself while somebody else may be back in a moment. */
uint32_t audit_choose(const struct core *core, const struct slot *slot)
{
    struct shunned nobody = {.count = 0}, last = nobody, voters = nobody, all;
    const struct group *group = group_of(core, slot->numeric);
    uint32_t session;
    if (slot->vote_count > 0)
        shun(&last, session_find_home(core, &slot->votes[slot->vote_count - 1].by));
    shun_voters(core, slot, &voters);
    all = voters;
    shun_troubled(core, slot, &all);
    if (!find_auditor(core, slot, &all, &session) && !find_auditor(core, slot, &voters, &session) &&
        !find_auditor(core, slot, &last, &session) && group != NULL && group->silent == 0)
        find_auditor(core, slot, &nobody, &session);
    return session;
}

/* --------------------------------------------------------------------------------------- verdict
 */

static void bench_dissenters(struct core *core, struct slot *slot, const struct digest *print)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < slot->vote_count; i++) {
        uint32_t session = session_find_home(core, &slot->votes[i].by);
        if (digest_equal(&slot->votes[i].print, print))
            slot->votes[kept++] = slot->votes[i];
        else if (session != NONE)
            session_bench_proven(core, session);
    }
    slot->vote_count = kept;
}

void audit_on_first(struct core *core, uint32_t slot_index, uint32_t session_index,
                    const struct result *result)
{
    struct slot *slot = &core->slots[slot_index];
    if (!is_audited(core, slot))
        return;
    const struct session *session = &core->sessions[session_index];
    core->counters.audits += slot->vote_numeric[0] == '\0';
    if (strcmp(slot->vote_numeric, session->numeric) != 0)
        slot->vote_count = 0; /* other bits are no contradiction there */
    memcpy(slot->vote_numeric, session->numeric, sizeof slot->vote_numeric);
    struct result clean = result_clean(slot, result);
    struct vote vote = {.by = session->home, .print = print_of(&clean)};
    slot->held_print = vote.print;
    add_vote(slot, &vote);
    /* If it has said so before, this may be the very same execution, offered once more. */
    if (!is_settled(core, slot, &vote, VOTE_NEW))
        return;
    slot->opinion = OPINION_AGREED; /* with results that came before, and whose bytes are gone */
    bench_dissenters(core, slot, &vote.print);
}

bool audit_prepare(struct core *core, uint32_t slot_index)
{
    struct slot *slot = &core->slots[slot_index];
    if (!is_audited(core, slot))
        return true;
    if (slot->opinion == OPINION_NONE) {
        slot->opinion_description = slot->description;
        slot->opinion_reason = LEASE_AUDIT;
        slot->opinion = OPINION_WAITING;
        waiting_add(core, slot_index);
    }
    return slot->opinion == OPINION_AGREED;
}

bool audit_welcomes(const struct core *core, const struct slot *slot, uint32_t session_index)
{
    const struct session *session = &core->sessions[session_index];
    return is_open(slot) && !session->benched && strcmp(session->numeric, slot->numeric) == 0 &&
           !has_voted(slot, &session->home);
}

bool audit_is_past(const struct core *core, uint32_t lease_index, const struct lease_key *listed)
{
    const struct lease_entry *lease = &core->leases[lease_index];
    return lease->reason == LEASE_AUDIT && !lease_key_equal(lease->key, *listed) &&
           has_voted(&core->slots[lease->slot], &core->sessions[lease->session].home);
}

/* The first field in which two results differ. */
static const char *difference(const struct slot *slot, const struct result *result)
{
    if (slot->outcome != result->outcome)
        return "outcome";
    if (memcmp(&slot->fitness, &result->fitness, sizeof slot->fitness) != 0)
        return "fitness";
    if (result->outcome == OUTCOME_OK &&
        (!digest_equal(&slot->child, &result->child) || slot->child_bytes != result->child_bytes))
        return "child";
    if (slot->steps != result->steps)
        return "steps";
    if (slot->metric_count != result->metric_count)
        return "metrics";
    for (uint32_t i = 0; i < slot->metric_count; i++)
        if (slot->metrics[i].id != result->metrics[i].id ||
            memcmp(&slot->metrics[i].value, &result->metrics[i].value, sizeof(double)) != 0)
            return "metrics";
    return "detail";
}

static void note_difference(struct core *core, const struct slot *slot,
                            const struct session *session, const struct result *clean)
{
    struct note note = {
        .kind = NOTE_OPINION_DIFFERS,
        .job = &slot->job.key,
        .instance = &session->instance,
    };
    effect_note(core, note, "audit: %s by worker %s is not that by worker %s",
                difference(slot, clean), session->name, slot->worker);
}

/* The result in hand says what the job comes to: it is that of the slot, or takes its place. */
static void settle(struct core *core, uint32_t slot_index, uint32_t session_index,
                   const struct result *result)
{
    struct slot *slot = &core->slots[slot_index];
    const struct session *session = &core->sessions[session_index];
    struct digest print = slot->votes[slot->vote_count - 1].print;
    enum verdict_kind verdict = VERDICT_RELEASED;
    leases_end(core, slot_index, NONE);
    waiting_remove(core, slot_index);
    assert(slot->child_blob == NONE);
    bool replaced = !digest_equal(&print, &slot->held_print);
    bool orphaned = session_find(core, &slot->holder) == NONE;
    if (replaced || orphaned) {
        receipt_settle(core, slot_index);
        verdict = VERDICT_HELD;
    }
    if (replaced) {
        effect_verdict(core, &slot->holder, &slot->held_under, VERDICT_RELEASED);
        result_keep(core, slot_index, session, result);
        slot->held_print = print;
    } else if (orphaned) {
        slot->holder = session->instance;
        slot->held_under = result->lease;
    }
    effect_verdict(core, &session->instance, &result->lease, verdict);
    slot->opinion = OPINION_AGREED;
    bench_dissenters(core, slot, &print);
    result_prepare(core, slot_index);
    slot_mark_ready(core, slot_index);
}

/* Whether the worker had spoken on this job before. */
enum voice { VOICE_FRESH, VOICE_HEARD };

/* One more is asked. Whoever contradicts itself is no witness, whatever the others say. */
static void leave_open(struct core *core, uint32_t slot_index, uint32_t session_index,
                       const struct vote *vote, enum voice voice)
{
    struct slot *slot = &core->slots[slot_index];
    const struct session *session = &core->sessions[session_index];
    if (contradicts_itself(slot, vote)) {
        session_bench(core, &session->instance);
        if (session->benched)
            forget_votes_of(slot, &session->home);
    }
    /* A new voice brings the matter on; to ask the same ones again may not. */
    bool in_vain = voice == VOICE_HEARD || slot->vote_count == VOTES_MAX;
    if (in_vain && ++slot->disputes >= DISPUTES_MAX)
        lines_quarantine(core, slot_index, "workers do not agree on its result");
}

static void on_vote(struct core *core, uint32_t slot_index, uint32_t session_index,
                    const struct result *result)
{
    struct slot *slot = &core->slots[slot_index];
    struct session *session = &core->sessions[session_index];
    struct result clean = result_clean(slot, result);
    struct vote vote = {.by = session->home, .print = print_of(&clean)};
    bool same = digest_equal(&vote.print, &slot->held_print);
    session->done++;
    core->counters.audits_agreed += same;
    core->counters.audits_differed += !same;
    if (!same)
        note_difference(core, slot, session, &clean);
    enum voice voice = has_voted(slot, &vote.by) ? VOICE_HEARD : VOICE_FRESH;
    enum vote_news news = add_vote(slot, &vote);
    if (is_settled(core, slot, &vote, news)) {
        settle(core, slot_index, session_index, result);
        return;
    }
    effect_verdict(core, &session->instance, &result->lease, VERDICT_RELEASED);
    leave_open(core, slot_index, session_index, &vote, voice);
}

void audit_on_failure(struct core *core, uint32_t slot_index)
{
    struct slot *slot = &core->slots[slot_index];
    if (is_open(slot) && ++slot->audit_failures >= DISPUTES_MAX)
        lines_quarantine(core, slot_index, "nobody can carry it out a second time");
}

bool audit_on_result(struct core *core, uint32_t slot_index, uint32_t session_index,
                     const struct result *result)
{
    struct slot *slot = &core->slots[slot_index];
    const struct session *session = &core->sessions[session_index];
    bool asked = lease_find_key(core, slot_index, session_index, &result->lease) != NONE;
    if (!is_open(slot) || (!asked && !audit_welcomes(core, slot, session_index)))
        return false;
    const char *fault = result_fault(core, slot, result);
    if (fault == NULL) {
        uint32_t lease =
            lease_find(core, slot_index, session_index, job_prefix(&slot->description));
        if (lease != NONE)
            lease_lost(core, lease); /* from here on it waits, unless this vote settles it */
        on_vote(core, slot_index, session_index, result);
        return true;
    }
    effect_verdict(core, &session->instance, &result->lease, VERDICT_RELEASED);
    if (!asked)
        return true;
    struct note note = {
        .kind = NOTE_ATTEMPT_FAILED,
        .job = &slot->job.key,
        .instance = &session->instance,
    };
    effect_note(core, note, "worker %s: %s", session->name, fault);
    slot_note_trouble(core, slot_index, session_index);
    lease_lost(core, lease_find_key(core, slot_index, session_index, &result->lease));
    audit_on_failure(core, slot_index);
    return true;
}
