/*
 * bulk.c: see bulk.h.
 *
 * A wish is in exactly one of three places: the queue of wishes, the table of pulls (at the index
 * that `transfers` gave it), the queue of events. Several wishes for one digest share a pull: the
 * core asks again only after an answer, so that a second one is the same wish repeated.
 *
 * Bounds of a turn: so many bytes come in and so many go out (bulk_serve.h), and then it is over,
 * because messages of the control socket wait for it. What comes in is fair already: we ask for it,
 * and ZeroMQ takes from each peer in turn.
 */
#include "coordinator/shell/bulk.h"

#include "coordinator/shell/bulk_serve.h"
#include "coordinator/shell/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONCURRENT = 16, /* blobs that come in at once */
    CAPACITY = 256,  /* begun; the rest waits in the queue of wishes */
    WINDOW = 8,      /* chunks asked for ahead: 2 MiB per blob */
    RETRY_MS = 1000,
    TRIES = 5,
    TURN_BYTES_MAX = 2 << 20, /* a few milliseconds of work */
};

struct wish_queue {
    struct bulk_want *items;
    size_t first, count, capacity; /* a ring */
};

struct event_queue {
    struct bulk_event *items;
    size_t first, count, capacity;
};

struct pull_in {
    bool used;
    struct bulk_want want;
    struct blob_writer *writer; /* opened by the first chunk */
    uint64_t unreachable_ms;    /* since when requests reach nobody; 0: they do */
};

struct bulk {
    struct sockets *sockets;
    struct blob_store *store;
    struct codec *codec; /* a decoded chunk lives until it is written */
    struct transfers *transfers;
    struct bulk_serve *serve; /* what goes out */
    struct outbox *asked;     /* our own requests of a tick, packed per worker */
    struct wish_queue wishes;
    struct event_queue events;
    struct pull_in pulls[CAPACITY];
    uint32_t whole_count, whole[CAPACITY]; /* indices of pulls that got their last chunk */
    struct bulk_counts counts;             /* but for what `serve` counts */
    struct peer_traffic *traffic;          /* the same for each worker */
    uint64_t tick_ms;                      /* of the tick under way */
    uint64_t begin_ms;                     /* no pull begins before: descriptors were short */
};

struct bulk *bulk_create(struct sockets *sockets, struct blob_store *store, struct error *error)
{
    struct bulk *bulk = calloc(1, sizeof *bulk);
    if (bulk != NULL) {
        const struct transfer_limits limits = {
            .concurrent = CONCURRENT,
            .capacity = CAPACITY,
            .window = WINDOW,
            .chunk_bytes = CHUNK_BYTES_MAX,
            .retry_ms = RETRY_MS,
            .tries = TRIES,
        };
        bulk->sockets = sockets;
        bulk->store = store;
        bulk->codec = codec_create();
        bulk->transfers = transfers_create(&limits);
        bulk->asked = outbox_create();
        bulk->traffic = peer_traffic_create(SESSIONS_MAX);
        bulk->serve = bulk_serve_create(sockets, store, bulk->traffic);
        if (bulk->codec != NULL && bulk->transfers != NULL && bulk->asked != NULL &&
            bulk->traffic != NULL && bulk->serve != NULL)
            return bulk;
        bulk_destroy(&bulk);
    }
    error_set(error, -1, "no memory for transfers");
    return NULL;
}

void bulk_destroy(struct bulk **bulk)
{
    if (*bulk == NULL)
        return;
    for (uint32_t i = 0; i < CAPACITY; i++) {
        if ((*bulk)->pulls[i].writer != NULL)
            blob_writer_abandon(&(*bulk)->pulls[i].writer);
    }
    transfers_destroy(&(*bulk)->transfers);
    bulk_serve_destroy(&(*bulk)->serve);
    outbox_destroy(&(*bulk)->asked);
    peer_traffic_destroy(&(*bulk)->traffic);
    codec_destroy(&(*bulk)->codec);
    free((*bulk)->wishes.items);
    free((*bulk)->events.items);
    free(*bulk);
    *bulk = NULL;
}

/* Room for one more event for each wish is made here, so that an answer can never be lost. */
static int reserve_event(struct bulk *bulk)
{
    struct event_queue *events = &bulk->events;
    size_t needed = events->count + bulk->wishes.count + CAPACITY + 1;
    if (needed <= events->capacity)
        return 0;
    size_t capacity = 2 * needed;
    struct bulk_event *items = malloc(capacity * sizeof *items);
    if (items == NULL)
        return -1;
    for (size_t i = 0; i < events->count; i++)
        items[i] = events->items[(events->first + i) % events->capacity];
    free(events->items);
    *events = (struct event_queue){items, 0, events->count, capacity};
    return 0;
}

static int reserve_wish(struct wish_queue *wishes)
{
    if (wishes->count < wishes->capacity)
        return 0;
    size_t capacity = wishes->capacity == 0 ? 64 : 2 * wishes->capacity;
    struct bulk_want *items = malloc(capacity * sizeof *items);
    if (items == NULL)
        return -1;
    for (size_t i = 0; i < wishes->count; i++)
        items[i] = wishes->items[(wishes->first + i) % wishes->capacity];
    free(wishes->items);
    *wishes = (struct wish_queue){items, 0, wishes->count, capacity};
    return 0;
}

int bulk_add_want(struct bulk *bulk, const struct bulk_want *want, struct error *error)
{
    struct wish_queue *wishes = &bulk->wishes;
    if (reserve_wish(wishes) != 0 || reserve_event(bulk) != 0)
        return error_set(error, -1, "no memory for further transfers");
    wishes->items[(wishes->first + wishes->count) % wishes->capacity] = *want;
    wishes->count++;
    return 0;
}

static void add_event(struct bulk *bulk, const struct bulk_want *want, bool stored)
{
    struct event_queue *events = &bulk->events;
    assert(events->count < events->capacity);
    events->items[(events->first + events->count) % events->capacity] =
        (struct bulk_event){.stored = stored, .digest = want->digest, .from = want->from};
    events->count++;
    if (!stored)
        bulk->counts.failed++;
}

bool bulk_next_event(struct bulk *bulk, struct bulk_event *event)
{
    struct event_queue *events = &bulk->events;
    if (events->count == 0)
        return false;
    *event = events->items[events->first];
    events->first = (events->first + 1) % events->capacity;
    events->count--;
    return true;
}

/* ---------------------------------------------------------------------------------- coming in */

/* The pull is over: its place is free again and the wish answered. */
static void end_pull(struct bulk *bulk, struct pull_in *pull, bool stored)
{
    if (pull->writer != NULL)
        blob_writer_abandon(&pull->writer);
    add_event(bulk, &pull->want, stored);
    *pull = (struct pull_in){0};
}

static void cancel_wishes(struct wish_queue *wishes, const struct digest *digest)
{
    size_t kept = 0;
    for (size_t i = 0; i < wishes->count; i++) {
        struct bulk_want want = wishes->items[(wishes->first + i) % wishes->capacity];
        if (!digest_equal(&want.digest, digest))
            wishes->items[(wishes->first + kept++) % wishes->capacity] = want;
    }
    wishes->count = kept;
}

void bulk_cancel(struct bulk *bulk, const struct digest *digest)
{
    cancel_wishes(&bulk->wishes, digest);
    struct transfer_id id = transfers_find(bulk->transfers, digest);
    if (id.index == TRANSFER_NONE.index)
        return;
    struct pull_in *pull = &bulk->pulls[id.index];
    if (pull->writer != NULL)
        blob_writer_abandon(&pull->writer);
    *pull = (struct pull_in){0};
    transfers_cancel(bulk->transfers, id);
}

/* Begins wishes while the table has room. */
static void begin_pulls(struct bulk *bulk, uint64_t now_ms)
{
    struct wish_queue *wishes = &bulk->wishes;
    while (wishes->count > 0 && now_ms >= bulk->begin_ms) {
        const struct bulk_want *want = &wishes->items[wishes->first];
        if (blob_store_has(bulk->store, &want->digest)) {
            add_event(bulk, want, true);
        } else {
            struct transfer_id id =
                transfers_start(bulk->transfers, &want->from, &want->digest, now_ms);
            if (id.index == TRANSFER_NONE.index)
                return;
            struct pull_in *pull = &bulk->pulls[id.index];
            if (!pull->used)
                *pull = (struct pull_in){.used = true, .want = *want};
        }
        wishes->first = (wishes->first + 1) % wishes->capacity;
        wishes->count--;
    }
}

/*
 * A peer that is not connected may be about to reconnect. If it is not back by the next request,
 * there is no need to wait for as long as one waits for a slow one.
 */
static void watch_reach(struct bulk *bulk, uint32_t index, enum send_result result, uint64_t now_ms)
{
    struct pull_in *pull = &bulk->pulls[index];
    if (result != SEND_UNREACHABLE)
        pull->unreachable_ms = 0;
    else if (pull->unreachable_ms == 0)
        pull->unreachable_ms = now_ms;
    else if (now_ms - pull->unreachable_ms >= RETRY_MS / 2) {
        transfers_cancel(bulk->transfers, (struct transfer_id){index});
        end_pull(bulk, pull, false);
    }
}

/*
 * All that a worker is asked for in a tick is one datagram: as many as there are requests would not
 * fit its queue, and what does not is lost until the asking starts over.
 */
static void send_asked(void *context, const struct instance_id *to, const uint8_t *bytes,
                       size_t count)
{
    struct bulk *bulk = context;
    struct socket_peer peer = socket_peer_of_worker(to);
    enum send_result result = sockets_send(bulk->sockets, SOCKET_BULK, &peer, bytes, count);
    for (uint32_t i = 0; i < CAPACITY; i++)
        if (bulk->pulls[i].used && instance_equal(&bulk->pulls[i].want.from, to))
            watch_reach(bulk, i, result, bulk->tick_ms);
}

void bulk_tick(struct bulk *bulk, uint64_t now_ms)
{
    bulk->tick_ms = now_ms;
    begin_pulls(bulk, now_ms);
    struct transfer_step step;
    while ((step = transfers_expire(bulk->transfers, now_ms)).outcome == TRANSFER_FAILED)
        end_pull(bulk, &bulk->pulls[step.id.index], false);
    struct instance_id from;
    struct message message = {.kind = MESSAGE_PULL};
    while (transfers_next_pull(bulk->transfers, now_ms, &from, &message.pull))
        outbox_add(bulk->asked, &from, &message);
    const struct outbox_sink sink = {bulk, send_asked};
    outbox_flush(bulk->asked, &sink);
}

uint64_t bulk_deadline(const struct bulk *bulk)
{
    if (bulk->events.count > 0 || bulk_serve_count(bulk->serve) > 0)
        return 0;
    uint64_t at_ms = transfers_deadline(bulk->transfers);
    /* Wishes that wait for room in the table begin when a transfer ends. */
    return bulk->wishes.count > 0 && bulk->begin_ms > bulk->tick_ms && bulk->begin_ms < at_ms
               ? bulk->begin_ms
               : at_ms;
}

/* Appends the chunk. BLOB_OK, or what the store says. */
static enum blob_result write_chunk(struct bulk *bulk, struct pull_in *pull,
                                    const struct chunk *chunk, struct error *error)
{
    enum blob_result result = BLOB_OK;
    if (pull->writer == NULL)
        result = blob_writer_open(bulk->store, &pull->writer, error);
    if (result == BLOB_OK)
        result = blob_writer_append(pull->writer, chunk->bytes, chunk->length, error);
    return result;
}

/*
 * Strangers may have taken every descriptor: that is no reason to end a run, nor to hold it against
 * the worker. The wish goes back to the queue.
 */
static int put_off(struct bulk *bulk, struct pull_in *pull, uint64_t now_ms, struct error *error)
{
    const struct bulk_want want = pull->want;
    struct transfer_id id = transfers_find(bulk->transfers, &want.digest);
    if (id.index != TRANSFER_NONE.index)
        transfers_cancel(bulk->transfers, id);
    if (pull->writer != NULL)
        blob_writer_abandon(&pull->writer);
    *pull = (struct pull_in){0};
    bulk->begin_ms = now_ms + RETRY_MS;
    bulk->counts.put_off++;
    return bulk_add_want(bulk, &want, error);
}

static int take_chunk(struct bulk *bulk, const struct instance_id *from, const struct chunk *chunk,
                      uint64_t now_ms, struct error *error)
{
    struct transfer_id id = transfers_find(bulk->transfers, &chunk->digest);
    if (id.index == TRANSFER_NONE.index)
        return 0;
    struct pull_in *pull = &bulk->pulls[id.index];
    if (chunk->total != pull->want.bytes && memcmp(from, &pull->want.from, sizeof *from) == 0) {
        transfers_cancel(bulk->transfers, id);
        end_pull(bulk, pull, false);
        return 0;
    }
    struct transfer_step step = transfers_on_chunk(bulk->transfers, from, chunk, now_ms);
    if (step.outcome == TRANSFER_FAILED)
        end_pull(bulk, pull, false);
    if (step.outcome != TRANSFER_WRITE && step.outcome != TRANSFER_COMPLETE)
        return 0;
    enum blob_result written = write_chunk(bulk, pull, chunk, error);
    if (written == BLOB_LATER)
        return put_off(bulk, pull, now_ms, error);
    if (written != BLOB_OK)
        return -1;
    if (step.outcome == TRANSFER_COMPLETE)
        bulk->whole[bulk->whole_count++] = id.index;
    return 0;
}

static int publish_pull(struct bulk *bulk, struct pull_in *pull, uint64_t now_ms,
                        struct error *error)
{
    enum blob_result result = blob_writer_publish(&pull->writer, &pull->want.digest, error);
    if (result == BLOB_LATER)
        return put_off(bulk, pull, now_ms, error);
    if (result != BLOB_OK && result != BLOB_CORRUPT)
        return -1;
    if (result == BLOB_OK) {
        bulk->counts.pulled++;
        bulk->counts.pulled_bytes += pull->want.bytes;
        peer_traffic_add(bulk->traffic, &pull->want.from,
                         (struct peer_bytes){.received = pull->want.bytes});
    }
    end_pull(bulk, pull, result == BLOB_OK);
    return 0;
}

/* Together, at the end of a turn: what came in side by side is hashed side by side. */
static int publish_whole(struct bulk *bulk, uint64_t now_ms, struct error *error)
{
    uint32_t count = bulk->whole_count;
    bulk->whole_count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (publish_pull(bulk, &bulk->pulls[bulk->whole[i]], now_ms, error) != 0)
            return -1;
    return 0;
}

static void take_absent(struct bulk *bulk, const struct instance_id *from,
                        const struct absent *absent)
{
    struct transfer_step step = transfers_on_absent(bulk->transfers, from, &absent->digest);
    if (step.outcome == TRANSFER_FAILED)
        end_pull(bulk, &bulk->pulls[step.id.index], false);
}

static int take_message(struct bulk *bulk, const struct socket_peer *peer,
                        const struct message *message, uint64_t now_ms, struct error *error)
{
    struct instance_id from;
    if (!socket_peer_is_worker(peer, &from))
        return 0;
    switch (message->kind) {
    case MESSAGE_PULL:
        bulk_serve_add(bulk->serve, &(struct bulk_request){from, message->pull});
        return 0;
    case MESSAGE_CHUNK:
        return take_chunk(bulk, &from, &message->chunk, now_ms, error);
    case MESSAGE_ABSENT:
        take_absent(bulk, &from, &message->absent);
        return 0;
    default:
        bulk->counts.malformed++;
        return 0;
    }
}

int bulk_receive(struct bulk *bulk, uint64_t now_ms, uint32_t budget, struct error *error)
{
    struct datagram datagram;
    uint64_t bytes = 0;
    while (budget-- > 0 && bytes < TURN_BYTES_MAX &&
           sockets_receive(bulk->sockets, SOCKET_BULK, &datagram)) {
        struct codec_cursor cursor = {.bytes = datagram.bytes, .size = datagram.count};
        struct message message;
        enum codec_result result;
        bytes += datagram.count;
        while ((result = codec_next(bulk->codec, &cursor, &message, NULL)) == CODEC_OK) {
            if (take_message(bulk, &datagram.from, &message, now_ms, error) != 0)
                return -1;
        }
        if (result != CODEC_END)
            bulk->counts.malformed++;
    }
    return publish_whole(bulk, now_ms, error) == 0 ? bulk_serve_turn(bulk->serve, error) : -1;
}

struct peer_bytes bulk_bytes_of(const struct bulk *bulk, const struct instance_id *peer)
{
    return peer_traffic_of(bulk->traffic, peer);
}

struct bulk_counts bulk_counts(const struct bulk *bulk)
{
    struct bulk_counts counts = bulk->counts;
    const struct bulk_serve_counts served = bulk_serve_counts(bulk->serve);
    counts.served_bytes = served.bytes;
    counts.requests_dropped = served.dropped;
    counts.put_off += served.put_off;
    return counts;
}
