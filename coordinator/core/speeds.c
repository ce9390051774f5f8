/*
 * speeds.c: see speeds.h: measuring workers and predicting them. What is done with it is in
 * credit.c, window.c and twins.c.
 */
#include "coordinator/core/core_internal.h"

#include <assert.h>
#include <math.h>

enum {
    PACE_US_MIN = 250,   /* null jobs take 0 ms by their workers' clocks */
    RESULTS_WEIGHED = 4, /* from then on a result counts for a quarter */
    CLASS_OF_ONE = SPEED_CLASSES / 2,
    STALE_JOBS = 32,  /* a worker that was idle so many times the length of its last job, */
    STALE_MS = 10000, /* and so long beside, is measured again */
};

static const uint64_t GUESS_US = 1000000;

/* ----------------------------------------------------------------------------------------- kinds
 */

static uint32_t kind_find(const struct speeds *speeds, const struct digest *spec)
{
    for (uint32_t i = 0; i < speeds->kind_capacity; i++)
        if (speeds->kinds[i].serial != 0 && digest_equal(&speeds->kinds[i].spec, spec))
            return i;
    return NONE;
}

/* An entry that no open line has; there are more entries than open lines. */
static uint32_t kind_room(struct speeds *speeds)
{
    while (speeds->kinds[speeds->next_kind].places > 0)
        speeds->next_kind = (speeds->next_kind + 1) % speeds->kind_capacity;
    uint32_t kind = speeds->next_kind;
    speeds->next_kind = (kind + 1) % speeds->kind_capacity;
    return kind;
}

uint32_t kind_open(struct core *core, const struct digest *spec)
{
    struct speeds *speeds = &core->speeds;
    uint32_t kind = kind_find(speeds, spec);
    if (kind == NONE) {
        kind = kind_room(speeds);
        speeds->kinds[kind] = (struct kind){
            .spec = *spec,
            .serial = ++speeds->serial,
            .work_us = speeds->guess_us > 0 ? speeds->guess_us : GUESS_US,
        };
    }
    speeds->kinds[kind].places++;
    return kind;
}

void kind_close(struct core *core, uint32_t kind)
{
    assert(core->speeds.kinds[kind].places > 0);
    core->speeds.kinds[kind].places--;
}

/* Jobs that were counted by the guess are counted anew; this happens once to each kind. */
static void restamp_slot(struct core *core, struct slot *slot, uint64_t work_us)
{
    if (slot->heap_place != NONE)
        core->waiting_us += work_us - slot->work_us;
    slot->work_us = work_us;
    for (uint32_t i = slot->leases.head; i != NONE; i = core->leases[i].in_slot.next) {
        struct lease_entry *lease = &core->leases[i];
        core->sessions[lease->session].speed.load_us += work_us - lease->work_us;
        lease->work_us = work_us;
    }
}

static void kind_measured(struct core *core, uint32_t kind, uint64_t work_us)
{
    core->speeds.kinds[kind].measured = true;
    core->speeds.kinds[kind].work_us = core->speeds.guess_us = work_us;
    for (uint32_t i = 0; i < core->place_count; i++) {
        if (!core->places[i].used || core->places[i].kind != kind)
            continue;
        uint32_t slot = core->places[i].slots.head;
        for (; slot != NONE; slot = core->slots[slot].in_place.next)
            restamp_slot(core, &core->slots[slot], work_us);
    }
}

/* ---------------------------------------------------------------------------------------- leases
 */

static bool is_stale(const struct core *core, const struct speed *speed)
{
    return core->live_ms >= speed->stale_ms;
}

void speed_init(struct speed *speed, uint32_t slots)
{
    *speed = (struct speed){
        .own_slots = slots > 0 ? slots : 1,
        .slots = slots > 0 ? slots : 1,
        .first_queued = NONE,
        .speed_class = CLASS_OF_ONE,
    };
}

static void start_running(struct core *core, struct speed *speed, uint32_t lease)
{
    core->leases[lease].runs = true;
    core->leases[lease].runs_ms = core->live_ms;
    speed->running++;
}

void speed_lease_added(struct core *core, uint32_t index)
{
    struct lease_entry *lease = &core->leases[index];
    struct session *session = &core->sessions[lease->session];
    struct speed *speed = &session->speed;
    const struct slot *slot = &core->slots[lease->slot];
    lease->work_us = core->speeds.kinds[core->places[slot->place].kind].work_us;
    lease->measures =
        speed->slowness == 0 || speed->is_bound || (speed->load_us == 0 && is_stale(core, speed));
    speed->load_us += lease->work_us;
    if (speed->running < speed->slots)
        start_running(core, speed, index);
    else if (speed->first_queued == NONE)
        speed->first_queued = index;
}

void speed_lease_leaves(struct core *core, uint32_t index)
{
    struct lease_entry *lease = &core->leases[index];
    struct speed *speed = &core->sessions[lease->session].speed;
    speed->load_us -= lease->work_us;
    if (speed->first_queued == index)
        speed->first_queued = lease->in_session.next;
    if (!lease->runs)
        return;
    speed->running--;
    uint32_t next = speed->first_queued;
    if (next == NONE)
        return;
    speed->first_queued = core->leases[next].in_session.next;
    start_running(core, speed, next);
}

/* The oldest leases have the lanes, as many as there are now. */
static void share_out_lanes(struct core *core, struct session *session)
{
    struct speed *speed = &session->speed;
    speed->running = 0;
    speed->first_queued = NONE;
    for (uint32_t i = session->leases.head; i != NONE; i = core->leases[i].in_session.next) {
        struct lease_entry *lease = &core->leases[i];
        if (speed->running == speed->slots) {
            lease->runs = false;
            speed->first_queued = speed->first_queued == NONE ? i : speed->first_queued;
        } else if (lease->runs) {
            speed->running++;
        } else {
            start_running(core, speed, i);
        }
    }
}

/* More at once are believed at once; fewer only slowly: one job that had to be alone says little.
 */
static void note_cohort(struct core *core, struct session *session, uint32_t cohort)
{
    struct speed *speed = &session->speed;
    uint32_t before = speed->slots / speed->own_slots, now = cohort > 0 ? cohort : 1;
    if (now < before)
        now = before - 1;
    if (now == before)
        return;
    speed->slots = speed->own_slots * now;
    share_out_lanes(core, session);
}

uint64_t speed_age_us(const struct core *core, const struct lease_entry *lease)
{
    return lease->runs ? (core->live_ms - lease->runs_ms) * 1000 : 0;
}

/* --------------------------------------------------------------------------------------- classes
 */

uint32_t speed_class_of(double slowness)
{
    int exponent;
    double mantissa = frexp(slowness, &exponent); /* 1 is 0.5 times 2^1 */
    int place = CLASS_OF_ONE + 4 * (exponent - 1) + (int)((mantissa - 0.5) * 8);
    if (place < 0)
        return 0;
    return place < SPEED_CLASSES ? (uint32_t)place : SPEED_CLASSES - 1;
}

/*
 * By its results, unless its oldest job takes clearly longer than those: then it has become slower,
 * and by how much shows as the job's age grows.
 */
static double slowness_now(const struct core *core, const struct session *session)
{
    double slowness = session->speed.slowness;
    if (session->speed.running == 0 || slowness == 0)
        return slowness;
    const struct lease_entry *lease = &core->leases[session->leases.head];
    double age = (double)speed_age_us(core, lease) / (double)lease->work_us;
    return age > slowness * 1.5 ? age : slowness;
}

uint32_t speed_class_now(const struct core *core, const struct session *session)
{
    double slowness = slowness_now(core, session);
    return slowness == 0 ? CLASS_OF_ONE : speed_class_of(slowness);
}

bool speed_is_trusted(const struct speed *speed)
{
    return speed->slowness != 0 && !speed->is_bound;
}

static void leave_class(struct speeds *speeds, struct speed *speed)
{
    if (speed->rate == 0)
        return;
    struct speed_class *in = &speeds->classes[speed->rated_class];
    in->rate -= speed->rate;
    in->load_us -= speed->rated_load_us;
    if (--in->sessions == 0)
        speeds->present[speed->rated_class / 64] &= ~(UINT64_C(1) << speed->rated_class % 64);
    speeds->measured_count--;
    speeds->trusted_count -= speed->rated_trusted;
    speed->rate = 0;
}

static void enter_class(struct speeds *speeds, struct session *session, double slowness)
{
    struct speed *speed = &session->speed;
    struct speed_class *in = &speeds->classes[speed->speed_class];
    speed->rate = (uint64_t)((double)speed->slots * SPEED_RATE_OF_ONE / slowness) + 1;
    speed->rated_load_us = speed->load_us;
    speed->rated_class = speed->speed_class;
    in->rate += speed->rate;
    in->load_us += speed->rated_load_us;
    in->sessions++;
    speeds->present[speed->speed_class / 64] |= UINT64_C(1) << speed->speed_class % 64;
    speeds->measured_count++;
    speed->rated_trusted = speed_is_trusted(speed);
    speeds->trusted_count += speed->rated_trusted;
}

void speed_refresh(struct core *core, uint32_t index)
{
    struct session *session = &core->sessions[index];
    double slowness = slowness_now(core, session);
    session->speed.speed_class = slowness == 0 ? CLASS_OF_ONE : speed_class_of(slowness);
    leave_class(&core->speeds, &session->speed);
    if (session->able && slowness != 0)
        enter_class(&core->speeds, session, slowness);
}

struct speed_class speed_of_faster(const struct core *core, uint32_t session)
{
    struct speed_class sum = {0};
    uint32_t own = core->sessions[session].speed.speed_class;
    for (uint32_t word = 0; word < SPEED_CLASSES / 64 && word * 64 + 1 < own; word++) {
        for (uint64_t bits = core->speeds.present[word]; bits != 0; bits &= bits - 1) {
            uint32_t faster = word * 64 + (uint32_t)__builtin_ctzll(bits);
            if (faster + 1 >= own)
                break;
            sum.sessions += core->speeds.classes[faster].sessions;
            sum.rate += core->speeds.classes[faster].rate;
            sum.load_us += core->speeds.classes[faster].load_us;
        }
    }
    return sum;
}

/* -------------------------------------------------------------------------------------- measuring
 */

static struct pace *pace_find(struct speed *speed, uint32_t serial)
{
    for (uint32_t i = 0; i < PACES_MAX; i++)
        if (speed->paces[i].serial == serial) {
            speed->last_pace = i;
            return &speed->paces[i];
        }
    uint32_t place = speed->next_pace;
    speed->next_pace = (place + 1) % PACES_MAX;
    speed->last_pace = place;
    speed->paces[place] = (struct pace){.serial = serial};
    return &speed->paces[place];
}

/* The first results have equal weights; of older ones less and less is left. */
static double averaged(double mean, double sample, uint32_t results)
{
    uint32_t weight = results < RESULTS_WEIGHED ? results : RESULTS_WEIGHED;
    return mean + (sample - mean) / weight;
}

static void remember_until(struct core *core, struct speed *speed, uint64_t us)
{
    speed->stale_ms = core->live_ms + STALE_JOBS * (us / 1000) + STALE_MS;
}

bool speed_is_unknown(const struct core *core, const struct session *session)
{
    return session->speed.slowness == 0 ||
           (session->lease_count == 0 && is_stale(core, &session->speed));
}

static uint64_t pace_in_us(uint64_t us)
{
    return us > PACE_US_MIN ? us : PACE_US_MIN;
}

void speed_on_result(struct core *core, uint32_t index, struct job_time time)
{
    const struct slot *slot = &core->slots[time.slot];
    struct speed *speed = &core->sessions[index].speed;
    uint32_t kind = core->places[slot->place].kind;
    if (slot->job.kind != JOB_MUTATE || slot->partial_blob != NONE)
        return; /* an evaluation, or the rest of a job, says nothing about a whole one */
    uint64_t us = pace_in_us((uint64_t)time.compute_ms * 1000);
    struct pace *pace = pace_find(speed, core->speeds.kinds[kind].serial);
    if (is_stale(core, speed))
        speed->results = pace->results = 0;
    pace->results++;
    pace->us = (uint64_t)averaged((double)pace->us, (double)us, pace->results);
    if (!core->speeds.kinds[kind].measured)
        kind_measured(core, kind,
                      speed->slowness == 0 ? us
                                           : pace_in_us((uint64_t)((double)us / speed->slowness)));
    double slowness = (double)us / (double)core->speeds.kinds[kind].work_us;
    note_cohort(core, &core->sessions[index], time.cohort);
    speed->results++;
    speed->is_bound = false;
    speed->slowness = averaged(speed->slowness, slowness, speed->results);
    speed->last_kind = kind;
    remember_until(core, speed, us);
}

void speed_on_outrun(struct core *core, uint32_t index)
{
    const struct lease_entry *lease = &core->leases[index];
    const struct slot *slot = &core->slots[lease->slot];
    struct speed *speed = &core->sessions[lease->session].speed;
    uint32_t kind = core->places[slot->place].kind;
    uint64_t age = speed_age_us(core, lease), usual = speed_usual_us(core, lease->session, kind);
    if (slot->job.kind != JOB_MUTATE || !core->speeds.kinds[kind].measured || age == 0)
        return;
    remember_until(core, speed, age > usual ? age : usual);
    if (age <= usual)
        return;
    struct pace *pace = pace_find(speed, core->speeds.kinds[kind].serial);
    double slowness = (double)age / (double)core->speeds.kinds[kind].work_us;
    pace->us = age;
    pace->results = pace->results > 0 ? pace->results : 1;
    speed->results = speed->results > 0 ? speed->results : 1;
    speed->slowness = slowness > speed->slowness ? slowness : speed->slowness;
    speed->is_bound = true;
    speed->last_kind = kind;
}

/* ------------------------------------------------------------------------------------- predicting
 */

uint64_t speed_usual_us(const struct core *core, uint32_t index, uint32_t kind)
{
    const struct speed *speed = &core->sessions[index].speed;
    const struct kind *of = &core->speeds.kinds[kind];
    for (uint32_t i = 0; i < PACES_MAX; i++)
        if (speed->paces[i].serial == of->serial && speed->paces[i].results > 0)
            return speed->paces[i].us;
    return (uint64_t)(speed->slowness * (double)of->work_us);
}

uint64_t speed_pace_us(const struct core *core, uint32_t index, uint32_t kind)
{
    const struct session *session = &core->sessions[index];
    uint64_t usual_us = speed_usual_us(core, index, kind);
    double slowness = slowness_now(core, session);
    if (slowness <= session->speed.slowness)
        return usual_us;
    uint64_t us = (uint64_t)(slowness * (double)core->speeds.kinds[kind].work_us);
    return us > usual_us ? us : usual_us;
}

uint64_t speed_finish_us(const struct core *core, uint32_t index, uint32_t kind)
{
    const struct session *session = &core->sessions[index];
    return speed_pace_us(core, index, kind) * (1 + session->lease_count / session->speed.slots);
}

uint64_t speed_told_ms(const struct session *session)
{
    const struct speed *speed = &session->speed;
    return speed->slowness == 0 ? 0 : (speed->paces[speed->last_pace].us + 999) / 1000;
}
