/*
 * bulk_serve.c: see bulk_serve.h.
 *
 * Requests wait in bulk_queue.h and are answered in fair turns, so many bytes in a turn.
 */
#include "coordinator/shell/bulk_serve.h"

#include "proto/codec.h"

#include <assert.h>
#include <stdlib.h>

enum {
    TURN_BYTES_MAX = 2 << 20, /* a few milliseconds of work */
    TURN_REQUESTS_MAX = 256,
    BEGUN_MAX = 64, /* blobs whose beginning is remembered */
};

/* Who was given the beginning of which blob. */
struct begun {
    struct instance_id by;
    struct digest digest;
};

struct bulk_serve {
    struct sockets *sockets;
    struct blob_store *store;
    struct peer_traffic *traffic;
    struct codec *codec;
    struct bulk_queue *requests;
    struct bulk_serve_counts counts;
    struct begun begun[BEGUN_MAX]; /* a ring */
    uint32_t begun_next;
    uint8_t chunk[CHUNK_BYTES_MAX];
    uint8_t out[DATAGRAM_BYTES_MAX];
};

struct bulk_serve *bulk_serve_create(struct sockets *sockets, struct blob_store *store,
                                     struct peer_traffic *traffic)
{
    struct bulk_serve *serve = calloc(1, sizeof *serve);
    if (serve == NULL)
        return NULL;
    serve->sockets = sockets;
    serve->store = store;
    serve->traffic = traffic;
    serve->codec = codec_create();
    serve->requests = bulk_queue_create();
    if (serve->codec == NULL || serve->requests == NULL)
        bulk_serve_destroy(&serve);
    return serve;
}

void bulk_serve_destroy(struct bulk_serve **serve)
{
    if (*serve == NULL)
        return;
    codec_destroy(&(*serve)->codec);
    bulk_queue_destroy(&(*serve)->requests);
    free(*serve);
    *serve = NULL;
}

void bulk_serve_add(struct bulk_serve *serve, const struct bulk_request *request)
{
    if (!bulk_queue_add(serve->requests, request))
        serve->counts.dropped++;
}

/* Who does not take it loses its turn: nobody waits for it. */
static void send_message(struct bulk_serve *serve, const struct instance_id *to,
                         const struct message *message)
{
    const struct socket_peer peer = socket_peer_of_worker(to);
    size_t used = 0;
    bool fits = codec_append(serve->codec, message, serve->out, sizeof serve->out, &used);
    assert(fits);
    (void)fits;
    (void)sockets_send(serve->sockets, SOCKET_BULK, &peer, serve->out, used);
}

/*
 * A checkpoint that is damaged is better absent: who opens the run next sees that it is missing,
 * and has it made again.
 */
static int give_up_damaged(struct bulk_serve *serve, const struct digest *digest,
                           struct error *error)
{
    struct error reason = *error;
    if (blob_store_remove(serve->store, digest, NULL) != BLOB_OK)
        return -1;
    return error_set(error, -1, "%.400s: it was removed, to be made again", reason.text);
}

/* True when that worker was given the beginning of it before: what came then did not please it. */
static bool begins_again(struct bulk_serve *serve, const struct instance_id *by,
                         const struct digest *digest)
{
    for (uint32_t i = 0; i < BEGUN_MAX; i++)
        if (digest_equal(&serve->begun[i].digest, digest) &&
            instance_equal(&serve->begun[i].by, by))
            return true;
    serve->begun[serve->begun_next++ % BEGUN_MAX] = (struct begun){*by, *digest};
    return false;
}

/*
 * A blob of one chunk is hashed whenever it is read; a longer one when somebody asks for it a
 * second time, because hashing it keeps everybody waiting.
 */
static enum blob_result check_pulled(struct bulk_serve *serve, const struct instance_id *by,
                                     const struct pull *pull, struct error *error)
{
    if (pull->offset > 0 || blob_store_bytes_of(serve->store, &pull->digest) <= CHUNK_BYTES_MAX ||
        !begins_again(serve, by, &pull->digest))
        return BLOB_OK;
    return blob_store_verify(serve->store, &pull->digest, error);
}

/* Answers one request. -1 with the reason when the blob is damaged or cannot be read. */
static int serve_pull(struct bulk_serve *serve, const struct instance_id *by,
                      const struct pull *pull, struct error *error)
{
    size_t count = 0;
    uint64_t total = 0;
    enum blob_result result = check_pulled(serve, by, pull, error);
    if (result == BLOB_OK)
        result = blob_store_read(serve->store, &pull->digest, pull->offset, serve->chunk,
                                 pull->length, &count, &total, error);
    if (result == BLOB_CORRUPT)
        return give_up_damaged(serve, &pull->digest, error);
    if (result == BLOB_LATER) {
        serve->counts.put_off++;
        return 0;
    }
    if (result != BLOB_OK && result != BLOB_ABSENT)
        return -1;
    struct message message;
    if (result == BLOB_OK && pull->offset <= total) {
        message = (struct message){.kind = MESSAGE_CHUNK,
                                   .chunk = {.digest = pull->digest,
                                             .offset = pull->offset,
                                             .total = total,
                                             .length = (uint32_t)count,
                                             .bytes = serve->chunk}};
        serve->counts.bytes += count;
        peer_traffic_add(serve->traffic, by, (struct peer_bytes){.sent = count});
    } else {
        message = (struct message){.kind = MESSAGE_ABSENT, .absent = {pull->digest}};
    }
    send_message(serve, by, &message);
    return 0;
}

int bulk_serve_turn(struct bulk_serve *serve, struct error *error)
{
    struct bulk_request request;
    uint64_t until = serve->counts.bytes + TURN_BYTES_MAX;
    for (uint32_t i = 0; i < TURN_REQUESTS_MAX && serve->counts.bytes < until; i++) {
        if (!bulk_queue_next(serve->requests, &request))
            return 0;
        if (serve_pull(serve, &request.by, &request.pull, error) != 0)
            return -1;
    }
    return 0;
}

uint32_t bulk_serve_count(const struct bulk_serve *serve)
{
    return bulk_queue_count(serve->requests);
}

struct bulk_serve_counts bulk_serve_counts(const struct bulk_serve *serve)
{
    return serve->counts;
}
