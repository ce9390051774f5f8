/*
 * replay_plan.c: see replay_plan.h.
 *
 * A child is created after its parents are committed, so it has the larger sequence: taking the
 * largest of those that are still to be looked at gives children before parents, finds a job that
 * several need as often in a row, and comes to an end whatever the ledger says.
 */
#include "coordinator/replay/replay_plan.h"

#include "coordinator/reading/reader.h"

#include <assert.h>
#include <stdlib.h>

enum { STEPS_MAX = 1 << 28 };

/* Commits that are wanted; a heap with the largest sequence on top. */
struct queue {
    struct commit_record *items;
    size_t count, capacity;
};

static int no_memory(struct error *error)
{
    return error_set(error, -1, "no memory for the list of jobs to make again");
}

/* Room for one more; doubles. */
static int grow(void **items, size_t *capacity, size_t item_bytes, struct error *error)
{
    size_t more = *capacity == 0 ? 16 : 2 * *capacity;
    void *grown = realloc(*items, more * item_bytes);
    if (grown == NULL)
        return no_memory(error);
    *items = grown;
    *capacity = more;
    return 0;
}

static int queue_push(struct queue *queue, const struct commit_record *record, struct error *error)
{
    void *items = queue->items;
    if (queue->count == queue->capacity &&
        grow(&items, &queue->capacity, sizeof *queue->items, error) != 0)
        return -1;
    queue->items = items;
    size_t place = queue->count++;
    while (place > 0 && queue->items[(place - 1) / 2].sequence < record->sequence) {
        queue->items[place] = queue->items[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    queue->items[place] = *record;
    return 0;
}

static void queue_pop(struct queue *queue, struct commit_record *record)
{
    assert(queue->count > 0);
    *record = queue->items[0];
    const struct commit_record last = queue->items[--queue->count];
    size_t place = 0, child;
    while ((child = 2 * place + 1) < queue->count) {
        if (child + 1 < queue->count &&
            queue->items[child].sequence < queue->items[child + 1].sequence)
            child++;
        if (queue->items[child].sequence <= last.sequence)
            break;
        queue->items[place] = queue->items[child];
        place = child;
    }
    if (queue->count > 0)
        queue->items[place] = last;
}

static int check_description(const struct commit_record *record, struct error *error)
{
    struct digest description = job_digest(&record->job);
    char id[ID_BYTES_MAX];
    format_id(record->job.key, id);
    if (digest_equal(&description, &record->description))
        return 0;
    return error_set(error, -1,
                     "the ledger is damaged: the description of job %s is not the one whose digest "
                     "was committed",
                     id);
}

/* The commit that made a parent, which is what the child says of it. */
static int find_parent(const struct commit_record *child, uint32_t index,
                       const struct replay_source *source, struct commit_record *parent,
                       struct error *error)
{
    char id[ID_BYTES_MAX], parent_id[ID_BYTES_MAX];
    format_id(child->job.key, id);
    format_id(child->parent_ids[index], parent_id);
    int found = source->find(source->context, child->parent_ids[index], parent, error);
    if (found < 0)
        return -1;
    if (found == 0)
        return error_set(error, -1, "the ledger is damaged: %s has the parent %s, which it lacks",
                         id, parent_id);
    if (parent->sequence >= child->sequence)
        return error_set(error, -1, "the ledger is damaged: %s was committed before its parent %s",
                         id, parent_id);
    if (!digest_equal(&parent->child, &child->job.parents[index]))
        return error_set(error, -1,
                         "the ledger is damaged: the checkpoint of %s is not the one from which %s "
                         "was made",
                         parent_id, id);
    return check_description(parent, error);
}

/* Puts the parents that have to be made into the queue. */
static int look_at_parents(struct queue *queue, const struct commit_record *record,
                           const struct replay_source *source, struct replay_step *step,
                           struct error *error)
{
    for (uint32_t i = 0; i < record->job.parent_count; i++) {
        int at_hand = source->obtain(source->context, &record->job.parents[i], error);
        if (at_hand < 0)
            return -1;
        if (at_hand > 0)
            continue;
        struct commit_record parent;
        if (find_parent(record, i, source, &parent, error) != 0 ||
            queue_push(queue, &parent, error) != 0)
            return -1;
        step->parents[i] = parent.sequence;
    }
    return 0;
}

static void reverse(struct replay_plan *plan)
{
    for (size_t i = 0; i < plan->count / 2; i++) {
        struct replay_step step = plan->steps[i];
        plan->steps[i] = plan->steps[plan->count - 1 - i];
        plan->steps[plan->count - 1 - i] = step;
    }
}

static int fill(struct replay_plan *plan, struct queue *queue, const struct replay_source *source,
                struct error *error)
{
    size_t capacity = 0;
    while (queue->count > 0) {
        struct commit_record record;
        queue_pop(queue, &record);
        if (plan->count > 0 && plan->steps[plan->count - 1].sequence == record.sequence) {
            plan->steps[plan->count - 1].uses++;
            continue;
        }
        void *steps = plan->steps;
        if (plan->count == capacity && grow(&steps, &capacity, sizeof *plan->steps, error) != 0)
            return -1;
        plan->steps = steps;
        struct replay_step *step = &plan->steps[plan->count++];
        *step = (struct replay_step){
            .key = record.job.key,
            .sequence = record.sequence,
            .child = record.child,
            .uses = 1,
        };
        if (look_at_parents(queue, &record, source, step, error) != 0)
            return -1;
    }
    reverse(plan);
    return 0;
}

/*
 * Different jobs may make the same bytes, so uses are counted by digest. Half a digest tells them
 * apart; where somebody made two halves agree, both stay as long as one of them is needed.
 */
static struct replay_step *first_of(const struct replay_plan *plan, const struct digest *child)
{
    uint32_t index = fixed_map_find(plan->children, map_key_of_bytes(child->bytes));
    return index != FIXED_MAP_NONE ? &plan->steps[index] : NULL;
}

static int count_needs(struct replay_plan *plan, struct error *error)
{
    if (plan->count > STEPS_MAX)
        return error_set(error, -1, "more than %d jobs would have to be made again", STEPS_MAX);
    plan->children = fixed_map_create((uint32_t)plan->count);
    if (plan->children == NULL)
        return no_memory(error);
    for (size_t i = 0; i < plan->count; i++) {
        struct replay_step *step = &plan->steps[i], *first = first_of(plan, &step->child);
        if (first == NULL) {
            fixed_map_insert(plan->children, map_key_of_bytes(step->child.bytes), (uint32_t)i);
            first = step;
        }
        first->needed += step->uses;
    }
    return 0;
}

int replay_plan_make(struct replay_plan *plan, const struct commit_record *wanted,
                     const struct replay_source *source, struct error *error)
{
    struct queue queue = {0};
    *plan = (struct replay_plan){0};
    int rc = check_description(wanted, error);
    if (rc == 0)
        rc = queue_push(&queue, wanted, error);
    if (rc == 0)
        rc = fill(plan, &queue, source, error);
    if (rc == 0)
        rc = count_needs(plan, error);
    free(queue.items);
    if (rc != 0)
        replay_plan_free(plan);
    return rc;
}

void replay_plan_free(struct replay_plan *plan)
{
    free(plan->steps);
    fixed_map_destroy(&plan->children);
    *plan = (struct replay_plan){0};
}

/* The step of that sequence, which is in the plan. */
static struct replay_step *find_step(const struct replay_plan *plan, uint64_t sequence)
{
    size_t low = 0, high = plan->count;
    while (low + 1 < high) {
        size_t middle = low + (high - low) / 2;
        if (plan->steps[middle].sequence <= sequence)
            low = middle;
        else
            high = middle;
    }
    assert(low < plan->count && plan->steps[low].sequence == sequence);
    return &plan->steps[low];
}

void replay_plan_done(struct replay_plan *plan, const struct replay_step *step,
                      void (*drop)(const void *context, const struct digest *checkpoint),
                      const void *context)
{
    for (uint32_t i = 0; i < JOB_PARENTS_MAX; i++) {
        if (step->parents[i] == 0)
            continue;
        struct replay_step *parent = find_step(plan, step->parents[i]);
        struct replay_step *first = first_of(plan, &parent->child);
        assert(parent->uses > 0 && first != NULL && first->needed > 0);
        parent->uses--;
        first->needed--;
        if (first->needed == 0)
            drop(context, &parent->child);
    }
}
