/*
 * worker_handover.c: slots that stop in the middle of a job, and slots that go on from there. See
 * worker_node.h.
 *
 * A job has a thousand steps here, however long it takes; what was carried out is in a real frame
 * (worker/evaluators/job_state.h), so that no job can go on with another's state unseen.
 */
#include "tests/simulation/simulation.h"
#include "worker/evaluators/job_state.h"

#include <assert.h>
#include <inttypes.h>

enum { JOB_STEPS = 1000, STATE_BYTES_MAX = 256 };

uint64_t worker_slot_resume(struct worker_node *node, struct node_slot *slot)
{
    struct simulation *simulation = node->simulation;
    const struct lease *lease = &slot->lease;
    const struct shelf_item *item = shelf_find(&node->home.cache, &lease->partial.state);
    struct digest job = job_digest(&lease->job);
    struct job_progress progress;
    struct error error;
    slot->steps_before = 0;
    if (lease->partial.bytes == 0 || item == NULL)
        return JOB_STEPS;
    const struct bytes whole = {item->blob->bytes, item->blob->count};
    if (job_state_read(whole, &job, &progress, &error) != 0 ||
        progress.steps != lease->partial.steps || whole.count != lease->partial.bytes) {
        world_fail(&simulation->world, FAILURE_INVARIANT,
                   "job %" PRIu32 "/%" PRIu64 " goes on from a state that is not its own",
                   lease->job.key.line, lease->job.key.job);
        return JOB_STEPS;
    }
    simulation->resumptions++;
    slot->steps_before = progress.steps;
    return JOB_STEPS - progress.steps;
}

uint64_t worker_slot_share(uint64_t duration_ms, uint64_t steps)
{
    return duration_ms * steps / JOB_STEPS;
}

/* How far the job has come. */
static uint64_t steps_of(const struct worker_node *node, const struct node_slot *slot)
{
    uint64_t spent_ms = node->simulation->world.now_ms - slot->started_ms;
    uint64_t left = JOB_STEPS - slot->steps_before;
    uint64_t done = slot->duration_ms > 0 ? left * spent_ms / slot->duration_ms : left;
    uint64_t steps = slot->steps_before + (done > 0 ? done : 1);
    return steps < JOB_STEPS ? steps : JOB_STEPS - 1;
}

static struct partial keep_state(struct worker_node *node, const struct digest *job, uint64_t steps)
{
    static const struct partial none;
    uint8_t bytes[STATE_BYTES_MAX];
    const struct job_progress progress = {.steps = steps, .content = {bytes, 0}};
    size_t count = job_state_bytes(&progress);
    assert(count <= sizeof bytes);
    job_state_write(&progress, job, bytes);
    if (dice_chance(&node->simulation->world.dice, 0.05)) /* its disk is full */
        return none;
    const struct blob *blob = archive_add(&node->simulation->archive, bytes, count);
    shelf_put(&node->home.cache, blob)->pins++;
    return (struct partial){blob->digest, count, steps};
}

static void slot_stops(void *context, const struct action *action)
{
    struct worker_node *node = context;
    struct node_slot *slot = &node->slots[action->index];
    if (!node->alive || slot->token != action->token)
        return;
    const struct job *job = &slot->lease.job;
    struct shell_news news = {.kind = WORKER_SLOT_HANDED_OVER, .slot = action->index};
    news.handover.lease = slot->lease.key;
    news.handover.job = job_digest(job);
    news.handover.partial = keep_state(node, &news.handover.job, steps_of(node, slot));
    world_trace(&node->simulation->world,
                "w%" PRIu32 ": slot %" PRIu32 " stops %" PRIu32 "/%" PRIu64 " behind step %" PRIu64,
                node->seat, action->index, job->key.line, job->key.job,
                news.handover.partial.steps);
    slot->state = NODE_SLOT_IDLE;
    slot->token++;
    worker_tell(node, &news);
}

void worker_slot_stop(struct worker_node *node, uint32_t index)
{
    enum { STOP_MS = 200 };
    struct world *world = &node->simulation->world;
    const struct node_slot *slot = &node->slots[index];
    /* Some jobs cannot be cut, and end as they would have. */
    if (slot->state != NODE_SLOT_BUSY || slot->lease.job.kind != JOB_MUTATE ||
        dice_chance(&world->dice, 0.1))
        return;
    world_schedule(
        world, dice_below(&world->dice, STOP_MS),
        (struct action){.run = slot_stops, .context = node, .index = index, .token = slot->token});
}
