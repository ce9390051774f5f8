/*
 * credit.c: the workers that may get work, in the order in which they would finish a job.
 *
 * Credit is a level: the capacity of the last heartbeat less the leases held. Workers with credit
 * stand in lists by predicted finish (how slow they are, times how many jobs are before them in
 * their slots), four lists to an octave; in a list they take turns. A worker whose speed is not
 * known has a list of its own: it gets a job to be measured by.
 */
#include "coordinator/core/core_internal.h"

enum { FEW = 8 };

/* While nobody was measured, nobody can be compared: all count as equally fast. */
static bool is_apart(const struct core *core, const struct session *session)
{
    return core->config.mode == COMMIT_ORDERED && core->speeds.measured_count > 0 &&
           speed_is_unknown(core, session);
}

static uint32_t list_for(const struct core *core, const struct session *session)
{
    if (is_apart(core, session))
        return CREDIT_UNKNOWN;
    uint32_t rounds = 1 + session->lease_count / session->speed.slots;
    uint32_t list = speed_class_now(core, session);
    if (rounds > 1)
        list += speed_class_of((double)rounds) - speed_class_of(1);
    return list < CREDIT_UNKNOWN ? list : CREDIT_UNKNOWN - 1;
}

/* How many leases it may hold: of unknown speed, one, or one for each slot where all are. */
static uint32_t limit_of(const struct core *core, const struct session *session)
{
    uint32_t limit = session->capacity;
    if (core->config.mode == COMMIT_ORDERED && session->speed.slowness == 0) {
        uint32_t fair = core->speeds.measured_count > 0 ? 1 : session->speed.slots;
        limit = fair < limit ? fair : limit;
    }
    return limit;
}

static void take_out(struct core *core, uint32_t index)
{
    struct session *session = &core->sessions[index];
    struct list *list = &core->credit.lists[session->credit_list];
    if (!session->in_credit)
        return;
    list_remove(list, &core->sessions[0].by_credit, sizeof *session, index);
    if (list->head == NONE)
        core->credit.present[session->credit_list / 64] &=
            ~(UINT64_C(1) << session->credit_list % 64);
    session->in_credit = false;
}

/*
 * Workers take turns, and a turn is a quarter of a worker's slots: work spreads over machines, and
 * a large one still gets neighbouring jobs in one datagram, whose results commit together.
 */
static bool ends_turn(const struct session *session)
{
    uint32_t turn = session->slots / 4;
    return turn <= 1 || session->lease_count % turn == 0;
}

void credit_place(struct core *core, uint32_t index)
{
    struct session *session = &core->sessions[index];
    speed_refresh(core, index);
    bool wanted = session->able && session->lease_count < limit_of(core, session);
    uint32_t list = wanted ? list_for(core, session) : 0;
    if (session->in_credit && wanted && list == session->credit_list && !ends_turn(session))
        return;
    take_out(core, index);
    if (!wanted)
        return;
    session->in_credit = true;
    session->credit_list = list;
    list_append(&core->credit.lists[list], &core->sessions[0].by_credit, sizeof *session, index);
    core->credit.present[session->credit_list / 64] |= UINT64_C(1) << session->credit_list % 64;
}

/* The head of the first list from this one on that has any; or NONE. */
static uint32_t head_from(const struct core *core, uint32_t list)
{
    uint64_t mask = UINT64_MAX << list % 64;
    for (uint32_t word = list / 64; word < CREDIT_WORDS; word++, mask = UINT64_MAX) {
        uint64_t bits = core->credit.present[word] & mask;
        if (bits != 0)
            return core->credit.lists[word * 64 + (uint32_t)__builtin_ctzll(bits)].head;
    }
    return NONE;
}

uint32_t credit_first(const struct core *core)
{
    return head_from(core, 0);
}

uint32_t credit_next(const struct core *core, uint32_t index)
{
    const struct session *session = &core->sessions[index];
    if (session->by_credit.next != NONE)
        return session->by_credit.next;
    return head_from(core, session->credit_list + 1);
}

uint32_t credit_next_of_few(const struct core *core, uint32_t index, uint32_t *seen)
{
    const struct session *session = &core->sessions[index];
    if (++*seen < FEW && session->by_credit.next != NONE)
        return session->by_credit.next;
    *seen = 0;
    return head_from(core, session->credit_list + 1);
}

uint32_t credit_first_known(const struct core *core)
{
    uint32_t first = credit_first(core);
    return first != NONE && core->sessions[first].credit_list != CREDIT_UNKNOWN ? first : NONE;
}

uint32_t credit_first_unknown(const struct core *core)
{
    return core->credit.lists[CREDIT_UNKNOWN].head;
}

void credit_settle(struct core *core)
{
    uint32_t first = credit_first(core);
    while (first != NONE) {
        const struct session *session = &core->sessions[first];
        if (session->lease_count < limit_of(core, session) &&
            list_for(core, session) == session->credit_list)
            return;
        credit_place(core, first);
        first = credit_first(core);
    }
}
