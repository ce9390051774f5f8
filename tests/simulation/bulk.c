/* bulk.c: see bulk.h. */
#include "tests/simulation/bulk.h"

#include "tests/simulation/simulation.h"

#include <assert.h>
#include <string.h>

void bulk_init(struct bulk_port *port, struct simulation *simulation)
{
    struct dice *dice = &simulation->world.dice;
    struct transfer_limits limits = {0};
    limits.concurrent = 1 + dice_below(dice, 4);
    limits.capacity = 4 + dice_below(dice, BULK_PULLS_MAX - 3);
    limits.window = 1 + dice_below(dice, 4);
    limits.chunk_bytes = (uint32_t)dice_magnitude(dice, (struct span){16, 1024});
    limits.retry_ms = (uint32_t)simulation_draw_ms(simulation, (struct span){100, 2000});
    limits.tries = 3 + dice_below(dice, 8);
    if (simulation->trial->crowd) /* as the real shells have it: nobody waits for a narrow path */
        limits = (struct transfer_limits){
            .concurrent = BULK_PULLS_MAX,
            .capacity = BULK_PULLS_MAX,
            .window = 4,
            .chunk_bytes = 1024,
            .retry_ms = 1000,
            .tries = 5,
        };
    port->simulation = simulation;
    port->transfers = transfers_create(&limits);
    assert(port->transfers != NULL);
}

void bulk_fini(struct bulk_port *port)
{
    transfers_destroy(&port->transfers);
}

static void send_to(struct bulk_port *port, const struct instance_id *peer,
                    const struct message *message)
{
    struct packet_header header = {CHANNEL_BULK, port->outwards, port->seat, port->instance};
    if (port->outwards == TO_WORKER) {
        header.seat = simulation_seat_of(port->simulation, peer);
        header.worker = *peer;
    }
    uint8_t buffer[2048];
    size_t used = 0;
    bool fits = codec_append(port->simulation->encoder, message, buffer, sizeof buffer, &used);
    assert(fits);
    network_send(&port->simulation->network, &header, buffer, used);
}

static void serve(struct bulk_port *port, const struct instance_id *peer, const struct pull *pull,
                  const struct shelf *shelf)
{
    const struct shelf_item *item = shelf_find(shelf, &pull->digest);
    struct message answer = {.kind = MESSAGE_ABSENT, .absent = {pull->digest}};
    if (item != NULL && pull->offset <= item->blob->count) {
        size_t left = item->blob->count - pull->offset;
        answer.kind = MESSAGE_CHUNK;
        answer.chunk = (struct chunk){
            .digest = pull->digest,
            .offset = pull->offset,
            .total = item->blob->count,
            .length = left < pull->length ? (uint32_t)left : pull->length,
            .bytes = item->blob->bytes + pull->offset,
        };
    }
    send_to(port, peer, &answer);
}

static struct bulk_end ended(const struct transfer_step *step, const struct blob *blob)
{
    return (struct bulk_end){
        .outcome = blob != NULL ? BULK_ARRIVED : BULK_FAILED,
        .digest = step->digest,
        .peer = step->peer,
        .blob = blob,
    };
}

static struct bulk_end take_chunk(struct bulk_port *port, const struct instance_id *peer,
                                  const struct chunk *chunk, uint64_t now_ms)
{
    struct transfer_step step = transfers_on_chunk(port->transfers, peer, chunk, now_ms);
    if (step.outcome == TRANSFER_IGNORED)
        return (struct bulk_end){0};
    if (step.outcome == TRANSFER_FAILED)
        return ended(&step, NULL);
    assert(chunk->offset + chunk->length <= BULK_BLOB_BYTES_MAX);
    memcpy(port->partial[step.id.index] + chunk->offset, chunk->bytes, chunk->length);
    if (step.outcome == TRANSFER_WRITE)
        return (struct bulk_end){0};
    struct digest digest = digest_of(port->partial[step.id.index], chunk->total);
    if (!digest_equal(&digest, &step.digest)) {
        world_fail(&port->simulation->world, FAILURE_INVARIANT,
                   "a transfer put a blob together wrongly");
        return ended(&step, NULL);
    }
    const struct blob *blob = archive_find(&port->simulation->archive, &digest);
    assert(blob != NULL);
    return ended(&step, blob);
}

struct bulk_end bulk_receive(struct bulk_port *port, const struct instance_id *peer,
                             const struct message *message, uint64_t now_ms,
                             const struct shelf *shelf)
{
    if (message->kind == MESSAGE_PULL) {
        serve(port, peer, &message->pull, shelf);
        return (struct bulk_end){0};
    }
    if (message->kind == MESSAGE_CHUNK)
        return take_chunk(port, peer, &message->chunk, now_ms);
    assert(message->kind == MESSAGE_ABSENT);
    struct transfer_step step = transfers_on_absent(port->transfers, peer, &message->absent.digest);
    return step.outcome == TRANSFER_FAILED ? ended(&step, NULL) : (struct bulk_end){0};
}

struct bulk_end bulk_pump(struct bulk_port *port, uint64_t now_ms)
{
    struct message message; /* large, and mostly there is nothing to say */
    message.kind = MESSAGE_PULL;
    message.epoch = 0;
    struct instance_id peer;
    while (transfers_next_pull(port->transfers, now_ms, &peer, &message.pull))
        send_to(port, &peer, &message);
    struct transfer_step step = transfers_expire(port->transfers, now_ms);
    return step.outcome == TRANSFER_FAILED ? ended(&step, NULL) : (struct bulk_end){0};
}
