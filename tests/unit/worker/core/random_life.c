/* random_life.c: see random_life.h. */
#include "random_life.h"

#include "common/philox.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
    JOBS = 40,          /* distinct jobs, so that leases are often doubled */
    TICKS_MAX = 100,    /* steps that left-over work may take */
    RECOVERED_MAX = 20, /* results found in the spool at the start */
    ROUNDS_MAX = 50,    /* of letting go at the end */
};

struct life {
    struct model *model;
    struct random random;
    struct random_life seen;
};

static uint32_t below(struct life *life, uint32_t bound)
{
    return random_below(&life->random, bound);
}

static void count_effects(struct life *life)
{
    life->seen.runs += model_count(life->model, WORKER_RUN);
    for (uint32_t i = 0; i < model_count(life->model, WORKER_RUN); i++)
        life->seen.company += model_effect(life->model, WORKER_RUN, i)->run.more > 0;
    life->seen.results += model_sent(life->model, MESSAGE_RESULT);
    life->seen.deaths += model_sent(life->model, MESSAGE_DEATH);
    life->seen.kills += model_count(life->model, WORKER_KILL_SLOT);
}

/* A mutation or an opinion; some share a parent, some one of two data sets, many a stream. */
static struct job any_job(struct life *life)
{
    uint64_t number = below(life, JOBS);
    struct job job = below(life, 4) == 0 ? model_opinion(number) : model_job(number);
    if (job.kind == JOB_MUTATE && number % 3 == 0) {
        job.parents[1] = model_digest("parent", number / 2);
        job.parent_count = 2;
    }
    job.stream = number / 20;
    if (number % 5 < 2)
        job.data = model_digest("data", number % 5);
    return job;
}

/* ------------------------------------------------------------------------- what may happen */

static void say_lease(struct life *life)
{
    struct job job = any_job(life);
    struct partial partial = {.steps = 0};
    if (job.kind == JOB_MUTATE && below(life, 4) == 0)
        partial = model_partial(100 + below(life, 5));
    model_lease_on(life->model, &job, 1 + below(life, 3), &partial);
}

static void say_verdict(struct life *life)
{
    struct model *model = life->model;
    if (model->held_count == 0)
        return;
    struct lease_key key = model->held[below(life, model->held_count)].lease;
    model_verdict(model, &key, (enum verdict_kind)(1 + below(life, VERDICT_LAST)));
    life->seen.verdicts++;
}

static void say_welcome(struct life *life)
{
    struct model *model = life->model;
    uint32_t kind = below(life, 20);
    if (kind == 0)
        model->run = model_run((uint8_t)(1 + below(life, 3)));
    if (kind < 3) {
        model->epoch++;
        life->seen.sweeps++;
    }
    model_welcome(model);
}

static void say_little(struct life *life)
{
    struct model *model = life->model;
    switch (below(life, 12)) {
    case 0:
        model_receive_kind(model, MESSAGE_REJOIN);
        break;
    case 1:
        model_stop(model, below(life, 20) == 0 ? STOP_RUN_DONE : STOP_RUN_PAUSED);
        break;
    case 2: /* from an older or newer life */
        model_receive(model, &(struct message){.kind = MESSAGE_ALIVE,
                                               .epoch = model->epoch - 1 + 2 * below(life, 2)});
        break;
    case 3:
        model_receive(model, &(struct message){.kind = MESSAGE_REFUSED,
                                               .epoch = model->epoch,
                                               .refused = {.code = REFUSED_FULL}});
        break;
    default:
        model_receive_kind(model, MESSAGE_ALIVE);
    }
}

static void answer_fetch(struct life *life)
{
    struct model *model = life->model;
    if (model->blob_count == 0)
        return;
    struct model_blob *blob = &model->blobs[below(life, model->blob_count)];
    struct digest digest = blob->digest;
    if (!blob->fetching)
        return;
    if (below(life, 10) == 0)
        model_blob_failed(model, &digest);
    else
        model_blob_ready(model, &digest);
}

static void slot_acts(struct life *life)
{
    struct model *model = life->model;
    uint32_t slot = below(life, model->slot_count);
    struct job job = model->slots[slot].lease.job;
    struct digest child = model_digest("child", job.key.job);
    bool has_run = job.kind != 0;
    switch (below(life, 5)) {
    case 4:
        model_slot_cohort(model, slot, 1 + below(life, WORKER_COHORT_MAX));
        break;
    case 0: /* also when it is busy, or is being killed and not up again yet */
        model_slot_ready(model, slot);
        break;
    case 1:
        if (below(life, 4) == 0)
            model_die(model, slot, 11);
        break;
    default:
        if (has_run && model->slots[slot].state != MODEL_IDLE)
            model_finish(model, slot, job.kind == JOB_MUTATE ? &child : NULL, below(life, 10000));
    }
}

static void time_passes(struct life *life)
{
    uint32_t far = below(life, 50) == 0 ? 20000 : 300;
    model_tick(life->model, life->model->now + below(life, far));
}

static void one_event(struct life *life)
{
    static void (*const actions[])(struct life *) = {
        say_lease, say_lease,    say_lease, say_verdict, say_verdict, say_welcome,  say_little,
        slot_acts, answer_fetch, slot_acts, slot_acts,   time_passes, answer_fetch, answer_fetch,
    };
    actions[below(life, sizeof actions / sizeof actions[0])](life);
    count_effects(life);
}

/* Left-over work is done in a bounded number of steps and never asks for steps without end. */
static void finish_left_overs(struct life *life)
{
    for (uint32_t i = 0; worker_core_deadline(life->model->core) <= life->model->now; i++) {
        assert_true(i < TICKS_MAX);
        model_tick(life->model, life->model->now);
        count_effects(life);
    }
}

/* ---------------------------------------------------------------------------------- a life */

/* The spool has one file for each job of a run. */
static void recover(struct life *life)
{
    uint32_t count = below(life, RECOVERED_MAX);
    for (uint32_t i = 0; i < count; i++) {
        struct job job = below(life, 4) == 0 ? model_opinion(i) : model_job(i);
        struct digest child = model_digest("child", job.key.job);
        struct lease_key key = {.job = job.key, .epoch = 1, .attempt = 1 + below(life, 3)};
        struct run_id run = model_run((uint8_t)(1 + below(life, 2)));
        struct result result = model_result(&job, &key, job.kind == JOB_MUTATE ? &child : NULL);
        model_recover(life->model, &run, &result);
    }
}

/* Some lives end in a drain: what still runs is handed over, or not. */
static void drain(struct life *life)
{
    struct model *model = life->model;
    static const struct partial none;
    model_drain(model);
    finish_left_overs(life);
    for (uint32_t slot = 0; slot < model->slot_count && !model->gone; slot++) {
        struct partial partial = model_partial(slot + 1);
        while (model->slots[slot].state == MODEL_BUSY && !model->gone && below(life, 4) > 0) {
            model_give(model, slot, below(life, 4) > 0 ? &partial : &none);
            finish_left_overs(life);
        }
    }
}

/* The coordinator comes to its senses: welcomes, and releases whatever is listed. */
static void let_go(struct life *life)
{
    struct model *model = life->model;
    model->epoch += 2;
    model_tick(model, model->now + 20000);
    model_welcome(model);
    finish_left_overs(life);
    for (uint32_t round = 0; round < ROUNDS_MAX; round++) {
        if (model->gone) /* it was drained, and nothing kept it any more */
            return;
        model_answer_fetches(model);
        model_receive_kind(model, MESSAGE_ALIVE);
        if (model->gone)
            continue;
        uint32_t held = model_next_beat(model)->held_count;
        for (uint32_t i = 0; i < held; i++) {
            struct lease_key key = model->held[i].lease;
            model_verdict(model, &key, VERDICT_RELEASED);
        }
        for (uint32_t slot = 0; slot < model->slot_count; slot++)
            if (model->slots[slot].state == MODEL_KILLED)
                model_slot_ready(model, slot);
        if (held == 0)
            return;
    }
    fail_msg("something is held for ever");
}

struct random_life random_life_run(uint64_t seed, uint32_t steps, uint64_t (*allocations)(void))
{
    struct worker_config config = model_config();
    config.stay = true;
    struct life life = {.random = random_open(seed, 0, 0, RANDOM_STRATEGY)};
    config.slots = 1 + below(&life, 4);
    config.cohort = 1 + below(&life, WORKER_COHORT_MAX);
    config.jobs_per_slot = 1 + below(&life, 4);
    life.model = model_create(&config);
    life.model->allocations = allocations;
    life.model->epoch = 2;
    recover(&life);
    for (uint32_t i = 0; i < steps; i++) {
        one_event(&life);
        if (below(&life, 3) > 0)
            finish_left_overs(&life);
    }
    if (seed % 3 == 0)
        drain(&life);
    let_go(&life);
    model_expect_no_pins(life.model);
    struct worker_view view = worker_core_view(life.model->core, life.model->now);
    assert_int_equal(view.queued + view.running + view.finished, 0);
    model_destroy(life.model);
    return life.seen;
}
