/*
 * bulk.c: see bulk.h.
 *
 * Time limits: a pull that gets no byte for RETRY_MS x TRIES is given up, and the core is told:
 * with a coordinator that lives and does not answer, it is the bulk address that is wrong or
 * barred.
 */
#include "worker/shell/bulk.h"

#include "common/digest.h"
#include "proto/transfer.h"

#include <assert.h>
#include <stdlib.h>

enum {
    CONCURRENT = 4,
    WINDOW_CHUNKS = 8,
    RETRY_MS = 2000,
    TRIES = 30,
    LOG_MS = 5000, /* between two lines about blobs that cannot be had */
};

struct bulk {
    struct bulk_options options;
    struct transfers *transfers;
    struct cache_writer *writers[BULK_FETCHES_MAX]; /* by transfer; NULL before its first chunk */
    struct bulk_answer answers[BULK_FETCHES_MAX];   /* a ring */
    uint32_t first_answer, answer_count;
    uint64_t now_ms, log_after_ms; /* of the last tick; no line about failures before */
    uint8_t chunk[CHUNK_BYTES_MAX];
};

/* There is one peer only, and ZeroMQ needs no name for it. */
static const struct instance_id COORDINATOR = {{1}};

struct bulk *bulk_create(const struct bulk_options *options)
{
    const struct transfer_limits limits = {
        .concurrent = CONCURRENT,
        .capacity = BULK_FETCHES_MAX,
        .window = WINDOW_CHUNKS,
        .chunk_bytes = CHUNK_BYTES_MAX,
        .retry_ms = RETRY_MS,
        .tries = TRIES,
    };
    struct bulk *bulk = calloc(1, sizeof *bulk);
    if (bulk == NULL)
        return NULL;
    bulk->options = *options;
    bulk->transfers = transfers_create(&limits);
    if (bulk->transfers == NULL)
        bulk_destroy(&bulk);
    return bulk;
}

void bulk_destroy(struct bulk **bulk)
{
    if (*bulk == NULL)
        return;
    for (uint32_t i = 0; i < BULK_FETCHES_MAX; i++)
        cache_writer_abandon(&(*bulk)->writers[i]);
    transfers_destroy(&(*bulk)->transfers);
    free(*bulk);
    *bulk = NULL;
}

/* ---------------------------------------------------------------------------------------- fetch */

static void answer(struct bulk *bulk, const struct bulk_answer *what)
{
    assert(bulk->answer_count < BULK_FETCHES_MAX); /* the core waits for each before it asks again
                                                    */
    uint32_t last = (bulk->first_answer + bulk->answer_count++) % BULK_FETCHES_MAX;
    bulk->answers[last] = *what;
}

bool bulk_next(struct bulk *bulk, struct bulk_answer *what)
{
    if (bulk->answer_count == 0)
        return false;
    *what = bulk->answers[bulk->first_answer];
    bulk->first_answer = (bulk->first_answer + 1) % BULK_FETCHES_MAX;
    bulk->answer_count--;
    return true;
}

/* Told to the core each time, to people now and then: the same blob may be asked for again and
 * again. */
static void complain(struct bulk *bulk, const struct digest *digest, const char *why)
{
    char hex[DIGEST_HEX_BYTES];
    if (bulk->now_ms < bulk->log_after_ms)
        return;
    bulk->log_after_ms = bulk->now_ms + LOG_MS;
    digest_to_hex(digest, hex);
    log_line(bulk->options.log, "blob %.16s cannot be had: %s", hex, why);
}

static void fail(struct bulk *bulk, const struct digest *digest, const char *why)
{
    answer(bulk, &(struct bulk_answer){.digest = *digest, .outcome = BULK_FAILED});
    complain(bulk, digest, why);
}

void bulk_fetch(struct bulk *bulk, const struct digest *digest, uint64_t now_ms)
{
    struct cache *cache = bulk->options.cache;
    if (cache_pin(cache, digest, NULL) == CACHE_OK)
        answer(bulk, &(struct bulk_answer){.digest = *digest, .outcome = BULK_READY});
    else if (transfers_start(bulk->transfers, &COORDINATOR, digest, now_ms).index ==
             TRANSFER_NONE.index)
        fail(bulk, digest, "its name is too like another's that is being fetched");
}

/* Writes the chunk; the writer is opened with the first one, which says how long the blob is. */
static enum cache_result write_chunk(struct bulk *bulk, struct transfer_id id,
                                     const struct chunk *chunk, struct error *error)
{
    struct cache_writer **writer = &bulk->writers[id.index];
    if (*writer == NULL) {
        enum cache_result opened =
            cache_writer_open(bulk->options.cache, chunk->total, writer, error);
        if (opened != CACHE_OK)
            return opened;
    }
    return cache_writer_append(*writer, chunk->bytes, chunk->length, error);
}

static void complete(struct bulk *bulk, const struct transfer_step *step)
{
    struct error error;
    if (cache_writer_publish(&bulk->writers[step->id.index], &step->digest, &error) == CACHE_OK)
        answer(bulk, &(struct bulk_answer){.digest = step->digest, .outcome = BULK_READY});
    else
        fail(bulk, &step->digest, error.text);
}

static void receive_chunk(struct bulk *bulk, const struct chunk *chunk, uint64_t now_ms)
{
    struct error error;
    struct transfer_step step = transfers_on_chunk(bulk->transfers, &COORDINATOR, chunk, now_ms);
    switch (step.outcome) {
    case TRANSFER_IGNORED:
        return;
    case TRANSFER_FAILED:
        cache_writer_abandon(&bulk->writers[step.id.index]);
        fail(bulk, &step.digest, "its size changed while it was fetched, or is beyond all limits");
        return;
    case TRANSFER_WRITE:
    case TRANSFER_COMPLETE:
        break;
    }
    enum cache_result written = write_chunk(bulk, step.id, chunk, &error);
    if (written == CACHE_OK) {
        if (step.outcome == TRANSFER_COMPLETE)
            complete(bulk, &step);
        return;
    }
    cache_writer_abandon(&bulk->writers[step.id.index]);
    if (step.outcome == TRANSFER_WRITE)
        transfers_cancel(bulk->transfers, step.id);
    const struct bulk_answer refusal = {
        .digest = step.digest,
        .outcome = written == CACHE_TOO_LARGE ? BULK_TOO_LARGE
                   : written == CACHE_NO_ROOM ? BULK_NO_ROOM
                                              : BULK_FAILED,
        .bytes = chunk->total,
    };
    answer(bulk, &refusal);
    complain(bulk, &step.digest, error.text);
}

static void receive_absent(struct bulk *bulk, const struct digest *digest)
{
    struct transfer_step step = transfers_on_absent(bulk->transfers, &COORDINATOR, digest);
    if (step.outcome != TRANSFER_FAILED)
        return;
    cache_writer_abandon(&bulk->writers[step.id.index]);
    fail(bulk, &step.digest, "the coordinator has not got it");
}

/* ---------------------------------------------------------------------------------------- serve */

static void serve(struct bulk *bulk, const struct pull *pull)
{
    struct cache_piece piece = {
        .offset = pull->offset,
        .bytes = bulk->chunk,
        .room = pull->length < CHUNK_BYTES_MAX ? pull->length : CHUNK_BYTES_MAX,
    };
    struct message reply = {.kind = MESSAGE_ABSENT, .absent = {.digest = pull->digest}};
    if (cache_read(bulk->options.cache, &pull->digest, &piece, NULL) == CACHE_OK) {
        if (piece.offset > piece.total)
            return; /* nobody who knows the blob asks for that */
        reply = (struct message){
            .kind = MESSAGE_CHUNK,
            .chunk = {.digest = pull->digest,
                      .offset = piece.offset,
                      .total = piece.total,
                      .length = (uint32_t)piece.count,
                      .bytes = bulk->chunk},
        };
    }
    connection_queue(bulk->options.connection, CHANNEL_BULK, &reply);
}

void bulk_receive(struct bulk *bulk, const struct message *message, uint64_t now_ms)
{
    switch (message->kind) {
    case MESSAGE_CHUNK:
        receive_chunk(bulk, &message->chunk, now_ms);
        break;
    case MESSAGE_ABSENT:
        receive_absent(bulk, &message->absent.digest);
        break;
    case MESSAGE_PULL:
        serve(bulk, &message->pull);
        break;
    default:
        break; /* not for this socket: ignored, as any message may be */
    }
}

/* -------------------------------------------------------------------------------------- in time */

static void expire(struct bulk *bulk, uint64_t now_ms, enum bulk_patience patience)
{
    for (;;) {
        struct transfer_step step = transfers_expire(bulk->transfers, now_ms);
        if (step.outcome == TRANSFER_IGNORED)
            return;
        cache_writer_abandon(&bulk->writers[step.id.index]);
        if (patience == BULK_GIVES_UP)
            fail(bulk, &step.digest, "nobody answers at the bulk address");
        else
            transfers_start(bulk->transfers, &COORDINATOR, &step.digest, now_ms);
    }
}

void bulk_tick(struct bulk *bulk, uint64_t now_ms, enum bulk_patience patience)
{
    struct instance_id peer;
    struct message request = {.kind = MESSAGE_PULL};
    bulk->now_ms = now_ms;
    expire(bulk, now_ms, patience);
    while (transfers_next_pull(bulk->transfers, now_ms, &peer, &request.pull))
        connection_queue(bulk->options.connection, CHANNEL_BULK, &request);
}

uint64_t bulk_deadline(const struct bulk *bulk)
{
    return transfers_deadline(bulk->transfers);
}
