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

uint64_t worker_slot_resume(struct worker_node *node, struct node_job *given)
{
    struct simulation *simulation = node->simulation;
    const struct lease *lease = &given->lease;
    const struct shelf_item *item = shelf_find(&node->home.cache, &lease->partial.state);
    struct digest job = job_digest(&lease->job);
    struct job_progress progress;
    struct error error;
    given->steps_before = 0;
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
    given->steps_before = progress.steps;
    return JOB_STEPS - progress.steps;
}

uint64_t worker_slot_share(uint64_t duration_ms, uint64_t steps)
{
    return duration_ms * steps / JOB_STEPS;
}

/* How far the job has come. */
static uint64_t steps_of(const struct worker_node *node, struct node_place place)
{
    const struct node_slot *slot = &node->slots[place.slot];
    const struct node_job *job = &slot->jobs[place.job];
    uint64_t spent_ms = node->simulation->world.now_ms - slot->started_ms;
    uint64_t left = JOB_STEPS - job->steps_before;
    uint64_t done = job->duration_ms > 0 ? left * spent_ms / job->duration_ms : left;
    uint64_t steps = job->steps_before + (done > 0 ? done : 1);
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

static void job_stops(void *context, const struct action *action)
{
    struct worker_node *node = context;
    struct node_place place = worker_place_of(action->index);
    const struct node_slot *slot = &node->slots[place.slot];
    if (!node->alive || slot->token != action->token || slot->jobs[place.job].answered)
        return;
    const struct lease *lease = &slot->jobs[place.job].lease;
    struct shell_news news = {.kind = WORKER_SLOT_HANDED_OVER, .slot = place.slot};
    news.handover.lease = lease->key;
    news.handover.job = job_digest(&lease->job);
    news.handover.partial = keep_state(node, &news.handover.job, steps_of(node, place));
    world_trace(&node->simulation->world,
                "w%" PRIu32 ": slot %" PRIu32 " stops %" PRIu32 "/%" PRIu64 " behind step %" PRIu64,
                node->seat, place.slot, lease->job.key.line, lease->job.key.job,
                news.handover.partial.steps);
    worker_tell(node, &news);
    worker_slot_answer(node, place);
}

void worker_slot_stop(struct worker_node *node, uint32_t index)
{
    enum { STOP_MS = 200 };
    struct world *world = &node->simulation->world;
    const struct node_slot *slot = &node->slots[index];
    for (uint32_t i = 0; slot->state == NODE_SLOT_BUSY && i < slot->job_count; i++) {
        /* Some jobs cannot be cut, and end as they would have. */
        if (slot->jobs[i].answered || slot->jobs[i].lease.job.kind != JOB_MUTATE ||
            dice_chance(&world->dice, 0.1))
            continue;
        world_schedule(world, dice_below(&world->dice, STOP_MS),
                       (struct action){.run = job_stops,
                                       .context = node,
                                       .index = worker_place_index((struct node_place){index, i}),
                                       .token = slot->token});
    }
}
