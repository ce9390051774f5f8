/* network.c: see network.h. */
#include "tests/simulation/network.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t LATE_MS_MAX = 20000;

void network_init(struct network *network, struct world *world, const struct fault_plan *plan)
{
    *network = (struct network){.world = world, .plan = *plan};
    network->packets.previous = network->packets.next = &network->packets;
    uint64_t typical_ms = dice_magnitude(&world->dice, (struct span){1, 64}) - 1;
    for (uint32_t i = 0; i < SEATS_MAX; i++)
        network->links[i].latency_ms = dice_between(&world->dice, (struct span){0, typical_ms});
}

void network_free(struct packet *packet)
{
    packet->ring.previous->next = packet->ring.next;
    packet->ring.next->previous = packet->ring.previous;
    free(packet);
}

void network_fini(struct network *network)
{
    while (network->packets.next != &network->packets)
        network_free((struct packet *)network->packets.next);
}

static void arrive(void *context, const struct action *action)
{
    struct network *network = context;
    struct packet *packet = action->payload;
    const struct link *link = &network->links[packet->header.seat];
    /* What is on its way when the link is cut is lost as well. */
    if ((link->cut_channels[packet->header.direction] & packet->header.channel) != 0)
        network_free(packet);
    else
        network->deliver(network->context, packet);
}

static void dispatch(struct network *network, const struct packet_header *header,
                     const uint8_t *bytes, size_t count)
{
    struct packet *packet = malloc(sizeof *packet + count);
    assert(packet != NULL);
    packet->header = *header;
    packet->count = count;
    memcpy(packet->bytes, bytes, count);
    packet->ring.previous = network->packets.previous;
    packet->ring.next = &network->packets;
    packet->ring.previous->next = packet->ring.next->previous = &packet->ring;

    struct dice *dice = &network->world->dice;
    uint64_t delay_ms = network->links[header->seat].latency_ms;
    if (dice_chance(dice, fault_chance(&network->plan, FAULT_DELAY))) {
        network->fault_counts[FAULT_DELAY]++;
        delay_ms += dice_magnitude(dice, (struct span){1, LATE_MS_MAX});
    }
    world_schedule(network->world, delay_ms,
                   (struct action){.run = arrive, .context = network, .payload = packet});
}

void network_send(struct network *network, const struct packet_header *header, const uint8_t *bytes,
                  size_t count)
{
    assert(header->seat < SEATS_MAX);
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

void network_heal(struct network *network)
{
    network->plan = (struct fault_plan){{0}};
    for (uint32_t i = 0; i < SEATS_MAX; i++) {
        network->links[i].cut_token++;
        memset(network->links[i].cut_channels, 0, sizeof network->links[i].cut_channels);
    }
}
