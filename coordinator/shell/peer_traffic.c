/* peer_traffic.c: see peer_traffic.h. */
#include "coordinator/shell/peer_traffic.h"

#include "common/fixed_map.h"

#include <stdlib.h>

struct peer {
    struct instance_id instance;
    struct peer_bytes bytes;
};

/* A ring: the next place is free or the oldest one's. */
struct peer_traffic {
    struct fixed_map *by_instance;
    uint32_t capacity, used, next;
    struct peer peers[];
};

struct peer_traffic *peer_traffic_create(uint32_t peers_max)
{
    struct peer_traffic *traffic =
        calloc(1, sizeof *traffic + peers_max * sizeof traffic->peers[0]);
    if (traffic == NULL)
        return NULL;
    traffic->capacity = peers_max;
    traffic->by_instance = fixed_map_create(peers_max);
    if (traffic->by_instance == NULL)
        peer_traffic_destroy(&traffic);
    return traffic;
}

void peer_traffic_destroy(struct peer_traffic **traffic)
{
    if (*traffic == NULL)
        return;
    fixed_map_destroy(&(*traffic)->by_instance);
    free(*traffic);
    *traffic = NULL;
}

static struct peer *enter(struct peer_traffic *traffic, const struct instance_id *instance)
{
    uint32_t place = traffic->next;
    struct peer *peer = &traffic->peers[place];
    if (traffic->used == traffic->capacity)
        fixed_map_remove(traffic->by_instance, map_key_of_bytes(peer->instance.bytes));
    else
        traffic->used++;
    traffic->next = (place + 1) % traffic->capacity;
    *peer = (struct peer){.instance = *instance};
    fixed_map_insert(traffic->by_instance, map_key_of_bytes(instance->bytes), place);
    return peer;
}

void peer_traffic_add(struct peer_traffic *traffic, const struct instance_id *instance,
                      struct peer_bytes bytes)
{
    uint32_t place = fixed_map_find(traffic->by_instance, map_key_of_bytes(instance->bytes));
    struct peer *peer = place != FIXED_MAP_NONE ? &traffic->peers[place] : enter(traffic, instance);
    peer->bytes.received += bytes.received;
    peer->bytes.sent += bytes.sent;
}

struct peer_bytes peer_traffic_of(const struct peer_traffic *traffic,
                                  const struct instance_id *instance)
{
    uint32_t place = fixed_map_find(traffic->by_instance, map_key_of_bytes(instance->bytes));
    return place != FIXED_MAP_NONE ? traffic->peers[place].bytes : (struct peer_bytes){0};
}
