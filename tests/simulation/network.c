/* network.c: see network.h. */
#include "tests/simulation/network.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t LATE_MS_MAX = 20000;

void network_init(struct network *network, const struct network_options *options)
{
    *network = (struct network){
        .world = options->world,
        .plan = options->plan,
        .seats = options->seats,
        .pace = options->pace,
    };
    packet_ring_init(&network->packets);
    network->links = calloc(network->seats, sizeof network->links[0]);
    assert(network->links != NULL);
    struct dice *dice = &network->world->dice;
    uint64_t typical_ms = dice_magnitude(dice, (struct span){1, 64}) - 1;
    for (uint32_t i = 0; i < network->seats; i++)
        network->links[i].latency_ms = dice_between(dice, (struct span){0, typical_ms});
}

void network_fini(struct network *network)
{
    packet_ring_fini(&network->packets);
    free(network->links);
}

/* ----------------------------------------------------------------------------------------- rings
 */

void packet_ring_init(struct packet_ring *ring)
{
    ring->previous = ring->next = ring;
}

static void unlink_packet(struct packet *packet)
{
    packet->ring.previous->next = packet->ring.next;
    packet->ring.next->previous = packet->ring.previous;
}

static void link_packet(struct packet_ring *ring, struct packet *packet)
{
    packet->ring.previous = ring->previous;
    packet->ring.next = ring;
    packet->ring.previous->next = packet->ring.next->previous = &packet->ring;
}

void packet_ring_append(struct packet_ring *ring, struct packet *packet)
{
    unlink_packet(packet);
    link_packet(ring, packet);
}

struct packet *packet_ring_first(const struct packet_ring *ring)
{
    return ring->next != ring ? (struct packet *)ring->next : NULL;
}

void network_free(struct packet *packet)
{
    unlink_packet(packet);
    free(packet);
}

void packet_ring_fini(struct packet_ring *ring)
{
    struct packet *packet;
    while ((packet = packet_ring_first(ring)) != NULL)
        network_free(packet);
}

/* ------------------------------------------------------------------------------------ on the way
 */

static void arrive(void *context, const struct action *action)
{
    struct network *network = context;
    struct packet *packet = action->payload;
    const struct link *link = &network->links[packet->header.seat];
    uint64_t clogged_until_ms = link->clogged_until_ms[packet->header.direction];
    if (clogged_until_ms > network->world->now_ms) {
        world_schedule(network->world, clogged_until_ms - network->world->now_ms, *action);
        return;
    }
    /* What is on its way when the link is cut is lost as well. */
    if ((link->cut_channels[packet->header.direction] & packet->header.channel) != 0)
        network_free(packet);
    else
        network->deliver(network->context, packet);
}

/* -------------------------------------------------------------------------------------- damage */

static void flip_bits(struct packet *packet, struct dice *dice)
{
    uint32_t flips = 1 + dice_below(dice, 4);
    for (uint32_t i = 0; i < flips; i++) {
        uint32_t at = dice_below(dice, (uint32_t)packet->count);
        packet->bytes[at] ^= (uint8_t)(1u << dice_below(dice, 8));
    }
}

static void add_noise(struct packet *packet, struct dice *dice)
{
    uint32_t at = dice_below(dice, (uint32_t)packet->count), length = 1 + dice_below(dice, 64);
    for (; length > 0 && at < packet->count; length--, at++)
        packet->bytes[at] = (uint8_t)dice_below(dice, 256);
}

static void cut_short(struct packet *packet, struct dice *dice)
{
    packet->count = dice_below(dice, (uint32_t)packet->count);
}

/* `sent` is what the packet was made of. */
static void damage(struct network *network, struct packet *packet, const uint8_t *sent)
{
    static void (*const ways[])(struct packet *, struct dice *) = {flip_bits, add_noise, cut_short};
    struct dice *dice = &network->world->dice;
    if (packet->count == 0 || !dice_chance(dice, fault_chance(&network->plan, FAULT_DAMAGE)))
        return;
    network->fault_counts[FAULT_DAMAGE]++;
    size_t count = packet->count;
    ways[dice_below(dice, sizeof ways / sizeof ways[0])](packet, dice);
    size_t whole = 0;
    while (whole < packet->count && packet->bytes[whole] == sent[whole])
        whole++;
    if (whole < count) /* otherwise nothing came of it: the same bit twice */
        packet->damaged_from = whole;
}

static void dispatch(struct network *network, const struct packet_header *header,
                     const uint8_t *bytes, size_t count)
{
    struct packet *packet = malloc(sizeof *packet + count);
    assert(packet != NULL);
    packet->header = *header;
    packet->count = count;
    packet->damaged_from = SIZE_MAX;
    memcpy(packet->bytes, bytes, count);
    damage(network, packet, bytes);
    link_packet(&network->packets, packet);

    struct dice *dice = &network->world->dice;
    uint64_t delay_ms = network->links[header->seat].latency_ms;
    if (dice_chance(dice, fault_chance(&network->plan, FAULT_DELAY))) {
        network->fault_counts[FAULT_DELAY]++;
        delay_ms += network->pace * dice_magnitude(dice, (struct span){1, LATE_MS_MAX});
    }
    world_schedule(network->world, delay_ms,
                   (struct action){.run = arrive, .context = network, .payload = packet});
}

void network_send(struct network *network, const struct packet_header *header, const uint8_t *bytes,
                  size_t count)
{
    assert(header->seat < network->seats);
    network->datagrams++;
    network->bytes += count;
    struct dice *dice = &network->world->dice;
    if (dice_chance(dice, fault_chance(&network->plan, FAULT_LOSS))) {
        network->fault_counts[FAULT_LOSS]++;
        return;
    }
    dispatch(network, header, bytes, count);
    if (dice_chance(dice, fault_chance(&network->plan, FAULT_DUPLICATION))) {
        network->fault_counts[FAULT_DUPLICATION]++;
        dispatch(network, header, bytes, count);
    }
}

static void mend(void *context, const struct action *action)
{
    struct network *network = context;
    struct link *link = &network->links[action->index];
    if (link->cut_token == action->token)
        memset(link->cut_channels, 0, sizeof link->cut_channels);
}

void network_cut(struct network *network, const struct cut *cut)
{
    struct link *link = &network->links[cut->seat];
    link->cut_token++;
    for (uint32_t direction = 1; direction <= 2; direction++)
        link->cut_channels[direction] = (cut->directions & direction) != 0 ? cut->channels : 0;
    world_schedule(
        network->world, cut->for_ms,
        (struct action){
            .run = mend, .context = network, .token = link->cut_token, .index = cut->seat});
}

void network_clog(struct network *network, const struct clog *clog)
{
    struct link *link = &network->links[clog->seat];
    for (uint32_t direction = 1; direction <= 2; direction++)
        if ((clog->directions & direction) != 0)
            link->clogged_until_ms[direction] = network->world->now_ms + clog->for_ms;
}

void network_heal(struct network *network)
{
    network->plan = (struct fault_plan){{0}};
    for (uint32_t i = 0; i < network->seats; i++) {
        network->links[i].cut_token++;
        memset(network->links[i].cut_channels, 0, sizeof network->links[i].cut_channels);
        memset(network->links[i].clogged_until_ms, 0, sizeof network->links[i].clogged_until_ms);
    }
}
