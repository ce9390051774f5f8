/*
 * sessions.c: the workers that have joined: hello, heartbeat, silence, goodbye.
 *
 * Silence is measured on a clock of the core's own that advances by at most CLOCK_STEP_MS_MAX from
 * one event to the next: when the coordinator itself was stopped, or its machine slept, nobody is
 * declared dead for it.
 */
#include "coordinator/core/core_internal.h"

#include "common/version.h"

#include <assert.h>
#include <string.h>

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

static struct map_key key_of(const uint8_t bytes[16])
{
    return map_key_of_bytes(bytes);
}

uint32_t session_find(const struct core *core, const struct instance_id *instance)
{
    uint32_t session = fixed_map_find(core->by_instance, key_of(instance->bytes));
    return session == FIXED_MAP_NONE ? NONE : session;
}

uint32_t session_find_home(const struct core *core, const struct home_id *home)
{
    uint32_t session = fixed_map_find(core->by_home, key_of(home->bytes));
    return session == FIXED_MAP_NONE ? NONE : session;
}

void session_update_credit(struct core *core, uint32_t index)
{
    struct session *session = &core->sessions[index];
    bool able = session->state == SESSION_READY && !session->benched && !session->draining &&
                session->capacity > 0;
    core->able_count += (uint32_t)able - (uint32_t)session->able;
    struct group *group = &core->groups[session->group];
    bool silent = session->state == SESSION_SUSPECT && !session->benched;
    group->able += (uint32_t)able - (uint32_t)session->able;
    group->silent += (uint32_t)silent - (uint32_t)session->silent;
    session->able = able;
    session->silent = silent;
    credit_place(core, index);
}

static void heard(struct core *core, uint32_t index)
{
    struct session *session = &core->sessions[index];
    session->heard_ms = core->live_ms;
    if (core->silence_deadline > core->live_ms + core->config.suspect_ms)
        core->silence_deadline = core->live_ms + core->config.suspect_ms;
    list_remove(&core->by_silence, &core->sessions[0].by_silence, sizeof *session, index);
    list_append(&core->by_silence, &core->sessions[0].by_silence, sizeof *session, index);
    if (session->state == SESSION_SUSPECT) {
        session->state = SESSION_READY;
        session_update_credit(core, index);
    }
}

static uint32_t session_open(struct core *core, const struct hello *hello, const char *numeric)
{
    assert(core->free_session_count > 0);
    uint32_t index = core->free_sessions[--core->free_session_count];
    struct session *session = &core->sessions[index];
    uint32_t generation = session->generation + 1;
    *session = (struct session){
        .state = SESSION_READY,
        .instance = hello->instance,
        .home = hello->home,
        .slots = hello->slots,
        .group = group_join(core, numeric),
        .generation = generation,
        .heard_ms = core->live_ms,
    };
    memcpy(session->name, hello->name, sizeof session->name);
    memcpy(session->host, hello->host, sizeof session->host);
    memcpy(session->numeric, numeric, sizeof session->numeric);
    list_init(&session->leases);
    speed_init(&session->speed, hello->slots);
    list_append(&core->by_silence, &core->sessions[0].by_silence, sizeof *session, index);
    fixed_map_insert(core->by_instance, key_of(hello->instance.bytes), index);
    fixed_map_insert(core->by_home, key_of(hello->home.bytes), index);
    core->session_count++;
    return index;
}

/*
 * Only benched workers are left: they are better than none, and what they say is still checked. Not
 * so those whom two others have proved wrong: alone, they would confirm themselves.
 */
static void lift_benches(struct core *core)
{
    for (uint32_t i = core->by_silence.head; i != NONE; i = core->sessions[i].by_silence.next) {
        struct session *session = &core->sessions[i];
        if (!session->benched || session->proven_wrong)
            continue;
        session->benched = false;
        core->benched_count--;
        core->groups[session->group].trusted++;
        session_update_credit(core, i);
    }
}

static void session_close(struct core *core, uint32_t index)
{
    struct session *session = &core->sessions[index];
    while (session->leases.head != NONE)
        lease_lost(core, session->leases.head);
    core->benched_count -= session->benched;
    session->state = SESSION_FREE;
    session_update_credit(core, index);
    group_leave(core, session);
    list_remove(&core->by_silence, &core->sessions[0].by_silence, sizeof *session, index);
    fixed_map_remove(core->by_instance, key_of(session->instance.bytes));
    fixed_map_remove(core->by_home, key_of(session->home.bytes));
    core->free_sessions[core->free_session_count++] = index;
    core->session_count--;
    if (core->benched_count > 0 && core->benched_count == core->session_count)
        lift_benches(core);
    numeric_release(core);
}

static void bench(struct core *core, uint32_t index)
{
    struct session *session = &core->sessions[index];
    session->benched = true;
    core->benched_count++;
    core->groups[session->group].trusted--;
    struct note note = {.kind = NOTE_WORKER_BENCHED, .instance = &session->instance};
    effect_note(core, note,
                "worker %s on %s: others disproved what it said; no more work for it; what it "
                "did before is proved by: ratchet replay RUN --by %s",
                session->name, session->host, session->name);
    while (session->leases.head != NONE)
        lease_lost(core, session->leases.head);
    session_update_credit(core, index);
}

void session_bench(struct core *core, const struct instance_id *instance)
{
    uint32_t index = session_find(core, instance);
    /* The last one is better than none: what it says goes on being checked. */
    if (index != NONE && !core->sessions[index].benched &&
        core->session_count - core->benched_count > 1)
        bench(core, index);
}

void session_bench_proven(struct core *core, uint32_t index)
{
    core->sessions[index].proven_wrong = true;
    if (!core->sessions[index].benched)
        bench(core, index);
}

const char *session_state_name(const struct session *session)
{
    if (session->benched)
        return "benched";
    if (session->state == SESSION_SUSPECT)
        return "suspect";
    return session->draining ? "draining" : "ready";
}

void sessions_watch(struct core *core)
{
    if (core->live_ms < core->silence_deadline)
        return;
    uint32_t budget = LOSSES_PER_STEP;
    core->silence_deadline = UINT64_MAX;
    uint32_t next;
    for (uint32_t index = core->by_silence.head; index != NONE; index = next) {
        struct session *session = &core->sessions[index];
        next = session->by_silence.next;
        uint64_t silent = core->live_ms - session->heard_ms;
        if (silent < core->config.suspect_ms) {
            uint64_t deadline = session->heard_ms + core->config.suspect_ms;
            if (deadline < core->silence_deadline)
                core->silence_deadline = deadline;
            return;
        }
        if (budget == 0) {
            core->silence_deadline = core->live_ms;
            return;
        }
        struct note note = {.instance = &session->instance};
        if (silent >= core->config.lost_ms) {
            note.kind = NOTE_WORKER_LOST;
            effect_note(core, note, "worker %s on %s: silent for %u ms; leaves %u job%s to others",
                        session->name, session->host, (unsigned)silent, session->lease_count,
                        plural(session->lease_count));
            session_close(core, index);
            budget--;
            continue;
        }
        if (session->state == SESSION_READY) {
            budget--;
            note.kind = NOTE_WORKER_SUSPECT;
            effect_note(core, note, "worker %s on %s: silent for %u ms; no new work for it",
                        session->name, session->host, (unsigned)silent);
            session->state = SESSION_SUSPECT;
            session_update_credit(core, index);
        }
        uint64_t deadline = session->heard_ms + core->config.lost_ms;
        if (deadline < core->silence_deadline)
            core->silence_deadline = deadline;
    }
}

/* ------------------------------------------------------------------------------------------ hello
 */

static void refuse(struct core *core, const struct instance_id *to, const struct hello *hello,
                   enum refusal code, const char *reason)
{
    struct note note = {.kind = NOTE_WORKER_REFUSED, .instance = to};
    effect_note(core, note, "worker %s on %s: %s", hello->name, hello->host, reason);
    struct message *message = effect_send(core, to, MESSAGE_REFUSED);
    if (message == NULL)
        return;
    message->refused.code = code;
    size_t length = strlen(reason);
    assert(length < sizeof message->refused.reason);
    memcpy(message->refused.reason, reason, length + 1);
}

static void send_stop(struct core *core, const struct instance_id *to)
{
    struct message *message = effect_send(core, to, MESSAGE_STOP);
    if (message == NULL)
        return;
    message->stop.code = STOP_RUN_DONE;
    memcpy(message->stop.reason, "the run has ended", sizeof "the run has ended");
}

static void welcome(struct core *core, const struct instance_id *to, const char *numeric)
{
    struct message *message = effect_send(core, to, MESSAGE_WELCOME);
    if (message == NULL)
        return;
    struct welcome *body = &message->welcome;
    body->run = core->config.run;
    memcpy(body->experiment, core->config.experiment, sizeof body->experiment);
    memcpy(body->numeric, numeric, VERSION_BYTES_MAX);
    body->heartbeat_ms = core->config.heartbeat_ms;
    body->lost_ms = core->config.lost_ms;
}

static void on_heartbeat(struct core *core, uint32_t index, const struct heartbeat *beat);

/* A worker with this home was here before under another instance: that process is dead. */
static void supersede(struct core *core, const struct hello *hello)
{
    uint32_t earlier = fixed_map_find(core->by_home, key_of(hello->home.bytes));
    if (earlier == FIXED_MAP_NONE)
        return;
    struct session *session = &core->sessions[earlier];
    struct note note = {.kind = NOTE_WORKER_LOST, .instance = &session->instance};
    effect_note(core, note, "worker %s on %s: restarted; leaves %u job%s to whoever is free",
                session->name, session->host, session->lease_count, plural(session->lease_count));
    session_close(core, earlier);
}

static void on_hello(struct core *core, const struct instance_id *from, const struct hello *hello)
{
    if (core->finished) {
        send_stop(core, from);
        return;
    }
    if (!instance_equal(from, &hello->instance)) {
        refuse(core, from, hello, REFUSED_NOT_ALLOWED,
               "the instance in its hello is not its address");
        return;
    }
    if (strcmp(hello->engine_version, RATCHET_VERSION) != 0) {
        refuse(core, from, hello, REFUSED_VERSION,
               "another engine version than the coordinator's " RATCHET_VERSION);
        return;
    }
    const char *numeric = numeric_choose(core, hello);
    if (numeric == NULL) {
        char reason[REASON_BYTES_MAX];
        numeric_explain(core, reason);
        refuse(core, from, hello, REFUSED_NUMERIC, reason);
        return;
    }
    uint32_t index = session_find(core, from);
    if (index == NONE) {
        supersede(core, hello);
        if (core->free_session_count == 0) {
            refuse(core, from, hello, REFUSED_FULL, "no room for another worker");
            return;
        }
        index = session_open(core, hello, numeric);
        numeric_settle(core, numeric);
        struct note note = {.kind = NOTE_WORKER_JOINED, .instance = from};
        effect_note(core, note, "worker %s on %s: joined with %u slot%s", hello->name, hello->host,
                    hello->slots, plural(hello->slots));
    }
    heard(core, index);
    welcome(core, from, numeric);
    on_heartbeat(core, index, &hello->beat);
}

/* -------------------------------------------------------------------------------------- heartbeat
 */

/* What one listed job means. Returns true when the worker got an answer. */
static bool on_held(struct core *core, uint32_t index, const struct held *held)
{
    struct session *session = &core->sessions[index];
    uint32_t slot_index;
    enum job_standing standing = lines_standing(core, held->lease.job, &slot_index);
    if (standing == JOB_NOT_YET)
        return false;
    if (standing == JOB_OVER) {
        effect_verdict(core, &session->instance, &held->lease, VERDICT_RELEASED);
        return true;
    }
    struct slot *slot = &core->slots[slot_index];
    /* A benched worker is told to let go of whatever it has. */
    bool same = !session->benched && held->job_prefix == job_prefix(&slot->description);
    bool finished = held->phase == HELD_FINISHED;
    if (same && finished && slot->state == SLOT_HELD &&
        instance_equal(&slot->holder, &session->instance) &&
        lease_key_equal(held->lease, slot->held_under))
        return false; /* what it holds, whatever else of the job it has been asked for */
    uint32_t lease = lease_find(core, slot_index, index, held->job_prefix);
    if (lease != NONE && audit_is_past(core, lease, &held->lease))
        lease = NONE;
    bool vote = same && lease == NONE && audit_welcomes(core, slot, index);
    if (lease != NONE) {
        core->leases[lease].beat = session->beat;
        core->leases[lease].phase = held->phase;
    } else if (!finished && ((same && slot->state == SLOT_WAITING) ||
                             (vote && slot->opinion == OPINION_WAITING))) {
        lease_adopt(core, slot_index, index, &held->lease);
        return false;
    }
    if (finished && (lease != NONE || vote || (same && slot->state != SLOT_HELD))) {
        /* It may believe that we hold this result, and say nothing for ever. */
        effect_verdict(core, &session->instance, &held->lease, VERDICT_LATER);
        return true;
    }
    if (lease != NONE || (same && slot->state != SLOT_HELD))
        return false; /* it runs: a first result is welcome from anyone */
    if (same && finished && instance_equal(&slot->holder, &session->instance))
        return false;
    effect_verdict(core, &session->instance, &held->lease, VERDICT_RELEASED);
    return true;
}

/* Leases that should be at the worker by now and are not: the message was lost, or it was dropped.
 */
static void drop_unlisted(struct core *core, uint32_t index)
{
    const struct session *session = &core->sessions[index];
    uint32_t next, unclaimed = 0;
    for (uint32_t lease = session->leases.head; lease != NONE; lease = next) {
        const struct lease_entry *entry = &core->leases[lease];
        next = entry->in_session.next;
        if (entry->beat == session->beat ||
            core->now_ms - entry->since_ms < core->config.confirm_ms)
            continue;
        slot_note_trouble(core, entry->slot, index);
        lease_lost(core, lease);
        unclaimed++;
    }
    struct note note = {.kind = NOTE_LEASE_UNCLAIMED, .instance = &session->instance};
    if (unclaimed > 0)
        effect_note(core, note,
                    "worker %s on %s: does not have %u job%s that it was given; "
                    "if that repeats, its log says why",
                    session->name, session->host, unclaimed, plural(unclaimed));
}

static void on_heartbeat(struct core *core, uint32_t index, const struct heartbeat *beat)
{
    struct session *session = &core->sessions[index];
    session->beat++;
    uint32_t verdicts = 0;
    for (uint32_t i = 0; i < beat->held_count && verdicts < VERDICTS_PER_BEAT; i++)
        if (on_held(core, index, &beat->held[i]))
            verdicts++;
    if (!beat->held_cut && verdicts < VERDICTS_PER_BEAT)
        drop_unlisted(core, index);
    session->capacity = beat->capacity;
    session_update_credit(core, index);
    if (session->draining)
        drain_remind(core, index);
}

/* ------------------------------------------------------------------------------------- everything
 */

static void on_goodbye(struct core *core, uint32_t index, const struct goodbye *goodbye)
{
    struct session *session = &core->sessions[index];
    struct note note = {.kind = NOTE_WORKER_LEFT, .instance = &session->instance};
    effect_note(core, note, "worker %s on %s: left: %s", session->name, session->host,
                goodbye->reason);
    session_close(core, index);
}

void sessions_on_message(struct core *core, const struct instance_id *from,
                         const struct message *message)
{
    if (message->kind == MESSAGE_HELLO) {
        on_hello(core, from, &message->hello);
        return;
    }
    uint32_t index = session_find(core, from);
    if (index == NONE) {
        if (core->finished)
            send_stop(core, from);
        else if (message->kind != MESSAGE_GOODBYE)
            effect_send(core, from, MESSAGE_REJOIN);
        return;
    }
    if (message->epoch != core->config.epoch)
        return; /* said before it knew of this life; it will say it again */
    heard(core, index);
    switch (message->kind) {
    case MESSAGE_HEARTBEAT:
        effect_send(core, from, MESSAGE_ALIVE);
        if (core->finished)
            send_stop(core, from);
        on_heartbeat(core, index, &message->heartbeat);
        break;
    case MESSAGE_RESULT:
        results_on_result(core, index, &message->result);
        break;
    case MESSAGE_HANDOVER:
        handover_on_message(core, index, &message->handover);
        break;
    case MESSAGE_DEATH:
        deaths_on_death(core, index, &message->death);
        break;
    case MESSAGE_GOODBYE:
        on_goodbye(core, index, &message->goodbye);
        break;
    default:
        break; /* not something that a worker says */
    }
}
