/*
 * bulk_queue.c: see bulk_queue.h.
 *
 * Requests lie in one table and are chained by worker. Workers that have any stand in a ring; the
 * one served goes to its end, or leaves with its last request.
 */
#include "coordinator/shell/bulk_queue.h"

#include "common/fixed_map.h"

#include <stdlib.h>

enum { NOWHERE = -1 };

struct entry {
    struct bulk_request request;
    int next; /* of the same worker, or free */
};

struct asker {
    struct instance_id id;
    int first, last; /* its entries */
    uint32_t count;
    int next; /* in the ring of workers, or free */
};

struct bulk_queue {
    struct fixed_map *by_worker; /* to its asker, while it has entries */
    int free_entry, free_asker;
    int first_asker, last_asker;
    uint32_t count;
    struct entry entries[BULK_QUEUE_ALL];
    struct asker askers[BULK_QUEUE_ALL]; /* each may have one request */
};

struct bulk_queue *bulk_queue_create(void)
{
    struct bulk_queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL)
        return NULL;
    queue->by_worker = fixed_map_create(BULK_QUEUE_ALL);
    if (queue->by_worker == NULL) {
        bulk_queue_destroy(&queue);
        return NULL;
    }
    queue->first_asker = queue->last_asker = NOWHERE;
    for (int i = 0; i < BULK_QUEUE_ALL; i++) {
        int next = i + 1 < BULK_QUEUE_ALL ? i + 1 : NOWHERE;
        queue->entries[i].next = next;
        queue->askers[i].next = next;
    }
    return queue;
}

void bulk_queue_destroy(struct bulk_queue **queue)
{
    if (*queue == NULL)
        return;
    fixed_map_destroy(&(*queue)->by_worker);
    free(*queue);
    *queue = NULL;
}

uint32_t bulk_queue_count(const struct bulk_queue *queue)
{
    return queue->count;
}

static void ring_append(struct bulk_queue *queue, int asker)
{
    queue->askers[asker].next = NOWHERE;
    if (queue->last_asker == NOWHERE)
        queue->first_asker = asker;
    else
        queue->askers[queue->last_asker].next = asker;
    queue->last_asker = asker;
}

static int ring_take(struct bulk_queue *queue)
{
    int asker = queue->first_asker;
    queue->first_asker = queue->askers[asker].next;
    if (queue->first_asker == NOWHERE)
        queue->last_asker = NOWHERE;
    return asker;
}

/* The worker's place in the ring, made where it has none. */
static struct asker *asker_of(struct bulk_queue *queue, const struct instance_id *id)
{
    struct map_key key = map_key_of_bytes(id->bytes);
    uint32_t found = fixed_map_find(queue->by_worker, key);
    if (found != FIXED_MAP_NONE)
        return &queue->askers[found];
    int index = queue->free_asker; /* there are as many as entries, of which one is free */
    struct asker *asker = &queue->askers[index];
    queue->free_asker = asker->next;
    asker->id = *id;
    asker->first = asker->last = NOWHERE;
    asker->count = 0;
    fixed_map_insert(queue->by_worker, key, (uint32_t)index);
    ring_append(queue, index);
    return asker;
}

bool bulk_queue_add(struct bulk_queue *queue, const struct bulk_request *request)
{
    if (queue->free_entry == NOWHERE)
        return false;
    struct asker *asker = asker_of(queue, &request->by);
    if (asker->count == BULK_QUEUE_EACH)
        return false;
    int index = queue->free_entry;
    struct entry *entry = &queue->entries[index];
    queue->free_entry = entry->next;
    *entry = (struct entry){*request, NOWHERE};
    if (asker->last == NOWHERE)
        asker->first = index;
    else
        queue->entries[asker->last].next = index;
    asker->last = index;
    asker->count++;
    queue->count++;
    return true;
}

bool bulk_queue_next(struct bulk_queue *queue, struct bulk_request *request)
{
    if (queue->first_asker == NOWHERE)
        return false;
    int who = ring_take(queue);
    struct asker *asker = &queue->askers[who];
    int index = asker->first;
    struct entry *entry = &queue->entries[index];
    *request = entry->request;
    asker->first = entry->next;
    if (asker->first == NOWHERE)
        asker->last = NOWHERE;
    entry->next = queue->free_entry;
    queue->free_entry = index;
    queue->count--;
    if (--asker->count > 0) {
        ring_append(queue, who);
    } else {
        fixed_map_remove(queue->by_worker, map_key_of_bytes(asker->id.bytes));
        asker->next = queue->free_asker;
        queue->free_asker = who;
    }
    return true;
}
