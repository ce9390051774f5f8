/*
 * transfer.c: see transfer.h.
 *
 * Go-back-N, from the receiver's side. Each pull keeps two offsets: `received`, up to which every
 * byte has come, and `asked`, up to which requests have gone out. A chunk counts only if it starts
 * at `received`; anything else is late, doubled or beyond a gap, and is dropped. When nothing has
 * counted for retry_ms, `asked` goes back to `received` and the asking starts over. How long a blob
 * is nobody knows before its first chunk is there, so that one is asked for alone; most checkpoints
 * are no longer than it.
 *
 * A pull is in one of three lists: free, waiting (in the order of arrival), active (`concurrent` at
 * most, in the order in which they may ask next, so that each gets its turn). Finding a pull is one
 * lookup; asking and expiring look through the active ones.
 */
#include "proto/transfer.h"

#include "common/fixed_map.h"

#include <assert.h>
#include <stdlib.h>

enum transfer_state { TRANSFER_FREE, TRANSFER_WAITING, TRANSFER_ACTIVE };

static const uint64_t TOTAL_UNKNOWN = UINT64_MAX;
static const uint32_t NOWHERE = UINT32_MAX;

struct transfer {
    enum transfer_state state;
    uint32_t previous, next; /* in the list of its state */
    struct digest digest;
    struct instance_id peer;
    uint64_t received, asked, total;
    uint64_t quiet_since_ms; /* since when an answer is due; holds while asked > received */
    uint32_t silent;         /* silent periods since the last progress */
};

struct transfer_list {
    uint32_t first, last, count;
};

struct transfers {
    struct transfer_limits limits;
    struct fixed_map *by_digest;
    struct transfer_list free, waiting, active;
    struct transfer items[];
};

/* ---------------------------------------------------------------------------------------- lists */

static struct transfer_list *list_of(struct transfers *transfers, enum transfer_state state)
{
    switch (state) {
    case TRANSFER_WAITING:
        return &transfers->waiting;
    case TRANSFER_ACTIVE:
        return &transfers->active;
    case TRANSFER_FREE:
        break;
    }
    return &transfers->free;
}

static void list_append(struct transfers *transfers, uint32_t index, enum transfer_state state)
{
    struct transfer_list *list = list_of(transfers, state);
    struct transfer *transfer = &transfers->items[index];
    transfer->state = state;
    transfer->previous = list->last;
    transfer->next = NOWHERE;
    if (list->last != NOWHERE)
        transfers->items[list->last].next = index;
    else
        list->first = index;
    list->last = index;
    list->count++;
}

static void list_remove(struct transfers *transfers, uint32_t index)
{
    const struct transfer *transfer = &transfers->items[index];
    struct transfer_list *list = list_of(transfers, transfer->state);
    if (transfer->previous != NOWHERE)
        transfers->items[transfer->previous].next = transfer->next;
    else
        list->first = transfer->next;
    if (transfer->next != NOWHERE)
        transfers->items[transfer->next].previous = transfer->previous;
    else
        list->last = transfer->previous;
    list->count--;
}

static void list_move(struct transfers *transfers, uint32_t index, enum transfer_state state)
{
    list_remove(transfers, index);
    list_append(transfers, index, state);
}

/* ------------------------------------------------------------------------------ life of a pull */

static struct map_key key_of(const struct digest *digest)
{
    return map_key_of_bytes(digest->bytes);
}

static bool same_peer(const struct instance_id *a, const struct instance_id *b)
{
    struct map_key left = map_key_of_bytes(a->bytes), right = map_key_of_bytes(b->bytes);
    return left.low == right.low && left.high == right.high;
}

static void activate(struct transfers *transfers)
{
    while (transfers->active.count < transfers->limits.concurrent && transfers->waiting.count > 0)
        list_move(transfers, transfers->waiting.first, TRANSFER_ACTIVE);
}

static void release(struct transfers *transfers, uint32_t index)
{
    fixed_map_remove(transfers->by_digest, key_of(&transfers->items[index].digest));
    list_move(transfers, index, TRANSFER_FREE);
    activate(transfers);
}

static struct transfer_step ignored(void)
{
    return (struct transfer_step){.outcome = TRANSFER_IGNORED, .id = TRANSFER_NONE};
}

static struct transfer_step step_of(const struct transfers *transfers, uint32_t index,
                                    enum transfer_outcome outcome)
{
    return (struct transfer_step){
        .outcome = outcome,
        .id = {index},
        .digest = transfers->items[index].digest,
        .peer = transfers->items[index].peer,
    };
}

static struct transfer_step end_with(struct transfers *transfers, uint32_t index,
                                     enum transfer_outcome outcome)
{
    struct transfer_step step = step_of(transfers, index, outcome);
    release(transfers, index);
    return step;
}

struct transfers *transfers_create(const struct transfer_limits *limits)
{
    assert(limits->concurrent > 0 && limits->capacity > 0 && limits->capacity < NOWHERE);
    assert(limits->chunk_bytes > 0 && limits->chunk_bytes <= CHUNK_BYTES_MAX);
    assert(limits->window > 0 && limits->retry_ms > 0 && limits->tries > 0);
    struct transfers *transfers =
        calloc(1, sizeof *transfers + limits->capacity * sizeof transfers->items[0]);
    if (transfers == NULL)
        return NULL;
    transfers->by_digest = fixed_map_create(limits->capacity);
    if (transfers->by_digest == NULL) {
        free(transfers);
        return NULL;
    }
    transfers->limits = *limits;
    const struct transfer_list empty = {.first = NOWHERE, .last = NOWHERE};
    transfers->free = transfers->waiting = transfers->active = empty;
    for (uint32_t i = 0; i < limits->capacity; i++)
        list_append(transfers, i, TRANSFER_FREE);
    return transfers;
}

void transfers_destroy(struct transfers **transfers)
{
    if (*transfers == NULL)
        return;
    fixed_map_destroy(&(*transfers)->by_digest);
    free(*transfers);
    *transfers = NULL;
}

struct transfer_id transfers_start(struct transfers *transfers, const struct instance_id *peer,
                                   const struct digest *digest, uint64_t now_ms)
{
    uint32_t index = fixed_map_find(transfers->by_digest, key_of(digest));
    /* Digests are claims of the wire: two may share the half by which they are found here. */
    if (index != FIXED_MAP_NONE)
        return transfers_find(transfers, digest);
    if (transfers->free.count == 0)
        return TRANSFER_NONE;
    index = transfers->free.first;
    list_remove(transfers, index);
    transfers->items[index] = (struct transfer){
        .digest = *digest,
        .peer = *peer,
        .total = TOTAL_UNKNOWN,
        .quiet_since_ms = now_ms,
    };
    list_append(transfers, index, TRANSFER_WAITING);
    fixed_map_insert(transfers->by_digest, key_of(digest), index);
    activate(transfers);
    return (struct transfer_id){index};
}

struct transfer_id transfers_find(const struct transfers *transfers, const struct digest *digest)
{
    uint32_t index = fixed_map_find(transfers->by_digest, key_of(digest));
    if (index == FIXED_MAP_NONE || !digest_equal(&transfers->items[index].digest, digest))
        return TRANSFER_NONE;
    return (struct transfer_id){index};
}

void transfers_cancel(struct transfers *transfers, struct transfer_id id)
{
    assert(id.index < transfers->limits.capacity);
    assert(transfers->items[id.index].state != TRANSFER_FREE);
    release(transfers, id.index);
}

/* ------------------------------------------------------------------------------- what arrives */

/* The active pull of `digest` from `peer`, or NOWHERE. */
static uint32_t find_active(const struct transfers *transfers, const struct instance_id *peer,
                            const struct digest *digest)
{
    uint32_t index = transfers_find(transfers, digest).index;
    if (index == TRANSFER_NONE.index)
        return NOWHERE;
    const struct transfer *transfer = &transfers->items[index];
    bool ours = transfer->state == TRANSFER_ACTIVE && same_peer(&transfer->peer, peer);
    return ours ? index : NOWHERE;
}

struct transfer_step transfers_on_chunk(struct transfers *transfers, const struct instance_id *peer,
                                        const struct chunk *chunk, uint64_t now_ms)
{
    uint32_t index = find_active(transfers, peer, &chunk->digest);
    if (index == NOWHERE)
        return ignored();
    struct transfer *transfer = &transfers->items[index];
    bool other_total = transfer->total != TOTAL_UNKNOWN && transfer->total != chunk->total;
    if (other_total || chunk->total > BLOB_BYTES_MAX)
        return end_with(transfers, index, TRANSFER_FAILED);
    /* A chunk without bytes is progress only where there are none to come. */
    if (chunk->offset != transfer->received || (chunk->length == 0 && chunk->total > 0))
        return ignored();

    transfer->total = chunk->total;
    transfer->received += chunk->length;
    if (transfer->asked < transfer->received)
        transfer->asked = transfer->received;
    transfer->quiet_since_ms = now_ms;
    transfer->silent = 0;
    if (transfer->received == transfer->total)
        return end_with(transfers, index, TRANSFER_COMPLETE);
    return step_of(transfers, index, TRANSFER_WRITE);
}

struct transfer_step transfers_on_absent(struct transfers *transfers,
                                         const struct instance_id *peer,
                                         const struct digest *digest)
{
    uint32_t index = find_active(transfers, peer, digest);
    return index == NOWHERE ? ignored() : end_with(transfers, index, TRANSFER_FAILED);
}

/* ------------------------------------------------------------------------- what time brings on */

static bool given_up(const struct transfers *transfers, const struct transfer *transfer)
{
    return transfer->silent >= transfers->limits.tries;
}

static bool request_due(const struct transfers *transfers, const struct transfer *transfer)
{
    if (given_up(transfers, transfer))
        return false;
    if (transfer->total == TOTAL_UNKNOWN)
        return transfer->asked == 0;
    uint64_t window = (uint64_t)transfers->limits.window * transfers->limits.chunk_bytes;
    return transfer->asked < transfer->total && transfer->asked - transfer->received < window;
}

/* Counts a silent period, once it is over, and goes back to the last good byte. */
static void notice_silence(const struct transfers *transfers, struct transfer *transfer,
                           uint64_t now_ms)
{
    bool outstanding = transfer->asked > transfer->received;
    if (!outstanding || now_ms < transfer->quiet_since_ms + transfers->limits.retry_ms)
        return;
    transfer->silent++;
    transfer->asked = transfer->received;
}

static void ask(const struct transfers *transfers, struct transfer *transfer, uint64_t now_ms,
                struct pull *pull)
{
    uint64_t left = transfer->total - transfer->asked; /* plenty while the total is unknown */
    uint32_t most = transfers->limits.chunk_bytes;
    *pull = (struct pull){
        .digest = transfer->digest,
        .offset = transfer->asked,
        .length = left < most ? (uint32_t)left : most,
    };
    if (transfer->asked == transfer->received)
        transfer->quiet_since_ms = now_ms;
    transfer->asked += pull->length;
}

bool transfers_next_pull(struct transfers *transfers, uint64_t now_ms, struct instance_id *peer,
                         struct pull *pull)
{
    for (uint32_t i = 0; i < transfers->active.count; i++) {
        uint32_t index = transfers->active.first;
        struct transfer *transfer = &transfers->items[index];
        list_move(transfers, index, TRANSFER_ACTIVE); /* to the back: others are next */
        notice_silence(transfers, transfer, now_ms);
        if (request_due(transfers, transfer)) {
            *peer = transfer->peer;
            ask(transfers, transfer, now_ms, pull);
            return true;
        }
    }
    return false;
}

struct transfer_step transfers_expire(struct transfers *transfers, uint64_t now_ms)
{
    for (uint32_t index = transfers->active.first; index != NOWHERE;
         index = transfers->items[index].next) {
        notice_silence(transfers, &transfers->items[index], now_ms);
        if (given_up(transfers, &transfers->items[index]))
            return end_with(transfers, index, TRANSFER_FAILED);
    }
    return ignored();
}

uint64_t transfers_deadline(const struct transfers *transfers)
{
    uint64_t deadline = UINT64_MAX;
    for (uint32_t index = transfers->active.first; index != NOWHERE;
         index = transfers->items[index].next) {
        const struct transfer *transfer = &transfers->items[index];
        if (given_up(transfers, transfer) || request_due(transfers, transfer))
            return 0;
        uint64_t retry_ms = transfer->quiet_since_ms + transfers->limits.retry_ms;
        if (retry_ms < deadline)
            deadline = retry_ms;
    }
    return deadline;
}
