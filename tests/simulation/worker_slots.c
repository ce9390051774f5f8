/*
 * worker_slots.c: the slot processes of a simulated worker: they take virtual time, die, hang, and
 * otherwise carry out the real null evaluator. See worker_node.h.
 */
#include "tests/simulation/liar.h"
#include "tests/simulation/simulation.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIGNAL_SEGV = 11, SIGNAL_KILL = 9 };

/* How often a job that is no poison may look like one: a third time it would be taken for one. */
enum { MISFORTUNES_MAX = 2, HANG_FACTOR = 50 };
static const uint64_t JOB_MS_MAX = 20000;

uint32_t worker_place_index(struct node_place place)
{
    return place.slot * WORKER_COHORT_MAX + place.job;
}

struct node_place worker_place_of(uint32_t index)
{
    return (struct node_place){index / WORKER_COHORT_MAX, index % WORKER_COHORT_MAX};
}

static void forget_jobs(struct node_slot *slot)
{
    slot->token++;
    slot->job_count = slot->answered = 0;
}

void worker_slot_answer(struct worker_node *node, struct node_place place)
{
    struct node_slot *slot = &node->slots[place.slot];
    slot->jobs[place.job].answered = true;
    if (++slot->answered < slot->job_count)
        return;
    slot->state = NODE_SLOT_IDLE;
    forget_jobs(slot);
}

static void become_ready(void *context, const struct action *action)
{
    struct worker_node *node = context;
    struct node_slot *slot = &node->slots[action->index];
    if (!node->alive || slot->token != action->token)
        return;
    struct shell_news news = {.kind = WORKER_SLOT_READY, .slot = action->index};
    slot->state = NODE_SLOT_IDLE;
    worker_tell(node, &news);
}

void worker_slot_start(struct worker_node *node, uint32_t index)
{
    struct node_slot *slot = &node->slots[index];
    struct world *world = &node->simulation->world;
    slot->state = NODE_SLOT_DOWN;
    forget_jobs(slot);
    world_schedule(world, dice_below(&world->dice, 50),
                   (struct action){
                       .run = become_ready, .context = node, .index = index, .token = slot->token});
}

/* What the slot had said before is not read any more, except results: their children are pinned. */
static void forget_news(struct worker_node *node, uint32_t slot)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->news_count; i++) {
        const struct shell_news *news = &node->news[i];
        bool gone = news->slot == slot &&
                    (news->kind == WORKER_SLOT_READY || news->kind == WORKER_SLOT_COHORT ||
                     news->kind == WORKER_SLOT_DIED);
        if (!gone)
            node->news[kept++] = *news;
    }
    node->news_count = kept;
}

void worker_slot_kill(struct worker_node *node, uint32_t slot)
{
    forget_news(node, slot);
    worker_slot_start(node, slot);
}

/* --------------------------------------------------------------------------------- ends of a job
 */

/* Most deaths are told from poison by their kind; of the others each job suffers a few at most,
 * unless it has company, which clears it. */
static void draw_death(struct worker_node *node, const struct node_slot *slot,
                       const struct job *job, struct shell_news *news)
{
    struct simulation *simulation = node->simulation;
    struct dice *dice = &simulation->world.dice;
    uint8_t *counted = &checker_job(&simulation->checker, job->key)->counted_deaths;
    bool poison = trial_is_poison(simulation->trial, job);
    bool alone = slot->job_count == 1;
    news->exit_code = -1;
    if (!poison && ((alone && *counted >= MISFORTUNES_MAX) || dice_chance(dice, 0.5))) {
        news->signal = SIGNAL_KILL;
        return;
    }
    *counted += alone;
    switch (dice_below(dice, 3)) {
    case 0:
        news->signal = SIGNAL_SEGV;
        break;
    case 1:
        news->signal = SIGNAL_KILL;
        news->out_of_memory = true;
        break;
    default:
        news->exit_code = 1;
        break;
    }
}

static void slot_dies(void *context, const struct action *action)
{
    struct worker_node *node = context;
    struct node_place place = worker_place_of(action->index);
    struct node_slot *slot = &node->slots[place.slot];
    if (!node->alive || slot->token != action->token || slot->jobs[place.job].answered)
        return;
    struct simulation *simulation = node->simulation;
    const struct job *job = &slot->jobs[place.job].lease.job;
    struct shell_news news = {.kind = WORKER_SLOT_DIED, .slot = place.slot};
    simulation
        ->fault_counts[trial_is_poison(simulation->trial, job) ? FAULT_POISON : FAULT_SLOT_DEATH]++;
    simulation->cohort_deaths += slot->job_count > 1;
    draw_death(node, slot, job, &news);
    world_trace(&simulation->world,
                "w%" PRIu32 ": slot %" PRIu32 " dies of %" PRIu32 "/%" PRIu64 ", one of %" PRIu32,
                node->seat, place.slot, job->key.line, job->key.job, slot->job_count);
    worker_tell(node, &news);
    worker_slot_start(node, place.slot);
}

static void fail_attempt(struct worker_node *node, const struct job *job, struct result *result)
{
    struct simulation *simulation = node->simulation;
    simulation->fault_counts[FAULT_ATTEMPT_FAILED]++;
    checker_job(&simulation->checker, job->key)->failures++;
    result->outcome = OUTCOME_FAILED;
    result->fitness = __builtin_nan("");
    snprintf(result->reason, sizeof result->reason, "the disk is full");
}

static bool attempt_fails(struct worker_node *node, const struct job *job)
{
    struct simulation *simulation = node->simulation;
    return checker_job(&simulation->checker, job->key)->failures < MISFORTUNES_MAX &&
           dice_chance(&simulation->world.dice,
                       fault_chance(&simulation->plan, FAULT_ATTEMPT_FAILED));
}

/*
 * Nobody promises which NaN comes out of an overflow, nor that the worker notices it: the ledger
 * must say the same all the same.
 */
static void disguise_divergence(struct worker_node *node, struct result *result)
{
    struct dice *dice = &node->simulation->world.dice;
    uint64_t nan = dice_u64(dice) | UINT64_C(0x7ff0000000000001);
    if (result->child_bytes > 0 && dice_chance(dice, 0.5))
        result->outcome = OUTCOME_OK;
    memcpy(&result->fitness, &nan, sizeof nan);
    if (result->outcome == OUTCOME_OK && dice_chance(dice, 0.3))
        result->fitness = dice_chance(dice, 0.5) ? (double)INFINITY : -(double)INFINITY;
    if (result->metric_count > 0 && isnan(result->metrics[0].value))
        memcpy(&result->metrics[0].value, &nan, sizeof nan);
}

/* Carries the job out on the bytes in the cache, and puts the child there, pinned. */
static void evaluate(struct worker_node *node, const struct job *job, struct shell_news *news)
{
    struct simulation *simulation = node->simulation;
    struct result *result = &news->result;
    struct bytes parents[JOB_PARENTS_MAX] = {{0}};
    for (uint32_t i = 0; i < job->parent_count; i++) {
        const struct shelf_item *item = shelf_find(&node->home.cache, &job->parents[i]);
        assert(item != NULL); /* it was pinned when the job began */
        parents[i] = (struct bytes){item->blob->bytes, item->blob->count};
    }
    uint8_t child[BULK_BLOB_BYTES_MAX];
    assert(null_child_bytes_max(&simulation->trial->null) <= sizeof child);
    size_t bytes = null_evaluate(&simulation->trial->null, job, parents, child, result);
    simulation->evaluations++;
    if (trial_let_diverge(simulation->trial, job, result)) {
        simulation->fault_counts[FAULT_DIVERGENCE]++;
        bytes = result->child_bytes;
        disguise_divergence(node, result);
    }
    bool opinion = job->kind == JOB_EVALUATE && job->key.job != JOB_NUMBER_FINAL;
    if (!opinion)
        checker_job(&simulation->checker, job->key)->carried_out++;
    if (opinion && node->role->mistaken && dice_chance(&simulation->world.dice, 0.5)) {
        simulation->fault_counts[FAULT_WRONG_OPINION]++;
        result->fitness -= dice_unit(&simulation->world.dice);
    }
    result->detail_bytes = checker_detail(job, news->detail);
    liar_speak(node, &(struct finding){job, news, child, bytes});
    if (bytes == 0)
        return;
    const struct blob *blob = archive_add(&simulation->archive, child, bytes);
    result->child = blob->digest;
    result->child_bytes = bytes;
    shelf_put(&node->home.cache, blob)->pins++;
}

/* A job that is not wanted any more, but had company, may have lost its parents since. */
static bool has_parents(const struct worker_node *node, const struct job *job)
{
    for (uint32_t i = 0; i < job->parent_count; i++)
        if (shelf_find(&node->home.cache, &job->parents[i]) == NULL)
            return false;
    return true;
}

static void slot_finishes(void *context, const struct action *action)
{
    struct worker_node *node = context;
    struct node_place place = worker_place_of(action->index);
    struct node_slot *slot = &node->slots[place.slot];
    if (!node->alive || slot->token != action->token || slot->jobs[place.job].answered)
        return;
    struct shell_news said = {
        .kind = WORKER_SLOT_COHORT, .slot = place.slot, .cohort = node->role->cohort_best};
    struct shell_news news = {.kind = WORKER_SLOT_FINISHED, .slot = place.slot};
    const struct lease *lease = &slot->jobs[place.job].lease;
    if (slot->job_count > 1 && !has_parents(node, &lease->job)) {
        news.result.outcome = OUTCOME_FAILED;
        news.result.fitness = __builtin_nan("");
    } else if (attempt_fails(node, &lease->job)) {
        fail_attempt(node, &lease->job, &news.result);
    } else {
        evaluate(node, &lease->job, &news);
    }
    news.result.lease = lease->key;
    news.result.job = job_digest(&lease->job);
    news.result.compute_ms = (uint32_t)(node->simulation->world.now_ms - slot->started_ms);
    news.result.cohort = slot->job_count;
    worker_tell(node, &said);
    worker_tell(node, &news);
    worker_slot_answer(node, place);
}

/* --------------------------------------------------------------------------------- start of a job
 */

static uint64_t draw_duration(struct worker_node *node, const struct job *job)
{
    struct simulation *simulation = node->simulation;
    struct dice *dice = &simulation->world.dice;
    uint64_t ms = simulation->trial->job_ms * node->role->slowness;
    if (ms > simulation_stretch(simulation, JOB_MS_MAX))
        ms = simulation_stretch(simulation, JOB_MS_MAX);
    ms = ms / 2 + dice_between(dice, (struct span){0, ms});
    if (job->kind == JOB_EVALUATE)
        ms /= 5;
    if (dice_chance(dice, fault_chance(&simulation->plan, FAULT_SLOT_HANG))) {
        simulation->fault_counts[FAULT_SLOT_HANG]++;
        ms *= HANG_FACTOR;
    }
    return ms;
}

/* Only jobs that nobody has tried yet go together, and only those that train on the same. */
static void check_company(struct worker_node *node, const struct node_slot *slot)
{
    const struct lease *first = &slot->jobs[0].lease;
    const struct lease *last = &slot->jobs[slot->job_count - 1].lease;
    bool fits = first->reason == LEASE_FIRST && last->reason == LEASE_FIRST &&
                first->job.kind == JOB_MUTATE && last->job.kind == JOB_MUTATE &&
                first->partial.bytes == 0 && last->partial.bytes == 0 &&
                first->job.seed == last->job.seed && first->job.stream == last->job.stream &&
                digest_equal(&first->job.spec, &last->job.spec) &&
                digest_equal(&first->job.data, &last->job.data);
    if (!fits || slot->job_count > node->role->cohort_max ||
        slot->job_count > node->role->cohort_best)
        world_fail(&node->simulation->world, FAILURE_INVARIANT,
                   "worker %" PRIu32 ": job %" PRIu32 "/%" PRIu64 " is in the wrong company",
                   node->seat, last->job.key.line, last->job.key.job);
}

/* The slot has all its jobs: each takes as long as it takes, and the first to die takes all. */
static void start_job(struct worker_node *node, struct node_place place)
{
    struct simulation *simulation = node->simulation;
    struct node_slot *slot = &node->slots[place.slot];
    struct node_job *job = &slot->jobs[place.job];
    const struct job *what = &job->lease.job;
    uint64_t duration_ms =
        worker_slot_share(draw_duration(node, what), worker_slot_resume(node, job));
    struct dice *dice = &simulation->world.dice;
    bool dies = trial_is_poison(simulation->trial, what) ||
                dice_chance(dice, fault_chance(&simulation->plan, FAULT_SLOT_DEATH));
    if (dies)
        duration_ms = dice_between(dice, (struct span){0, duration_ms});
    job->duration_ms = duration_ms;
    world_trace(&simulation->world,
                "w%" PRIu32 ": slot %" PRIu32 " runs %" PRIu32 "/%" PRIu64 ", one of %" PRIu32
                ", for %" PRIu64 " ms",
                node->seat, place.slot, what->key.line, what->key.job, slot->job_count,
                duration_ms);
    world_schedule(&simulation->world, duration_ms,
                   (struct action){.run = dies ? slot_dies : slot_finishes,
                                   .context = node,
                                   .index = worker_place_index(place),
                                   .token = slot->token});
}

void worker_slot_run(struct worker_node *node, uint32_t index, const struct lease *lease,
                     uint32_t more)
{
    struct simulation *simulation = node->simulation;
    struct node_slot *slot = &node->slots[index];
    checker_on_run(&simulation->checker, node, lease);
    if (index >= node->role->slots || slot->state != NODE_SLOT_IDLE ||
        slot->job_count == WORKER_COHORT_MAX) {
        world_fail(&simulation->world, FAILURE_INVARIANT,
                   "worker %" PRIu32 ": runs a job in a slot that is not idle", node->seat);
        return;
    }
    slot->jobs[slot->job_count++] = (struct node_job){.lease = *lease};
    if (slot->job_count > 1)
        check_company(node, slot);
    if (more > 0)
        return;
    slot->state = NODE_SLOT_BUSY;
    slot->token++;
    slot->started_ms = simulation->world.now_ms;
    simulation->cohorts += slot->job_count > 1;
    for (uint32_t i = 0; i < slot->job_count; i++)
        start_job(node, (struct node_place){index, i});
}
